import test from 'ava';
import { KeyedCells } from '../../src/memory/keyed-cells.ts';
import { type Actor, exploreSchedules, type ModelWords, PlainWords, type Scenario } from './schedules.ts';

/** Of one set of cells, where all keys compete for room. */
const length = KeyedCells.wordsFor(8);
/** Further ones fill the set. */
const [a, b, c] = [1, 2, 3];

type Operation = (cells: KeyedCells) => unknown;

const keyOf = (number: number) => ({ place: 0, print: number + 10 });

/** Counts one, and tells how many that makes; the lowest count makes room, unless told otherwise. */
const count =
  (number: number, rank = (value: number) => value): Operation =>
  (cells) => {
    let counted = 0;
    const next = (value: number | null) => {
      counted = (value ?? 0) + 1;
      return counted;
    };
    cells.update(keyOf(number), { next, rank });
    return counted;
  };
const set =
  (number: number, value: number): Operation =>
  (cells) =>
    cells.update(keyOf(number), { next: () => value, rank: (value) => value }) ?? null;
const fill = (from: number, value: number) => Array.from({ length: 9 - from }, (_, i) => set(from + i, value));
/** Empties what has counted so many at most. */
const tidy =
  (most = 0): Operation =>
  (cells) =>
    cells.tidy((value) => value <= most) ?? null;

const actor = (operations: readonly Operation[]): Actor<KeyedCells> => ({
  open: (words) => new KeyedCells(words, words.wide),
  operations,
});

interface Work {
  /** Done before anyone begins. */
  readonly given?: readonly Operation[];
  /** Each by a thread of its own. */
  readonly threads: readonly (readonly Operation[])[];
  /** Whether the first thread may die; the control thread tidies behind it, and counts. */
  readonly mortal?: boolean;
  /** A key that came in vain may have cost another its room. */
  readonly isFull?: boolean;
}

function scenarioOf({ given = [], threads, mortal = false, isFull = false }: Work): Scenario<KeyedCells> {
  const observe = (words: ModelWords) => {
    const cells = actor([]).open(words);
    return { counts: [a, b, c].map((key) => cells.read(keyOf(key))), size: isFull ? null : cells.size };
  };
  return {
    initial: () => {
      const memory = new Int32Array(length);
      const cells = actor([]).open(new PlainWords(memory));
      for (const operation of given) operation(cells);
      return memory;
    },
    actors: threads.map((operations, index) => ({ ...actor(operations), mortal: mortal && index === 0 })),
    undertaker: () => actor([tidy(), tidy(), count(a)]),
    observe,
  };
}

const works: Readonly<Record<string, Work>> = {
  'two bring one key': { threads: [[count(a)], [count(a), count(a)]] },
  'three bring one key': { threads: [[count(a)], [count(a)], [count(a)]] },
  'two bring one key, to a cell before as well once that is empty': {
    given: [set(c, 0)],
    threads: [[count(a)], [count(a)], [tidy()]],
  },
  'two bring two keys': {
    threads: [
      [count(a), count(b)],
      [count(b), count(a)],
    ],
  },
  'one of those who bring a key dies': { threads: [[count(a)], [count(a)]], mortal: true },
  'counted while it would be over': { given: [count(a)], threads: [[count(a)], [tidy(1)]] },
  'counted and brought while it would be over': { given: [count(a)], threads: [[count(a)], [count(a)], [tidy(1)]] },
  'two bring one key where it is full': {
    given: fill(1 + a, 0),
    threads: [[count(a)], [count(a), count(a)]],
    isFull: true,
  },
  'counted while it would make room': {
    given: [set(c, 2), set(a, 1), ...fill(4, 10), set(9, 10)],
    threads: [[count(a)], [set(b, 3)]],
  },
  'counted while its cell goes to another of the same count': {
    given: [set(a, 1), ...fill(c, 10), set(9, 10)],
    threads: [[count(a, (value) => -value)], [count(b)]],
  },
};

for (const [name, one] of Object.entries(works)) {
  test(`every schedule: ${name}`, (t) => {
    const { states, ends, strange } = exploreSchedules(scenarioOf(one));
    t.log(`${states} states, ${ends} ends`);
    t.deepEqual(strange.slice(0, 3), []);
  });
}
