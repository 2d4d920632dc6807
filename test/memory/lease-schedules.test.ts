import test from 'ava';
import type { Lease, LeaseKey } from '../../src/memory/lease.ts';
import { LeaseKeeper } from '../../src/memory/lease-keeper.ts';
import { LeaseLayout, Life, lifeOf } from '../../src/memory/lease-layout.ts';
import { LeaseTable } from '../../src/memory/lease-table.ts';
import { exitIn, termsOf } from './lease-words.ts';
import { type Actor, exploreSchedules, type ModelWords, PlainWords, type Scenario } from './schedules.ts';

/** Four records, and all keys in one chain. */
const layout = new LeaseLayout({ capacity: 4, spare: 0, threads: 3 });
const [a, b, c, d] = [1, 2, 3, 4].map((last): LeaseKey => [0, 0, 0, last]) as [LeaseKey, LeaseKey, LeaseKey, LeaseKey];
const none = -1;
const here = { slot: 3, generation: 1 };

interface View {
  readonly table: LeaseTable;
  readonly keeper: LeaseKeeper;
  /** Exits of strict sessions that were told of as confirmed. */
  readonly pinned: number[];
}
type Operation = (view: View) => unknown;

/** What an actor sees of a lease: the parts must belong together. */
const seen = (lease: Lease | undefined) =>
  lease === undefined ? none : [lease.slot, lease.mint, lease.moves, lease.confirmed, lease.failed];

const create =
  (key: LeaseKey, slot: number, now = 0): Operation =>
  ({ table }) =>
    seen(table.create(key, termsOf({ ...exitIn(slot), ttlMs: 100 }), now));
const find =
  (key: LeaseKey, now = 0): Operation =>
  ({ table }) =>
    seen(table.find(key, now));
const move =
  (key: LeaseKey, from: number, to: number): Operation =>
  ({ table }) =>
    seen(table.move(key, { from: { slot: from, generation: 1 }, to: exitIn(to) }, 0));
const createStrict =
  (key: LeaseKey, slot: number): Operation =>
  ({ table }) =>
    seen(table.create(key, termsOf({ ...exitIn(slot), strict: true }), 0));
/** Confirms the exit, and tells which one is pinned from then on. */
const pin =
  (key: LeaseKey, slot: number): Operation =>
  ({ table, pinned }) => {
    table.confirm(key, { slot, generation: 1 }, 0);
    return pinned.at(-1) ?? none;
  };
const confirm =
  (key: LeaseKey): Operation =>
  ({ table }) =>
    table.confirm(key, here, 0) ?? null;
const remove =
  (key: LeaseKey): Operation =>
  ({ table }) =>
    table.remove(key, 0);
const sweep =
  (now = 0): Operation =>
  ({ keeper }) =>
    keeper.sweep(now, 4);

const actor = (thread: number, operations: readonly Operation[]): Actor<View> => ({
  open: (words) => {
    const pinned: number[] = [];
    const onPinned = ({ slot }: { readonly slot: number }) => void pinned.push(slot);
    return {
      table: new LeaseTable({ words, layout, thread, onPinned }),
      keeper: new LeaseKeeper(words, layout),
      pinned,
    };
  },
  operations,
});

interface Work {
  /** Done before anyone begins. */
  readonly given?: readonly Operation[];
  /** By a thread that may die, unless the control thread is at work beside it. */
  readonly first: readonly Operation[];
  /** By another thread … */
  readonly second?: readonly Operation[];
  /** … or by the control thread. */
  readonly control?: readonly Operation[];
}

/** Who holds what, by both ways to find it out, and whether a record is left that nobody will finish. */
function observe(words: ModelWords): unknown {
  const { table, keeper } = actor(0, []).open(words);
  const lives = Array.from({ length: layout.records }, (_, i) => lifeOf(words.load(layout.lifeAt(i + 1))));
  return {
    listed: [...keeper.entries(0)].map((lease) => [lease.key[3], lease.session, ...[seen(lease)].flat()].join()).sort(),
    found: [a, b, c, d].map((key) => seen(table.find(key, 0))),
    claimed: lives.filter((life) => life === Life.claimed).length,
  };
}

