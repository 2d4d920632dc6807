import { GatewayError } from '../errors.ts';
import type { ClientRecord } from '../policy/client-directory.ts';
import type { Quota } from '../policy/quota-book.ts';
import type { Account, QuotaCounts } from '../policy/quota-counts.ts';
import type { Price } from '../pool/exit.ts';
import type { LimitPolicy, LimitState } from '../protocol/rate-limit-fields.ts';
import type { AttemptMeter } from './attempt-meter.ts';
import type { Exchange } from './exchange.ts';
import type { QuotaBooks, QuotaClient } from './quota-books.ts';
import { Spending, type UnitPrice, unitPriceOf } from './quota-spending.ts';
import { type QuotaView, quotaPolicy, quotaState, quotaView } from './quota-view.ts';
import { NO_PLACE, QuotaWatch } from './quota-watch.ts';
import { quotaNews, quotaRefusal, quotaWarning } from './quota-words.ts';

/** A tunnel is looked at whenever so much has passed, and less near the end of a quota: each goes beyond it by no more. */
const MOST_GRANT = 512 * 1024;
export const LEAST_QUOTA_GRANT = 16 * 1024;

/** What an exchange counts against its client's quotas. */
export interface QuotaHold {
  readonly client: ClientRecord;
  readonly host: string;
  readonly tag: string | undefined;
  /** The pools that it was admitted to. */
  readonly pools: readonly string[];
  /** Where its request was counted. It is given back where no attempt ever began. */
  readonly requests: Account[];
  begun: boolean;
  /** Attempts under way, and the one that serves. */
  readonly spendings: Spending[];
  /** Its place among those that are watched. */
  place: number;
}

export interface QuotasOptions {
  readonly counts: QuotaCounts;
  readonly books: QuotaBooks;
  readonly priceOf: (pool: string) => Price | null | undefined;
  readonly wallTime: () => number;
  /** Tells operators something, once. */
  readonly notice: (line: string) => void;
}

/** Lets exchanges in as far as their clients' quotas allow, counts what they use while they run, and cuts them when nothing is left.
 *  Octets and money are counted once they have passed; requests, and the money for one, beforehand. */
export class Quotas {
  readonly #options: QuotasOptions;
  /** Tunnels that are under way. */
  readonly watch = new QuotaWatch((exchange) => this.check(exchange));
  readonly #prices = new WeakMap<Price, UnitPrice>();
  readonly #policies = new WeakMap<Account, LimitPolicy>();

  constructor(options: QuotasOptions) {
    this.#options = options;
  }

