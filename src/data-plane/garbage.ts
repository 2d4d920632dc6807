/** While memory is short a thread collects this often, in ms. */
const COLLECT_MS = 10_000;

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

/** Gives back all that it can, compiled code among it. Does nothing in a thread that was started before setEngineFlags(). */
const collectAll = (): void => void globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
