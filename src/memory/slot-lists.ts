import type { SlotView } from './slot-rows.ts';
import { Term, type TermsView } from './terms-table.ts';

/** One list in the directory: its pool and country (numbers of texts), where it begins among all slots, and how long it is. */
const WORDS = 4;

/** In place of a country: the list of the whole pool. */
const EVERYWHERE = -1;

/** Lists of slots as handed to other threads. They never change. */
export interface ListsRecord {
  readonly slots: SharedArrayBuffer;
  readonly directory: SharedArrayBuffer;
  /** How many standing exits each row of terms has. */
  readonly counts: SharedArrayBuffer;
}

/** What lists are made from. `countryOf` is the number under which the country of a row of terms is compared. */
export interface ListSources {
  readonly slots: SlotView;
  readonly terms: TermsView;
  readonly countryOf: (terms: number) => number;
}

interface Span {
  readonly pool: number;
  readonly country: number;
  length: number;
  start: number;
}

/** The slots of each pool, and of each country of each pool, ascending. Where all of a pool stands in one country it is one list
 *  under two names. */
export function makeLists(sources: ListSources): ListsRecord {
  const { slots, terms } = sources;
  const counts = new SharedArrayBuffer(terms.count * 4);
  countExits(slots, new Int32Array(counts));
  const { spans, poolSpanOf, countrySpanOf } = spansOf(sources, new Int32Array(counts));
  const end = arrange(spans);
  const shared = new SharedArrayBuffer(end * 4);
  const all = new Int32Array(shared);
  const next = Int32Array.from(spans, ({ start }) => start);
  const put = (span: number, slot: number) => {
    const at = next[span] ?? 0;
    all[at] = slot;
    next[span] = at + 1;
  };
  for (let slot = 0; slot < slots.count; slot += 1) {
    const number = slots.termsOf(slot);
    if (number < 0) continue;
    const pool = poolSpanOf[number] ?? 0;
    const country = countrySpanOf[number] ?? 0;
    put(pool, slot);
    if (spans[country]?.start !== spans[pool]?.start) put(country, slot);
  }
  return { slots: shared, directory: directoryOf(spans), counts };
}

function countExits(slots: SlotView, counts: Int32Array): void {
  for (let slot = 0; slot < slots.count; slot += 1) {
    const number = slots.termsOf(slot);
    if (number >= 0) counts[number] = (counts[number] ?? 0) + 1;
  }
}

/** The lists there will be, and to which two of them the exits of each row of terms belong. */
function spansOf({ terms, countryOf }: ListSources, counts: Int32Array) {
  const spans: Span[] = [];
  const known = new Map<string, number>();
  const spanFor = (pool: number, country: number, exits: number): number => {
    const key = `${pool} ${country}`;
    const number = known.get(key) ?? spans.length;
    known.set(key, number);
    const span = spans[number] ?? { pool, country, length: 0, start: 0 };
    span.length += exits;
    spans[number] = span;
    return number;
  };
  const poolSpanOf = new Int32Array(terms.count);
  const countrySpanOf = new Int32Array(terms.count);
  for (let number = 0; number < terms.count; number += 1) {
    const exits = counts[number] ?? 0;
    if (exits === 0) continue;
    const pool = terms.word(number, Term.pool);
    poolSpanOf[number] = spanFor(pool, EVERYWHERE, exits);
    countrySpanOf[number] = spanFor(pool, countryOf(number), exits);
  }
  return { spans, poolSpanOf, countrySpanOf };
}

/** Lays the lists one after the other; a country's, which comes after its pool's, over that where they are the same. Returns how
 *  many slots they need. */
function arrange(spans: readonly Span[]): number {
  const wholes = new Map<number, Span>();
  let end = 0;
  for (const span of spans) {
    const whole = wholes.get(span.pool);
    const same = whole?.length === span.length;
    span.start = same ? whole.start : end;
    if (!same) end += span.length;
    if (whole === undefined) wholes.set(span.pool, span);
  }
  return end;
}

function directoryOf(spans: readonly Span[]): SharedArrayBuffer {
  const shared = new SharedArrayBuffer(spans.length * WORDS * 4);
  const words = new Int32Array(shared);
  for (const [index, { pool, country, start, length }] of spans.entries()) {
    words.set([pool, country, start, length], index * WORDS);
  }
  return shared;
}

/** How many standing exits each row of terms has, by what was made. */
export function exitCounts({ counts }: ListsRecord): (terms: number) => number {
  const words = new Int32Array(counts);
  return (terms) => words[terms] ?? 0;
}

const empty = new Int32Array(0);

/** Reads the lists. */
export class ListsView {
  readonly #pools = new Map<number, { readonly all: Int32Array; readonly countries: Map<number, Int32Array> }>();
  readonly #counts: Int32Array;

  constructor({ slots, directory, counts }: ListsRecord) {
    this.#counts = new Int32Array(counts);
    const words = new Int32Array(directory);
    for (let at = 0; at < words.length; at += WORDS) {
      const [pool = 0, country = 0, start = 0, length = 0] = words.subarray(at, at + WORDS);
      const list = new Int32Array(slots, start * 4, length);
      const lists = this.#pools.get(pool);
      if (lists === undefined) this.#pools.set(pool, { all: list, countries: new Map() });
      else lists.countries.set(country, list);
    }
  }

  /** Slots of a pool, by the number of its name. */
  pool(pool: number): Int32Array {
    return this.#pools.get(pool)?.all ?? empty;
  }

  /** Slots of a pool that stand in a country. */
  country(pool: number, country: number): Int32Array {
    return this.#pools.get(pool)?.countries.get(country) ?? empty;
  }

  /** The countries of a pool, by number, 0 for those that don't say. */
  countriesOf(pool: number): readonly number[] {
    return [...(this.#pools.get(pool)?.countries.keys() ?? [])];
  }

  /** How many standing exits have these terms. */
  exitsOf(terms: number): number {
    return this.#counts[terms] ?? 0;
  }
}
