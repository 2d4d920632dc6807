import {
  type BookedFigures,
  type Booking,
  type BookingBatch,
  type BookingKey,
  LINE_FIGURES,
  OTHER,
} from './booking.ts';

export interface TallyLimits {
  /** Bookings told apart. Beyond them sites are not, and beyond twice as many neither are tags. */
  readonly bookings: number;
  /** Lines of the log. */
  readonly lines: number;
}

/** Bookings of one client and site told apart, so that a search among them stays short. */
const MOST_OF_PAIR = 64;

/** What one line of the log tells. */
export interface LoggedLine {
  readonly id: string;
  /** Wall clock in ms. */
  readonly time: number;
  readonly ms: number;
  readonly sent: number;
  readonly received: number;
  readonly attempts: number;
}

/** Sums what a worker books until it is handed over. It never holds more than it may: figures beyond that are summed under
 *  `(other)`, and none is lost. */
export class Tally {
  readonly #limits: TallyLimits;
  readonly #byClient = new Map<string, Map<string, Sum[]>>();
  #sums: Sum[] = [];
  #ids: string[] = [];
  #figures: number[] = [];
  #linesLost = 0;

  constructor(limits: TallyLimits) {
    this.#limits = limits;
  }

  get isEmpty(): boolean {
    return this.#sums.length === 0;
  }

  /** What belongs under this key, to be added to. Good until the next take(). */
  sumOf(key: BookingKey): Sum {
    const { client, tag, site } = key;
    let sites = this.#byClient.get(client);
    if (sites === undefined) {
      sites = new Map();
      this.#byClient.set(client, sites);
    }
    const alike = sites.get(site);
    if (alike !== undefined) {
      const known = find(alike, key);
      if (known !== null) return known;
      if (alike.length >= MOST_OF_PAIR && tag !== OTHER) return this.sumOf({ ...key, tag: OTHER });
    }
    if (this.#sums.length >= this.#limits.bookings) {
      if (site !== OTHER) return this.sumOf({ ...key, site: OTHER });
      if (tag !== OTHER && this.#sums.length >= 2 * this.#limits.bookings) return this.sumOf({ ...key, tag: OTHER });
    }
    const sum = new Sum(this.#sums.length, key);
    this.#sums.push(sum);
    if (alike === undefined) sites.set(site, [sum]);
    else alike.push(sum);
    return sum;
  }

  /** A line of the log. Beyond the limit it is counted only. */
  log(sum: Sum, { id, time, ms, sent, received, attempts }: LoggedLine): void {
    if (this.#ids.length >= this.#limits.lines) {
      this.#linesLost += 1;
      return;
    }
    this.#ids.push(id);
    this.#figures.push(sum.index, time, ms, sent, received, attempts);
  }

  /** Hands over what there is, and begins anew. */
  take(): BookingBatch {
    const bookings = this.#sums.map((sum) => sum.booking());
    const lines = { ids: this.#ids, figures: Float64Array.from(this.#figures) };
    const batch = { bookings, lines, linesLost: this.#linesLost };
    this.#byClient.clear();
    this.#sums = [];
    this.#ids = [];
    this.#figures = [];
    this.#linesLost = 0;
    return batch;
  }
}

/** The figures of one key. */
export class Sum implements BookedFigures {
  readonly index: number;
  readonly key: BookingKey;
  exchanges = 0;
  attempts = 0;
  requests = 0;
  sent = 0;
  received = 0;
  ms = 0;

  constructor(index: number, key: BookingKey) {
    this.index = index;
    this.key = key;
  }

  /** A plain value. */
  booking(): Booking {
    const { exchanges, attempts, requests, sent, received, ms } = this;
    const { pool, ...key } = this.key;
    // Of a pool no more than what is booked.
    const terms = pool === null ? null : { name: pool.name, tier: pool.tier, price: pool.price };
    return { ...key, pool: terms, exchanges, attempts, requests, sent, received, ms };
  }
}

function find(sums: readonly Sum[], { tag, pool, country, kind }: BookingKey): Sum | null {
  for (const sum of sums) {
    const { key } = sum;
    if (key.kind === kind && key.tag === tag && key.pool === pool && key.country === country) return sum;
  }
  return null;
}

/** The line at `index` of a batch. */
export function lineAt(
  { ids, figures }: BookingBatch['lines'],
  index: number,
): LoggedLine & { readonly booking: number } {
  const at = index * LINE_FIGURES;
  const [booking = 0, time = 0, ms = 0, sent = 0, received = 0, attempts = 0] = figures.subarray(at, at + LINE_FIGURES);
  return { booking, id: ids[index] ?? '', time, ms, sent, received, attempts };
}
