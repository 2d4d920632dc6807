import { setFlagsFromString } from 'node:v8';

/** While memory is short a thread collects this often, in ms. */
const COLLECT_MS = 10_000;

/** Has the threads that are started from now on keep what V8 has compiled of them while they rest. It would collect 8 s after they
 *  came to rest as if memory were short: with the last object of a shape goes all code that was compiled for it, and what wasn't
 *  called for a while loses its bytecode (in this thread, too, it doesn't any more). Whoever came next paid for that: the first half
 *  second of a burst took four times the CPU for each CONNECT. What a burst leaves behind stays until there is as much again, or memory
 *  is short: see `Garbage`. */
export function keepCompiledCode(): void {
  setFlagsFromString('--no-memory-reducer');
  setFlagsFromString('--no-flush-bytecode');
  setFlagsFromString('--expose-gc');
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

/** Gives back all that it can, compiled code among it. Does nothing in a thread that was started before keepCompiledCode(). */
const collectAll = (): void => void globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
