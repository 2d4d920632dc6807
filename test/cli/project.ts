import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { type Ended, run } from '../support/programs.ts';

/** The program as its users start it. */
export const launcher = fileURLToPath(new URL('../../src/cli/roundabout.js', import.meta.url));

/** A folder with a config and pools, and the command line in it. */
export interface Project {
  readonly folder: string;
  command(...args: string[]): Promise<Ended>;
  /** The same, with something on standard input. */
  commandWith(input: string, ...args: string[]): Promise<Ended>;
}

const files = {
  'config/roundabout.yaml':
    'listeners: [{ name: mixed, host: 127.0.0.1, port: 0, protocols: [http] }]\ndefaultPool: res\n',
  'pools/res.yaml': 'pool: res\ntier: res\nexits:\n  - { url: "http://user:hidden@192.0.2.1:8080", country: de }\n',
};

/** Makes a project in a temporary folder; `more` are further files by path, or others in place of its own. */
export function makeProject(t: ExecutionContext, more: Readonly<Record<string, string>> = {}): Project {
  const folder = mkdtempSync(join(tmpdir(), 'roundabout-cli-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  for (const [path, text] of Object.entries({ ...files, ...more })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const commandWith = (input: string | undefined, args: string[]) =>
    run(process.execPath, [launcher, ...args], { cwd: folder, input });
  return {
    folder,
    command: (...args) => commandWith(undefined, args),
    commandWith: (input, ...args) => commandWith(input, args),
  };
}
