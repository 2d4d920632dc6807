import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { systemCode } from '../../../src/system-code.ts';

/** A program that was started. */
export interface Child {
  readonly pid: number;
  /** The next line of its standard output; rejects when it ends, or after `withinMs`, without one. */
  line(withinMs: number): Promise<string>;
  /** Gives it a line on its standard input. */
  say(line: string): void;
  /** What it has said on standard error, or in its log: the end of it. */
  complaint(): string;
  hasEnded(): boolean;
  /** Closes its standard input and asks it to end; kills it, with all that it has started, after 3 s. */
  stop(): Promise<void>;
}

/** Where a program runs, and what becomes of its words: to a file, or else its lines are read. */
export interface Place {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly log?: string;
}

const graceMs = 3_000;

/** All programs of a run, so that none outlives it: each leads a group of its own, and the group is ended. */
export class Children {
  readonly #running = new Set<ChildProcess>();

  /** Starts a program. Throws where it can't be started. */
  async start(command: string, args: readonly string[], { cwd, env, log }: Place = {}): Promise<Child> {
    const file = log === undefined ? null : openSync(log, 'a');
    const stdio = file === null ? 'pipe' : file;
    const child = spawn(command, args, { cwd, env, detached: true, stdio: ['pipe', stdio, stdio] });
    if (file !== null) closeSync(file);
    await once(child, 'spawn');
    this.#running.add(child);
    const ended = once(child, 'exit').then(() => this.#kill(child));
    child.stdin?.on('error', () => {});
    let complaint = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      complaint = `${complaint}${chunk}`.slice(-1_000);
    });
    const line = linesOf(child, () => complaint);
    const stop = async () => {
      child.stdin?.end();
      if (child.exitCode === null && child.signalCode === null) signal(child, 'SIGTERM');
      const timer = setTimeout(() => signal(child, 'SIGKILL'), graceMs);
      await ended;
      clearTimeout(timer);
    };
    return {
      pid: child.pid ?? 0,
      line,
      say: (text) => void child.stdin?.write(`${text}\n`),
      complaint: () => (log === undefined ? complaint : readFileSync(log, 'utf8').slice(-1_000)),
      hasEnded: () => child.exitCode !== null || child.signalCode !== null,
      stop,
    };
  }

  /** Kills all that still run, at once: for the end of the process itself. */
  killAll(): void {
    for (const child of this.#running) this.#kill(child);
  }

  #kill(child: ChildProcess): void {
    this.#running.delete(child);
    signal(child, 'SIGKILL');
  }
}

/** To the whole group; it may be gone. */
function signal({ pid }: ChildProcess, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, name);
  } catch (error) {
    if (systemCode(error) !== 'ESRCH') throw error;
  }
}

function linesOf(child: ChildProcess, complaint: () => string): (withinMs: number) => Promise<string> {
  if (child.stdout === null) return () => Promise.reject(new Error('its lines go to a file'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async (withinMs) => {
    const next = await Promise.race([lines.next(), pause(withinMs, null, { ref: false })]);
    if (next?.done === false) return next.value;
    throw new Error(`${child.spawnargs.join(' ')}: no answer. ${complaint()}`);
  };
}
