/** Bounds of a set of budgets. */
export interface BudgetOptions {
  /** Failures at once; they come back evenly over `windowMs`. At least 1. */
  readonly failures: number;
  readonly windowMs: number;
  /** Greatest number of keys remembered; the one that failed longest ago is forgotten first. */
  readonly capacity: number;
}

/** Failures left to each key, by the generic cell rate algorithm (ITU-T I.371): a key is one number, the time at which its
 *  budget is whole again. Pure: time is an argument, in ms of the monotonic clock. */
export class FailureBudgets {
  readonly #capacity: number;
  /** Time in which one failure comes back, in whole ms: sums of fractions would refuse the last one. */
  readonly #intervalMs: number;
  readonly #spanMs: number;
  /** In order of the last failure. A key without an entry has its whole budget. */
  readonly #wholeAt = new Map<string, number>();

  constructor({ failures, windowMs, capacity }: BudgetOptions) {
    this.#capacity = capacity;
    this.#intervalMs = Math.max(1, Math.floor(windowMs / failures));
    this.#spanMs = this.#intervalMs * failures;
  }

  get size(): number {
    return this.#wholeAt.size;
  }

  /** Ms until `key` may fail once more; 0 when it may now. */
  waitMs(key: string, now: number): number {
    const wholeAt = this.#wholeAt.get(key);
    return wholeAt === undefined ? 0 : Math.max(0, wholeAt - now + this.#intervalMs - this.#spanMs);
  }

  /** Failures left to `key` now. */
  left(key: string, now: number): number {
    const owedMs = Math.max(0, (this.#wholeAt.get(key) ?? now) - now);
    return Math.max(0, Math.floor((this.#spanMs - owedMs) / this.#intervalMs));
  }

  /** Books one failure. */
  spend(key: string, now: number): void {
    const wholeAt = Math.max(this.#wholeAt.get(key) ?? now, now);
    this.#wholeAt.delete(key);
    this.#wholeAt.set(key, Math.min(wholeAt, now + this.#spanMs) + this.#intervalMs);
    if (this.#wholeAt.size > this.#capacity) forgetOldest(this.#wholeAt);
  }
}

/** Drops the entry that was set first. */
export function forgetOldest(map: Map<string, unknown>): void {
  const oldest = map.keys().next();
  if (!oldest.done) map.delete(oldest.value);
}
