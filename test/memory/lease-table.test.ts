import test from 'ava';
import fc from 'fast-check';
import type { LeaseEntry } from '../../src/memory/lease.ts';
import { LeaseKeeper } from '../../src/memory/lease-keeper.ts';
import { LeaseLayout } from '../../src/memory/lease-layout.ts';
import { LeaseTable } from '../../src/memory/lease-table.ts';
import { AtomicWords } from '../../src/memory/words.ts';
import { exitIn, keyOf, makeLeases, termsOf } from './lease-words.ts';

const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(keyOf) as [never, never, never, never];
const here = { slot: 3, generation: 1 };

class CountedWords extends AtomicWords {
  loads = 0;

  override load(index: number): number {
    this.loads++;
    return super.load(index);
  }
}

/** Words of which one load is followed by what another thread does before the next. */
class InterruptedWords extends AtomicWords {
  loadsLeft = Number.POSITIVE_INFINITY;
  between = (): void => {};

  override load(index: number): number {
    const value = super.load(index);
    if (this.loadsLeft-- === 0) this.between();
    return value;
  }
}

interface Interrupted {
  readonly first: (table: LeaseTable, keeper: LeaseKeeper) => void;
  readonly second: (table: LeaseTable) => void;
  readonly check: (table: LeaseTable, keeper: LeaseKeeper) => void;
}

/** Leases `a` and `b`; what one thread does, interrupted after each of its loads in turn by the whole of what another does. */
function interruptEverywhere({ first, second, check }: Interrupted): void {
  for (let loads = 0, wasMet = true; wasMet; loads++) {
    const layout = new LeaseLayout({ capacity: 4, threads: 3 });
    const words = new InterruptedWords(new SharedArrayBuffer(layout.length * 4));
    const open = (thread: number) => new LeaseTable({ words, layout, thread, notesChanges: true });
    const keeper = new LeaseKeeper(words, layout);
    const other = open(2);
    for (const key of [a, b]) other.create(key, termsOf({ ttlMs: 100 }), 0);
    // Of what was made nothing is left to tell.
    for (const _ of keeper.takeChanges(0));
    wasMet = false;
    words.between = () => {
      wasMet = true;
      second(other);
    };
    words.loadsLeft = loads;
    first(open(1), keeper);
    words.loadsLeft = Number.POSITIVE_INFINITY;
    if (!wasMet) second(other);
    check(other, keeper);
  }
}

test('a lease is found by its key alone, with its terms', (t) => {
  const { table } = makeLeases();
  table.create(keyOf('__proto__'), termsOf({ ttlMs: 500, strict: true }), 100);
  t.deepEqual(table.find(keyOf('__proto__'), 150), {
    slot: 3,
    generation: 1,
    mint: 7,
    ageMs: 50,
    heldMs: 50,
    endsInMs: 450,
    idleMs: Infinity,
    restedMs: 50,
    strict: true,
    confirmed: false,
    failed: false,
    moves: 0,
    country: 'de',
    asn: 64_500,
  });
  t.is(table.find(keyOf('constructor'), 100), undefined);
});

test('a session has one lease, whoever asks for another', (t) => {
  const { table, keeper } = makeLeases();
  table.create(a, termsOf(), 0);
  t.is(table.create(a, termsOf({ slot: 8 }), 1)?.slot, 3);
  t.is(keeper.size, 1);
});

test('ttl is absolute: use does not lengthen it, nor does a move', (t) => {
  const { table, keeper } = makeLeases();
  table.create(a, termsOf({ ttlMs: 1_000, strict: true }), 0);
  table.touch(a, 900);
  const moved = table.move(a, { from: here, to: exitIn(9, { generation: 4 }) }, 999);
  t.like(moved, { slot: 9, generation: 4, mint: 9, endsInMs: 1, strict: true, moves: 1 });
  t.deepEqual(table.find(a, 999), moved);
  t.is(table.find(a, 1_000), undefined);
  keeper.sweep(1_000, 100);
  t.is(keeper.size, 0);
  t.is(table.move(a, { from: here, to: exitIn(1) }, 1_000), undefined);
});

