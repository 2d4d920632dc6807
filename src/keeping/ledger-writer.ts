import { type Booking, type BookingBatch, OTHER } from '../ledger/booking.ts';
import { logHead } from '../ledger/log-lines.ts';
import type { LedgerEntry, LedgerLines } from '../store/ledger-store.ts';
import { StoreError } from '../store/store-error.ts';

/** How often bookings are written, in ms. With the workers' own interval this is what a kill can lose. */
const WRITE_MS = 500;

/** … and while that fails. */
const RETRY_MS = 2_000;

const HOUR_MS = 3_600_000;

/** What may wait to be written. Beyond it sites and tags are not told apart, and the oldest lines of the log are dropped. */
const MOST_WAITING = { bookings: 100_000, lines: 100_000 } as const;

/** Where bookings are kept: all of what is added, or none. Throws StoreError. */
export interface LedgerTarget {
  add(entries: readonly LedgerEntry[], lines: readonly LedgerLines[]): void;
}

/** How the ledger is. */
export interface LedgerHealth {
  /** Why bookings can't be written now; null where they can. */
  readonly fault: string | null;
  /** Bookings that wait. */
  readonly waiting: number;
  readonly failedWrites: number;
  /** Lines that the log of exchanges didn't get. */
  readonly linesLost: number;
}

export interface LedgerWriterOptions {
  readonly target: LedgerTarget;
  /** The wall clock, in ms. */
  readonly wallTime: () => number;
  readonly warn: (line: string) => void;
}

/** Gathers what the workers book and writes it in one transaction every half a second. While that can't be done the bookings wait
 *  in bounded memory, and none is lost. */
export class LedgerWriter {
  readonly #options: LedgerWriterOptions;
  #entries = new Map<string, Mutable<LedgerEntry>>();
  #lines: LedgerLines[] = [];
  #lineCount = 0;
  #linesLost = 0;
  #failedWrites = 0;
  #fault: string | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: LedgerWriterOptions) {
    this.#options = options;
  }

  get health(): LedgerHealth {
    return {
      fault: this.#fault,
      waiting: this.#entries.size,
      failedWrites: this.#failedWrites,
      linesLost: this.#linesLost,
    };
  }

  /** Takes what a worker has booked: into the hour that the wall clock shows now. */
  take(batch: BookingBatch): void {
    const hour = Math.floor(this.#options.wallTime() / HOUR_MS);
    for (const booking of batch.bookings) this.#add(booking, hour);
    this.#linesLost += batch.linesLost;
    this.#keepLines(batch);
    this.#timer ??= setTimeout(() => this.write(), this.#fault === null ? WRITE_MS : RETRY_MS);
  }

  /** Writes what there is. Returns whether nothing waits any more. */
  write(): boolean {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#entries.size === 0) return true;
    try {
      this.#options.target.add([...this.#entries.values()], this.#lines);
    } catch (cause) {
      this.#failed(cause);
      return false;
    }
    this.#entries = new Map();
    this.#lines = [];
    this.#lineCount = 0;
    if (this.#fault !== null) this.#options.warn('the ledger is written again, and nothing of it was lost');
    this.#fault = null;
    return true;
  }

  /** Writes what is left, and says so where that can't be done. */
  close(): void {
    if (!this.write()) this.#options.warn(`${this.#entries.size} bookings are lost: ${this.#fault}`);
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #add(booking: Booking, hour: number): void {
    const { client, tag, site, pool, kind, country, movedFrom = '' } = booking;
    const price = pool?.price;
    const terms = `${pool?.name} ${pool?.tier} ${price?.perGB} ${price?.perRequest} ${price?.perIpMonth} ${price?.currency}`;
    const key = `${hour}\n${client}\n${tag}\n${site}\n${terms}\n${kind}\n${country}\n${movedFrom}`;
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.exchanges += booking.exchanges;
      known.attempts += booking.attempts;
      known.requests += booking.requests;
      known.sent += booking.sent;
      known.received += booking.received;
      known.ms += booking.ms;
      return;
    }
    if (this.#entries.size >= MOST_WAITING.bookings && site !== OTHER)
      return this.#add({ ...booking, site: OTHER }, hour);
    if (this.#entries.size >= 2 * MOST_WAITING.bookings && tag !== OTHER)
      return this.#add({ ...booking, tag: OTHER }, hour);
    this.#entries.set(key, { ...booking, hour });
  }

  #keepLines(batch: BookingBatch): void {
    const { count, octets } = batch.lines;
    if (count === 0) return;
    this.#lines.push({ lines: count, head: logHead(batch), content: octets });
    this.#lineCount += count;
    while (this.#lineCount > MOST_WAITING.lines && this.#lines.length > 1) {
      const dropped = this.#lines.shift()?.lines ?? 0;
      this.#lineCount -= dropped;
      this.#linesLost += dropped;
    }
  }

  #failed(cause: unknown): void {
    const fault = cause instanceof StoreError ? cause.message : String(cause);
    this.#failedWrites += 1;
    if (this.#fault === null) this.#options.warn(`the ledger can't be written, bookings wait in memory: ${fault}`);
    this.#fault = fault;
    this.#timer = setTimeout(() => this.write(), RETRY_MS);
  }
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
