import { type Choice, type Exchange, NO_PLACE } from '../gateway/exchange.ts';
import type { FailedSpending, Ledger } from '../gateway/ledger.ts';
import { BLOCKED, type BookingBatch, type BookingKey, type RunningBooking } from '../ledger/booking.ts';
import type { LoggedLine } from '../ledger/log-lines.ts';
import { type Sum, Tally } from '../ledger/tally.ts';
import { Roster } from '../transport/roster.ts';
import { BookedTunnels } from './booked-tunnels.ts';

/** How often bookings go to the control thread, in ms. With that thread's own interval this is what a kill can lose. */
const POST_MS = 500;

/** How often what exchanges under way have moved is looked at, in ms: there may be tens of thousands of tunnels. */
const LOOK_MS = 1_000;

const HOUR_MS = 3_600_000;

/** Batches that the control thread has not taken; beyond them bookings wait here. */
const MOST_UNTAKEN = 8;

/** Of a batch. It is posted before its time when it has so many lines: some ten thousand. */
const LIMITS = { bookings: 20_000, lineBytes: 256 * 1_024 } as const;

export interface ExchangeLedgerOptions {
  readonly post: (batch: BookingBatch) => void;
  /** Batches taken so far by whom they are posted to, wrapping at 32 bits. */
  readonly taken: () => number;
  /** The monotonic clock and the wall clock, in ms. */
  readonly now: () => number;
  readonly wallTime: () => number;
}

