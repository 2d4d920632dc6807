import type { Buffer } from 'node:buffer';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { setTimeout as rest } from 'node:timers/promises';
import type { CommandCall } from '../pool/fetched-source.ts';
import { systemCode } from '../system-code.ts';
import { LastLine } from './last-line.ts';
import { SourceFailure } from './source-failure.ts';

/** What a program needs of our environment. Nothing else goes there: secrets may stand in it. */
const PASSED_ON = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'] as const;

/** Runs "$@" beside a watch on standard input, which ends with us, however we end: then all of the group is killed. What is run
 *  sees nothing of either, standard error has nothing of the shell's own, and `env` takes no name for a word of the shell's. */
const WATCHED = `exec 3<&0 </dev/null 4>&2 2>/dev/null
(read -r _ <&3; kill -9 0) >/dev/null 2>&1 4>&- &
(exec /usr/bin/env -- "$@" 3<&- 2>&4 4>&-)
code=$?
kill -9 $!
exit $code`;

/** What the shell ends with where a signal ended the program, less the signal's number. */
const BY_SIGNAL = 128;

/** How long what it said last may take to come once it has ended, in ms: what it has started may hold its standard error open. */
const LAST_WORDS_MS = 500;

export interface CommandOptions {
  /** Where it runs. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends it, with all that it has started. */
  readonly signal: AbortSignal;
}

/** The standard output of a program, whose words no shell reads. It ends with us, by whatever we end. Rejects with SourceFailure
 *  where it can't be run, fails, or is called off, and tells the last line of its standard error, without what its `env` holds. */
export async function* commandOutput(
  { argv, env: own }: CommandCall,
  { folder, env, signal }: CommandOptions,
): AsyncGenerator<Uint8Array> {
  if (signal.aborted) throw new SourceFailure('it was called off');
  const passed = Object.fromEntries(PASSED_ON.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
  const child = spawn('/bin/sh', ['-c', WATCHED, 'sh', ...argv], {
    cwd: folder,
    env: { ...passed, ...own },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const kill = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended, with all that it started.
    }
    child.stdin.destroy();
    child.stdout.destroy();
    child.stderr.destroy();
  };
  child.stdin.on('error', () => {});
  const line = new LastLine();
  child.stderr.on('data', (chunk: Buffer) => line.push(chunk)).on('error', () => {});
  const heard = new Promise((resolve) => child.stderr.once('close', resolve));
  const failure = (why: string) => new SourceFailure(why, line.textWithout(Object.values(own)));
  const ended = once(child, 'exit').catch((cause: unknown) => {
    throw new SourceFailure(`it cannot be run (${systemCode(cause)})`);
  });
  ended.catch(() => {});
  signal.addEventListener('abort', kill, { once: true });
  try {
    yield* child.stdout;
    const [code]: (number | null)[] = await ended;
    if (code === 0) return;
    await Promise.race([heard, rest(LAST_WORDS_MS, undefined, { ref: false })]);
    throw failure(endOf(code ?? BY_SIGNAL + constants.signals.SIGKILL));
  } catch (cause) {
    throw signal.aborted ? failure('it took too long') : cause;
  } finally {
    signal.removeEventListener('abort', kill);
    kill();
  }
}

function endOf(code: number): string {
  if (code === 126) return 'it cannot be run (EACCES)';
  if (code === 127) return 'it cannot be run, or lacks a program that it runs (127)';
  const signal = Object.entries(constants.signals).find(([, number]) => number === code - BY_SIGNAL);
  return signal === undefined ? `it ended with code ${code}` : `it was ended by ${signal[0]}`;
}
