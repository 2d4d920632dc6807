import {
  type BookedFigures,
  type BookedPool,
  type BookedPrice,
  type Booking,
  type BookingBatch,
  type BookingKey,
  OTHER,
} from './booking.ts';
import { LineBuffer, type LoggedLine } from './log-lines.ts';

export interface TallyLimits {
  /** Bookings told apart. Beyond them sites are not, and beyond twice as many neither are tags. */
  readonly bookings: number;
  /** Octets of the lines of the log. */
  readonly lineBytes: number;
}

/** Bookings of one client and site told apart, so that a search among them stays short. */
const MOST_OF_PAIR = 64;

/** Batches after which sums that wait for more of their key are let go: clients leave, pools change. */
const KEPT_BATCHES = 64;

/** Sums what a worker books until it is handed over. It never holds more than it may: figures beyond that are summed under
 *  `(other)`, and none is lost. */
export class Tally {
  readonly #limits: TallyLimits;
  /** Sums of former batches among them, which begin anew when there is more of their key. */
  readonly #byClient = new Map<string, Map<string, Sum[]>>();
  #known = 0;
  /** Those of this batch. */
  #sums: Sum[] = [];
  readonly #lines: LineBuffer;
  #linesLost = 0;
  #batches = 0;

  constructor(limits: TallyLimits) {
    this.#limits = limits;
    this.#lines = new LineBuffer(limits.lineBytes);
  }

  get isEmpty(): boolean {
    return this.#sums.length === 0;
  }

  /** Another line would be lost. */
  get isFull(): boolean {
    return this.#lines.isFull;
  }

  /** What belongs under this key, which is copied, to be added to. Good until the next take(). `last` is what was found for a key that
   *  may have been the same: most book the same again and again. */
  sumOf(key: BookingKey, last: Sum | null = null): Sum {
    if (last?.isOf(key)) {
      if (last.index < 0) this.#begin(last);
      return last;
    }
    const alike = this.#byClient.get(key.client)?.get(key.site);
    const known = alike === undefined ? null : find(alike, key);
    if (known === null) return this.#add(key, alike);
    if (known.index < 0) this.#begin(known);
    return known;
  }

  #add(key: BookingKey, alike: Sum[] | undefined): Sum {
    const { client, tag, site } = key;
    if (alike !== undefined && alike.length >= MOST_OF_PAIR) {
      this.#known -= dropIdle(alike);
      if (alike.length >= MOST_OF_PAIR && tag !== OTHER) return this.sumOf({ ...key, tag: OTHER });
    }
    if (this.#sums.length >= this.#limits.bookings) {
      if (site !== OTHER) return this.sumOf({ ...key, site: OTHER });
      if (tag !== OTHER && this.#sums.length >= 2 * this.#limits.bookings) return this.sumOf({ ...key, tag: OTHER });
    }
    const sum = new Sum({ ...key });
    if (alike === undefined) this.#sitesOf(client).set(site, [sum]);
    else alike.push(sum);
    this.#known += 1;
    this.#begin(sum);
    return sum;
  }

  #sitesOf(client: string): Map<string, Sum[]> {
    const known = this.#byClient.get(client);
    if (known !== undefined) return known;
    const sites = new Map<string, Sum[]>();
    this.#byClient.set(client, sites);
    return sites;
  }

  #begin(sum: Sum): void {
    sum.index = this.#sums.length;
    this.#sums.push(sum);
  }

  /** A line of the log. Where there is no room it is counted only. */
  log(sum: Sum, line: LoggedLine): void {
    if (!this.#lines.add(sum.index, line)) this.#linesLost += 1;
  }

  /** Hands over what there is, and begins anew. */
  take(): BookingBatch {
    const bookings = this.#sums.map((sum) => sum.take());
    const batch = { bookings, lines: this.#lines.take(), linesLost: this.#linesLost };
    this.#sums = [];
    this.#linesLost = 0;
    this.#batches += 1;
    if (this.#known > this.#limits.bookings / 2 || this.#batches % KEPT_BATCHES === 0) this.#forget();
    return batch;
  }

  #forget(): void {
    for (const sites of this.#byClient.values()) for (const sums of sites.values()) for (const sum of sums) sum.drop();
    this.#byClient.clear();
    this.#known = 0;
  }
}

/** The figures of one key. */
export class Sum implements BookedFigures {
  readonly key: BookingKey;
  /** Among the bookings of its batch; -1 while it has no part in one. */
  index = -1;
  exchanges = 0;
  attempts = 0;
  requests = 0;
  sent = 0;
  received = 0;
  ms = 0;
  #dropped = false;

  constructor(key: BookingKey) {
    this.key = key;
  }

  /** Whether it stands for this key still. */
  isOf(key: BookingKey): boolean {
    const { client, site } = this.key;
    return !this.#dropped && client === key.client && site === key.site && isAlike(this.key, key);
  }

  /** Another one will stand for its key. */
  drop(): void {
    this.#dropped = true;
  }

  /** Its figures as a plain value; then it begins anew. */
  take(): Booking {
    const { exchanges, attempts, requests, sent, received, ms } = this;
    const { pool, ...key } = this.key;
    // Of a pool no more than what is booked.
    const terms = pool === null ? null : { name: pool.name, tier: pool.tier, price: pool.price };
    this.index = -1;
    this.exchanges = 0;
    this.attempts = 0;
    this.requests = 0;
    this.sent = 0;
    this.received = 0;
    this.ms = 0;
    return { ...key, pool: terms, exchanges, attempts, requests, sent, received, ms };
  }
}

/** Takes those out that have no part in the batch. Returns how many there were. */
function dropIdle(sums: Sum[]): number {
  const busy = sums.filter(({ index }) => index >= 0);
  for (const sum of sums) if (sum.index < 0) sum.drop();
  const idle = sums.length - busy.length;
  sums.splice(0, sums.length, ...busy);
  return idle;
}

const find = (sums: readonly Sum[], key: BookingKey): Sum | null => sums.find((sum) => isAlike(sum.key, key)) ?? null;

/** Whether keys of one client and site are the same. */
const isAlike = (one: BookingKey, other: BookingKey): boolean =>
  one.kind === other.kind &&
  one.movedFrom === other.movedFrom &&
  one.tag === other.tag &&
  one.country === other.country &&
  isSamePool(one.pool, other.pool);

/** Whether they are booked alike: after a reload what runs goes on with the pool as it was before. */
function isSamePool(one: BookedPool | null, other: BookedPool | null): boolean {
  if (one === other) return true;
  if (one === null || other === null || one.name !== other.name || one.tier !== other.tier) return false;
  return isSamePrice(one.price, other.price);
}

function isSamePrice(one: BookedPrice | null, other: BookedPrice | null): boolean {
  if (one === null || other === null) return one === other;
  const { perGB, perRequest, perIpMonth, currency } = one;
  return (
    perGB === other.perGB &&
    perRequest === other.perRequest &&
    perIpMonth === other.perIpMonth &&
    currency === other.currency
  );
}
