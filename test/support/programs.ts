import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** How a program ended, and what it said. `octets` is standard output as it came, `stdout` the same as text. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly octets: Buffer;
  readonly stdout: string;
  readonly stderr: string;
}

/** Options of `run`. `timeoutMs` bounds the program's life (two minutes unless told). */
export interface RunOptions {
  readonly input?: string | Buffer;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly timeoutMs?: number;
}

/** Runs a real program without a shell. Its proxy variables are taken away, so that only `args` decide its way. Rejects only
 *  where it cannot be started; a program killed at its bound has `signal` SIGKILL. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(all|https?|no|ftp)_proxy$/i.test(name)),
  );
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...env, ...options.env },
      timeout: options.timeoutMs ?? 120_000,
      killSignal: 'SIGKILL',
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    // A program may leave before it has read its input.
    child.stdin.on('error', () => {});
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const octets = Buffer.concat(out);
      resolve({ code, signal, octets, stdout: octets.toString(), stderr: Buffer.concat(err).toString() });
    });
    child.stdin.end(options.input);
  });
}

/** Whether `program` can be found and run: for tests that pass over what a machine lacks. */
export function has(program: string): boolean {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
