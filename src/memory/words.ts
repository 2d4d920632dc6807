/** 32-bit words that several threads share. All coordination between threads goes through the four operations that are atomic and
 *  happen in one order that every thread sees alike, so that a test can hand in words of its own and decide who goes first at each
 *  step. Each of those costs 15 ns in JavaScript, and a plain access next to nothing: hence the other two. */
export interface Words {
  /** How many there are. */
  readonly length: number;
  /** A plain read, which may tell a former value: for what an atomic operation behind it confirms, or an estimate. */
  peek(index: number): number;
  /** A plain write: for what others read only once they have seen an atomic change that was made behind it. */
  put(index: number, value: number): void;
  load(index: number): number;
  store(index: number, value: number): void;
  /** Returns the value before; the sum wraps. */
  add(index: number, by: number): number;
  /** Stores `value` where `expected` stands. Returns the value before: it was `expected` where the word has changed. */
  compareExchange(index: number, expected: number, value: number): number;
}

/** Words in shared memory. An index out of range throws RangeError. */
export class AtomicWords implements Words {
  readonly #words: Int32Array<SharedArrayBuffer>;

  /** A view of the whole of `buffer` as it is now: one that follows a growing buffer costs fifteen times as much per access. */
  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer, 0, buffer.byteLength >> 2);
  }

  get length(): number {
    return this.#words.length;
  }

  peek(index: number): number {
    return this.#words[index] ?? 0;
  }

  put(index: number, value: number): void {
    this.#words[index] = value;
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

/** 64-bit words that several threads share: for counts that 32 bits are too few for. */
export interface WideWords {
  load(index: number): bigint;
  /** Returns the value before. */
  add(index: number, by: bigint): bigint;
  /** Returns the value before: it was `expected` where the word has changed. */
  compareExchange(index: number, expected: bigint, value: bigint): bigint;
}

/** The same memory in words of 64 bits; each stands at twice its index among those of 32. */
export class AtomicWideWords implements WideWords {
  readonly #words: BigInt64Array<SharedArrayBuffer>;

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new BigInt64Array(buffer, 0, buffer.byteLength >> 3);
  }

  load(index: number): bigint {
    return Atomics.load(this.#words, index);
  }

  add(index: number, by: bigint): bigint {
    return Atomics.add(this.#words, index, by);
  }

  compareExchange(index: number, expected: bigint, value: bigint): bigint {
    return Atomics.compareExchange(this.#words, index, expected, value);
  }
}