  /** Takes a request of each quota that the exchange comes under. Leaves out pools over which it may not go any more. Throws
   *  quota_exceeded, and then nothing is taken. */
  take(exchange: Exchange): void {
    const { admission, authority } = exchange;
    if (admission === null || authority === null || !this.#options.books.has(admission.client)) return;
    const { client, pools, params, filter } = admission;
    const hold = {
      client,
      host: authority.host,
      tag: params.tag,
      pools,
      requests: [],
      begun: false,
      spendings: [],
      place: NO_PLACE,
    };
    exchange.quota = hold;
    const at = this.#options.wallTime();
    let open = pools;
    let first: Quota | null = null;
    for (const pool of pools) {
      const used = this.#usedUp(hold, pool, { requests: true, at });
      if (used === null) continue;
      first ??= used;
      open = open.filter((other) => other !== pool);
    }
    if (open.length === 0 && first !== null) throw this.#refusal(first);
    if (open.length < pools.length)
      exchange.admission = { ...admission, pools: open, filter: { ...filter, pools: open } };
    const quotas = this.#quotasOf(hold, open);
    exchange.quotaWarning = this.#warningOf(quotas, at);
    this.#takeRequest(hold, quotas, at);
  }

  /** The exchange has ended, or goes no further: its request is given back unless an attempt has begun. */
  ended({ quota: hold }: Exchange): void {
    if (hold === null || hold.begun) return;
    for (const account of hold.requests.splice(0)) this.#options.counts.add(account, -1n);
  }

  /** An attempt over the pool begins: its request is paid for. Throws quota_exceeded where its pool's quotas are used up, and then
   *  nothing is taken. Null where nothing is counted. */
  begin({ quota: hold }: Exchange, pool: string, meter: AttemptMeter): Spending | null {
    if (hold === null) return null;
    const { counts } = this.#options;
    // The request itself was taken before, and once.
    const at = this.#options.wallTime();
    const used = this.#usedUp(hold, pool, { requests: false, at });
    if (used !== null) throw this.#refusal(used);
    const price = this.#priceOf(pool);
    const spending = new Spending(pool, price, meter);
    const units = price?.perRequest ?? 0n;
    for (const quota of units === 0n ? [] : this.#quotasOf(hold, [pool])) {
      if (quota.measure !== 'money' || quota.currency !== price?.currency) continue;
      const account = counts.accountOf(quota, at);
      if (quota.kind === 'soft') this.#tell(quota, account, counts.add(account, units));
      else if (counts.take(account, units, quota.most) === false) {
        this.#refund(spending);
        this.#tell(quota, account, quota.most);
        throw this.#refusal(quota);
      }
      spending.paid.push({ account, units });
    }
    hold.spendings.push(spending);
    hold.begun = true;
    return spending;
  }

  /** An attempt has ended, and all that it moved is counted. */
  end({ quota: hold }: Exchange, spending: Spending | null): void {
    if (hold === null || spending === null) return;
    const at = hold.spendings.indexOf(spending);
    if (at < 0) return;
    hold.spendings.splice(at, 1);
    this.#charge(hold, spending);
    if (spending.meter.sent === 0) this.#refund(spending);
  }

  /** So much came over a link when nobody used it. */
  late(hold: QuotaHold, pool: string, moved: { readonly sent: number; readonly received: number }): void {
    this.#charge(hold, new Spending(pool, this.#priceOf(pool), { ...moved, settle() {} }));
  }

  /** Counts what the exchange has moved. Cuts it where nothing is left: false. */
  check(exchange: Exchange): boolean {
    const { quota: hold } = exchange;
    if (hold === null) return true;
    for (const spending of hold.spendings) {
      const used = this.#charge(hold, spending);
      if (used === null) continue;
      exchange.why ??= `quota ${used.name} is used up`;
      exchange.abort.abort(this.#refusal(used));
      return false;
    }
    return true;
  }

  /** The same for a tunnel. Returns how many octets may pass until it is to be asked again. */
  grant(exchange: Exchange): number {
    if (!this.check(exchange)) return 0;
    const { quota: hold } = exchange;
    if (hold === null) return Number.POSITIVE_INFINITY;
    let least = MOST_GRANT;
    for (const { pool, price } of hold.spendings)
      for (const quota of this.#quotasOf(hold, [pool])) {
        if (quota.kind === 'soft' || quota.measure === 'requests') continue;
        const perOctet = quota.measure === 'bytes' ? 1 : price?.currency === quota.currency ? price.perOctet : 0;
        const left = quota.most - this.#options.counts.spent(this.#options.counts.accountOf(quota));
        if (perOctet > 0) least = Math.min(least, Number(left) / perOctet / 16);
      }
    return Math.max(LEAST_QUOTA_GRANT, Math.floor(least));
  }

  /** What is left of the hard quotas that the exchange comes under. */
  states({ quota: hold }: Exchange): readonly LimitState[] {
    return hold === null ? [] : this.#statesOf(this.#quotasOf(hold, hold.pools));
  }

  /** The same of all quotas of a client. */
  statesOf(client: QuotaClient): readonly LimitState[] {
    const { books } = this.#options;
    return books.has(client) ? this.#statesOf(books.of(client).all) : [];
  }

  /** How all quotas of a client stand. */
  viewsOf(client: QuotaClient): readonly QuotaView[] {
    const { books, counts } = this.#options;
    return books.has(client) ? books.of(client).all.map((quota) => quotaView(quota, counts)) : [];
  }

  #statesOf(quotas: readonly Quota[]): readonly LimitState[] {
    const { counts, wallTime } = this.#options;
    const states: LimitState[] = [];
    const at = wallTime();
    for (const quota of quotas) {
      if (quota.kind === 'soft') continue;
      const account = counts.accountOf(quota, at);
      let policy = this.#policies.get(account);
      if (policy === undefined) {
        policy = quotaPolicy(quota, account);
        this.#policies.set(account, policy);
      }
      states.push(quotaState(quota, { policy, spent: counts.spent(account), end: account.end, wallTime: at }));
    }
    return states;
  }

  #takeRequest(hold: QuotaHold, quotas: readonly Quota[], at: number): void {
    const { counts } = this.#options;
    for (const quota of quotas) {
      if (quota.measure !== 'requests') continue;
      const account = counts.accountOf(quota, at);
      const isSoft = quota.kind === 'soft';
      if (isSoft) this.#tell(quota, account, counts.add(account, 1n));
      else if (counts.take(account, 1n, quota.most) !== true) {
        for (const before of hold.requests.splice(0)) counts.add(before, -1n);
        this.#tell(quota, account, quota.most);
        throw this.#refusal(quota);
      }
      hold.requests.push(account);
    }
  }

