import type { GatewayError } from '../../errors.ts';
import type { Quota } from '../../policy/quota-book.ts';
import type { Account, QuotaCounts } from '../../policy/quota-counts.ts';
import type { Price } from '../../pool/exit.ts';
import type { AttemptMeter } from '../attempt-meter.ts';
import { type Choice, type Exchange, leaveBy, leavesOut } from '../exchange.ts';
import type { QuotaBooks } from './quota-books.ts';
import { grantOf } from './quota-grants.ts';
import { holdOf, type QuotaHold, spendingsOf } from './quota-hold.ts';
import { type Asked, type CountedQuota, QuotaPlans } from './quota-plans.ts';
import { QuotaRequests, type QuotaRequestsOptions } from './quota-requests.ts';
import { octetsLeft, RestingQuotas } from './quota-rest.ts';
import { type Moved, type PricedChoice, Spending, type UnitPrice, unitPriceOf } from './quota-spending.ts';
import { QuotaStandings } from './quota-standings.ts';
import { quotaNews, quotaRefusal, quotaWarning, type TooDear } from './quota-words.ts';
import { noRoom, RequestPayments } from './request-payments.ts';

const NONE: readonly never[] = Object.freeze([]);

/** Octets or money that are counted in one go; see QuotaCounts.addUp(). */
const MOST_AT_ONCE = 2 ** 31;

/** For #usedUp: of quotas of requests as well. */
const REQUESTS_TOO = true;

export interface QuotasOptions {
  readonly counts: QuotaCounts;
  readonly books: QuotaBooks;
  /** Present prices: those of what runs stand with it. */
  readonly priceOf: (pool: string) => Price | null | undefined;
  /** The monotonic clock, and the wall clock at one of its moments, in ms. */
  readonly now: () => number;
  readonly wallTimeAt: (now: number) => number;
  /** Tells operators something, once. */
  readonly notice: (line: string) => void;
}

/** Lets exchanges in as far as their clients' quotas allow, counts what they use while they run, and cuts them when nothing is left.
 *  Octets and money are counted once they have passed; requests, and the money for one, beforehand. */
export class Quotas {
  readonly #options: QuotasOptions;
  readonly #plans: QuotaPlans;
  readonly #requests: QuotaRequests;
  readonly #payments: RequestPayments;
  readonly standings: QuotaStandings;
  readonly resting: RestingQuotas;
  readonly #prices = new WeakMap<Price, UnitPrice>();

