import { elapsedMs } from './clock.ts';
import { mix32 } from './hash.ts';
import { asKey, WINDOW, WindowKeys, type WindowRows } from './window-keys.ts';
import { AtomicWords, type Words } from './words.ts';

/** Words of a pair's row. */
export const PAIR_WORDS = 8;

/** What each word of a pair's row holds. `i` are Int32, `f` Float32; times are words of the shared clock. */
export const PairWord = Object.freeze({
  /** f: uses, decaying; as of `at`. */
  uses: 0,
  /** i: when the row was last written. */
  at: 1,
  /** i: when the site last refused the exit. */
  refusedAt: 2,
  /** f: uses that led to the first refusal of the row of refusals. */
  refusedUses: 3,
  /** i: refusals in a row. */
  strikes: 4,
  /** i: pages served since the last refusal. */
  goods: 5,
  /** i: the site's own word (Retry-After) on when to come back, in ms after `refusedAt`; 0 for none. */
  coolMs: 6,
});

// A name that is exported or imported is looked up at each use; a constant that a module keeps to itself is compiled in.
const Word = PairWord;
const WORDS = PAIR_WORDS;

/** Refused pairs are worth more than others: each strike counts as so much freshness, in ms … */
const STRIKE_WORTH_MS = 600_000;
/** … up to so many. */
const MOST_STRIKES = 3;

/** Words that tell whose a row is: the exit's slot, and the site. */
const OWNER_WORDS = 2;

/** The shared memory of a table of pairs. */
export interface PairMemory {
  readonly keys: SharedArrayBuffer;
  readonly rows: SharedArrayBuffer;
  /** Whose the rows are. Apart from them, because a pick never asks. */
  readonly owners: SharedArrayBuffer;
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

/** What is believed of pairs exit × site, in shared memory of a fixed size: a row of 32 octets, a key of 4 and an owner
 *  of 8 each. The stalest of a window goes first. Which pair a row is of is known by 32 bits and by its window, so that two pairs meet in one row about
 *  once in 10⁹ looks. */
export class PairTable implements WindowRows {
  readonly ints: Int32Array;
  readonly floats: Float32Array;
  /** Pairs that it has room for. */
  readonly capacity: number;
  readonly #owners: Int32Array;
  readonly #keys: WindowKeys;
  #now = 0;

  constructor({ keys, rows, owners }: PairMemory, words: Words = new AtomicWords(keys)) {
    this.#keys = new WindowKeys(words, new Int32Array(keys));
    this.ints = new Int32Array(rows);
    this.floats = new Float32Array(rows);
    this.#owners = new Int32Array(owners);
    this.capacity = words.length;
  }

  /** Memory for at least `pairs` pairs. */
  static allocate(pairs = 2 ** 18): PairMemory {
    const size = Math.max(WINDOW, 2 ** Math.ceil(Math.log2(pairs)));
    const words = (each: number) => new SharedArrayBuffer(size * each * 4);
    return { keys: words(1), rows: words(WORDS), owners: words(OWNER_WORDS) };
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
      this.#owners[index * OWNER_WORDS] = slot;
      this.#owners[index * OWNER_WORDS + 1] = site;
    }
    return row;
  }

  /** Whether any pair stands at `index`, 0…capacity - 1, as far as can be told without coordination. */
  isTaken(index: number): boolean {
    return this.ints[index * WORDS + Word.at] !== 0;
  }

  /** The slot of the exit whose pair stands at `index`, and … */
  slotAt(index: number): number {
    return this.#owners[index * OWNER_WORDS] ?? 0;
  }

  /** … the site's key. Both may be another pair's by now, or half of it: `isOf` says whose it is. */
  siteAt(index: number): number {
    return this.#owners[index * OWNER_WORDS + 1] ?? 0;
  }

  /** Whether the pair at `index` is this one. */
  isOf(index: number, { slot, generation, site }: PairKey): boolean {
    return this.#keys.holds(index, asKey(highOf(lowOf(slot, site), generation, site)));
  }

  staleness(index: number): number {
    const row = index * WORDS;
    const strikes = Math.min(MOST_STRIKES, this.ints[row + Word.strikes] ?? 0);
    return Math.max(0, elapsedMs(this.#now, this.ints[row + Word.at] ?? 0) - strikes * STRIKE_WORTH_MS);
  }

  clear(index: number): void {
    this.#owners.fill(0, index * OWNER_WORDS, (index + 1) * OWNER_WORDS);
    this.ints.fill(0, index * WORDS, (index + 1) * WORDS);
  }
}
