import type { Words } from './words.ts';

/** Keys that are looked at for one key, next to each other: eight of them lie within one cache line. */
export const WINDOW = 8;

// A name that is exported or imported is looked up at each use; a constant that a module keeps to itself is compiled in.
const SIZE = WINDOW;

const FREE = 0;
const CLEARING = 1;

/** Times that a claim begins anew because another thread changed its window. Beyond them there is no place for now. */
const MOST_TRIES = 32;

/** What a table does with its rows while keys come and go. */
export interface WindowRows {
  /** How dispensable the row is: of a full window the one with the greatest figure goes. */
  staleness(index: number): number;
  /** Sets all its figures to 0. */
  clear(index: number): void;
}

/** A key that is neither free nor being cleared. */
export const asKey = (bits: number): number => (bits >>> 0 < 2 ? bits | 2 : bits) | 0;

/** The keys of a table in shared memory that several threads fill at once, without locks. A key lies in the window of eight where
 *  its hash points, so that every look costs one cache line or two, full or not; where a window is full its stalest row makes room.
 *
 *  A free key's row is always clear: whoever evicts marks the key, clears the row, and frees the key then. So a row never shows
 *  figures of its former key. A key is claimed at the lowest free place of a look that began at the window's start and met no
 *  equal key, and the claim is checked by another look: one key never has two places that both threads go on using. */
export class WindowKeys {
  readonly #words: Words;
  readonly #seen: Int32Array;
  readonly #windows: number;
  readonly #stride: number;

  /** A key is the first of every `stride` words, which the table uses as it likes; the number of keys is a power of two, at least
   *  `WINDOW`. `seen` are the same words for plain reads: a look may be a moment late, and costs a fifth. */
  constructor(words: Words, seen: Int32Array, stride = 1) {
    this.#words = words;
    this.#seen = seen;
    this.#stride = stride;
    this.#windows = words.length / (SIZE * stride);
  }

  /** The key's index, or -1. */
  find(hash: number, key: number): number {
    const start = this.#startOf(hash);
    const stride = this.#stride;
    let at = start * stride;
    for (let index = start; index < start + SIZE; index++, at += stride) if (this.#seen[at] === key) return index;
    return -1;
  }

  /** Whether `key` still lies at `index`. */
  holds(index: number, key: number): boolean {
    return this.#load(index) === key;
  }

  /** The key's index, claimed if need be; -1 where threads fought over its window for too long, which costs a sample. */
  claim(hash: number, key: number, rows: WindowRows): number {
    const start = this.#startOf(hash);
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      let free = -1;
      for (let index = start; index < start + SIZE; index++) {
        const held = this.#load(index);
        if (held === key) return index;
        if (held === FREE && free < 0) free = index;
      }
      if (free < 0) this.#evict(start, rows);
      else if (this.#swap(free, FREE, key) && this.#isAlone(free, key, start)) return free;
    }
    return -1;
  }

  /** Whether no other place of the window holds the key just claimed; gives the place back where one does. */
  #isAlone(claimed: number, key: number, start: number): boolean {
    for (let index = start; index < start + SIZE; index++) {
      if (index === claimed || this.#load(index) !== key) continue;
      this.#swap(claimed, key, FREE);
      return false;
    }
    return true;
  }

  /** Frees the stalest place. A place whose clearing was never finished, because its thread died, is cleared again. */
  #evict(start: number, rows: WindowRows): void {
    let stalest = start;
    let worst = -1;
    for (let index = start; index < start + SIZE; index++) {
      const staleness = rows.staleness(index);
      if (staleness <= worst) continue;
      worst = staleness;
      stalest = index;
    }
    const key = this.#load(stalest);
    if (key === FREE) return;
    if (key !== CLEARING && !this.#swap(stalest, key, CLEARING)) return;
    rows.clear(stalest);
    this.#swap(stalest, CLEARING, FREE);
  }

  #load(index: number): number {
    return this.#words.load(index * this.#stride);
  }

  #swap(index: number, expected: number, value: number): boolean {
    return this.#words.compareExchange(index * this.#stride, expected, value) === expected;
  }

  #startOf(hash: number): number {
    return (hash & (this.#windows - 1)) * SIZE;
  }
}
