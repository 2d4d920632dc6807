import type { CatalogueView } from '../memory/catalogue.ts';
import { type ExitFilter, filterKey } from './exit-filter.ts';
import { FilterJudge } from './filter-judge.ts';
import { Mintings } from './mintings.ts';

/** Filters come from clients, so what is kept for them is bounded; the one that rested longest goes first. */
export const FILTERS = 4096;

/** Slots in all lists that were made for filters, beside two for each slot there is. */
const SPARE_LISTED = 2 ** 20;

/** The list of a filter in one version of the catalogue, as it is handed to other threads. */
export interface FilterList {
  readonly version: number;
  readonly key: string;
  /** Int32. */
  readonly slots: SharedArrayBuffer;
}

/** The lists that threads asked for, over one version: each is made once, for all of them. */
export class SharedLists {
  readonly #view: CatalogueView;
  readonly #mintings: Mintings;
  readonly #lists = new Map<string, FilterList>();
  #listed = 0;

  constructor(view: CatalogueView) {
    this.#view = view;
    this.#mintings = new Mintings(view);
  }

  /** The list of `filter`. Where it is new it costs a look at each exit of the narrowest lists that stand. */
  listOf(filter: ExitFilter): FilterList {
    const key = filterKey(filter);
    const known = this.#lists.get(key);
    if (known !== undefined) {
      this.#lists.delete(key);
      this.#lists.set(key, known);
      return known;
    }
    const slots = slotsOf(this.#view, new FilterJudge(this.#view, filter, this.#mintings));
    const list = { version: this.#view.version, key, slots };
    this.#lists.set(key, list);
    this.#listed += slots.byteLength >> 2;
    this.#dropOldest();
    return list;
  }

  #dropOldest(): void {
    for (const [key, { slots }] of this.#lists) {
      if (this.#lists.size <= FILTERS && this.#listed <= mostListed(this.#view)) return;
      this.#lists.delete(key);
      this.#listed -= slots.byteLength >> 2;
    }
  }
}

/** So many slots may stand in all lists that were made for filters. */
export function mostListed({ slots }: CatalogueView): number {
  return SPARE_LISTED + 2 * slots.count;
}

const UNJUDGED = 0;
const PASSES = 1;
const FAILS = 2;

/** The slots of all exits that pass: by the rarest place that is asked for, or else pool after pool and country after country as
 *  asked, which takes a look at each exit there. */
export function slotsOf({ slots, terms }: CatalogueView, judge: FilterJudge): SharedArrayBuffer {
  const placed = judge.placed();
  if (placed !== null) return placed.buffer;
  const { lists } = judge;
  const found = new Int32Array(lists.reduce((sum, { length }) => sum + length, 0));
  // Most exits share their terms with many others, so each row is judged once.
  const verdicts = new Uint8Array(terms.count);
  let count = 0;
  for (const list of lists) {
    for (const slot of list) {
      const number = slots.termsOf(slot);
      if (verdicts[number] === UNJUDGED) verdicts[number] = judge.judge(number) === null ? PASSES : FAILS;
      if (verdicts[number] !== PASSES) continue;
      found[count] = slot;
      count += 1;
    }
  }
  const shared = new SharedArrayBuffer(count * 4);
  new Int32Array(shared).set(found.subarray(0, count));
  return shared;
}