/** A worker's side of the ledger: sums what its exchanges cost, while they run and when they end, and posts the sums. */
export class ExchangeLedger implements Ledger {
  readonly #options: ExchangeLedgerOptions;
  readonly #tally = new Tally(LIMITS);
  /** Those of which something passes. */
  readonly #running = new Roster<Exchange>();
  readonly #tunnels = new BookedTunnels();
  /** Wraps at 32 bits. */
  #posted: number;
  #lookedAt = 0;
  /** What the wall clock was ahead of the monotonic one when this batch began, in ms: a look at a clock costs what a sum does. */
  #wallAhead = 0;
  #timer: NodeJS.Timeout | null = null;
  /** What is looked up and what is written, used again for each exchange. */
  readonly #key: Changeable<BookingKey> = {
    client: '',
    tag: '',
    site: '',
    pool: null,
    country: '',
    kind: '',
    movedFrom: undefined,
  };
  readonly #line: Changeable<LoggedLine> = { id: '', time: 0, ms: 0, sent: 0, received: 0, attempts: 0, why: null };

  constructor(options: ExchangeLedgerOptions) {
    this.#options = options;
    this.#posted = options.taken();
  }

  failed(exchange: Exchange, { choice, meter, kind, ms }: FailedSpending): void {
    this.#makeRoom();
    const now = this.#options.now();
    const key = this.#keyOf(exchange, choice, kind);
    if (meter.running !== null) this.#move(meter.running, key, now);
    const sum = this.#sumOf(key);
    const { sent, received } = meter;
    sum.attempts += 1;
    if (sent > 0) sum.requests += 1;
    meter.bookInto(sum);
    this.#tally.log(sum, { id: exchange.id, time: this.#wallTime(now), ms, sent, received, attempts: 0 });
  }

  opened(exchange: Exchange): void {
    if (exchange.ledgerPlace !== NO_PLACE) return;
    exchange.ledgerPlace = this.#running.add(exchange);
    this.#wake();
  }

  bookSoFar(exchange: Exchange): void {
    this.#bookRunning(exchange, this.#options.now());
  }

  rested(exchange: Exchange): void {
    if (exchange.ledgerPlace !== NO_PLACE) this.#running.remove(exchange.ledgerPlace);
    exchange.ledgerPlace = NO_PLACE;
  }

  ended(exchange: Exchange, now: number): void {
    const { meter, choice, id } = exchange;
    this.#makeRoom();
    // While all that runs rests nobody looks at the clocks.
    this.#wake();
    const key = this.#keyOf(exchange, choice, kindOf(exchange));
    if (meter !== null && meter.running !== null) this.#move(meter.running, key, now);
    const { bounds } = exchange;
    const sum = this.#sumOf(key, bounds?.sum);
    if (bounds !== null) bounds.sum = sum;
    const ms = now - exchange.startedAt;
    sum.exchanges += 1;
    sum.ms += ms;
    if (exchange.ledgerPlace !== NO_PLACE) this.#running.remove(exchange.ledgerPlace);
    this.#tunnels.ended(exchange);
    if (meter !== null) {
      sum.attempts += 1;
      if (meter.sent > 0) sum.requests += 1;
      meter.bookInto(sum);
    }
    const line = this.#line;
    line.id = id;
    line.time = this.#wallTime(now);
    line.ms = ms;
    line.sent = meter?.sent ?? 0;
    line.received = meter?.received ?? 0;
    line.attempts = exchange.attempts.length;
    line.why = exchange.why;
    this.#tally.log(sum, line);
  }

  payerOf(exchange: Exchange, failed?: Pick<FailedSpending, 'choice' | 'kind'>): BookingKey {
    const key = this.#keyOf(exchange, failed?.choice ?? exchange.choice, failed?.kind ?? kindOf(exchange));
    const last = exchange.bounds?.sum;
    return last?.isOf(key) ? last.key : { ...key };
  }

  closed(payer: BookingKey, late: { readonly sent: number; readonly received: number }): void {
    if (late.sent + late.received === 0) return;
    const sum = this.#sumOf(payer);
    sum.sent += late.sent;
    sum.received += late.received;
  }

  /** Posts what there is, that of exchanges under way included; keeps it while the control thread takes nothing. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#look();
    this.#hand();
  }

  #tick(): void {
    this.#timer = null;
    if (this.#options.now() - this.#lookedAt >= LOOK_MS) this.#look();
    this.#hand();
  }

  #look(): void {
    const now = this.#options.now();
    this.#lookedAt = now;
    for (const exchange of this.#running.members()) this.#bookRunning(exchange, now);
  }

  /** For a line: posts those before it where they take up all room. */
  #makeRoom(): void {
    if (this.#tally.isFull) this.#post();
  }

  #post(): void {
    const { taken, post } = this.#options;
    if (this.#tally.isEmpty || ((this.#posted - taken()) | 0) >= MOST_UNTAKEN) return;
    this.#posted = (this.#posted + 1) | 0;
    post({ ...this.#tally.take(), tunnels: this.#tunnels.take() });
  }

  #hand(): void {
    this.#post();
    if (this.#running.size > 0 || !this.#tally.isEmpty) this.#wake();
  }

  /** Under the kind that it is of as far as is known. */
  #bookRunning(exchange: Exchange, now: number): void {
    const { meter, choice } = exchange.sending ?? exchange;
    if (meter === null) return;
    meter.settle();
    const hour = this.#hourOf(now);
    if (meter.running !== null && meter.running.hour !== hour) meter.running = null;
    const { hasUnbooked } = meter;
    if (!hasUnbooked && !this.#tunnels.isNew(exchange)) return;
    const key = this.#keyOf(exchange, choice, kindOf(exchange));
    if (meter.running !== null) this.#move(meter.running, key, now);
    const sum = this.#sumOf(key);
    const { kind, site } = sum.key;
    if (hasUnbooked && meter.running?.site !== site) meter.running = { kind, site, hour, sent: 0, received: 0 };
    meter.bookInto(sum);
    this.#tunnels.tell(exchange, sum.index);
  }

  /** What was booked of an attempt while it ran moves to its kind, where that is another. Of an hour that is over it stays. */
  #move(running: RunningBooking, key: Changeable<BookingKey>, now: number): void {
    // It is written a little later, and must find its octets in the hour that it is written in.
    if (running.kind === key.kind || running.hour !== this.#hourOf(now + 2 * POST_MS)) return;
    const { site } = key;
    key.site = running.site;
    key.movedFrom = running.kind;
    const sum = this.#sumOf(key);
    sum.sent += running.sent;
    sum.received += running.received;
    running.kind = key.kind;
    key.site = site;
    key.movedFrom = undefined;
  }

  /** Good until it is asked for again. */
  #keyOf({ identity, site }: Exchange, choice: Choice | null, kind: string): Changeable<BookingKey> {
    const key = this.#key;
    key.client = identity?.client.name ?? '';
    key.tag = identity?.params.tag ?? '';
    key.site = site ?? '';
    key.pool = choice?.pool ?? null;
    key.country = choice?.exit.geo.country ?? '';
    key.kind = kind;
    return key;
  }

  #sumOf(key: BookingKey, last: Sum | null = null): Sum {
    this.#wake();
    return this.#tally.sumOf(key, last);
  }

  #wake(): void {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => this.#tick(), POST_MS).unref();
    this.#wallAhead = this.#options.wallTime() - this.#options.now();
  }

  #hourOf(now: number): number {
    return Math.floor(this.#wallTime(now) / HOUR_MS);
  }

  #wallTime(now: number): number {
    return Math.floor(now + this.#wallAhead);
  }
}

type Changeable<T> = { -readonly [Name in keyof T]: T[Name] };

/** Where none is kept. */
export const noLedger: Ledger = {
  failed() {},
  opened() {},
  bookSoFar() {},
  rested() {},
  ended() {},
  payerOf: () => ({ client: '', tag: '', site: '', pool: null, country: '', kind: '' }),
  closed() {},
};

/** How an exchange ended, as it is booked: as in the log, but where its site showed it the door. */
function kindOf({ ending, verdict }: Exchange): string {
  const kind = ending ?? 'ok';
  const blocked = (kind === 'ok' || kind === 'cut') && (verdict.page === 'refused' || verdict.page === 'challenge');
  return blocked ? BLOCKED : kind;
}
