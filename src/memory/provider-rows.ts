import { AtomicWords, type Words } from './words.ts';

/** Words of a provider's row. */
const PROVIDER_WORDS = 9;

/** What each word of a provider's row holds; all are Int32, times are words of the shared clock. */
export const ProviderWord = Object.freeze({
  /** How it stands, packed by who judges it; 0 for one that serves. */
  standing: 0,
  /** Which sessions failed since it last worked, as bits. */
  suspects: 1,
  /** When the first of them did; of a provider that comes back, when its last step began. */
  since: 2,
  /** The number of its pool, plus 1. */
  pool: 3,
  /** How many exits it carries now. */
  exits: 4,
  /** 1 where it carries many exits over one way, so that they can fail for its sake; 0 for the exits of a list, each of which has a
   *  way of its own. */
  carries: 5,
  /** What made it stand as it does, as a number that whoever judges it can name. */
  why: 6,
  /** One of its exits. */
  sample: 7,
  /** The row of the site, plus 1, that all of the suspects failed at; 0 where they failed at several, or it has no row. */
  suspectSite: 8,
});

/** Row 0 is no provider, and always stands: in two of its words, how many providers don't serve … */
const CLOSED = 6;
/** … and the end of the rows that are in use. */
const END = 7;

const Word = ProviderWord;
const WORDS = PROVIDER_WORDS;

/** How those stand that carry exits, by the number of their group's row, in shared memory of a fixed size. The control thread says who
 *  they are; every thread changes how they stand. */
export class ProviderRows {
  readonly words: Words;
  /** The same words for plain reads, which may be a moment late. */
  readonly #seen: Int32Array;

  constructor(buffer: SharedArrayBuffer, words: Words = new AtomicWords(buffer)) {
    this.words = words;
    this.#seen = new Int32Array(buffer);
  }

  /** Memory for as many as there are rows of groups. */
  static allocate(groups = 4096): SharedArrayBuffer {
    return new SharedArrayBuffer(groups * WORDS * 4);
  }

  /** How many rows there are, row 0 among them. */
  get length(): number {
    return this.#seen.length / WORDS;
  }

  /** Whether any provider doesn't serve, or not yet all. */
  get anyClosed(): boolean {
    return this.#seen[CLOSED] !== 0;
  }

  /** Counts one more that doesn't serve, or one less. */
  closed(by: 1 | -1): void {
    this.words.add(CLOSED, by);
  }

  /** The standing, as a plain read. */
  seen(row: number): number {
    return this.#seen[row * WORDS + Word.standing] as number;
  }

  get(row: number, word: number): number {
    return this.words.load(row * WORDS + word);
  }

  set(row: number, word: number, value: number): void {
    this.words.store(row * WORDS + word, value);
  }

  /** Puts `value` in the place of `expected`; whether that stood there. */
  swap(row: number, word: number, { expected, value }: { readonly expected: number; readonly value: number }): boolean {
    return this.words.compareExchange(row * WORDS + word, expected, value) === expected;
  }

  /** Control thread: the provider has gained exits (or lost some, where `by` is negative), of which `sample` is one. */
  settle(
    row: number,
    { pool, carries, by, sample }: { pool: number; carries: boolean; by: number; sample: number },
  ): void {
    if (row === 0) return;
    this.set(row, Word.pool, pool + 1);
    this.set(row, Word.carries, carries ? 1 : 0);
    this.set(row, Word.sample, sample);
    this.left(row, -by);
    if (row >= this.words.load(END)) this.words.store(END, row + 1);
  }

  /** Control thread: so many exits have left the provider. */
  left(row: number, exits: number): void {
    if (row !== 0) this.words.add(row * WORDS + Word.exits, -exits);
  }

  /** The rows of all providers that carry exits now. */
  *standing(): Generator<number, undefined> {
    const end = this.words.load(END);
    for (let row = 1; row < end; row++) if (this.get(row, Word.pool) > 0 && this.get(row, Word.exits) > 0) yield row;
  }
}
