import type { Quota } from '../../policy/quota-book.ts';
import type { Account } from '../../policy/quota-counts.ts';
import type { LimitState, RateLimit } from '../../protocol/rate-limit-fields.ts';
import type { Exchange } from '../exchange.ts';
import type { QuotaClient } from './quota-books.ts';
import type { QuotaPlans } from './quota-plans.ts';
import { endsIn, leftInField, type QuotaView, quotaState, quotaView } from './quota-view.ts';
import type { QuotasOptions } from './quotas.ts';

/** How quotas stand: for replies, and for people. */
export class QuotaStandings {
  readonly #options: Pick<QuotasOptions, 'books' | 'counts' | 'now' | 'wallTimeAt'>;
  readonly #plans: QuotaPlans;

  constructor(options: Pick<QuotasOptions, 'books' | 'counts' | 'now' | 'wallTimeAt'>, plans: QuotaPlans) {
    this.#options = options;
    this.#plans = plans;
  }

  /** Tells what is left `now` of the hard quotas that the exchange comes under. */
  tell({ quota: hold, choice }: Exchange, now: number, to: RateLimit): void {
    const pool = choice?.exit.pool ?? hold?.admission.pools[0];
    if (hold === null || pool === undefined) return;
    const wallTime = this.#options.wallTimeAt(now);
    const { told, policies } = this.#plans.planOfRunning(hold, pool, wallTime);
    to.addPolicies(policies);
    for (const { quota, account } of told)
      to.addRest(leftInField(quota, this.#spentAbout(quota, account)), endsIn(account.end, wallTime));
  }

  /** The same of all quotas of a client. */
  statesOf(client: QuotaClient): readonly LimitState[] {
    const { books, counts, now, wallTimeAt } = this.#options;
    if (!books.has(client)) return [];
    const wallTime = wallTimeAt(now());
    const hard = books.readable(client)?.all.filter(({ kind }) => kind === 'hard') ?? [];
    return hard.map((quota) => {
      const account = counts.accountOf(quota, wallTime);
      return quotaState(quota, { account, spent: counts.spentNumber(account), wallTime });
    });
  }

  /** At a glance, which each reply can afford, unless nothing seems to be left: see WideCounts. */
  #spentAbout({ limit }: Quota, account: Account): number {
    const { counts } = this.#options;
    const seen = counts.glance(account);
    return seen < limit ? seen : counts.spentNumber(account);
  }

  /** How all quotas of a client stand. */
  viewsOf(client: QuotaClient): readonly QuotaView[] {
    const { books, counts } = this.#options;
    return books.has(client) ? books.of(client).all.map((quota) => quotaView(quota, counts)) : [];
  }
}
