import type { CatalogueView } from '../memory/catalogue.ts';
import { criteria, type ExitFilter } from './exit-filter.ts';
import { FilterJudge } from './filter-judge.ts';
import type { Mintings } from './mintings.ts';

/** How many exits a filter leaves, and what rules out the others. */
export interface FilterAccount {
  /** Exits of all its pools. */
  readonly total: number;
  readonly passing: number;
  /** Those ruled out, such as `16 in other countries`, in the order of the filter's words; then why vendors couldn't be asked. */
  readonly others: readonly string[];
}

/** Counts what `filter` leaves, criterion after criterion. Where places and countries alone are asked for no more is looked at than
 *  the rows of terms of the rarest place; tiers and address families take a look at each row of terms. */
export function accountOf(view: CatalogueView, filter: ExitFilter, mintings: Mintings): FilterAccount {
  let narrowed: ExitFilter = { pools: filter.pools };
  let judge = new FilterJudge(view, narrowed, mintings);
  const total = judge.count();
  let passing = total;
  const others: string[] = [];
  for (const [criterion, words] of criteria) {
    if (filter[criterion] === undefined) continue;
    narrowed = { ...narrowed, [criterion]: filter[criterion] };
    judge = new FilterJudge(view, narrowed, mintings);
    const left = judge.count();
    if (left < passing) others.push(`${passing - left} ${words}`);
    passing = left;
  }
  return { total, passing, others: [...others, ...judge.reasons] };
}
