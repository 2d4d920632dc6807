import { GrowingWords } from './growing.ts';
import { HashIndex } from './hash-index.ts';

/** The words of one row, by what each holds: a text of the table of places, a text of the table of labels (0 is none in either),
 *  or a number. */
export const termColumns = [
  { term: 0, holds: 'label' },
  { term: 1, holds: 'number' },
  { term: 2, holds: 'place' },
  { term: 3, holds: 'place' },
  { term: 4, holds: 'place' },
  { term: 5, holds: 'place' },
  { term: 6, holds: 'place' },
  { term: 7, holds: 'place' },
  { term: 8, holds: 'place' },
  { term: 9, holds: 'label' },
  { term: 10, holds: 'label' },
  { term: 11, holds: 'label' },
  { term: 12, holds: 'label' },
] as const;

/** Where each word stands. */
export const Term = Object.freeze({
  pool: 0,
  /** Small numbers packed by who writes them. */
  flags: 1,
  country: 2,
  region: 3,
  state: 4,
  city: 5,
  zip: 6,
  asn: 7,
  isp: 8,
  name: 9,
  ca: 10,
  /** 0 where the exit has dialling facts of its own. */
  template: 11,
  /** The places that it mints exits for. */
  templateValues: 12,
});
export type Term = (typeof Term)[keyof typeof Term];

const WORDS = termColumns.length;

const MAX_ROWS = 2 ** 22;

/** Everything that many exits have in common, each combination once, by number: all exits of a list or a template share one row,
 *  so that a filter is judged by rows rather than by exits. For the one thread that adds rows. */
export class TermsTable {
  readonly #rows = new GrowingWords(MAX_ROWS * WORDS);
  #index = new HashIndex();
  #count = 0;

  get shared(): SharedArrayBuffer {
    return this.#rows.shared;
  }

  get count(): number {
    return this.#count;
  }

  /** The number of the row of these words, in the order of `Term`; given to it now if it is new. */
  intern(row: readonly number[]): number {
    const start = this.#count * WORDS;
    this.#rows.reserve(start + WORDS);
    const { words } = this.#rows;
    for (let i = 0; i < WORDS; i += 1) words[start + i] = row[i] ?? 0;
    const known = this.#index.find(this.#hashOf(this.#count), (number) => this.#isNext(number));
    if (known >= 0) return known;
    this.#count += 1;
    this.#index.add(this.#count - 1, (number) => this.#hashOf(number));
    return this.#count - 1;
  }

  /** Forgets all rows from number `count` on. */
  truncate(count: number): void {
    if (count === this.#count) return;
    this.#count = count;
    this.#index = new HashIndex();
    for (let number = 0; number < count; number += 1) this.#index.add(number, (one) => this.#hashOf(one));
  }

  /** Whether row `number` says the same as the one being added. */
  #isNext(number: number): boolean {
    const { words } = this.#rows;
    for (let i = 0; i < WORDS; i += 1) {
      if (words[number * WORDS + i] !== words[this.#count * WORDS + i]) return false;
    }
    return true;
  }

  #hashOf(number: number): number {
    const { words } = this.#rows;
    let hash = 0;
    for (let i = 0; i < WORDS; i += 1) hash = Math.imul(hash, 0x01000193) ^ (words[number * WORDS + i] ?? 0);
    return hash;
  }
}

/** Reads the rows of a table: those that stood when the view was made. */
export class TermsView {
  readonly count: number;
  readonly #words: Int32Array;

  constructor(shared: SharedArrayBuffer, count: number) {
    this.count = count;
    this.#words = new Int32Array(shared, 0, count * WORDS);
  }

  word(number: number, term: Term): number {
    return this.#words[number * WORDS + term] ?? 0;
  }
}
