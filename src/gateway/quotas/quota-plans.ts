import { GatewayError } from '../../errors.ts';
import type { Quota } from '../../policy/quota-book.ts';
import type { Account, QuotaCounts } from '../../policy/quota-counts.ts';
import { KnownPolicies } from '../../protocol/known-policies.ts';
import { PolicyList } from '../../protocol/rate-limit-fields.ts';
import type { Admission } from '../exchange.ts';
import type { Bounds } from '../limits/bounds.ts';
import type { QuotaBooks } from './quota-books.ts';
import { quotaPolicy } from './quota-view.ts';

/** A quota, and where it is counted in the period that the wall clock is in. */
export interface CountedQuota {
  readonly quota: Quota;
  readonly account: Account;
  /** Whether what is used is counted for it. A hard and a soft quota of one name have one count, and the hard one counts there. */
  readonly counts: boolean;
}

/** Quotas as they are counted from `start` until `end`, in ms of the wall clock. */
export interface QuotaPlan {
  readonly all: readonly CountedQuota[];
  /** Those that are hard, and how RateLimit-Policy tells them. */
  readonly told: readonly CountedQuota[];
  readonly policies: PolicyList;
  readonly start: number;
  readonly end: number;
}

/** Who asks, and for what. */
export interface Asked {
  readonly admission: Pick<Admission, 'client' | 'params'>;
  readonly bounds: Bounds;
}

const NO_PLAN: QuotaPlan = Object.freeze({ all: [], told: [], policies: new PolicyList([]), start: 0, end: 0 });

/** Finds where exchanges are counted by one look-up, however many quotas they come under. */
export class QuotaPlans {
  readonly #books: QuotaBooks;
  readonly #counts: QuotaCounts;
  readonly #plans = new WeakMap<readonly Quota[], QuotaPlan>();
  readonly #known = new KnownPolicies();

  constructor(books: QuotaBooks, counts: QuotaCounts) {
    this.#books = books;
    this.#counts = counts;
  }

  /** The quotas that hold at `wallTime` for an exchange over the pool. */
  over(asked: Asked, pool: string, wallTime: number): readonly CountedQuota[] {
    return this.planOver(asked, pool, wallTime).all;
  }

  /** The quotas of exchanges over any of the pools. */
  overEach(asked: Asked, pools: readonly string[], wallTime: number): readonly CountedQuota[] {
    const [plan, ...others] = new Set(pools.map((pool) => this.#lookUp(asked, pool, wallTime)));
    if (plan === undefined || others.length === 0) return plan?.all ?? [];
    const all = new Map([plan, ...others].flatMap((one) => one.all.map((counted) => [counted.quota, counted])));
    return countedOnce([...all.values()]);
  }

  /** As `over`, with what replies tell: by the rules as they stand, so that a change of them holds for what runs. */
  planOver(asked: Asked, pool: string, wallTime: number): QuotaPlan {
    const { bounds } = asked;
    const { quotas: known } = bounds;
    const rules = this.#books.rules();
    if (known !== null && bounds.quotasOver === pool && bounds.quotasBy === rules && holdsAt(known, wallTime))
      return known;
    bounds.quotas = this.#lookUp(asked, pool, wallTime);
    bounds.quotasOver = pool;
    bounds.quotasBy = rules;
    return bounds.quotas;
  }

  /** The same of what was let in, and ends or is told of whatever has become of its rules since: where they can't be read any more, by
   *  what held last. */
  planOfRunning(asked: Asked, pool: string, wallTime: number): QuotaPlan {
    try {
      return this.planOver(asked, pool, wallTime);
    } catch (fault) {
      if (!(fault instanceof GatewayError)) throw fault;
      const { quotas, quotasOver } = asked.bounds;
      return quotas !== null && quotasOver === pool ? quotas : NO_PLAN;
    }
  }

  #lookUp({ admission, bounds }: Asked, pool: string, wallTime: number): QuotaPlan {
    const { client, params } = admission;
    // The same array for the same ones.
    const quotas = this.#books.of(client).of({ pool, host: bounds.host, tag: params.tag });
    const known = this.#plans.get(quotas);
    if (known !== undefined && holdsAt(known, wallTime)) return known;
    const all = countedOnce(quotas.map((quota) => ({ quota, account: this.#counts.accountOf(quota, wallTime) })));
    const start = Math.max(...all.map(({ account }) => account.start));
    const end = Math.min(...all.map(({ account }) => account.end));
    const told = all.filter(({ quota }) => quota.kind === 'hard');
    const policies = told.map(({ quota, account }) => this.#known.alike(quotaPolicy(quota, account)));
    const plan = { all, told, policies: this.#known.listOf(policies), start, end };
    this.#plans.set(quotas, plan);
    return plan;
  }
}

/** Of those that have one count the first counts there, hard ones before soft ones. */
function countedOnce(quotas: readonly Omit<CountedQuota, 'counts'>[]): readonly CountedQuota[] {
  const isSoft = ({ quota }: Omit<CountedQuota, 'counts'>) => Number(quota.kind === 'soft');
  const inOrder = quotas.toSorted((one, other) => isSoft(one) - isSoft(other));
  return inOrder.map((one, index) => ({
    ...one,
    counts: inOrder.findIndex(({ account }) => isSameCount(account, one.account)) === index,
  }));
}

const isSameCount = (one: Account, other: Account): boolean => one.name === other.name && one.start === other.start;

const holdsAt = ({ start, end }: QuotaPlan, wallTime: number): boolean => wallTime >= start && wallTime < end;
