import type { Pool } from '../pool/exit.ts';
import type { HeldExits } from '../store/ledger-standing.ts';

const HOUR_MS = 3_600_000;
const DAY_HOURS = 24;

/** How often it is looked at, in ms: pools change, and so do days. */
const LOOK_MS = 60_000;

export interface HeldExitsOptions {
  readonly pools: () => readonly Pick<Pool, 'name' | 'tier' | 'price' | 'exits'>[];
  /** Notes what pools have on the day that begins in this hour of the epoch. Throws StoreError. */
  readonly note: (day: number, pools: readonly HeldExits[]) => void;
  readonly wallTime: () => number;
}

/** Notes, day by day, how many exits there are in pools that cost by the month: they are paid for whether or not they are used. */
export class HeldExitsBook {
  readonly #options: HeldExitsOptions;
  readonly #timer: NodeJS.Timeout;
  /** What stands in the ledger. */
  #noted = '';

  constructor(options: HeldExitsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.look(), LOOK_MS).unref();
    this.look();
  }

  /** Notes what is new. What can't be written now is noted at the next look: whoever writes bookings says so. */
  look(): void {
    const { pools, note, wallTime } = this.#options;
    const hour = Math.floor(wallTime() / HOUR_MS);
    const day = hour - (hour % DAY_HOURS);
    const held = pools().flatMap(({ name, tier, price, exits }) =>
      price === null || price.perIpMonth === 0 || exits === 0 ? [] : [{ pool: { name, tier, price }, exits }],
    );
    const told = JSON.stringify([day, held]);
    if (held.length === 0 || told === this.#noted) return;
    try {
      note(day, held);
      this.#noted = told;
    } catch {}
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