  /** Counts what an attempt has moved since. Returns a quota that is more than used up: what fits exactly may end. Null where none
   *  is. */
  #charge(hold: QuotaHold, spending: Spending): Quota | null {
    const { counts } = this.#options;
    const { octets, money } = spending.takeNew();
    const at = this.#options.wallTime();
    let used: Quota | null = null;
    for (const quota of this.#quotasOf(hold, [spending.pool])) {
      if (quota.measure === 'requests') continue;
      const account = counts.accountOf(quota, at);
      const units = quota.measure === 'bytes' ? octets : quota.currency === spending.price?.currency ? money : 0;
      const spent = units === 0 ? counts.spent(account) : counts.add(account, BigInt(units));
      this.#tell(quota, account, spent);
      if (quota.kind === 'hard' && spent !== null && spent > quota.most && this.#costs(quota, spending)) used ??= quota;
    }
    return used;
  }

  /** The first hard quota of which nothing is left for an attempt over this pool; null where there is none. A pool that costs nothing
   *  stays open when the money is spent. */
  #usedUp(hold: QuotaHold, pool: string, { requests, at }: { requests: boolean; at: number }): Quota | null {
    const { counts } = this.#options;
    for (const quota of this.#quotasOf(hold, [pool])) {
      if (quota.kind === 'soft' || (quota.measure === 'requests' && !requests)) continue;
      if (quota.measure === 'money' && this.#priceOf(pool)?.currency !== quota.currency) continue;
      const account = counts.accountOf(quota, at);
      const spent = counts.counted(account);
      if (spent === null) throw new GatewayError('overloaded', { detail: 'no room to count another quota' });
      if (spent < quota.most) continue;
      this.#tell(quota, account, spent);
      return quota;
    }
    return null;
  }

  #quotasOf({ client, host, tag }: QuotaHold, pools: readonly string[]): readonly Quota[] {
    return this.#options.books.of(client).of({ pools, host, tag });
  }

  /** Whether more octets of the attempt count against the quota: a request that is paid for goes on where they are free. */
  #costs({ measure, currency }: Quota, { price }: Spending): boolean {
    return measure === 'bytes' || (price !== null && price.perOctet > 0 && price.currency === currency);
  }

  #priceOf(pool: string): UnitPrice | null {
    const price = this.#options.priceOf(pool);
    if (price == null) return null;
    const known = this.#prices.get(price);
    if (known !== undefined) return known;
    const exact = unitPriceOf(price);
    this.#prices.set(price, exact);
    return exact;
  }

  #refund(spending: Spending): void {
    for (const { account, units } of spending.paid.splice(0)) this.#options.counts.add(account, -units);
  }

  #tell(quota: Quota, account: Account, spent: bigint | null): void {
    const { counts, notice } = this.#options;
    if (spent === null || spent < quota.most || !counts.isNews(account, quota.kind, quota.most)) return;
    notice(quotaNews(quota, account.end));
  }

  /** Of soft quotas that are used up the first, as its client is told of it. */
  #warningOf(quotas: readonly Quota[], at: number): string | undefined {
    const { counts } = this.#options;
    for (const quota of quotas) {
      if (quota.kind === 'hard') continue;
      const spent = counts.spent(counts.accountOf(quota, at));
      if (spent >= quota.most) return quotaWarning(quota, spent);
    }
    return undefined;
  }

  #refusal(quota: Quota): GatewayError {
    const { counts, wallTime } = this.#options;
    return quotaRefusal(quota, { end: counts.accountOf(quota).end, wallTime: wallTime() });
  }
}
