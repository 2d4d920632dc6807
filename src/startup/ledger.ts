import type { LedgerConfig } from '../config/config.ts';
import { type BookingBatch, OTHER } from '../ledger/booking.ts';
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
    this.#upkeep = new LedgerUpkeep({ store: this.#store.store, limits, other: OTHER, wallTime });
  }

  get health(): LedgerHealth {
    return this.#writer.health;
  }

  take(batch: BookingBatch): void {
    this.#writer.take(batch);
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
