/** An attempt that failed over an exit. */
export interface FailedAttempt {
  readonly slot: number;
  readonly generation: number;
  /** A kind of the error catalogue. */
  readonly kind: string;
  readonly site: string | null;
  /** In ms of the monotonic clock. */
  readonly at: number;
}

/** Failures remembered; the oldest go first. */
const CAPACITY = 4096;

/** The attempts that failed last, for people. */
export class FailureLedger {
  readonly #capacity: number;
  readonly #ring: FailedAttempt[] = [];
  #next = 0;

  constructor({ capacity = CAPACITY }: { readonly capacity?: number } = {}) {
    this.#capacity = capacity;
  }

  note(failed: FailedAttempt): void {
    this.#ring[this.#next] = failed;
    this.#next = (this.#next + 1) % this.#capacity;
  }

  /** Those over the exit in the slot, and over those that were there before. */
  of(slot: number): readonly FailedAttempt[] {
    return this.#ring.filter((failed) => failed.slot === slot);
  }
}
