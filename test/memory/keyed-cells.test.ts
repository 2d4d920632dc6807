import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { KeyedCells } from '../../src/memory/keyed-cells.ts';
import type { WideWords } from '../../src/memory/words.ts';
import { type ModelWords, PlainWords } from './permitted-words.ts';

const wordsFor = (capacity: number) => new PlainWords(new Int32Array(KeyedCells.wordsFor(capacity)));
const over = (words: ModelWords) => new KeyedCells(words, words.wide);
const key = (number: number) => ({ place: 0, print: number + 10 });

/** Words where another thread comes in between, right before the step of this number. */
class Interrupted implements ModelWords {
  readonly #words: ModelWords;
  readonly #at: number;
  readonly #other: () => void;
  steps = 0;
  readonly wide: WideWords = {
    load: (index) => this.#step().wide.load(index),
    add: (index, by) => this.#step().wide.add(index, by),
    compareExchange: (index, expected, value) => this.#step().wide.compareExchange(index, expected, value),
  };

  constructor(words: ModelWords, at: number, other: () => void) {
    this.#words = words;
    this.#at = at;
    this.#other = other;
  }

  get length() {
    return this.#words.length;
  }

  /** Whether the other thread had its turn. */
  get cameIn() {
    return this.steps > this.#at;
  }

  #step(): ModelWords {
    if (this.steps++ === this.#at) this.#other();
    return this.#words;
  }

  peek(index: number) {
    return this.load(index);
  }

  put(index: number, value: number) {
    this.store(index, value);
  }

  load(index: number) {
    return this.#step().load(index);
  }

  store(index: number, value: number) {
    this.#step().store(index, value);
  }

  add(index: number, by: number) {
    return this.#step().add(index, by);
  }

  compareExchange(index: number, expected: number, value: number) {
    return this.#step().compareExchange(index, expected, value);
  }
}

const lowestGoes = { rank: (value: number) => value };
const set = (cells: KeyedCells, number: number, value: number) =>
  cells.update(key(number), { ...lowestGoes, next: () => value });
const addOne = (cells: KeyedCells, number: number) =>
  cells.update(key(number), { ...lowestGoes, next: (value) => (value ?? 0) + 1 });

test('a key has its value until another needs the room', (t) => {
  const cells = over(wordsFor(8));
  t.is(cells.read(key(0)), null);
  for (let number = 0; number < 8; number++) {
    set(cells, number, 100 + number);
    addOne(cells, number);
    t.is(cells.read(key(number)), 101 + number);
  }
  set(cells, 8, 500);
  t.is(cells.read(key(0)), null);
  t.is(cells.size, 8);
});

test('keys that look like an empty or a busy cell are keys like others', (t) => {
  const cells = over(wordsFor(8));
  for (const print of [0, -1, 0xffff_ffff, 2 ** 32]) {
    cells.update({ place: 0, print }, { ...lowestGoes, next: () => print });
    t.is(cells.read({ place: 0, print }), print | 0);
  }
});

const imageOf = (words: ModelWords) => Array.from({ length: words.length }, (_, index) => words.load(index));

/** A thread dies right behind its mark; returns the cells as it leaves them. */
function dieAtMark(t: ExecutionContext, words: ModelWords): number[] {
  const died = new Error();
  const dying = new Interrupted(words, 10, () => {
    throw died;
  });
  t.throws(() => set(over(dying), 99, 9), { is: died });
  return imageOf(words).slice(0, 16);
}

test('tidying empties what is over, and what a dead thread had marked', (t) => {
  const words = wordsFor(8);
  const cells = over(words);
  for (let number = 0; number < 7; number++) set(cells, number, number);
  const before = imageOf(words).slice(0, 16);
  t.notDeepEqual(dieAtMark(t, words), before);
  t.is(cells.read(key(99)), null);
  cells.tidy((value) => value < 4);
  t.is(cells.size, 3);
  t.is(cells.read(key(4)), 4);
});

// With three who bring a key, one that sleeps could otherwise finish the mark of another who hasn't looked elsewhere yet.
test('no two marks of a key are alike', (t) => {
  const words = wordsFor(8);
  const first = dieAtMark(t, words);
  over(words).tidy(() => false);
  t.notDeepEqual(dieAtMark(t, words), first);
});

test('whatever marks dead threads left, all cells are there for keys', (t) => {
  const words = wordsFor(8);
  for (let cell = 0; cell < 8; cell++) words.store(2 * cell, 2 * cell + 1);
  const there = over(words);
  for (let number = 0; number < 8; number++) {
    addOne(there, number);
    t.is(there.read(key(number)), 1);
  }
});

test('a thread that is slow to give a cell to its key loses it to nobody who tidies', (t) => {
  for (let at = 0, cameIn = true; cameIn; at++) {
    const words = wordsFor(8);
    const there = over(words);
    const interrupted = new Interrupted(words, at, () => {
      there.tidy(() => false);
      for (let number = 0; number < 7; number++) set(there, number, 100 + number);
    });
    set(over(interrupted), 99, 7);
    cameIn = interrupted.cameIn;
    if (!cameIn) break;
    t.is(there.read(key(99)), 7, `before step ${at}`);
    for (let number = 0; number < 7; number++) t.is(there.read(key(number)), 100 + number, `before step ${at}`);
  }
});

test('two threads that bring one key at once count in one cell, whenever the other comes in between', (t) => {
  for (const others of [0, 5, 8]) {
    for (let at = 0, cameIn = true; cameIn; at++) {
      const words = wordsFor(8);
      const there = over(words);
      for (let number = 0; number < others; number++) set(there, number, number);
      const interrupted = new Interrupted(words, at, () => addOne(there, 99));
      addOne(over(interrupted), 99);
      cameIn = interrupted.cameIn;
      t.is(there.read(key(99)), cameIn ? 2 : 1, `${others} others, before step ${at}`);
    }
  }
});

test('whenever others bring it and count in between, a key that is withdrawn takes no count along', (t) => {
  for (let first = 0; first < 30; first++) {
    for (let second = first; second < 40; second++) {
      const words = wordsFor(8);
      const there = over(words);
      let others = 0;
      const come = () => {
        others++;
        addOne(there, 99);
      };
      addOne(over(new Interrupted(new Interrupted(words, second, come), first, come)), 99);
      t.is(there.read(key(99)), 1 + others, `before steps ${first} and ${second}`);
    }
  }
});

test('whatever comes in between, a key never takes over the value of another', (t) => {
  for (let at = 0, cameIn = true; cameIn; at++) {
    const words = wordsFor(8);
    const there = over(words);
    for (let number = 0; number < 8; number++) set(there, number, 1_000);
    const interrupted = new Interrupted(words, at, () => addOne(there, 98));
    addOne(over(interrupted), 99);
    const counts = [98, 99].map((number) => there.read(key(number)));
    // Each counts one, or made room for the other.
    t.true(counts.includes(1) && counts.every((count) => count === 1 || count === null), `before step ${at}`);
    cameIn = interrupted.cameIn;
  }
});

test('values are those of a map, as long as there is room', (t) => {
  const step = fc.record({ place: fc.nat(3), print: fc.integer({ min: 1, max: 2 }), value: fc.integer() });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const cells = over(wordsFor(64));
      const model = new Map<string, number>();
      for (const { place, print, value } of steps) {
        t.is(cells.read({ place, print }), model.get(`${place} ${print}`) ?? null);
        cells.update({ place, print }, { ...lowestGoes, next: () => value });
        model.set(`${place} ${print}`, value | 0);
      }
      t.is(cells.size, model.size);
    }),
  );
});