test('a move counts only from the exit that the session holds', (t) => {
  const { table } = makeLeases();
  table.create(a, termsOf(), 0);
  table.move(a, { from: here, to: exitIn(5) }, 1);
  t.like(table.move(a, { from: here, to: exitIn(6) }, 2), { slot: 5, moves: 1 });
  t.like(table.move(a, { from: { slot: 5, generation: 2 }, to: exitIn(6) }, 2), { slot: 5, moves: 1 });
});

test('a session that stays where it is, for want of another exit, has not moved', (t) => {
  const { table } = makeLeases();
  table.create(a, termsOf({ ...exitIn(3), ...here, mint: 7 }), 0);
  const again = { ...exitIn(3), ...here, mint: 7 };
  t.like(table.move(a, { from: here, to: again }, 1), { slot: 3, moves: 0 });
  t.like(
    table.move(a, { from: here, to: { ...again, mint: 8 } }, 2),
    { slot: 3, moves: 1 },
    'another id of the same template',
  );
});

test('what the exit did for the session is known until the session moves', (t) => {
  const { table } = makeLeases();
  table.create(a, termsOf(), 0);
  table.confirm(a, { slot: 4, generation: 1 }, 1);
  table.fail(a, { slot: 3, generation: 2 }, 1);
  t.like(table.find(a, 1), { confirmed: false, failed: false });
  table.confirm(a, here, 1);
  table.fail(a, here, 1);
  t.like(table.find(a, 1), { confirmed: true, failed: true });
  table.move(a, { from: here, to: exitIn(9) }, 1);
  t.like(table.find(a, 1), { slot: 9, confirmed: false, failed: false });
  table.fail(b, here, 1);
  t.is(table.find(b, 1), undefined);
});

test('a strict session that is confirmed is told of at once, once', (t) => {
  const pinned: LeaseEntry[] = [];
  const { table } = makeLeases({ onPinned: (entry) => pinned.push(entry) });
  table.create(a, termsOf({ strict: true }), 0);
  table.create(b, termsOf(), 0);
  for (const key of [a, a, b]) table.confirm(key, here, 0);
  t.is(pinned.length, 1);
  t.like(pinned[0], { key: a, exit: 'aaaaabbbbb', client: 'acme', session: 'cart42', confirmed: true, strict: true });
});

test('a strict session that was served moves no more, unless that is insisted on', (t) => {
  const { table, keeper } = makeLeases();
  table.create(a, termsOf({ strict: true }), 0);
  table.move(a, { from: here, to: exitIn(4) }, 1);
  table.confirm(a, { slot: 4, generation: 1 }, 2);
  t.like(table.move(a, { from: { slot: 4, generation: 1 }, to: exitIn(5) }, 3), { slot: 4, confirmed: true, moves: 1 });
  const [saved] = [...keeper.entries(3)];
  t.is(keeper.size, 1);
  t.true(table.remove(a, 3));
  t.true(saved !== undefined && table.restore(saved, 4));
  t.like(table.move(a, { from: { slot: 4, generation: 1 }, to: exitIn(5) }, 5), { slot: 4, confirmed: true });
  const insisted = table.move(a, { from: { slot: 4, generation: 1 }, to: exitIn(5), pinnedToo: true }, 6);
  t.like(insisted, { slot: 5, confirmed: false, strict: true, moves: 2 });
  t.is(keeper.sweep(6, 100), 0);
  t.like(table.find(a, 6), { slot: 5 });
});

test('idle time slides with use, and not with a look', (t) => {
  const { table } = makeLeases();
  table.create(a, termsOf({ idleMs: 100 }), 0);
  table.touch(a, 90);
  t.truthy(table.find(a, 189));
  t.is(table.find(a, 190), undefined);
});

