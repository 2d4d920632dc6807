import type { Words } from './words.ts';

/** Sockets of a worker that are known at once; a loop over more of them is found by their targets alone. */
const SOCKETS = 16_384;
/** Cells that a socket may stand in, next to each other. */
const WAYS = 8;
/** A worker's region begins with its count, in a cache line of its own. */
const HEAD_WORDS = 16;
const REGION_WORDS = HEAD_WORDS + SOCKETS;

const EMPTY = 0;

export interface OwnSocketsOptions {
  readonly words: Words;
  /** The number of this worker, from 0. */
  readonly worker: number;
  /** Chance, the same in all threads. */
  readonly seed: number;
}

/** The connections that this gateway opened itself, by text of both ends, in memory shared by all threads: what one worker opens
 *  another may accept. Each worker writes its own region only. Texts are known by 43 bits of their hash. */
export class OwnSockets {
  readonly #words: Words;
  readonly #region: number;
  readonly #seed: number;

  /** `words` are zeros at first; `wordsFor` says how many. */
  constructor({ words, worker, seed }: OwnSocketsOptions) {
    this.#words = words;
    this.#region = worker * REGION_WORDS;
    this.#seed = seed;
  }

  static wordsFor(workers: number): number {
    return workers * REGION_WORDS;
  }

  /** Gives back what a worker held when it died. */
  static release(words: Words, worker: number): void {
    const region = worker * REGION_WORDS;
    for (let index = region; index < region + REGION_WORDS; index++) words.store(index, EMPTY);
  }

  add(ends: string): void {
    this.#replace(ends, { from: EMPTY, to: this.#printOf(ends), count: 1 });
  }

  delete(ends: string): void {
    this.#replace(ends, { from: this.#printOf(ends), to: EMPTY, count: -1 });
  }

  /** Whether any worker opened it. */
  has(ends: string): boolean {
    const [place, print] = [this.#placeOf(ends), this.#printOf(ends)];
    for (let region = 0; region < this.#words.length; region += REGION_WORDS) {
      if (this.#find(region + place, print) !== -1) return true;
    }
    return false;
  }

  /** Whether no worker has opened any. */
  get isEmpty(): boolean {
    for (let region = 0; region < this.#words.length; region += REGION_WORDS) {
      if (this.#words.load(region) !== 0) return false;
    }
    return true;
  }

  /** Connections of this worker. */
  get size(): number {
    return this.#words.load(this.#region);
  }

  #replace(ends: string, { from, to, count }: { from: number; to: number; count: number }): void {
    const cell = this.#find(this.#region + this.#placeOf(ends), from);
    if (cell === -1) return;
    this.#words.store(cell, to);
    this.#words.add(this.#region, count);
  }

  #find(first: number, print: number): number {
    for (let cell = first; cell < first + WAYS; cell++) if (this.#words.load(cell) === print) return cell;
    return -1;
  }

  #placeOf(ends: string): number {
    return HEAD_WORDS + (hashOf(ends, this.#seed) % (SOCKETS / WAYS)) * WAYS;
  }

  #printOf(ends: string): number {
    return hashOf(ends, ~this.#seed) | 1;
  }
}

/** FNV-1a with MurmurHash3's finaliser, unsigned. Who finds two texts that meet gets its own connection refused, so this needs no
 *  cryptography. */
function hashOf(text: string, seed: number): number {
  let hash = seed ^ 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
