/** What ends at a moment that is settled as it begins. */
export interface Expiring {
  /** Of the clock that is watched by; infinity for never. */
  readonly expiresAt: number;
  cut(): void;
}

/** Two looks are at least so far apart, in ms: each is at all of them. */
const LEAST_LOOK_MS = 100;
/** The longest that a timer can wait, in ms. */
const MOST_WAIT_MS = 2 ** 31 - 1;

/** Cuts what has lasted long enough, by one timer: one for each would take more memory than all else that an idle tunnel needs. It
 *  keeps no process alive. */
export class Expiry {
  readonly #all: () => readonly Expiring[];
  #timer: NodeJS.Timeout | null = null;
  #lookAt = Number.POSITIVE_INFINITY;

  constructor(all: () => readonly Expiring[]) {
    this.#all = all;
  }

  /** Something expires at that moment of `now`, a clock in ms. */
  watch(expiresAt: number, now: () => number): void {
    if (expiresAt >= this.#lookAt) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#lookAt = expiresAt;
    const waitMs = Math.min(MOST_WAIT_MS, Math.max(LEAST_LOOK_MS, expiresAt - now()));
    this.#timer = setTimeout(() => this.#look(now), waitMs).unref();
  }

  #look(now: () => number): void {
    this.#timer = null;
    this.#lookAt = Number.POSITIVE_INFINITY;
    const at = now();
    let next = Number.POSITIVE_INFINITY;
    for (const one of this.#all()) {
      if (one.expiresAt <= at) one.cut();
      else next = Math.min(next, one.expiresAt);
    }
    if (next < Number.POSITIVE_INFINITY) this.watch(next, now);
  }
}
