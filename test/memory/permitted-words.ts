import type { WideWords, Words } from '../../src/memory/words.ts';

/** Words that can be read and changed two at a time, too. */
export interface ModelWords extends Words {
  /** The same memory in words of 64 bits. */
  readonly wide: WideWords;
}

/** An access to a word, about to be made. */
export interface Access {
  readonly word: number;
  readonly writes: boolean;
  /** To the next word as well. */
  readonly isWide?: boolean;
}

/** What an access came to; of 64 bits as text. */
export type Answer = number | string;

/** Thrown where an actor wants more than it may. */
export class Suspended extends Error {}

/** Words without sharing, for what happens outside of schedules. */
export class PlainWords implements ModelWords {
  readonly #memory: Int32Array;
  readonly wide: WideWords = {
    load: (index) => this.#wide[index]!,
    add: (index, by) => {
      const before = this.#wide[index]!;
      this.#wide[index] = before + by;
      return before;
    },
    compareExchange: (index, expected, value) => {
      const before = this.#wide[index]!;
      if (before === expected) this.#wide[index] = value;
      return before;
    },
  };

  constructor(memory: Int32Array) {
    this.#memory = memory;
  }

  get length(): number {
    return this.#memory.length;
  }

  get #wide(): BigInt64Array {
    return new BigInt64Array(this.#memory.buffer, this.#memory.byteOffset, this.#memory.length >> 1);
  }

  peek(index: number): number {
    return this.load(index);
  }

  put(index: number, value: number): void {
    this.store(index, value);
  }

  load(index: number): number {
    return this.#memory[index]!;
  }

  store(index: number, value: number): void {
    this.#memory[index] = value;
  }

  add(index: number, by: number): number {
    const before = this.#memory[index]!;
    this.#memory[index] = before + by;
    return before;
  }

  compareExchange(index: number, expected: number, value: number): number {
    const before = this.#memory[index]!;
    if (before === expected) this.#memory[index] = value;
    return before;
  }
}

/** Words that answer from a record of earlier answers, then allow so many accesses for real, and suspend whoever wants more. */
export class PermittedWords implements ModelWords {
  #words: ModelWords;
  readonly #answers: Answer[];
  readonly #forgets: (access: Access) => boolean;
  #permits = -1;
  /** The access with which it began anew. */
  anew = 0;
  /** How many accesses there were. */
  accesses = 0;
  /** The access that was not allowed any more. */
  wanted: Access | null = null;
  /** Whether the last access changed a word. */
  wrote = false;
  readonly wide: WideWords = {
    load: (index) => this.#wideStep(index, false, () => this.#words.wide.load(index)),
    add: (index, by) => this.#wideStep(index, true, () => this.#words.wide.add(index, by)),
    compareExchange: (index, expected, value) =>
      this.#wideStep(index, true, () => {
        const before = this.#words.wide.compareExchange(index, expected, value);
        if (before !== expected) this.wrote = false;
        return before;
      }),
  };

  constructor(image: Int32Array, answers: Answer[], forgets: (access: Access) => boolean) {
    this.#words = new PlainWords(image.slice());
    this.#answers = answers;
    this.#forgets = forgets;
  }

  /** From now on each access counts. */
  permit(memory: Int32Array, permits: number): void {
    this.#words = new PlainWords(memory);
    this.#permits = permits;
  }

  get length(): number {
    return this.#words.length;
  }

  peek(index: number): number {
    return this.load(index);
  }

  put(index: number, value: number): void {
    this.store(index, value);
  }

  load(index: number): number {
    return this.#step({ word: index, writes: false }, () => this.#words.load(index));
  }

  store(index: number, value: number): void {
    this.#step({ word: index, writes: true }, () => {
      this.#words.store(index, value);
      return 0;
    });
  }

  add(index: number, by: number): number {
    return this.#step({ word: index, writes: true }, () => this.#words.add(index, by));
  }

  compareExchange(index: number, expected: number, value: number): number {
    return this.#step({ word: index, writes: true }, () => {
      const before = this.#words.compareExchange(index, expected, value);
      if (before !== expected) this.wrote = false;
      return before;
    });
  }

  #wideStep(index: number, writes: boolean, carryOut: () => bigint): bigint {
    return BigInt(this.#step<Answer>({ word: 2 * index, writes, isWide: true }, () => `${carryOut()}`));
  }

  #step<A extends Answer>(access: Access, carryOut: () => A): A {
    if (this.#permits < 0) return carryOut();
    if (this.#forgets(access)) this.anew = this.accesses;
    const known = this.#answers[this.accesses];
    if (known !== undefined) {
      this.accesses++;
      return known as A;
    }
    // What runs while the suspension unwinds has no effect either.
    if (this.#permits === 0) {
      this.wanted ??= access;
      throw new Suspended();
    }
    this.#permits--;
    this.wrote = access.writes;
    const answer = carryOut();
    this.#answers.push(answer);
    this.accesses++;
    return answer;
  }
}