test('times go on where the clock of 32 bits wraps, and a thread may be a little behind', (t) => {
  const { table } = makeLeases();
  const before = 2 ** 32 - 10;
  table.create(a, termsOf({ ttlMs: 2_592_000_000, idleMs: 100 }), before);
  t.like(table.find(a, before + 50), { ageMs: 50, restedMs: 50 });
  t.like(table.find(a, before - 2), { ageMs: 0, restedMs: 0 });
  t.is(table.find(a, before + 100), undefined);
  table.create(a, termsOf({ ttlMs: 2_592_000_000 }), before);
  t.truthy(table.find(a, before + 2_591_999_999));
  t.is(table.find(a, before + 2_592_000_000), undefined);
});

test('over capacity those that rested longest go first, and are counted unless they had ended', (t) => {
  const { table, keeper } = makeLeases({ capacity: 2 });
  table.create(a, termsOf(), 0);
  table.create(b, termsOf({ ttlMs: 10 }), 1);
  table.touch(a, 2);
  table.create(c, termsOf(), 20);
  keeper.sweep(20, 100);
  t.is(keeper.evicted, 0);
  table.create(d, termsOf(), 21);
  keeper.sweep(21, 100);
  t.is(keeper.evicted, 1);
  t.is(table.find(a, 21), undefined);
  t.is(keeper.size, 2);
});

test('over capacity a client crowds out its own sessions, and of others no more than they have above what it has', (t) => {
  const { table, keeper } = makeLeases({ capacity: 12, spare: 40 });
  const sessions = (now: number) => [...keeper.entries(now)].map(({ session }) => session).sort();
  const make = (client: string, name: string, now: number) =>
    table.create(keyOf(`${client} ${name}`), termsOf({ client, session: name, strict: true }), now);
  // Names that end within a word, and at its end.
  for (const [at, name] of ['a', 'b', 'c'].entries()) make('acme', name, at);
  for (const [at, name] of ['d', 'e'].entries()) make('other', name, at);
  for (let i = 0; i < 30; i++) make('hog', `h${i}`, 100 + i);
  keeper.sweep(200, 100);
  t.deepEqual(sessions(200), ['a', 'b', 'c', 'd', 'e', ...[23, 24, 25, 26, 27, 28, 29].map((i) => `h${i}`)].sort());
  for (let i = 0; i < 8; i++) make('acme', `n${i}`, 300 + i);
  keeper.sweep(400, 100);
  t.deepEqual(sessions(400), ['d', 'e', 'h25', 'h26', 'h27', 'h28', 'h29', 'n3', 'n4', 'n5', 'n6', 'n7'].sort());
  t.is(keeper.evicted, 23 + 8);
});

test('without any room no lease is made, which is counted, and room comes with the next sweep', (t) => {
  const { table, keeper } = makeLeases({ capacity: 2, spare: 1 });
  for (const key of [a, b, c]) table.create(key, termsOf(), 0);
  t.is(table.create(d, termsOf(), 0), undefined);
  t.is(table.move(a, { from: here, to: exitIn(1) }, 0), undefined);
  t.is(keeper.refused, 2);
  t.truthy(table.find(a, 0));
  keeper.sweep(1, 100);
  t.truthy(table.create(d, termsOf(), 1));
});

test('an ended record is used again, for a session of another name as well', (t) => {
  const { table, keeper } = makeLeases({ capacity: 1, spare: 1 });
  for (let i = 0; i < 50; i++) {
    const key = keyOf(`k${i}`);
    t.is(table.create(key, termsOf({ session: `s${i}` }), i)?.slot, 3);
    t.like(table.move(key, { from: here, to: exitIn(4) }, i), { slot: 4 });
    t.is([...keeper.entries(i)].map(({ session }) => session).join(), `s${i}`);
    t.true(table.remove(key, i));
    t.false(table.remove(key, i));
    keeper.sweep(i, 10);
  }
});

test('nothing that is removed is used again while a thread may still look at it', (t) => {
  const { table, keeper, words, layout } = makeLeases({ capacity: 1, spare: 0 });
  table.create(a, termsOf(), 0);
  words.store(layout.turnAt(2), 1);
  table.remove(a, 0);
  keeper.sweep(0, 10);
  t.is(table.create(b, termsOf(), 0), undefined);
  words.store(layout.turnAt(2), 3);
  keeper.sweep(0, 10);
  t.truthy(table.create(b, termsOf(), 0));
});

