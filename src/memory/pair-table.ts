import { elapsedMs } from './clock.ts';
import { mix32 } from './hash.ts';
import { asKey, WINDOW, WindowKeys, type WindowRows } from './window-keys.ts';
import { AtomicWords, type Words } from './words.ts';

/** Words of a pair's row: four rows lie within one cache line. */
export const PAIR_WORDS = 4;

/** What each word of a pair's row holds, behind its key. `i` are Int32, `f` Float32; times are words of the shared clock. */
export const PairWord = Object.freeze({
  /** f: uses, decaying; as of `at`. */
  uses: 1,
  /** i: when the row was last written. */
  at: 2,
  /** i: the fields of `PairCounts`. */
  counts: 3,
});

/** What the counts are made of. */
const PairCounts = Object.freeze({
  /** Mask: refusals in a row, up to 255. */
  strikes: 0xff,
  /** How far the pages served since the last refusal are shifted, up to 255 of them. */
  goods: 8,
});

/** Words of what is only asked about a pair that was refused, and by who keeps the table. */
const REFUSAL_WORDS = 6;

/** What each of these words holds. */
export const RefusalWord = Object.freeze({
  /** i: when the site last refused the exit. */
  at: 0,
  /** f: uses that led to the first refusal of the row of refusals. */
  uses: 1,
  /** i: the site's own word (Retry-After) on when to come back, in ms after `at`; 0 for none. */
  coolMs: 2,
  /** i: whose the pair is: the exit's slot, and the site's key. */
  slot: 3,
  site: 4,
  /** i: the client that alone was refused since the exit was last served; 0 for several. */
  by: 5,
});

// A name that is exported or imported is looked up at each use; a constant that a module keeps to itself is compiled in.
const Word = PairWord;
const WORDS = PAIR_WORDS;
const Refusal = RefusalWord;
const { strikes: STRIKES, goods: GOODS } = PairCounts;
const MOST = 255;

/** Refused pairs are worth more than others: each strike counts as so much freshness, in ms … */
const STRIKE_WORTH_MS = 600_000;
/** … up to so many. */
const MOST_STRIKES = 3;

/** The shared memory of a table of pairs. */
export interface PairMemory {
  readonly rows: SharedArrayBuffer;
  /** What most picks never ask, apart from the rows: a look at a pair costs what its cache misses cost. */
  readonly refusals: SharedArrayBuffer;
}

/** Which exit and which site: `site` is the site's key, so that neither a slot nor a row that is used again inherits anything. */
export interface PairKey {
  readonly slot: number;
  readonly generation: number;
  readonly site: number;
}

const lowOf = (slot: number, site: number): number => mix32(slot ^ Math.imul(site, 0x9e37_79b1));

const highOf = (low: number, generation: number, site: number): number =>
  mix32(low ^ Math.imul(generation, 0x85eb_ca77) ^ site);

/** What is believed of pairs exit × site, in shared memory of a fixed size: a row of 16 octets with its key, and 24 octets apart
 *  from it. The stalest of a window goes first. Which pair a row is of is known by 32 bits and by its window, so that two pairs meet
 *  in one row about once in 10⁹ looks. */
export class PairTable implements WindowRows {
  /** The rows, each from its key on. */
  readonly ints: Int32Array;
  readonly floats: Float32Array;
  /** What is told of refusals, at `refusalOf`. */
  readonly refusals: { readonly ints: Int32Array; readonly floats: Float32Array };
  /** Pairs that it has room for. */
  readonly capacity: number;
  readonly #keys: WindowKeys;
  #now = 0;

  constructor({ rows, refusals }: PairMemory, words: Words = new AtomicWords(rows)) {
    this.ints = new Int32Array(rows);
    this.floats = new Float32Array(rows);
    this.refusals = { ints: new Int32Array(refusals), floats: new Float32Array(refusals) };
    this.#keys = new WindowKeys(words, this.ints, WORDS);
    this.capacity = words.length / WORDS;
  }

  /** Memory for at least `pairs` pairs. */
  static allocate(pairs = 2 ** 18): PairMemory {
    const size = Math.max(WINDOW, 2 ** Math.ceil(Math.log2(pairs)));
    const words = (each: number) => new SharedArrayBuffer(size * each * 4);
    return { rows: words(WORDS), refusals: words(REFUSAL_WORDS) };
  }

  /** Where the pair's row begins, as an index into `ints` and `floats`; -1 where nothing is known of the pair. */
  find(slot: number, generation: number, site: number): number {
    const low = lowOf(slot, site);
    const high = highOf(low, generation, site);
    const index = this.#keys.find(low ^ (high >>> 7), asKey(high));
    return index < 0 ? -1 : index * WORDS;
  }

  /** The same, made if need be, with all figures 0; -1 where there is no place. */
  claim({ slot, generation, site }: PairKey, now: number): number {
    const low = lowOf(slot, site);
    const high = highOf(low, generation, site);
    this.#now = now;
    const index = this.#keys.claim(low ^ (high >>> 7), asKey(high), this);
    if (index < 0) return -1;
    const row = index * WORDS;
    // A new row without a time would be taken for the stalest of all.
    if (this.ints[row + Word.at] === 0) {
      this.ints[row + Word.at] = now;
      const refusal = this.refusalOf(row);
      this.refusals.ints[refusal + Refusal.slot] = slot;
      this.refusals.ints[refusal + Refusal.site] = site;
    }
    return row;
  }

  /** Where what is told of the refusals of the pair in `row` begins, as an index into `refusals`. */
  refusalOf(row: number): number {
    return (row / WORDS) * REFUSAL_WORDS;
  }

  /** Refusals in a row of the pair in `row`, up to 255. */
  strikesOf(row: number): number {
    return (this.ints[row + Word.counts] as number) & STRIKES;
  }

  /** Pages served to the pair in `row` since it was last refused, up to 255. */
  goodsOf(row: number): number {
    return (this.ints[row + Word.counts] as number) >>> GOODS;
  }

  /** Sets both counts, each as far as it goes. */
  count(row: number, { strikes, goods }: { readonly strikes: number; readonly goods: number }): void {
    this.ints[row + Word.counts] = Math.min(MOST, strikes) | (Math.min(MOST, goods) << GOODS);
  }

  /** Whether any pair stands at `index`, 0…capacity - 1, as far as can be told without coordination. */
  isTaken(index: number): boolean {
    return this.ints[index * WORDS + Word.at] !== 0;
  }

  /** The slot of the exit whose pair stands at `index`, and … */
  slotAt(index: number): number {
    return this.refusals.ints[index * REFUSAL_WORDS + Refusal.slot] ?? 0;
  }

  /** … the site's key. Both may be another pair's by now, or half of it: `isOf` says whose it is. */
  siteAt(index: number): number {
    return this.refusals.ints[index * REFUSAL_WORDS + Refusal.site] ?? 0;
  }

  /** Whether the pair at `index` is this one. */
  isOf(index: number, { slot, generation, site }: PairKey): boolean {
    return this.#keys.holds(index, asKey(highOf(lowOf(slot, site), generation, site)));
  }

  staleness(index: number): number {
    const row = index * WORDS;
    const strikes = Math.min(MOST_STRIKES, this.strikesOf(row));
    return Math.max(0, elapsedMs(this.#now, this.ints[row + Word.at] ?? 0) - strikes * STRIKE_WORTH_MS);
  }

  clear(index: number): void {
    this.refusals.ints.fill(0, index * REFUSAL_WORDS, (index + 1) * REFUSAL_WORDS);
    this.ints.fill(0, index * WORDS + 1, (index + 1) * WORDS);
  }
}
