import type { Quota } from '../policy/quota-book.ts';
import type { Account, QuotaCounts } from '../policy/quota-counts.ts';
import type { Admission } from './exchange.ts';
import type { QuotaBooks } from './quota-books.ts';

/** A quota, and where it is counted in the period that the wall clock is in. */
export interface CountedQuota {
  readonly quota: Quota;
  readonly account: Account;
}

/** Quotas as they are counted from `start` until `end`, in ms of the wall clock. */
interface QuotaPlan {
  readonly all: readonly CountedQuota[];
  readonly start: number;
  readonly end: number;
}

/** Who asks, and for what. */
interface Asked {
  readonly admission: Pick<Admission, 'client' | 'params'>;
  readonly host: string;
}

/** Finds where exchanges are counted by one look-up, however many quotas they come under. */
export class QuotaPlans {
  readonly #books: QuotaBooks;
  readonly #counts: QuotaCounts;
  readonly #plans = new WeakMap<readonly Quota[], QuotaPlan>();

  constructor(books: QuotaBooks, counts: QuotaCounts) {
    this.#books = books;
    this.#counts = counts;
  }

  /** The quotas that hold at `wallTime` for an exchange over these pools: by the rules as they stand, so that a change of them holds
   *  for what runs. */
  of({ admission, host }: Asked, pools: readonly string[], wallTime: number): readonly CountedQuota[] {
    const { client, params } = admission;
    // The same array for the same ones.
    const quotas = this.#books.of(client).of({ pools, host, tag: params.tag });
    const known = this.#plans.get(quotas);
    if (known !== undefined && wallTime >= known.start && wallTime < known.end) return known.all;
    const all = quotas.map((quota) => ({ quota, account: this.#counts.accountOf(quota, wallTime) }));
    const start = Math.max(...all.map(({ account }) => account.start));
    const end = Math.min(...all.map(({ account }) => account.end));
    this.#plans.set(quotas, { all, start, end });
    return all;
  }
}
