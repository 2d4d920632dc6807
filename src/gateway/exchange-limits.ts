import { GatewayError } from '../errors.ts';
import type { ClientRecord } from '../policy/client-directory.ts';
import { ClientLimits, type Limit } from '../policy/limit-book.ts';
import type { LimitCounts } from '../policy/limit-counts.ts';
import { type LimitRule, parseLimitRule } from '../protocol/limit-rule.ts';
import type { LimitPolicy, LimitState } from '../protocol/rate-limit-fields.ts';
import type { Exchange } from './exchange.ts';
import { limitPolicy, limitState } from './limit-lines.ts';

/** What an exchange was let in by, and what it gives back at its end. */
export interface HeldLimits {
  readonly limits: readonly Limit[];
  /** The site that counts by itself. */
  readonly site: string;
  readonly places: readonly number[];
  /** How fast octets may pass; null for as fast as they can. */
  readonly flow: Limit | null;
}

export interface ExchangeLimitsOptions {
  readonly counts: LimitCounts;
  /** What holds for every client that has no rules of its own; replaced as a whole by a reload. */
  readonly everyone: () => readonly LimitRule[];
  readonly now: () => number;
}

/** What of a client its limits depend on. */
type LimitedClient = Pick<ClientRecord, 'name' | 'limits'>;

const NO_PLACES: readonly number[] = Object.freeze([]);
const NO_STATES: readonly LimitState[] = Object.freeze([]);
/** How soon it is worth asking again for a place, which depends on others. */
const PLACE_RETRY_S = 1;

/** Lets exchanges in as far as their clients' limits allow. */
export class ExchangeLimits {
  readonly #options: ExchangeLimitsOptions;
  #everyone: readonly LimitRule[] | null = null;
  #books = new WeakMap<LimitedClient, ClientLimits>();
  readonly #policies = new WeakMap<Limit, LimitPolicy>();

  /** What all threads count. */
  get counts(): LimitCounts {
    return this.#options.counts;
  }

  constructor(options: ExchangeLimitsOptions) {
    this.#options = options;
  }

  /** Takes what an admitted exchange needs. Throws rate_limited or too_many_connections, and then nothing is taken. */
  take(exchange: Exchange): void {
    const { admission, authority } = exchange;
    if (admission === null || authority === null) return;
    const { client, pools, params } = admission;
    if (this.#options.everyone().length === 0 && client.limits.length === 0) return;
    const limits = this.bookOf(client).of({ pools, host: authority.host, tag: params.tag });
    if (limits.length === 0) return;
    const { counts, now } = this.#options;
    const site = exchange.site ?? authority.host;
    const places: number[] = [];
    const at = now();
    let flow: Limit | null = null;
    for (const limit of limits) {
      if (limit.kind === 'bandwidth') {
        flow = limit;
        continue;
      }
      const taken = counts.take(limit, site, at);
      if (!taken.taken) {
        for (const place of places) counts.giveBack(place);
        for (const before of limits.slice(0, limits.indexOf(limit))) counts.refund(before, site);
        exchange.limits = { limits, site, places: NO_PLACES, flow: null };
        throw refusal(limit, taken.waitMs);
      }
      if (taken.place >= 0) places.push(taken.place);
    }
    exchange.limits = { limits, site, places, flow };
  }

  /** Gives back what the exchange held. */
  ended({ limits }: Exchange): void {
    if (limits === null) return;
    for (const place of limits.places) this.#options.counts.giveBack(place);
  }

  /** What is left of the limits that the exchange came under, its client's and its site's. */
  states({ limits: held, pace }: Exchange): readonly LimitState[] {
    if (held === null && pace === null) return NO_STATES;
    const at = this.#options.now();
    const states = held?.limits.map((limit) => this.#stateOf(limit, held.site, at)) ?? [];
    for (const limit of [pace?.site.rate, pace?.site.exchanges])
      if (limit != null) states.push(this.#stateOf(limit, '', at));
    return states;
  }

  /** What is left to the client, of limits that have one count whatever the site. */
  statesOf(client: LimitedClient): readonly LimitState[] {
    const at = this.#options.now();
    return this.bookOf(client).all.map((limit) => this.#stateOf(limit, '', at));
  }

  /** The client's limits. Rules that can't be read were judged before they were stored: one that no longer can be refuses
   *  everything, rather than nothing. */
  bookOf(client: LimitedClient): ClientLimits {
    const everyone = this.#options.everyone();
    if (everyone !== this.#everyone) {
      this.#everyone = everyone;
      this.#books = new WeakMap();
    }
    const known = this.#books.get(client);
    if (known !== undefined) return known;
    const book = new ClientLimits(client.name, { own: client.limits.map(readRule), everyone });
    this.#books.set(client, book);
    return book;
  }

  #stateOf(limit: Limit, site: string, at: number): LimitState {
    let policy = this.#policies.get(limit);
    if (policy === undefined) {
      policy = limitPolicy(limit);
      this.#policies.set(limit, policy);
    }
    return limitState(this.#options.counts.figure(limit, site, at), policy);
  }
}

function readRule(text: string): LimitRule {
  const reading = parseLimitRule(text);
  if (reading.ok) return reading.value;
  throw new GatewayError('internal', { detail: `in the client's limits: ${reading.message}` });
}

function refusal({ name, most, pace }: Limit, waitMs: number | null): GatewayError {
  if (waitMs === null) return new GatewayError('overloaded', { detail: 'no room to count another client or site' });
  if (pace === null)
    return new GatewayError('too_many_connections', {
      detail: `${name}: ${most} are under way already`,
      retryAfterS: PLACE_RETRY_S,
    });
  return new GatewayError('rate_limited', {
    detail: `${name}: too many at once; ${most} may come without a pause`,
    retryAfterS: waitMs / 1_000,
  });
}
