import { GatewayError } from '../../errors.ts';
import type { ClientRecord } from '../../policy/client-directory.ts';
import { ClientLimits, type Limit } from '../../policy/limit-book.ts';
import type { LimitCell, ToldCells } from '../../policy/limit-cells.ts';
import { type LimitCounts, TAKEN, UNCOUNTED } from '../../policy/limit-counts.ts';
import type { RuleFacts } from '../../policy/rule-conditions.ts';
import { KnownPolicies } from '../../protocol/known-policies.ts';
import { type LimitRule, parseLimitRule } from '../../protocol/limit-rule.ts';
import type { LimitPolicy, LimitState, RateLimit } from '../../protocol/rate-limit-fields.ts';
import { type Exchange, leaveBy, leavesOut, NO_PLACE } from '../exchange.ts';
import { LimitClaims, type Refused } from './limit-claims.ts';
import { limitPolicy, limitState, tellRest } from './limit-lines.ts';
import { type LimitPlan, LimitPlans } from './limit-plans.ts';

export interface ExchangeLimitsOptions {
  readonly counts: LimitCounts;
  /** What holds for every client that has no rules of its own; replaced as a whole by a reload. */
  readonly everyone: () => readonly LimitRule[];
  readonly now: () => number;
}

/** What of a client its limits depend on. */
type LimitedClient = Pick<ClientRecord, 'name' | 'limits'>;

const NO_LIMITS: LimitPlan = { taken: [], flow: null, all: [], policies: null };

/** How soon it is worth asking again for a place, which depends on others. */
const PLACE_RETRY_S = 1;

/** Lets exchanges in as far as their clients' limits allow. */
export class ExchangeLimits {
  readonly #options: ExchangeLimitsOptions;
  #everyone: readonly LimitRule[] | null = null;
  #books = new WeakMap<LimitedClient, ClientLimits>();
  readonly #plans: LimitPlans;
  readonly #policies = new WeakMap<Limit, LimitPolicy>();
  readonly #known = new KnownPolicies();

  /** What all threads count. */
  get counts(): LimitCounts {
    return this.#options.counts;
  }

  constructor(options: ExchangeLimitsOptions) {
    this.#options = options;
    this.#plans = new LimitPlans(options.counts);
  }

