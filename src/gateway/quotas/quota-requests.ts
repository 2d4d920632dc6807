import type { GatewayError } from '../../errors.ts';
import type { Quota } from '../../policy/quota-book.ts';
import type { Account, QuotaCounts } from '../../policy/quota-counts.ts';
import type { QuotaHold } from './quota-hold.ts';
import type { CountedQuota } from './quota-plans.ts';

export interface QuotaRequestsOptions {
  readonly counts: QuotaCounts;
  /** Told how much of a quota is used. */
  readonly tell: (quota: Quota, account: Account, spent: bigint | number | null) => void;
  readonly refusal: (quota: Quota) => GatewayError;
}

/** The request of an exchange, as it is counted against quotas of requests: beforehand, against those of every pool that may carry it. */
export class QuotaRequests {
  readonly #options: QuotaRequestsOptions;

  constructor(options: QuotaRequestsOptions) {
    this.#options = options;
  }

  /** Takes one of each quota. Throws quota_exceeded, and then nothing is taken. */
  take(hold: QuotaHold, quotas: readonly CountedQuota[]): void {
    const { counts, tell, refusal } = this.#options;
    hold.requests = quotas;
    for (const counted of quotas) {
      const { quota, account, counts: isCounted } = counted;
      if (quota.measure !== 'requests') continue;
      if (!isCounted) tell(quota, account, counts.spent(account));
      else if (quota.kind === 'soft') {
        const spent = counts.add(account, 1n);
        tell(quota, account, spent);
        // Where there is no room nothing was counted that could be given back.
        if (spent === null) hold.requests = hold.requests.filter((one) => one !== counted);
      } else if (counts.takeOne(account, quota.limit) !== true) {
        this.#giveBack(hold.requests.slice(0, hold.requests.indexOf(counted)));
        hold.requests = [];
        tell(quota, account, quota.most);
        throw refusal(quota);
      }
    }
  }

  /** Gives it back to the quotas that aren't among these. */
  keep(hold: QuotaHold, kept: readonly CountedQuota[]): void {
    // By name: it may be another day since.
    const isKept = ({ account }: CountedQuota) => kept.some((one) => one.account.name === account.name);
    const { requests } = hold;
    this.#giveBack(requests.filter((counted) => !isKept(counted)));
    hold.requests = requests.filter(isKept);
  }

  #giveBack(requests: readonly CountedQuota[]): void {
    for (const { quota, account, counts: isCounted } of requests)
      if (quota.measure === 'requests' && isCounted) this.#options.counts.add(account, -1n);
  }
}
