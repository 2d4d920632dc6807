import { AtomicWideWords, AtomicWords, type WideWords, type Words } from './words.ts';

/** Which of a count's two words holds its lower half: that depends on the machine. */
const LOW = new Int32Array(BigInt64Array.of(1n).buffer)[0] === 1 ? 0 : 1;
const HIGH = 1 - LOW;
const HALF = 2 ** 32;

/** Counts of 64 bits that all threads share, from 0 on. A BigInt costs an object for each figure, and nearly all changes are small:
 *  what doesn't carry into the upper half is changed there, by a compare-exchange of the lower one, which fails wherever another
 *  thread has changed that half, whichever way. Numbers are exact up to 2^53. */
export class WideCounts {
  readonly #words: Words;
  readonly #wide: WideWords;

  /** Both are views of the same memory. */
  constructor(words: Words, wide: WideWords) {
    this.#words = words;
    this.#wide = wide;
  }

  static over(buffer: SharedArrayBuffer): WideCounts {
    return new WideCounts(new AtomicWords(buffer), new AtomicWideWords(buffer));
  }

  load(index: number): bigint {
    return this.#wide.load(index);
  }

  /** The count as plain reads show it: perhaps a former one, and 2^32 too many while another thread carries. For who looks
   *  exactly at what seems to be used up. */
  glance(index: number): number {
    const low = this.#words.peek(2 * index + LOW) >>> 0;
    return this.#words.peek(2 * index + HIGH) * HALF + low;
  }

  /** What is counted, as a number: exact up to 2^53, but for a count that goes up to the next 2^32 and back while it is read. */
  read(index: number): number {
    const high = this.#words.load(2 * index + HIGH);
    const low = this.#words.load(2 * index + LOW) >>> 0;
    // Unless another thread carried while the halves were read.
    return this.#words.load(2 * index + HIGH) === high ? high * HALF + low : Number(this.#wide.load(index));
  }

  /** Counts `by`, which may be negative, but no further than to 0. Returns what was counted before. */
  add(index: number, by: bigint): bigint {
    if (by >= 0n) return this.#wide.add(index, by);
    for (;;) {
      const seen = this.#wide.load(index);
      if (this.#wide.compareExchange(index, seen, sumOf(seen, by)) === seen) return seen;
    }
  }

  /** Counts `by`, 0 to 2^31. Returns what is counted then. */
  addUp(index: number, by: number): number {
    for (;;) {
      const high = this.#words.peek(2 * index + HIGH);
      const low = this.#words.peek(2 * index + LOW);
      const next = (low >>> 0) + by;
      if (next >= HALF) return Number(this.#wide.add(index, BigInt(by)) + BigInt(by));
      if (this.#words.compareExchange(2 * index + LOW, low, next | 0) !== low) continue;
      // Unless another thread carried while the halves were read.
      return this.#words.peek(2 * index + HIGH) === high ? high * HALF + next : Number(this.#wide.load(index));
    }
  }

  /** Counts `by` if no more than `most` are counted then. */
  take(index: number, by: bigint, most: bigint): boolean {
    for (;;) {
      const seen = this.#wide.load(index);
      if (seen + by > most) return false;
      if (this.#wide.compareExchange(index, seen, seen + by) === seen) return true;
    }
  }

  /** Counts one more if no more than `most` are counted then. */
  takeOne(index: number, most: number): boolean {
    if (most < HALF)
      for (;;) {
        const low = this.#words.peek(2 * index + LOW);
        // What seems to be used up is looked at exactly.
        if (this.#words.peek(2 * index + HIGH) !== 0 || low >>> 0 >= most) break;
        if (this.#words.compareExchange(2 * index + LOW, low, (low + 1) | 0) === low) return true;
      }
    return this.take(index, 1n, BigInt(most));
  }
}

/** What is counted when `by` is counted as well. */
export const sumOf = (count: bigint, by: bigint): bigint => (count + by < 0n ? 0n : count + by);