  /** Takes what an admitted exchange needs, `now`. Leaves out pools whose limits let no more pass; but where its session holds an exit
   *  of the pool `held`, that one is asked alone, so that no session moves for want of a moment's patience. Throws rate_limited or
   *  too_many_connections, and then nothing is taken. */
  take(exchange: Exchange, now: number, held: string | null = null): void {
    const { admission } = exchange;
    if (admission === null) return;
    const { client, pools } = admission;
    if (this.#options.everyone().length === 0 && client.limits.length === 0) return;
    if (pools.length > 1 && this.bookOf(client).isByPool) return this.#takeOfEach(exchange, { pools, held, now });
    const plan = this.#planOver(exchange, pools[0] ?? null);
    if (plan === null) return;
    exchange.limits = plan;
    const { counts } = this.#options;
    for (const cell of plan.taken) {
      const taken = counts.take(cell, now);
      if (taken < TAKEN) {
        this.#undo(exchange, plan, cell);
        throw this.#refusal({ cell, why: taken }, now);
      }
      if (taken === TAKEN) continue;
      if (exchange.limitPlace === NO_PLACE) exchange.limitPlace = taken;
      else exchange.limitSitePlace = taken;
    }
  }

  /** An attempt begins `now` over the pool, whose limits are the exchange's from now on. False where they let no more pass: then the
   *  pool is left out, and nothing is taken. Throws what they forbid where no other pool is left. */
  over(exchange: Exchange, pool: string, now: number): boolean {
    const { admission, limitClaims } = exchange;
    if (admission === null || limitClaims === null) return true;
    const plan = this.#planOver(exchange, pool);
    const refused = limitClaims.take(plan ?? NO_LIMITS, now);
    if (refused === null) {
      exchange.limits = plan;
      return true;
    }
    limitClaims.refusal ??= this.#refusal(refused, now);
    if (!leavesOut(exchange, pool)) throw limitClaims.refusal;
    return false;
  }

  /** No attempt could begin over the pool after all. */
  notOver(exchange: Exchange): void {
    const { limitClaims, choice } = exchange;
    if (limitClaims === null) return;
    limitClaims.leave((choice === null ? null : this.#planOver(exchange, choice.exit.pool)) ?? NO_LIMITS);
  }

  /** No other pool carries it, as far as is known: what was taken of their limits is theirs again. */
  carriedBy(exchange: Exchange, pool: string): void {
    if (exchange.limitClaims === null) return;
    exchange.limits = this.#planOver(exchange, pool);
    exchange.limitClaims.keep(exchange.limits ?? NO_LIMITS);
  }

  /** Gives back what the exchange held. A request that was let in counts, also where no attempt followed: whoever asks in vain again
   *  and again goes by the rate as well. Of several pools it counts then by what they have in common, for it went by none of them. */
  ended(exchange: Exchange): void {
    const { limitPlace, limitSitePlace, limitClaims, choice } = exchange;
    const { counts } = this.#options;
    if (choice === null) limitClaims?.keepCommon();
    // By the pool of its last attempt: another one's may have been taken since for one that couldn't begin.
    else limitClaims?.keep(this.#planOver(exchange, choice.exit.pool) ?? NO_LIMITS);
    limitClaims?.end();
    if (limitPlace !== NO_PLACE) counts.giveBack(limitPlace);
    if (limitSitePlace !== NO_PLACE) counts.giveBack(limitSitePlace);
    exchange.limitPlace = exchange.limitSitePlace = NO_PLACE;
  }

  /** Tells what is left `now` of the limits that the exchange came under, its client's and its site's. */
  tell({ limits, pace }: Exchange, now: number, to: RateLimit): void {
    if (limits !== null) this.#tell(limits, now, to);
    if (pace !== null) this.#tell(pace, now, to);
  }

  /** What is left to the client, of limits that have one count whatever the site. */
  statesOf(client: LimitedClient): readonly LimitState[] {
    const at = this.#options.now();
    const { counts } = this.#options;
    return this.bookOf(client).all.map((limit) => this.#stateOf(counts.cellOf(limit), at));
  }

  /** The same for who tells of them beside something else: none where its rules can't be read, which has another place to be told. */
  readableStatesOf(client: LimitedClient): readonly LimitState[] {
    try {
      return this.statesOf(client);
    } catch (fault) {
      if (fault instanceof GatewayError) return [];
      throw fault;
    }
  }

  /** What is left to the client of all limits that an exchange to the site over one of the pools comes under. */
  statesAt(
    client: LimitedClient,
    { pools, site, ...about }: Omit<RuleFacts, 'pool'> & { readonly pools: readonly string[]; readonly site: string },
  ): readonly LimitState[] {
    const { counts } = this.#options;
    const book = this.bookOf(client);
    const over = pools.length === 0 ? [null] : pools;
    const limits = new Set(over.flatMap((pool) => book.of({ ...about, pool })));
    return [...limits].map((limit) => this.stateOf(counts.cellOf(limit, site)));
  }

  /** How one limit stands. */
  stateOf(cell: LimitCell): LimitState {
    return this.#stateOf(cell, this.#options.now());
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

  /** The limits of an exchange that goes over the pool; null where it has none. */
  #planOver({ admission, bounds }: Exchange, pool: string | null): LimitPlan | null {
    if (admission === null || bounds === null) return null;
    const everyone = this.#options.everyone();
    if (bounds.limitsBy === everyone && bounds.limitsOver === pool) return bounds.limits;
    const { host, site } = bounds;
    const limits = this.bookOf(admission.client).of({ pool, host, tag: admission.params.tag });
    bounds.limits = limits.length === 0 ? null : this.#plans.of(limits, site);
    bounds.limitsBy = everyone;
    bounds.limitsOver = pool;
    return bounds.limits;
  }

  #takeOfEach(
    exchange: Exchange,
    { pools, held, now }: { readonly pools: readonly string[]; readonly held: string | null; readonly now: number },
  ): void {
    const asked = held !== null && pools.includes(held) ? [held] : pools;
    const plans = asked.map((pool) => this.#planOver(exchange, pool) ?? NO_LIMITS);
    const claims = new LimitClaims(plans, this.#options);
    const refusals = new Map([...new Set(plans)].map((plan) => [plan, claims.enter(plan, now)]));
    const open = asked.filter((_, index) => refusals.get(plans[index] ?? NO_LIMITS) === null);
    const [pool = asked[0] ?? null] = open;
    exchange.limits = this.#planOver(exchange, pool);
    const first = [...refusals.values()].find((one) => one !== null);
    if (first) claims.refusal = this.#refusal(first, now);
    if (open.length === 0 && claims.refusal !== null) throw claims.refusal;
    exchange.limitClaims = claims;
    if (asked === pools) leaveBy(exchange, open);
  }

  #refusal({ cell, why }: Refused, now: number): GatewayError {
    return refusal(cell.limit, why === UNCOUNTED ? null : this.#options.counts.waitMs(cell, now));
  }

  /** Gives back what was taken before `refused`. */
  #undo(exchange: Exchange, { taken }: LimitPlan, refused: LimitCell): void {
    this.ended(exchange);
    for (const cell of taken) {
      if (cell === refused) return;
      this.#options.counts.refund(cell);
    }
  }

  #tell(told: ToldCells, now: number, to: RateLimit): void {
    told.policies ??= this.#known.listOf(told.all.map(({ limit }) => this.#policyOf(limit)));
    to.addPolicies(told.policies);
    const look = { counts: this.#options.counts, now };
    for (const cell of told.all) tellRest(to, cell, look);
  }

  #stateOf(cell: LimitCell, at: number): LimitState {
    return limitState(this.#options.counts.figure(cell, at), this.#policyOf(cell.limit));
  }

  #policyOf(limit: Limit): LimitPolicy {
    let policy = this.#policies.get(limit);
    if (policy === undefined) {
      policy = this.#known.alike(limitPolicy(limit));
      this.#policies.set(limit, policy);
    }
    return policy;
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
