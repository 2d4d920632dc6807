import test from 'ava';
import fc from 'fast-check';
import { KeyedCells } from '../../src/memory/keyed-cells.ts';
import { AtomicWords, type Words } from '../../src/memory/words.ts';

const wordsFor = (capacity: number) => new AtomicWords(new SharedArrayBuffer(4 * KeyedCells.wordsFor(capacity)));
const key = (number: number) => ({ place: 0, print: number + 10 });

/** Words where another thread comes in between, right before the step of this number. */
class Interrupted implements Words {
  readonly #words: Words;
  readonly #at: number;
  readonly #other: () => void;
  steps = 0;

  constructor(words: Words, at: number, other: () => void) {
    this.#words = words;
    this.#at = at;
    this.#other = other;
  }

  get length() {
    return this.#words.length;
  }

  #step(): Words {
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
  const cells = new KeyedCells(wordsFor(8));
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
  const cells = new KeyedCells(wordsFor(8));
  for (const print of [0, -1, 0xffff_ffff, 2 ** 32]) {
    cells.update({ place: 0, print }, { ...lowestGoes, next: () => print });
    t.is(cells.read({ place: 0, print }), print | 0);
  }
});

test('tidying empties what is over, and what a dead thread was about to give away', (t) => {
  const words = wordsFor(8);
  const cells = new KeyedCells(words);
  for (let number = 0; number < 8; number++) set(cells, number, number);
  words.store(14, -1);
  cells.tidy((value) => value < 4);
  t.is(cells.size, 4, 'what is busy now may be so for a moment');
  cells.tidy(() => false);
  t.is(cells.size, 3);
  t.is(cells.read(key(4)), 4);
});

test('a thread that is slow to give a cell to its key loses it to nobody who tidies', (t) => {
  for (let at = 0, steps = 1; at < steps; at++) {
    const words = wordsFor(8);
    const there = new KeyedCells(words);
    const interrupted = new Interrupted(words, at, () => {
      there.tidy(() => false);
      for (let number = 0; number < 7; number++) set(there, number, 100 + number);
    });
    set(new KeyedCells(interrupted), 99, 7);
    t.is(there.read(key(99)), 7, `before step ${at}`);
    for (let number = 0; number < 7; number++) t.is(there.read(key(number)), 100 + number, `before step ${at}`);
    steps = interrupted.steps;
  }
});

test('two threads that bring one key at once count in one cell, whenever the other comes in between', (t) => {
  for (const others of [0, 5, 8]) {
    for (let at = 0, steps = 1; at < steps; at++) {
      const words = wordsFor(8);
      const there = new KeyedCells(words);
      for (let number = 0; number < others; number++) set(there, number, number);
      const interrupted = new Interrupted(words, at, () => addOne(there, 99));
      addOne(new KeyedCells(interrupted), 99);
      t.is(there.read(key(99)), 2, `${others} others, before step ${at}`);
      steps = interrupted.steps;
    }
  }
});

test('whatever comes in between, a key never takes over the value of another', (t) => {
  for (let at = 0, steps = 1; at < steps; at++) {
    const words = wordsFor(8);
    const there = new KeyedCells(words);
    for (let number = 0; number < 8; number++) set(there, number, 1_000);
    const interrupted = new Interrupted(words, at, () => addOne(there, 98));
    addOne(new KeyedCells(interrupted), 99);
    const counts = [98, 99].map((number) => there.read(key(number)));
    // Each counts one, or made room for the other.
    t.true(counts.includes(1) && counts.every((count) => count === 1 || count === null), `before step ${at}`);
    steps = interrupted.steps;
  }
});

test('values are those of a map, as long as there is room', (t) => {
  const step = fc.record({ place: fc.nat(3), print: fc.integer({ min: 1, max: 2 }), value: fc.integer() });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const cells = new KeyedCells(wordsFor(64));
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