function scenarioOf({ given = [], first, second, control = [] }: Work): Scenario<View> {
  return {
    initial: () => {
      const memory = new Int32Array(layout.length);
      const view = actor(0, []).open(new PlainWords(memory));
      for (const operation of given) operation(view);
      return memory;
    },
    actors: [{ ...actor(1, first), mortal: second !== undefined }, second ? actor(2, second) : actor(0, control)],
    undertaker: () => actor(0, [({ keeper }) => keeper.bury(1) ?? null]),
    observe,
  };
}

const works: Readonly<Record<string, Work>> = {
  'two make one lease': { first: [create(a, 3)], second: [create(a, 4)] },
  'two make two leases': { first: [create(a, 3)], second: [create(b, 4)] },
  'made while another looks, twice': { first: [create(a, 3)], second: [find(a), find(a)] },
  'made and ended, and made': { first: [create(a, 3), remove(a)], second: [create(a, 4)] },
  'both make, look and end': { first: [create(a, 3), remove(a)], second: [create(a, 4), remove(a)] },
  'over while another makes it anew': {
    given: [create(a, 3)],
    first: [create(a, 4, 100)],
    second: [create(a, 5, 100)],
  },
  'two move to different exits': { given: [create(a, 3)], first: [move(a, 3, 4)], second: [move(a, 3, 5)] },
  'moved while another looks, twice': { given: [create(a, 3)], first: [move(a, 3, 4)], second: [find(a), find(a)] },
  'moved and ended': { given: [create(a, 3)], first: [move(a, 3, 4)], second: [remove(a), find(a)] },
  'moved on and on': {
    given: [create(a, 3)],
    first: [move(a, 3, 4)],
    second: [move(a, 3, 5), move(a, 5, 6)],
  },
  'moved while it is confirmed': { given: [create(a, 3)], first: [move(a, 3, 4)], second: [confirm(a), find(a)] },
  'strict: moved while it is confirmed, or not': {
    given: [createStrict(a, 3)],
    first: [move(a, 3, 4)],
    second: [pin(a, 3), find(a)],
  },
  'strict: either exit serves it first': {
    given: [createStrict(a, 3)],
    first: [move(a, 3, 4), pin(a, 4)],
    second: [pin(a, 3), find(a)],
  },
  'strict: confirmed by one while another has just made it': {
    // What its maker reads of it may be later than the making.
    first: [(view) => createStrict(a, 3)(view) && null],
    second: [pin(a, 3), find(a)],
  },
  'strict: confirmed while it is ended': {
    given: [createStrict(a, 3)],
    first: [pin(a, 3), find(a)],
    second: [remove(a), createStrict(a, 4)],
  },
  'strict: confirmed while the chain is cleared': {
    given: [createStrict(a, 3), create(b, 3), move(a, 3, 4)],
    first: [pin(a, 4), move(a, 4, 5)],
    control: [sweep(), sweep()],
  },
  'made and moved, and made': { first: [create(a, 3), move(a, 3, 4)], second: [create(a, 5)] },
  'room for one': {
    given: [create(b, 3), create(c, 3), create(d, 3)],
    first: [create(a, 3)],
    second: [find(a), find(d)],
  },
  'looked for while its record is given to another': {
    given: [create(a, 3), create(b, 3), create(c, 3)],
    first: [find(a)],
    control: [remove(a), sweep(), create(a, 4)],
  },
  'looked for past a record that is given to another': {
    // The chain is b, c, a, and b's record is the first that will be used again.
    given: [
      create(d, 3),
      create(a, 3),
      remove(d),
      sweep(),
      create(c, 3),
      create(d, 3),
      create(b, 3),
      remove(d),
      sweep(),
    ],
    first: [find(a)],
    control: [remove(b), sweep(), create(d, 5)],
  },
  'made while the chain is cleared': {
    given: [create(a, 3), create(b, 3), remove(b)],
    first: [create(c, 4), remove(a)],
    control: [sweep(), sweep()],
  },
  'moved while the chain is cleared': {
    given: [create(a, 3), create(b, 3), move(a, 3, 4)],
    first: [move(a, 4, 5)],
    control: [sweep(), sweep()],
  },
  'swept as over while it is looked for and made': {
    given: [create(a, 3)],
    first: [find(a, 100), create(a, 4, 100)],
    control: [sweep(100)],
  },
};

for (const [name, one] of Object.entries(works)) {
  test(`every schedule: ${name}`, (t) => {
    const { states, ends, strange } = exploreSchedules(scenarioOf(one));
    t.log(`${states} states, ${ends} ends`);
    t.deepEqual(strange.slice(0, 3), []);
  });
}
