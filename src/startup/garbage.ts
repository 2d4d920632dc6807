import { setFlagsFromString } from 'node:v8';

/** While memory is short a thread collects this often, in ms. */
const COLLECT_MS = 10_000;

/** Of what a thread's old objects may grow by until all of them are looked at, in percent: from here on V8 begins to mark them beside
 *  other work, and at once. */
const MARK_FROM = 60;
const MARK_AT_ONCE = 80;

/** Has V8 collect less. For all threads of the process; to be called before those are started that shall keep what was compiled.
 *
 *  A thread that rests: V8 would collect 8 s after it came to rest as if memory were short, and with the last object of a shape goes all
 *  code that was compiled for it, and what wasn't called for a while loses its bytecode (in this thread, too, it doesn't any more).
 *  Whoever came next paid for that: the first half second of a burst took four times the CPU for each CONNECT. What a burst leaves
 *  behind stays until there is as much again, or memory is short: see `Garbage`.
 *
 *  A thread whose old objects hardly grow: V8 would begin to mark them once they may grow by no more than all new objects take. The
 *  control thread's never may grow by more, so under load it was marked whole every 1.4 s, by two threads, for 3 % of all CPU. */
export function collectLess(): void {
  setFlagsFromString('--no-memory-reducer');
  setFlagsFromString('--no-flush-bytecode');
  setFlagsFromString('--expose-gc');
  setFlagsFromString(`--incremental-marking-soft-trigger=${MARK_FROM}`);
  setFlagsFromString(`--incremental-marking-hard-trigger=${MARK_AT_ONCE}`);
}

/** A thread's garbage while memory is short. A thread at rest would keep it for as long as it rests, and who is refused for want of
 *  memory makes hardly any. */
export class Garbage {
  readonly #now: () => number;
  readonly #collect: () => void;
  #collectedAt = Number.NEGATIVE_INFINITY;

  constructor(now: () => number, collect = collectAll) {
    this.#now = now;
    this.#collect = collect;
  }

  /** Memory is short. Collects now, unless it has lately. */
  short(): void {
    const now = this.#now();
    if (now - this.#collectedAt < COLLECT_MS) return;
    this.#collectedAt = now;
    this.#collect();
  }
}

/** Gives back all that it can, compiled code among it. Does nothing in a thread that was started before collectLess(). */
const collectAll = (): void => void globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
