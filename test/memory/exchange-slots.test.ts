import test from 'ava';
import {
  countIn,
  ExchangeSlots,
  exchangeSlotsWords,
  FULL,
  MOST_TAKERS,
  NO_ROOM,
} from '../../src/memory/exchange-slots.ts';
import type { Words } from '../../src/memory/words.ts';
import { type Actor, exploreSchedules, PlainWords, type Scenario } from './schedules.ts';

const exits = 2;
const shapeOf = (slotsEach: number) => ({ takers: 3, slotsEach });
const rowsAt = exchangeSlotsWords(shapeOf(2));

/** The same words, beginning elsewhere. */
const from = (words: Words, start: number): Words => ({
  length: words.length - start,
  peek: (index) => words.peek(start + index),
  put: (index, value) => words.put(start + index, value),
  load: (index) => words.load(start + index),
  store: (index, value) => words.store(start + index, value),
  add: (index, by) => words.add(start + index, by),
  compareExchange: (index, expected, value) => words.compareExchange(start + index, expected, value),
});

const open = (words: Words, taker: number, slotsEach = 2) =>
  new ExchangeSlots({ words, rows: from(words, rowsAt) }, shapeOf(slotsEach), taker);
const memory = () => new Int32Array(rowsAt + exits * 16);

interface View {
  readonly slots: ExchangeSlots;
  readonly handles: number[];
}

const take = (exit: number, most?: number) => (view: View) => {
  const handle = view.slots.take(exit, 1, most);
  view.handles.push(handle);
  return handle >= 0 ? 'held' : handle;
};
const giveBack = (nth: number) => (view: View) => view.slots.giveBack(view.handles[nth]!);
interface Work {
  readonly slotsEach: number;
  readonly first: readonly ((view: View) => unknown)[];
  readonly second: readonly ((view: View) => unknown)[];
}

/** What is in flight, and whether any tag is left. */
const observe = (words: Words) =>
  Array.from({ length: exits }, (_, exit) => {
    const word = words.load(rowsAt + exit * 16);
    return [countIn(word), word >>> 24];
  });

/** Two takers, of whom the first may die, and the control thread, which buries it. */
function scenarioOf({ slotsEach, first, second }: Work): Scenario<View> {
  const actor = (taker: number, operations: Work['first']): Actor<View> => ({
    open: (words) => ({ slots: open(words, taker, slotsEach), handles: [] }),
    operations,
    // A change that finds the row changed under it looks at the row again, and at nothing that it saw before.
    forgets: ({ word, writes }) => !writes && word >= rowsAt,
  });
  return {
    initial: memory,
    actors: [{ ...actor(0, first), mortal: true }, actor(1, second)],
    undertaker: (dead) => actor(2, [({ slots }) => slots.bury(dead) * 0]),
    observe,
  };
}

const works: Readonly<Record<string, Work>> = {
  'both take one exit': { slotsEach: 1, first: [take(0)], second: [take(0)] },
  'take and give back against take': { slotsEach: 1, first: [take(0), giveBack(0)], second: [take(0)] },
  'take against take and give back': { slotsEach: 1, first: [take(0)], second: [take(0), giveBack(0)] },
  'both take and give back': { slotsEach: 1, first: [take(0), giveBack(0)], second: [take(0), giveBack(0)] },
  'again in the same slot': {
    slotsEach: 1,
    first: [take(0), giveBack(0), take(0)],
    second: [take(0), giveBack(0)],
  },
  'no room, given back twice': {
    slotsEach: 1,
    first: [take(0), take(0), giveBack(0)],
    second: [take(0), giveBack(0), giveBack(0)],
  },
  'one place for both': { slotsEach: 1, first: [take(0, 1)], second: [take(0, 1)] },
  'one place, given back, for both': {
    slotsEach: 1,
    first: [take(0, 1), giveBack(0)],
    second: [take(0, 1), giveBack(0)],
  },
  'one place, asked for again': {
    slotsEach: 1,
    first: [take(0, 1), take(0, 1), giveBack(0)],
    second: [take(0, 1)],
  },
  'two exits': { slotsEach: 2, first: [take(0), take(1)], second: [take(1), take(0)] },
};