test('a sweep looks at so many, goes on where the last stopped, and ends what is over', (t) => {
  const { table, keeper } = makeLeases({ capacity: 100, spare: 0 });
  for (let i = 0; i < 100; i++) table.create(keyOf(`k${i}`), termsOf({ ttlMs: i % 2 === 0 ? 10 : 1_000 }), 0);
  t.is(keeper.sweep(10, 30), 15);
  t.is(keeper.sweep(10, 30), 15);
  t.is(keeper.size, 70);
  keeper.sweep(10, 41);
  t.is(keeper.size, 50);
  t.is(keeper.sweep(1_000, 1_000), 50);
  t.is(keeper.sweep(2_000, 10), 0);
});

test('a table that nobody has touched is looked at no more, until somebody does', (t) => {
  const layout = new LeaseLayout({ capacity: 1_000, threads: 4 });
  const words = new CountedWords(new SharedArrayBuffer(layout.length * 4));
  const open = (thread: number) => new LeaseTable({ words, layout, thread, notesChanges: true });
  const table = open(0);
  const keeper = new LeaseKeeper(words, layout);
  const looksOf = (round: () => unknown) => {
    words.loads = 0;
    round();
    return words.loads;
  };
  const sweep = (now: number) => looksOf(() => keeper.sweep(now, 1_000));
  const tell = () => looksOf(() => [...keeper.takeChanges(0)]);
  t.true(sweep(0) > 1_000 && tell() > layout.changeWords);
  t.is(sweep(1), layout.threads);
  t.is(tell(), layout.threads);
  table.create(a, termsOf({ ttlMs: 10 }), 1);
  t.deepEqual(
    [...keeper.takeChanges(1)].map(({ key }) => key[0]),
    [a[0]],
  );
  t.is(tell(), layout.threads);
  // While a lease stands, time alone may end it.
  t.is(keeper.sweep(2, 1_000), 0);
  t.is(keeper.sweep(12, 1_000), 1);
  t.is(sweep(13), layout.threads);
  // Inside an operation a thread may change what has been looked at.
  words.store(layout.turnAt(3), words.load(layout.turnAt(3)) + 1);
  t.true(sweep(15) > 1_000 && sweep(16) > 1_000 && tell() > layout.changeWords && tell() > layout.changeWords);
  keeper.bury(3);
  t.true(sweep(17) > 1_000 && tell() > layout.changeWords);
  t.is(sweep(18) + tell(), 2 * layout.threads);
  open(3).find(a, 18);
  t.true(sweep(19) > 1_000 && tell() > layout.changeWords);
});

test('changes that two threads note at once are both told', (t) => {
  interruptEverywhere({
    first: (table) => table.confirm(a, here, 0),
    second: (table) => table.confirm(b, here, 0),
    check: (_, keeper) => t.is([...keeper.takeChanges(0)].length, 2),
  });
});

test('a change that comes while changes are taken is told, then or later', (t) => {
  const told = new Set<number>();
  interruptEverywhere({
    first: (table, keeper) => {
      told.clear();
      table.confirm(a, here, 0);
      for (const { key } of keeper.takeChanges(0)) told.add(key[0]);
    },
    second: (table) => table.confirm(b, here, 0),
    check: (_, keeper) => {
      for (const { key } of keeper.takeChanges(0)) told.add(key[0]);
      t.is(told.size, 2);
    },
  });
});

test('a lease that is confirmed and fails at once is both', (t) => {
  interruptEverywhere({
    first: (table) => table.confirm(a, here, 0),
    second: (table) => table.fail(a, here, 0),
    check: (table) => t.like(table.find(a, 0), { confirmed: true, failed: true }),
  });
});

