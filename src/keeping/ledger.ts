import type { LedgerConfig } from '../config/config.ts';
import { type BookedPool, type BookingBatch, NO_LINES, OTHER, PROBE } from '../ledger/booking.ts';
import type { Exit } from '../pool/exit.ts';
import type { HeldExits } from '../store/ledger-standing.ts';
import { type LedgerStore, openLedger } from '../store/ledger-store.ts';
import { LedgerUpkeep } from './ledger-upkeep.ts';
import { type LedgerHealth, LedgerWriter } from './ledger-writer.ts';

export interface LedgerOptions {
  readonly folder: string;
  readonly limits: LedgerConfig;
  /** The wall clock, in ms. */
  readonly wallTime: () => number;
  readonly warn: (line: string) => void;
}

/** What a probe moved at the sockets toward its exit, and how long it took. */
type Probed = Readonly<Record<'sent' | 'received' | 'ms', number>>;

/** The control thread's side of the ledger: what the workers book comes here, and is kept. */
export class Ledger {
  readonly #store: LedgerStore;
  readonly #writer: LedgerWriter;
  readonly #upkeep: LedgerUpkeep;

  /** Throws StoreError where it can't be opened. */
  constructor({ folder, limits, wallTime, warn }: LedgerOptions) {
    const { exchanges, pairs } = limits;
    this.#store = openLedger(folder, { exchanges, pairs, other: OTHER, now: wallTime });
    this.#writer = new LedgerWriter({ target: this.#store, wallTime, warn });
    this.#upkeep = new LedgerUpkeep({ ledger: this.#store, limits, other: OTHER, wallTime });
  }

  get health(): LedgerHealth {
    return this.#writer.health;
  }

  take(batch: BookingBatch): void {
    this.#writer.take(batch);
  }

  /** Books a probe of an exit: it has no client, and its vendor bills it all the same. */
  probed({ geo }: Exit, pool: BookedPool | undefined, { sent, received, ms }: Probed): void {
    const { name = '', tier = '', price = null } = pool ?? {};
    const key = { client: '', tag: '', site: '', pool: { name, tier, price }, country: geo.country ?? '', kind: PROBE };
    const figures = { exchanges: 0, attempts: 1, requests: sent > 0 ? 1 : 0, sent, received, ms };
    this.take({ bookings: [{ ...key, ...figures }], lines: NO_LINES, linesLost: 0 });
  }

  /** Notes how many exits pools have on a day that cost by the month. Throws StoreError. */
  noteHeld(day: number, pools: readonly HeldExits[]): void {
    this.#store.noteHeld(day, pools);
  }

  /** Writes what is gathered, now. Returns whether nothing waits any more. */
  write(): boolean {
    return this.#writer.write();
  }

  close(): void {
    this.#upkeep.close();
    this.#writer.close();
    this.#store.close();
  }
}