for (const [name, one] of Object.entries(works)) {
  test(`every schedule: ${name}`, (t) => {
    const { states, ends, strange } = exploreSchedules(scenarioOf(one));
    t.log(`${states} states, ${ends} ends`);
    t.deepEqual(strange.slice(0, 3), []);
  });
}

test('the harness finds a count that is not exact', (t) => {
  const careless = (taker: number): Actor<Words> => ({
    open: (words) => words,
    operations: [
      (words) => {
        words.store(taker + 1, 1);
        words.add(0, 1);
        words.store(taker + 1, 2);
        return null;
      },
    ],
    mortal: true,
  });
  const { strange } = exploreSchedules<Words>({
    initial: () => new Int32Array(4),
    actors: [careless(0), careless(1)],
    undertaker: (dead) => ({
      open: (words) => words,
      operations: [
        (words) => {
          if (words.load(dead + 1) === 2) words.add(0, -1);
          words.store(dead + 1, 0);
          return null;
        },
      ],
    }),
    observe: (words) => words.load(0),
  });
  t.true(strange.length > 0);
});

test('a place is held until it is given back, once', (t) => {
  const words = new PlainWords(memory());
  const slots = open(words, 0);
  const handle = slots.take(1, 7);
  t.is(slots.inFlight(1), 1);
  t.true(slots.giveBack(handle));
  t.false(slots.giveBack(handle));
  t.false(slots.giveBack(NO_ROOM));
  t.is(slots.inFlight(1), 0);
  const again = slots.take(1, 7);
  t.false(slots.giveBack(handle), 'an old handle is no key to what came after');
  t.is(slots.inFlight(1), 1);
  t.true(slots.giveBack(again));
});

test('without room nothing is counted', (t) => {
  const slots = open(new PlainWords(memory()), 0);
  slots.take(0, 1);
  slots.take(0, 1);
  t.is(slots.take(0, 1), NO_ROOM);
  t.is(slots.inFlight(0), 2);
});

test('a full exit is told from one without room, and takes again once a place is given back', (t) => {
  const words = new PlainWords(memory());
  const [slots, other] = [open(words, 0), open(words, 1)];
  const handle = slots.take(0, 1, 1);
  t.is(slots.take(0, 1, 1), FULL);
  t.is(other.take(0, 1, 1), FULL);
  t.is(slots.inFlight(0), 1);
  slots.giveBack(handle);
  t.true(other.take(0, 1, 1) >= 0);
  t.not(slots.take(1, 1), NO_ROOM, 'what was refused holds no slot');
  t.not(slots.take(1, 1), NO_ROOM);
});

test('what a dead taker held is given back, and its number serves again', (t) => {
  const words = new PlainWords(memory());
  const undertaker = open(words, 2);
  const dead = open(words, 0);
  const handle = dead.take(0, 1);
  dead.take(1, 1);
  open(words, 1).take(0, 1);
  t.is(undertaker.bury(0), 2);
  t.is(undertaker.bury(0), 0);
  t.deepEqual([undertaker.inFlight(0), undertaker.inFlight(1)], [1, 0]);
  const successor = open(words, 0);
  t.false(successor.giveBack(handle));
  t.not(successor.take(0, 1), NO_ROOM);
  t.not(successor.take(0, 1), NO_ROOM);
  t.is(undertaker.inFlight(0), 3);
});

test('the greatest number of takers has room beside the count', (t) => {
  const wide = { takers: MOST_TAKERS, slotsEach: 1 };
  const words = new PlainWords(new Int32Array(exchangeSlotsWords(wide)));
  const rows = new PlainWords(new Int32Array(16));
  const slots = new ExchangeSlots({ words, rows }, wide, MOST_TAKERS - 1);
  for (let i = 0; i < 9; i++) slots.giveBack(slots.take(0, 1));
  t.is(rows.load(0), 0);
});