test('a lease that moves while it is swept as over is gone whole, or not at all', (t) => {
  // However far one sweep looks: it may have passed the record to which the lease moves, or not.
  for (let looks = 1; looks <= 9; looks++) {
    interruptEverywhere({
      first: (_, keeper) => {
        keeper.sweep(100, looks);
      },
      second: (table) => {
        table.move(a, { from: here, to: exitIn(4) }, 0);
      },
      check: (table, keeper) => {
        const found = table.find(a, 0);
        const listed = [...keeper.entries(0)].filter(({ key }) => key[0] === a[0]);
        t.deepEqual(
          listed.map(({ slot }) => slot),
          found === undefined ? [] : [found.slot],
        );
      },
    });
  }
});

test('names are kept for people, cut to what has room', (t) => {
  const { table, keeper } = makeLeases();
  table.create(a, termsOf({ client: 'c'.repeat(40), session: `${'s'.repeat(62)}ü€` }), 0);
  table.create(b, termsOf({ client: '', session: '', country: '', asn: 0, exit: 'odd' }), 0);
  const [first, second] = [...keeper.entries(0)].sort((x, y) => y.client.length - x.client.length);
  t.like(first, { client: 'c'.repeat(32), session: `${'s'.repeat(62)}ü`, exit: 'aaaaabbbbb', country: 'de' });
  t.like(second, { client: '', session: '', country: '', asn: 0 });
});

test('changes are told once, as they are by then', (t) => {
  const { table, keeper } = makeLeases({ notesChanges: true });
  const told = () =>
    [...keeper.takeChanges(9_000)].map(({ key, ...more }) => [key[0], 'slot' in more ? more.slot : null]);
  table.create(a, termsOf(), 0);
  table.create(b, termsOf(), 0);
  t.deepEqual(told(), [
    [a[0], 3],
    [b[0], 3],
  ]);
  t.deepEqual(told(), []);
  table.move(a, { from: here, to: exitIn(5) }, 1);
  table.confirm(a, { slot: 5, generation: 1 }, 1);
  table.touch(a, 2);
  table.remove(b, 2);
  keeper.sweep(3, 100);
  t.deepEqual(told(), [
    [b[0], null],
    [a[0], 5],
  ]);
  table.touch(a, 4_999);
  t.deepEqual(told(), []);
  table.touch(a, 5_000);
  t.deepEqual(told(), [[a[0], 5]]);
});

test('a lease comes back from its entry', (t) => {
  const first = makeLeases();
  first.table.create(a, termsOf({ ttlMs: 1_000, idleMs: 300, strict: true }), 0);
  first.table.confirm(a, here, 10);
  first.table.touch(a, 100);
  const [entry] = first.keeper.entries(150);
  const second = makeLeases();
  t.true(second.table.restore(entry!, 5_000));
  t.false(second.table.restore(entry!, 5_000));
  t.deepEqual([...second.keeper.entries(5_000)], [entry!]);
  t.is(second.table.find(a, 5_250), undefined);
});

test('whatever is done, what is found has not ended, and each key has one lease', (t) => {
  const step = fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    what: fc.constantFrom('create', 'touch', 'move', 'remove', 'sweep', 'find'),
    ttlMs: fc.constantFrom(5, 50, Infinity),
    idleMs: fc.constantFrom(3, 30, Infinity),
    after: fc.nat(10),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const { table, keeper } = makeLeases({ capacity: 3, spare: 2, threads: 1 });
      let now = 0;
      for (const { name, what, ttlMs, idleMs, after } of steps) {
        now += after;
        const key = keyOf(name);
        const held = table.find(key, now);
        if (what === 'create') table.create(key, termsOf({ ttlMs, idleMs }), now);
        else if (what === 'touch') table.touch(key, now);
        else if (what === 'move' && held) table.move(key, { from: held, to: exitIn(after) }, now);
        else if (what === 'remove') table.remove(key, now);
        else if (what === 'sweep') keeper.sweep(now, 2);
        const found = table.find(key, now);
        if (found && (found.endsInMs <= 0 || found.restedMs >= found.idleMs)) return false;
        if (keeper.size > 5) return false;
        const keys = [...keeper.entries(now)].map(({ key }) => key.join());
        if (new Set(keys).size !== keys.length) return false;
      }
      keeper.sweep(now, 100);
      return keeper.size <= 3;
    }),
  );
  t.pass();
});
