import type { QuotaCounts } from '../../policy/quota-counts.ts';
import type { AttemptMeter } from '../attempt-meter.ts';
import type { Admission, Exchange } from '../exchange.ts';
import type { Bounds } from '../limits/bounds.ts';
import type { QuotaBooks } from './quota-books.ts';
import { grantOf } from './quota-grants.ts';
import { holdOf } from './quota-hold.ts';
import type { CountedQuota, QuotaPlans } from './quota-plans.ts';
import { Spending, type UnitPrice } from './quota-spending.ts';

/** What a tunnel that rests counts against quotas: what it costs, and who pays. */
export interface RestingCount {
  readonly admission: Pick<Admission, 'client' | 'params'>;
  readonly bounds: Bounds;
  readonly pool: string;
  /** Whether its octets count. */
  readonly isCounted: boolean;
  readonly price: UnitPrice | null;
}

export interface RestingQuotasOptions {
  readonly books: QuotaBooks;
  readonly counts: QuotaCounts;
  readonly plans: QuotaPlans;
  readonly wallTime: () => number;
}

/** Less than any tunnel was granted. */
const NOTHING = -1;

/** Quotas of tunnels that rest: nothing of them is counted as long as nothing passes. */
export class RestingQuotas {
  readonly #options: RestingQuotasOptions;

  constructor(options: RestingQuotasOptions) {
    this.#options = options;
  }

  /** Octets that its quotas let a tunnel pass until it is to be asked again: one that was granted no more may rest. Less than any was
   *  granted where it is to be looked at: it is to be cut, or comes under quotas by now. NaN where there is no room to count. Throws
   *  where its rules can't be read. */
  grant(count: RestingCount): number {
    const { books, counts, plans, wallTime } = this.#options;
    if (!count.isCounted) return books.hasNow(count.admission.client) ? NOTHING : Number.POSITIVE_INFINITY;
    const left = octetsLeft(plans.over(count, count.pool, wallTime()), count.price, counts);
    // What fits exactly may end.
    return left < 0 ? NOTHING : grantOf(left);
  }

  /** Whether all that the exchange has moved is counted, in the one way that `wake` brings back. */
  isSettled({ quota: hold, spending, admission, bounds }: Exchange): boolean {
    if (hold === null) return spending === null;
    if (spending === null || hold.spending !== spending || hold.rivals.length > 0) return false;
    // Over another pool its request is given back, or counted, by what the hold knows.
    if (hold.admission !== admission || hold.bounds !== bounds || admission.pools.length !== 1) return false;
    // A payment is given back where nothing was sent.
    return hold.begun && spending.isTaken && (spending.paid.length === 0 || spending.meter.sent > 0);
  }

  /** What was settled counts again from here on. */
  wake(exchange: Exchange, { bounds, pool, isCounted, price }: RestingCount, meter: AttemptMeter): void {
    const { admission } = exchange;
    if (!isCounted || admission === null) return;
    const spending = new Spending(pool, price, meter);
    spending.markTaken();
    exchange.quota = { ...holdOf(admission, bounds), begun: true, spending };
    exchange.spending = spending;
  }
}

/** Octets at this price until the first of the quotas that ends what runs comes to its end. */
export function octetsLeft(quotas: readonly CountedQuota[], price: UnitPrice | null, counts: QuotaCounts): number {
  let least = Number.POSITIVE_INFINITY;
  for (const { quota, account } of quotas) {
    if (quota.kind === 'soft' || quota.measure === 'requests') continue;
    const perOctet = quota.measure === 'bytes' ? 1 : price?.currency === quota.currency ? price.perOctet : 0;
    if (perOctet > 0) least = Math.min(least, (quota.limit - counts.spentNumber(account)) / perOctet);
  }
  return least;
}
