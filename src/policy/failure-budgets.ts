import type { CellKey, KeyedCells } from '../memory/keyed-cells.ts';

/** A longer window counts as this one, in ms (12 days): times are 32 bits that wrap around. */
const LONGEST_WINDOW_MS = 2 ** 30;

/** By so much a thread may look at a budget later than its `now`, in ms: behind others that have spent of it since. */
const MOST_BEHIND_MS = 10_000;

/** Bounds of a set of budgets. */
export interface BudgetOptions {
  /** Failures at once; they come back evenly over `windowMs`. At least 1. */
  readonly failures: number;
  readonly windowMs: number;
}

/** Failures left to each key, by the generic cell rate algorithm (ITU-T I.371): a key is one word, the time at which its budget
 *  is whole again. A table of fixed size, shared by all threads, holds them, and the key that would be whole again
 *  soonest is forgotten first. Pure: time is an argument, in ms of the monotonic clock. */
export class FailureBudgets {
  readonly #cells: KeyedCells;
  /** Time in which one failure comes back, in whole ms: sums of fractions would refuse the last one. */
  readonly #intervalMs: number;
  readonly #spanMs: number;

  constructor(cells: KeyedCells, { failures, windowMs }: BudgetOptions) {
    this.#cells = cells;
    this.#intervalMs = Math.max(1, Math.floor(Math.min(windowMs, LONGEST_WINDOW_MS) / failures));
    this.#spanMs = this.#intervalMs * failures;
  }

  get size(): number {
    return this.#cells.size;
  }

  /** Ms until `key` may fail once more; 0 when it may now. */
  waitMs(key: CellKey, now: number): number {
    const wholeAt = this.#cells.read(key);
    return wholeAt === null ? 0 : Math.max(0, this.#wholeInMs(wholeAt, now) + this.#intervalMs - this.#spanMs);
  }

  /** Failures left to `key` now. */
  left(key: CellKey, now: number): number {
    const wholeAt = this.#cells.read(key);
    const owedMs = wholeAt === null ? 0 : this.#wholeInMs(wholeAt, now);
    return Math.max(0, Math.floor((this.#spanMs - owedMs) / this.#intervalMs));
  }

  /** Books one failure where that is left, whatever other threads do meanwhile. Returns 0, or the ms to wait where none is. */
  take(key: CellKey, now: number): number {
    let waitMs = 0;
    this.#cells.update(key, {
      next: (wholeAt) => {
        const wholeInMs = wholeAt === null ? 0 : this.#wholeInMs(wholeAt, now);
        waitMs = Math.max(0, wholeInMs + this.#intervalMs - this.#spanMs);
        return wholeAt !== null && waitMs > 0 ? wholeAt : (now + wholeInMs + this.#intervalMs) | 0;
      },
      rank: (wholeAt) => this.#wholeInMs(wholeAt, now),
    });
    return waitMs;
  }

  /** Books one failure, whether or not it is left. */
  spend(key: CellKey, now: number): void {
    this.#cells.update(key, {
      next: (wholeAt) => {
        const wholeInMs = wholeAt === null ? 0 : Math.min(this.#wholeInMs(wholeAt, now), this.#spanMs);
        return (now + wholeInMs + this.#intervalMs) | 0;
      },
      rank: (wholeAt) => this.#wholeInMs(wholeAt, now),
    });
  }

  /** Forgets whole budgets. Called now and then, long before times wrap around (49 days). */
  tidy(now: number): void {
    this.#cells.tidy((wholeAt) => this.#wholeInMs(wholeAt, now) === 0);
  }

  /** Anything farther ahead than others can have spent is a time long past, seen from behind. */
  #wholeInMs(wholeAt: number, now: number): number {
    const ahead = (wholeAt - now) | 0;
    const mostMs = this.#spanMs + this.#intervalMs;
    return ahead < 0 || ahead > mostMs + MOST_BEHIND_MS ? 0 : Math.min(ahead, mostMs);
  }
}
