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

/** Refused pairs are worth more than others: each strike counts as so much freshness, in ms … */
const STRIKE_WORTH_MS = 600_000;
/** … up to so many. */
const MOST_STRIKES = 3;

/** Which exit and which site: `site` is the site's key, so that neither a slot nor a row that is used again inherits anything. */
export interface PairKey {
  readonly slot: number;
  readonly generation: number;
  readonly site: number;
}

const lowOf = (slot: number, site: number): number => mix32(slot ^ Math.imul(site, 0x9e37_79b1));

const highOf = (slot: number, generation: number, site: number): number =>
  mix32(lowOf(slot, site) ^ Math.imul(generation, 0x85eb_ca77) ^ site);

/** What is believed of pairs exit × site, in shared memory of a fixed size: a row of 32 octets and a key of 4 each. The stalest
 *  of a window goes first. Which pair a row is of is known by 32 bits and by its window, so that two pairs meet in one row about
 *  once in 10⁹ looks. */
export class PairTable implements WindowRows {
  readonly ints: Int32Array;
  readonly floats: Float32Array;
  readonly #keys: WindowKeys;
  #now = 0;

  constructor(
    { keys, rows }: { readonly keys: SharedArrayBuffer; readonly rows: SharedArrayBuffer },
    words: Words = new AtomicWords(keys),
  ) {
    this.#keys = new WindowKeys(words, new Int32Array(keys));
    this.ints = new Int32Array(rows);
    this.floats = new Float32Array(rows);
  }

  /** Memory for at least `pairs` pairs. */
  static allocate(pairs = 2 ** 18): { keys: SharedArrayBuffer; rows: SharedArrayBuffer } {
    const size = Math.max(WINDOW, 2 ** Math.ceil(Math.log2(pairs)));
    return { keys: new SharedArrayBuffer(size * 4), rows: new SharedArrayBuffer(size * PAIR_WORDS * 4) };
  }

  /** Where the pair's row begins, as an index into `ints` and `floats`; -1 where nothing is known of the pair. */
  find(slot: number, generation: number, site: number): number {
    const high = highOf(slot, generation, site);
    const index = this.#keys.find(lowOf(slot, site) ^ (high >>> 7), asKey(high));
    return index < 0 ? -1 : index * PAIR_WORDS;
  }

  /** The same, made if need be, with all figures 0; -1 where there is no place. */
  claim({ slot, generation, site }: PairKey, now: number): number {
    const high = highOf(slot, generation, site);
    this.#now = now;
    const index = this.#keys.claim(lowOf(slot, site) ^ (high >>> 7), asKey(high), this);
    if (index < 0) return -1;
    const row = index * PAIR_WORDS;
    // A new row without a time would be taken for the stalest of all.
    if (this.ints[row + PairWord.at] === 0) this.ints[row + PairWord.at] = now;
    return row;
  }

  staleness(index: number): number {
    const row = index * PAIR_WORDS;
    const strikes = Math.min(MOST_STRIKES, this.ints[row + PairWord.strikes] ?? 0);
    return Math.max(0, elapsedMs(this.#now, this.ints[row + PairWord.at] ?? 0) - strikes * STRIKE_WORTH_MS);
  }

  clear(index: number): void {
    this.ints.fill(0, index * PAIR_WORDS, (index + 1) * PAIR_WORDS);
  }
}
