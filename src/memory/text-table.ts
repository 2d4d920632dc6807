import { Buffer } from 'node:buffer';
import { GrowingOctets, GrowingWords, octetsOf } from './growing.ts';
import { HashIndex } from './hash-index.ts';

/** Each text has two words: where its octets end (they begin where those of the one before end), and the number of its key. */
const WORDS = 2;
const KEY = 1;

const MAX_TEXTS = 2 ** 23;
const MAX_OCTETS = 2 ** 28;

/** A text table as handed to other threads. */
export interface TextRecord {
  readonly octets: SharedArrayBuffer;
  readonly rows: SharedArrayBuffer;
  readonly index: SharedArrayBuffer;
  readonly count: number;
}

/** Every text once, by number. Number 0 is the empty text. Each has a key, another text of the table, under which it is compared.
 *  For the one thread that adds texts; others read through TextView. */
export class TextTable {
  readonly #keyOf: (text: string) => string;
  readonly #numbers = new Map<string, number>();
  readonly #octets = new GrowingOctets(MAX_OCTETS);
  readonly #rows = new GrowingWords(MAX_TEXTS * WORDS);
  #record: TextRecord | null = null;
  #end = 0;

  /** `keyOf` makes the key of a text; the key of a key must be itself, and the empty text its own. */
  constructor(keyOf: (text: string) => string = (text) => text) {
    this.#keyOf = keyOf;
    this.intern('');
  }

  get count(): number {
    return this.#numbers.size;
  }

  /** The number of `text`, given to it now if it is new. */
  intern(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const number = this.#numbers.size;
    this.#numbers.set(text, number);
    const end = this.#end + Buffer.byteLength(text);
    this.#octets.reserve(end);
    this.#octets.octets.write(text, this.#end);
    this.#rows.reserve((number + 1) * WORDS);
    this.#rows.words[number * WORDS] = end;
    this.#end = end;
    const key = this.intern(this.#keyOf(text));
    this.#rows.words[number * WORDS + KEY] = key;
    return number;
  }

  /** Forgets all texts from number `count` on. */
  truncate(count: number): void {
    for (const [text, number] of this.#numbers) if (number >= count) this.#numbers.delete(text);
    this.#end = this.#rows.words[(count - 1) * WORDS] ?? 0;
    if (this.#record !== null && this.#record.count > count) this.#record = null;
  }

  /** What other threads read the texts by that there are now. */
  publish(): TextRecord {
    if (this.#record?.count === this.count) return this.#record;
    const { shared: octets } = this.#octets;
    const record = { octets, rows: this.#rows.shared, index: new SharedArrayBuffer(0), count: this.count };
    const view = new TextView(record);
    const index = new HashIndex();
    for (let number = 0; number < this.count; number += 1) index.add(number, (one) => view.hashOf(one));
    this.#record = { ...record, index: index.shared };
    return this.#record;
  }
}

/** The texts of a table as they stood when it was published. */
export class TextView {
  readonly #octets: Buffer<ArrayBufferLike>;
  readonly #rows: Int32Array;
  readonly #index: HashIndex | null;

  constructor({ octets, rows, index, count }: TextRecord) {
    this.#octets = octetsOf(octets);
    this.#rows = new Int32Array(rows, 0, count * WORDS);
    this.#index = index.byteLength === 0 ? null : new HashIndex(index);
  }

  text(number: number): string {
    return this.#octets.toString('utf8', this.#startOf(number), this.#endOf(number));
  }

  /** The number of the text's key. */
  keyOf(number: number): number {
    return this.#rows[number * WORDS + KEY] ?? 0;
  }

  /** The number of `text`, or -1 where the table doesn't hold it. */
  numberOf(text: string): number {
    const octets = Buffer.from(text);
    const isIt = (number: number) => octets.compare(this.#octets, this.#startOf(number), this.#endOf(number)) === 0;
    return this.#index?.find(hashOctets(octets, 0, octets.length), isIt) ?? -1;
  }

  hashOf(number: number): number {
    return hashOctets(this.#octets, this.#startOf(number), this.#endOf(number));
  }

  #startOf(number: number): number {
    return number === 0 ? 0 : this.#endOf(number - 1);
  }

  #endOf(number: number): number {
    return this.#rows[number * WORDS] ?? 0;
  }
}

/** FNV-1a of some octets. */
function hashOctets(octets: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at += 1) hash = Math.imul(hash ^ (octets[at] ?? 0), 0x01000193);
  return hash;
}
