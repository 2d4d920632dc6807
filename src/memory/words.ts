/** 32-bit words that threads share. Everything on which threads must agree goes through this narrow door, so that a test can hand
 *  in words that wait for a permit before each access. */
export interface Words {
  /** How many words there are. */
  readonly length: number;
  load(index: number): number;
  store(index: number, value: number): void;
  /** Adds `by`, wrapping; returns the value before. */
  add(index: number, by: number): number;
  /** Stores `value` where the word holds `expected`; returns the value before. */
  compareExchange(index: number, expected: number, value: number): number;
}

/** Words of shared memory, each access sequentially consistent. */
export class AtomicWords implements Words {
  readonly #words: Int32Array;

  /** A buffer that can grow is seen as long as it is now. */
  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer);
  }

  get length(): number {
    return this.#words.length;
  }

  load(index: number): number {
    return Atomics.load(this.#words, index);
  }

  store(index: number, value: number): void {
    Atomics.store(this.#words, index, value);
  }

  add(index: number, by: number): number {
    return Atomics.add(this.#words, index, by);
  }

  compareExchange(index: number, expected: number, value: number): number {
    return Atomics.compareExchange(this.#words, index, expected, value);
  }
}
