import type { Words } from './words.ts';

/** Pools that can be switched off: those of higher numbers can't. */
export const MOST_SWITCHES = 65_536;

const BITS = 32;

/** Words of all switches. */
export const SWITCH_WORDS = MOST_SWITCHES / BITS;

/** Which pools an operator has switched off, by their numbers, for all threads: a bit each. */
export class PoolSwitches {
  readonly #words: Words;

  /** SWITCH_WORDS words that are all 0, or that other threads use so. */
  constructor(words: Words) {
    this.#words = words;
  }

  isOff(pool: number): boolean {
    return pool < MOST_SWITCHES && (this.#words.load(Math.floor(pool / BITS)) & (1 << (pool % BITS))) !== 0;
  }

  /** Control thread: switches off these pools and no others. */
  replace(off: readonly number[]): void {
    const words = new Int32Array(SWITCH_WORDS);
    for (const pool of off)
      words[Math.floor(pool / BITS)] = (words[Math.floor(pool / BITS)] ?? 0) | (1 << (pool % BITS));
    for (const [index, word] of words.entries()) this.#words.store(index, word);
  }
}