  constructor(options: QuotasOptions) {
    this.#options = options;
    this.#plans = new QuotaPlans(options.books, options.counts);
    const how = {
      counts: options.counts,
      tell: (...told: Parameters<QuotaRequestsOptions['tell']>) => this.#tell(...told),
      refusal: (quota: Quota, tooDear?: TooDear) => this.#refusal(quota, tooDear),
    };
    this.#requests = new QuotaRequests(how);
    this.#payments = new RequestPayments(how);
    this.standings = new QuotaStandings(options, this.#plans);
    this.resting = new RestingQuotas({ ...options, plans: this.#plans, wallTime: () => this.#wallTime() });
  }

  /** Takes a request of each quota that the exchange comes under `now`. Leaves out pools over which it may not go any more. Throws
   *  quota_exceeded, and then nothing is taken. */
  take(exchange: Exchange, now: number): void {
    const { admission, bounds } = exchange;
    if (admission === null || bounds === null || !this.#options.books.has(admission.client)) return;
    const { pools } = admission;
    const hold = holdOf(admission, bounds);
    const at = this.#options.wallTimeAt(now);
    const [pool] = pools;
    if (pools.length === 1 && pool !== undefined) {
      const quotas = this.#plans.over(hold, pool, at);
      // Behind the look-up, as in cover().
      exchange.quota = hold;
      const used = this.#usedUp(quotas, pool, REQUESTS_TOO);
      if (used !== null) throw this.#refusal(used);
      return this.#begins(exchange, hold, quotas);
    }
    let open = pools;
    let first: Quota | null = null;
    for (const one of pools) {
      const quotas = this.#plans.over(hold, one, at);
      exchange.quota = hold;
      const used = this.#usedUp(quotas, one, REQUESTS_TOO);
      if (used === null) continue;
      first ??= used;
      open = open.filter((other) => other !== one);
    }
    if (open.length === 0 && first !== null) throw this.#refusal(first);
    leaveBy(exchange, open);
    this.#begins(exchange, hold, this.#plans.overEach(hold, open, at));
  }

  /** The pool carries the exchange: its request is given back to quotas that are about others. */
  carriedBy({ quota: hold }: Exchange, pool: string): void {
    if (hold === null || hold.admission.pools.length === 1) return;
    this.#requests.keep(hold, this.#plans.planOfRunning(hold, pool, this.#wallTime()).all);
  }

  /** The exchange has ended, or goes no further: its request is given back unless an attempt has begun. */
  ended(exchange: Exchange): void {
    const { quota: hold, choice } = exchange;
    if (hold === null) return;
    if (!hold.begun) this.#requests.keep(hold, NONE);
    else if (choice !== null) this.carriedBy(exchange, choice.exit.pool);
  }

  /** Whether the exchange comes under quotas: of one that began while its client had none, and whose octets pass, all of them count from
   *  now on. */
  cover(exchange: Exchange): boolean {
    const { quota, admission, bounds } = exchange;
    if (quota !== null) return true;
    const attempt = exchange.sending ?? exchange;
    const { choice, meter } = attempt;
    if (admission === null || bounds === null || choice === null || meter === null) return false;
    if (!this.#options.books.hasNow(admission.client)) return false;
    const { pool } = choice.exit;
    const spending = this.#spendingOf(choice, meter);
    spending.takeNew();
    const hold = { ...holdOf(admission, bounds), begun: true, spending };
    // Of rules that can't be read the exchange is told, and it comes under none.
    this.#plans.over(hold, pool, this.#wallTime());
    exchange.quota = hold;
    attempt.spending = spending;
    return true;
  }

  /** An attempt is about to begin `now`: its request is paid for, at the price that its pool had when it was chosen. Null where
   *  nothing is counted. Where its pool's quotas are used up, which they weren't when it was let in, nothing is taken: the pool is left
   *  out, and `used_up` returned; quota_exceeded is thrown where no other one is left. */
  begin(
    exchange: Exchange,
    attempt: { choice: Choice; meter: AttemptMeter; now: number },
  ): Spending | null | 'used_up' {
    const { quota: hold } = exchange;
    if (hold === null) return null;
    const { choice, meter, now } = attempt;
    const { pool } = choice.exit;
    const quotas = this.#plans.over(hold, pool, this.#options.wallTimeAt(now));
    // The request itself was taken before, and once.
    const used = this.#usedUp(quotas, pool);
    const spending = this.#spendingOf(choice, meter);
    const refusal = used === null ? this.#payments.take(spending, quotas) : this.#refusal(used);
    if (refusal !== null) {
      hold.refusal ??= refusal;
      // A strict session's exit is in this pool, and in no other.
      if (hold.admission.params.strict === true || !leavesOut(exchange, pool)) throw refusal;
      return 'used_up';
    }
    if (hold.spending === null) hold.spending = spending;
    else hold.rivals = [...hold.rivals, spending];
    return spending;
  }

  /** It has begun: the request of its exchange counts, whatever comes of it. */
  begun({ quota: hold }: Exchange): void {
    if (hold !== null) hold.begun = true;
  }

  /** An attempt has ended `now`, and all that it moved is counted. */
  end({ quota: hold }: Exchange, spending: Spending | null, now: number): void {
    if (hold === null || spending === null) return;
    if (hold.spending === spending) hold.spending = null;
    else if (hold.rivals.includes(spending)) hold.rivals = hold.rivals.filter((other) => other !== spending);
    else return;
    this.#chargeLast(hold, spending, now);
    if (spending.meter.sent === 0) this.#payments.giveBack(spending);
  }

  /** So much passed where nobody was left who counts it: over the link of an attempt that has ended, or in a tunnel whose thread has. */
  late(asked: Asked, choice: PricedChoice, moved: { readonly sent: number; readonly received: number }): void {
    this.#chargeLast(asked, this.#spendingOf(choice, { ...moved, settle() {} }), this.#options.now());
  }

  /** Counts what the exchange has moved. Cuts it where nothing is left: false. */
  check(exchange: Exchange): boolean {
    const { quota: hold } = exchange;
    if (hold === null) return true;
    const at = this.#wallTime();
    for (const spending of spendingsOf(hold)) {
      const used = this.#charge(spending, this.#plans.over(hold, spending.pool, at));
      if (used === null) continue;
      exchange.why ??= `quota ${used.name} is used up`;
      exchange.stop(this.#refusal(used));
      return false;
    }
    return true;
  }

  /** The same for a tunnel. Returns how many octets may pass until it is to be asked again. */
  grant(exchange: Exchange): number {
    if (!this.check(exchange)) return 0;
    const { quota: hold } = exchange;
    if (hold === null) return Number.POSITIVE_INFINITY;
    const { counts } = this.#options;
    let least = Number.POSITIVE_INFINITY;
    for (const { pool, price } of spendingsOf(hold))
      least = Math.min(least, octetsLeft(this.#plans.over(hold, pool, this.#wallTime()), price, counts));
    return grantOf(least);
  }

  /** An exchange that comes under these quotas: takes its request. */
  #begins(exchange: Exchange, hold: QuotaHold, quotas: readonly CountedQuota[]): void {
    exchange.quotaWarning = this.#warningOf(quotas);
    this.#requests.take(hold, quotas);
  }

  /** Counts what an attempt has moved since. Returns a quota that is more than used up: what fits exactly may end. Null where none
   *  is. */
  #charge(spending: Spending, quotas: readonly CountedQuota[]): Quota | null {
    const { octets, money } = spending.takeNew();
    let used: Quota | null = null;
    for (const { quota, account, counts } of quotas) {
      if (quota.measure === 'requests') continue;
      const units = quota.measure === 'bytes' ? octets : quota.currency === spending.price?.currency ? money : 0;
      const spent = this.#add(account, counts ? units : 0);
      // Not a number where there is no room to count.
      if (!(spent >= quota.limit)) continue;
      this.#tell(quota, account, spent);
      if (quota.kind === 'hard' && spent > quota.limit && this.#costs(quota, spending)) used ??= quota;
    }
    return used;
  }

  /** The same of an attempt that has ended, whatever has become of its client's rules. */
  #chargeLast(asked: Asked, spending: Spending, now: number): void {
    this.#charge(spending, this.#plans.planOfRunning(asked, spending.pool, this.#options.wallTimeAt(now)).all);
  }

  /** Returns what is counted then, as a number; NaN where there is no room to count it. */
  #add(account: Account, units: number): number {
    const { counts } = this.#options;
    if (units === 0) return counts.spentNumber(account);
    return units < MOST_AT_ONCE
      ? counts.addUp(account, units)
      : Number(counts.add(account, BigInt(units)) ?? Number.NaN);
  }

  /** The first hard quota of which nothing is left for an attempt over this pool; null where there is none. A pool that costs nothing
   *  stays open when the money is spent. */
  #usedUp(quotas: readonly CountedQuota[], pool: string, requests = false): Quota | null {
    const { counts } = this.#options;
    for (const { quota, account } of quotas) {
      if (quota.kind === 'soft' || (quota.measure === 'requests' && !requests)) continue;
      // Far from its limit, as nearly all are, whatever the pool costs.
      if (counts.glance(account) < quota.limit) continue;
      if (quota.measure === 'money' && this.#options.priceOf(pool)?.currency !== quota.currency) continue;
      const spent = counts.counted(account);
      if (spent === null) throw noRoom();
      if (spent < quota.most) continue;
      this.#tell(quota, account, spent);
      return quota;
    }
    return null;
  }

  #wallTime(): number {
    return this.#options.wallTimeAt(this.#options.now());
  }

  /** Whether more octets of the attempt count against the quota: a request that is paid for goes on where they are free. */
  #costs({ measure, currency }: Quota, { price }: Spending): boolean {
    return measure === 'bytes' || (price !== null && price.perOctet > 0 && price.currency === currency);
  }

  /** At the price that the pool had when it was chosen: a reload changes nothing for what runs. */
  #spendingOf({ exit, pool }: PricedChoice, meter: Moved): Spending {
    const price = pool?.price ?? null;
    if (price === null) return new Spending(exit.pool, null, meter);
    const known = this.#prices.get(price);
    const exact = known ?? unitPriceOf(price);
    if (known === undefined) this.#prices.set(price, exact);
    return new Spending(exit.pool, exact, meter);
  }

  #tell(quota: Quota, account: Account, spent: bigint | number | null): void {
    const { counts, notice } = this.#options;
    if (spent === null || spent < quota.most || !counts.isNews(account, quota.kind, quota.most)) return;
    notice(quotaNews(quota, account.end));
  }

  /** Of soft quotas that are used up the first, as its client is told of it. */
  #warningOf(quotas: readonly CountedQuota[]): string | undefined {
    for (const { quota, account } of quotas) {
      if (quota.kind === 'hard') continue;
      const spent = this.#options.counts.spent(account);
      if (spent >= quota.most) return quotaWarning(quota, spent);
    }
    return undefined;
  }

  #refusal(quota: Quota, tooDear?: TooDear): GatewayError {
    const wallTime = this.#wallTime();
    return quotaRefusal(quota, { end: this.#options.counts.accountOf(quota, wallTime).end, wallTime, tooDear });
  }
}
