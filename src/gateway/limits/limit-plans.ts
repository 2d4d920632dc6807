import type { Limit } from '../../policy/limit-book.ts';
import type { LimitCell, ToldCells } from '../../policy/limit-cells.ts';
import type { LimitCounts } from '../../policy/limit-counts.ts';

/** The limits of some exchanges of one client, and where they are counted. */
export interface LimitPlan extends ToldCells {
  /** What each exchange takes one of, those that hold a place first. */
  readonly taken: readonly LimitCell[];
  /** How fast its octets may pass; null for as fast as they can. */
  readonly flow: LimitCell | null;
}

/** Plans that a thread remembers: of clients, and of clients on sites. Beyond, they are made anew. */
const MOST_PLANS = 2 ** 16;

const ANY_SITE = '';

/** Finds where an exchange is counted by one look-up, whatever limits it has. */
export class LimitPlans {
  readonly #counts: LimitCounts;
  #plans = new WeakMap<readonly Limit[], Map<string, LimitPlan>>();
  #made = 0;

  constructor(counts: LimitCounts) {
    this.#counts = counts;
  }

  /** Of exchanges to `site` that have these limits: the same array for the same limits. */
  of(limits: readonly Limit[], site: string): LimitPlan {
    const plans = this.#plans.get(limits);
    // Where no site counts by itself there is but one.
    return plans?.get(ANY_SITE) ?? plans?.get(site) ?? this.#make(limits, site);
  }

  #make(limits: readonly Limit[], site: string): LimitPlan {
    if (this.#made >= MOST_PLANS) this.#plans = new WeakMap();
    this.#made = (this.#made % MOST_PLANS) + 1;
    const all = limits.map((limit) => this.#counts.cellOf(limit, site));
    const isFlow = ({ limit: { kind } }: LimitCell): boolean => kind === 'bandwidth';
    const plan = { taken: all.filter((cell) => !isFlow(cell)), flow: all.find(isFlow) ?? null, all, policies: null };
    const plans = this.#plans.get(limits) ?? new Map<string, LimitPlan>();
    plans.set(limits.some(({ perSite }) => perSite) ? site : ANY_SITE, plan);
    this.#plans.set(limits, plans);
    return plan;
  }
}
