import type { CatalogueView } from '../memory/catalogue.ts';
import { type ExitFilter, filterKey } from './exit-filter.ts';
import { type ExitList, joined } from './exit-list.ts';
import { FilterJudge } from './filter-judge.ts';
import { FILTERS, type FilterList, mostListed, slotsOf } from './filter-list.ts';
import type { Mintings } from './mintings.ts';

/** Rows of terms that are looked through at once to count the exits of a filter. */
const COUNTED_TERMS = 2 ** 16;

/** So many draws may be wasted on exits that don't pass before a list is asked for. */
const WASTE = 64;

/** Where so few are to be looked through, the list is made here at once: asking for it costs more. */
const SHORT = 1024;

/** What to draw the exits of a filter from. */
export interface Draw {
  /** Slots among which are all that pass: only they where `exact`. */
  readonly list: ExitList;
  readonly exact: boolean;
  /** How many pass; null where that isn't known until the filter's own list stands. */
  readonly count: number | null;
  /** Whether the exit in a slot passes. */
  readonly matches: (slot: number) => boolean;
  /** The filter's number in this thread, never another's, while it is in use. */
  readonly ring: number;
}

/** Where so few are found by the rarest place, too. */
const PLACED = 65_536;

interface Kept {
  readonly filter: ExitFilter;
  readonly judge: FilterJudge;
  /** The narrowest lists that stand for all threads. */
  readonly base: ExitList;
  /** The filter's own list. */
  own: Int32Array | null;
  /** Draws that were wasted, as far as can be told. */
  waste: number;
  /** What was said of the lists above. */
  draw: Draw;
}

export interface FilterListsOptions {
  readonly wantList: ((filter: ExitFilter) => void) | null;
  /** The first number for filters of this version. */
  readonly firstRing: number;
  readonly mintings: Mintings;
}

/** What one thread keeps of the filters it was asked for lately, over one version of the catalogue. */
export class FilterLists {
  readonly #view: CatalogueView;
  readonly #wantList: ((filter: ExitFilter) => void) | null;
  readonly #firstRing: number;
  readonly #mintings: Mintings;
  readonly #kept = new Map<string, Kept>();
  /** The one asked for last, which stands last; and by which value it was. */
  #latest: Kept | null = null;
  #asked: ExitFilter | null = null;
  #rings = 0;
  #listed = 0;

  /** `wantList` is told of filters for which a list would be worth its making; without it they are made here and at once. */
  constructor(view: CatalogueView, { wantList, firstRing, mintings }: FilterListsOptions) {
    this.#view = view;
    this.#wantList = wantList;
    this.#firstRing = firstRing;
    this.#mintings = mintings;
  }

  /** The first number for filters of the next version. */
  get nextRing(): number {
    return this.#firstRing + this.#rings;
  }

  judgeOf(filter: ExitFilter): FilterJudge {
    return this.#keptOf(filter).judge;
  }

  /** What to draw the exits of `filter` from, now. */
  drawOf(filter: ExitFilter): Draw {
    const kept = this.#keptOf(filter);
    if (!kept.draw.exact) this.#consider(kept);
    return kept.draw;
  }

  /** The slots of all exits that pass, pool after pool and country after country as asked; made now where they don't stand yet. */
  listOf(filter: ExitFilter): Int32Array {
    const kept = this.#keptOf(filter);
    if (kept.own !== null) return kept.own;
    const { base } = kept;
    if (kept.draw.exact && base instanceof Int32Array) return base;
    const list = new Int32Array(slotsOf(this.#view, kept.judge));
    this.#own(kept, list);
    return list;
  }

  /** Takes a list that was asked for; one of another version is of no use any more. */
  take({ version, key, slots }: FilterList): void {
    const kept = this.#kept.get(key);
    if (version === this.#view.version && kept !== undefined && kept.own === null)
      this.#own(kept, new Int32Array(slots));
  }

  #consider(kept: Kept): void {
    const { base, draw, filter } = kept;
    const { count } = draw;
    kept.waste += count === null ? WASTE : base.length / count;
    const isShort = base.length <= SHORT || (kept.judge.narrow !== null && (count ?? base.length) <= PLACED);
    if (kept.waste < WASTE && !isShort) return;
    if (this.#wantList === null || isShort) {
      this.#own(kept, new Int32Array(slotsOf(this.#view, kept.judge)));
      return;
    }
    kept.waste = Number.NEGATIVE_INFINITY;
    this.#wantList(filter);
  }

  #own(kept: Kept, list: Int32Array): void {
    kept.own = list;
    kept.draw = { ...kept.draw, list, exact: true, count: list.length };
    this.#listed += list.length;
    const most = mostListed(this.#view);
    for (const [key, other] of this.#kept) {
      if (this.#listed <= most) return;
      if (other !== kept && other.own !== null) this.#drop(key, other);
    }
  }

  #keptOf(filter: ExitFilter): Kept {
    // Exchanges that are admitted to the same share a filter.
    if (filter === this.#asked && this.#latest !== null) return this.#latest;
    this.#asked = filter;
    const key = filterKey(filter);
    const known = this.#kept.get(key);
    if (known !== undefined && known === this.#latest) return known;
    if (known !== undefined) this.#kept.delete(key);
    const kept = known ?? this.#prepare(filter);
    this.#kept.set(key, kept);
    this.#latest = kept;
    if (this.#kept.size > FILTERS) this.#dropOldest();
    return kept;
  }

  #prepare(filter: ExitFilter): Kept {
    const judge = new FilterJudge(this.#view, filter, this.#mintings);
    const standing = joined(judge.lists);
    const count = judge.asksMore ? this.#countOf(judge) : standing.length;
    const base = count === 0 ? nothing : standing;
    const ring = this.#firstRing + this.#rings;
    this.#rings += 1;
    const own = judge.slot === null ? null : new Int32Array(count === 1 ? [judge.slot] : []);
    this.#listed += own?.length ?? 0;
    const list = own ?? base;
    const draw = { list, exact: count === list.length, count, matches: (slot: number) => judge.matches(slot), ring };
    return { filter, judge, base, own, waste: 0, draw };
  }

  #countOf(judge: FilterJudge): number | null {
    return judge.countsSoon || this.#view.terms.count <= COUNTED_TERMS ? judge.count() : null;
  }

  #dropOldest(): void {
    for (const [key, kept] of this.#kept) {
      this.#drop(key, kept);
      return;
    }
  }

  #drop(key: string, kept: Kept): void {
    this.#kept.delete(key);
    if (kept === this.#latest) this.#latest = null;
    this.#listed -= kept.own?.length ?? 0;
  }
}

const nothing = new Int32Array(0);
