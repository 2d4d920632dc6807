import type { Account } from '../policy/quota-counts.ts';
import { type LimitPolicy, type LimitState, policiesText, type RateLimit } from '../protocol/rate-limit-fields.ts';
import type { Exchange } from './exchange.ts';
import type { QuotaClient } from './quota-books.ts';
import type { CountedQuota, QuotaPlans } from './quota-plans.ts';
import { endsIn, leftInField, type QuotaView, quotaPolicy, quotaState, quotaView } from './quota-view.ts';
import type { QuotasOptions } from './quotas.ts';

type KnownQuota = Pick<CountedQuota, 'quota' | 'account'>;

/** How quotas stand: for replies, and for people. */
export class QuotaStandings {
  readonly #options: Pick<QuotasOptions, 'books' | 'counts' | 'now' | 'wallTimeAt'>;
  readonly #plans: QuotaPlans;
  readonly #policies = new WeakMap<Account, LimitPolicy>();
  /** What RateLimit-Policy tells of quotas of one plan. */
  readonly #texts = new WeakMap<readonly CountedQuota[], string>();

  constructor(options: Pick<QuotasOptions, 'books' | 'counts' | 'now' | 'wallTimeAt'>, plans: QuotaPlans) {
    this.#options = options;
    this.#plans = plans;
  }

  /** Tells what is left `now` of the hard quotas that the exchange comes under. */
  tell({ quota: hold }: Exchange, now: number, to: RateLimit): void {
    if (hold === null) return;
    const wallTime = this.#options.wallTimeAt(now);
    const quotas = this.#plans.of(hold, hold.admission.pools, wallTime);
    let text = this.#texts.get(quotas);
    if (text === undefined) {
      text = policiesText(quotas.filter(isHard).map((counted) => this.#policyOf(counted)));
      this.#texts.set(quotas, text);
    }
    to.addPolicies(text);
    for (const counted of quotas) {
      if (!isHard(counted)) continue;
      const { quota, account } = counted;
      const left = leftInField(quota, this.#options.counts.spentNumber(account));
      to.addRest(this.#policyOf(counted), left, endsIn(account.end, wallTime));
    }
  }

  /** The same of all quotas of a client. */
  statesOf(client: QuotaClient): readonly LimitState[] {
    const { books, counts, now, wallTimeAt } = this.#options;
    if (!books.has(client)) return [];
    const wallTime = wallTimeAt(now());
    const all = books.of(client).all.map((quota) => ({ quota, account: counts.accountOf(quota, wallTime) }));
    return all.filter(isHard).map((counted) => this.#stateOf(counted, wallTime));
  }

  /** How all quotas of a client stand. */
  viewsOf(client: QuotaClient): readonly QuotaView[] {
    const { books, counts } = this.#options;
    return books.has(client) ? books.of(client).all.map((quota) => quotaView(quota, counts)) : [];
  }

  #stateOf(counted: KnownQuota, wallTime: number): LimitState {
    const { quota, account } = counted;
    const spent = this.#options.counts.spentNumber(account);
    return quotaState(quota, { policy: this.#policyOf(counted), spent, end: account.end, wallTime });
  }

  #policyOf({ quota, account }: KnownQuota): LimitPolicy {
    const known = this.#policies.get(account);
    if (known !== undefined) return known;
    const policy = quotaPolicy(quota, account);
    this.#policies.set(account, policy);
    return policy;
  }
}

const isHard = ({ quota }: Pick<CountedQuota, 'quota'>): boolean => quota.kind === 'hard';
