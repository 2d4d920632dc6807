import type { RelayOwner } from './relay.ts';

/** A pace lets so much pass at once, in seconds of itself. */
const BURST_SECONDS = 0.1;

export interface BudgetOptions {
  readonly now: () => number;
  readonly octetsPerSecond?: number;
  readonly allowance?: number;
  readonly owner: Pick<RelayOwner, 'onSpent'>;
}

/** What may pass through a relay in TypeScript: an allowance of octets, a pace, both, or all. It says when the relay must hold
 *  still and when it may go on. */
export class Budget {
  readonly #options: BudgetOptions;
  readonly #hold: (held: boolean) => void;
  #allowance: number;
  /** Octets that the pace allows now; negative after more was taken. */
  #saved = 0;
  #savedAt: number;
  #timer: NodeJS.Timeout | null = null;
  #held = false;
  #spent = false;

  constructor(options: BudgetOptions, hold: (held: boolean) => void) {
    this.#options = options;
    this.#hold = hold;
    this.#allowance = options.allowance ?? Number.POSITIVE_INFINITY;
    this.#savedAt = options.now();
    if (this.#allowance <= 0) queueMicrotask(() => this.take(0));
  }

  /** Octets that the allowance still lets pass. */
  get room(): number {
    return Math.max(0, this.#allowance);
  }

  /** So many octets have passed. */
  take(octets: number): void {
    this.#allowance -= octets;
    this.#takeByPace(octets);
    this.#settle();
  }

  renew(octets: number): void {
    this.#allowance = octets;
    this.#settle();
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #takeByPace(octets: number): void {
    const { octetsPerSecond: pace = 0, now } = this.#options;
    if (pace <= 0) return;
    const at = now();
    this.#saved = Math.min(pace * BURST_SECONDS, this.#saved + (pace * (at - this.#savedAt)) / 1000) - octets;
    this.#savedAt = at;
    if (this.#saved >= 0 || this.#timer !== null) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.take(0);
      },
      (-this.#saved / pace) * 1000,
    );
  }

  #settle(): void {
    const spent = this.#allowance <= 0;
    const held = spent || this.#timer !== null;
    if (spent && !this.#spent) queueMicrotask(() => this.#options.owner.onSpent?.());
    this.#spent = spent;
    if (held === this.#held) return;
    this.#held = held;
    this.#hold(held);
  }
}
