import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Child, Children } from './children.ts';
import type { Sizes } from './options.ts';

/** What all rows stand on: the programs, one origin, and the two exits that every proxy leaves by where it can. */
export interface Scene {
  readonly folder: string;
  readonly sizes: Sizes;
  readonly children: Children;
  readonly programs: Readonly<Record<Program, string>>;
  readonly originPort: number;
  readonly exitPorts: readonly [number, number];
  /** Descriptors that one process may open. */
  readonly openFiles: number;
}

const programs = ['load', 'floor', 'origin'] as const;
type Program = (typeof programs)[number];

const startBoundMs = 10_000;

/** Builds the programs into `folder`, which has to be empty, and starts origin and exits. Throws where there is no C compiler. */
export async function openScene(folder: string, sizes: Sizes): Promise<Scene> {
  chmodSync(folder, 0o755); // some proxies go on as another user
  const built = Object.fromEntries(programs.map((name) => [name, build(name, folder)])) as Record<Program, string>;
  const children = new Children();
  const portOf = async (program: Program) => (await startListening(children, built[program])).port;
  return {
    folder,
    sizes,
    children,
    programs: built,
    originPort: await portOf('origin'),
    exitPorts: [await portOf('floor'), await portOf('floor')],
    openFiles: Number(execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' })),
  };
}

function build(name: Program, folder: string): string {
  const source = fileURLToPath(new URL(`native/${name}.c`, import.meta.url));
  const program = join(folder, name);
  execFileSync('gcc', ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-o', program, source, '-lm'], { stdio: 'inherit' });
  return program;
}

/** Starts a program whose first line is `{"port":N}`; `input` is a line that it waits for. */
export async function startListening(
  children: Children,
  command: string,
  { args = [], input }: { readonly args?: readonly string[]; readonly input?: string } = {},
): Promise<{ child: Child; port: number }> {
  const child = await children.start(command, args);
  if (input !== undefined) child.say(input);
  const { port }: { port: number } = JSON.parse(await child.line(startBoundMs));
  return { child, port };
}

/** A new folder in the scene's that any user may write into. */
export function openFolder(scene: Scene, name: string): string {
  const folder = mkdtempSync(join(scene.folder, `${name}-`));
  chmodSync(folder, 0o777);
  return folder;
}
