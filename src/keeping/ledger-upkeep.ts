import type { LedgerConfig } from '../config/config.ts';
import { LEAST_PAIRS } from '../store/ledger-bounds.ts';
import type { LedgerStore } from '../store/ledger-store.ts';
import { dropStep, foldStep, oldestDay, shrinkStep } from '../store/ledger-upkeep.ts';

const HOUR_MS = 3_600_000;

/** How often old buckets are looked for, in ms. */
const LOOK_MS = 60_000;

/** Between two steps others use the control thread, in ms. */
const PAUSE_MS = 20;

/** One day is dropped in so many looks at most: a clock that jumps ahead by a year must not cost the year before. */
const LOOKS_PER_DROP = 60;

export interface UpkeepOptions {
  readonly ledger: LedgerStore;
  readonly limits: LedgerConfig;
  readonly other: string;
  /** The wall clock, in ms. */
  readonly wallTime: () => number;
}

/** Keeps the ledger within its size: sums old hours to days, drops days that are too old, and then the names that nothing bears any
 *  more, in small steps. What fails is tried again at the next look. */
export class LedgerUpkeep {
  readonly #options: UpkeepOptions;
  #timer: NodeJS.Timeout;
  #looks = 0;
  /** The day that is being summed, and the pairs of each client's that it keeps. */
  #folding = { day: -1, share: 0 };
  /** The day that is being dropped. */
  #dropping: number | null = null;
  /** Buckets have gone since names were looked through. */
  #sweepIsDue = true;

  constructor(options: UpkeepOptions) {
    this.#options = options;
    this.#timer = setTimeout(() => this.#work(), LOOK_MS).unref();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #work(): void {
    let busy = false;
    try {
      busy = this.step();
    } catch {
      // Locked or full: whoever writes bookings says so.
    }
    this.#timer = setTimeout(() => this.#work(), busy ? PAUSE_MS : LOOK_MS).unref();
  }

  /** Does a little of what is due. Returns whether there may be more to do. Throws StoreError. */
  step(): boolean {
    const { ledger, limits, other, wallTime } = this.#options;
    const { store } = ledger;
    const hour = Math.floor(wallTime() / HOUR_MS);
    const before = hour - limits.hours / HOUR_MS;
    const folded = store.write((database) => foldStep(database, before, { shareOf: this.#shareOf, other }));
    if (folded || this.#drop(hour - limits.keep / HOUR_MS)) {
      this.#sweepIsDue = true;
      return true;
    }
    if (this.#sweepIsDue) {
      this.#sweepIsDue = ledger.sweepStep();
      return true;
    }
    store.write(shrinkStep);
    this.#looks += 1;
    return false;
  }

  /** Every client has an equal share of the day, however many of them are done already. */
  readonly #shareOf = (day: number, clients: () => number): number => {
    if (day !== this.#folding.day) {
      const share = Math.max(LEAST_PAIRS, Math.floor(this.#options.limits.pairs / clients()));
      this.#folding = { day, share };
    }
    return this.#folding.share;
  };

  #drop(before: number): boolean {
    const { store } = this.#options.ledger;
    if (this.#dropping === null && this.#looks % LOOKS_PER_DROP === 0)
      this.#dropping = store.read((database) => oldestDay(database, before));
    const day = this.#dropping;
    if (day === null) return false;
    if (store.write((database) => dropStep(database, day))) return true;
    this.#dropping = null;
    this.#looks += 1;
    return false;
  }
}
