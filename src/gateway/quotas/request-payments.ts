import { GatewayError } from '../../errors.ts';
import type { CountedQuota } from './quota-plans.ts';
import type { QuotaRequestsOptions } from './quota-requests.ts';
import type { Spending } from './quota-spending.ts';
import type { TooDear } from './quota-words.ts';

const NOTHING_PAID: Spending['paid'] = Object.freeze([]);

export interface RequestPaymentsOptions extends Pick<QuotaRequestsOptions, 'counts' | 'tell'> {
  readonly refusal: (quota: CountedQuota['quota'], tooDear: TooDear) => GatewayError;
}

/** The price of an attempt's request, as it is counted against quotas of money: beforehand. */
export class RequestPayments {
  readonly #options: RequestPaymentsOptions;

  constructor(options: RequestPaymentsOptions) {
    this.#options = options;
  }

  /** Pays for it. Returns what it is refused with where it costs more than is left, and null where it is paid for. Throws overloaded.
   *  Where it isn't paid for nothing is taken. */
  take(spending: Spending, quotas: readonly CountedQuota[]): GatewayError | null {
    const { price } = spending;
    const units = price?.perRequest ?? 0n;
    if (units === 0n) return null;
    const { counts, tell, refusal } = this.#options;
    for (const { quota, account, counts: isCounted } of quotas) {
      if (quota.measure !== 'money' || quota.currency !== price?.currency) continue;
      if (!isCounted) {
        tell(quota, account, counts.spent(account));
        continue;
      }
      const isHard = quota.kind === 'hard';
      const counted = isHard ? counts.take(account, units, quota.most) : counts.add(account, units);
      if (typeof counted === 'bigint') tell(quota, account, counted);
      // Where there is no room nothing was counted that could be given back.
      else if (counted === null && !isHard) continue;
      else if (counted !== true) {
        this.giveBack(spending);
        if (counted === null) throw noRoom();
        const spent = counts.spent(account);
        tell(quota, account, spent);
        return refusal(quota, { spent, cost: units });
      }
      spending.paid = [...spending.paid, { account, units }];
    }
    return null;
  }

  giveBack(spending: Spending): void {
    for (const { account, units } of spending.paid) this.#options.counts.add(account, -units);
    spending.paid = NOTHING_PAID;
  }
}

/** Nothing goes on uncounted. */
export const noRoom = (): GatewayError => new GatewayError('overloaded', { detail: 'no room to count another quota' });
