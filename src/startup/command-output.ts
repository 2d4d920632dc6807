import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { CommandCall } from '../pool/fetched-source.ts';
import { SourceFailure } from './source-failure.ts';

/** What a program needs of our environment. Nothing else goes there: secrets may stand in it. */
const PASSED_ON = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'] as const;

export interface CommandOptions {
  /** Where it runs. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends it, with all that it has started. */
  readonly signal: AbortSignal;
}

/** The standard output of a program that is run without a shell. Rejects with SourceFailure where it can't be run, fails, or is
 *  called off. */
export async function* commandOutput(
  { argv: [program = '', ...args], env: own }: CommandCall,
  { folder, env, signal }: CommandOptions,
): AsyncGenerator<Uint8Array> {
  if (signal.aborted) throw new SourceFailure('it was called off');
  const passed = Object.fromEntries(PASSED_ON.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
  const child = spawn(program, args, {
    cwd: folder,
    env: { ...passed, ...own },
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  const kill = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended, with all that it started.
    }
    child.stdout.destroy();
  };
  const ended = once(child, 'exit').catch((cause: unknown) => {
    const code = cause instanceof Error && 'code' in cause ? cause.code : 'unknown error';
    throw new SourceFailure(`it cannot be run (${code})`);
  });
  ended.catch(() => {});
  signal.addEventListener('abort', kill, { once: true });
  try {
    yield* child.stdout;
    const [code, by]: (number | string | null)[] = await ended;
    if (code !== 0) throw new SourceFailure(by === null ? `it ended with code ${code}` : `it was ended by ${by}`);
  } catch (cause) {
    throw signal.aborted ? new SourceFailure('it took too long') : cause;
  } finally {
    signal.removeEventListener('abort', kill);
    kill();
  }
}
