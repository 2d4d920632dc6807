import test from 'ava';
import { Gcra, paceOf } from '../../src/memory/gcra.ts';
import { LimitRows, NO_ROW, NOBODY } from '../../src/memory/limit-rows.ts';
import { AtomicWords } from '../../src/memory/words.ts';

const pace = paceOf({ count: 1, windowMs: 1_000, burst: 2 });
const key = (number: number, owner = NOBODY) => ({ place: 0, print: number + 10, owner });

function scene(capacity = 16) {
  const words = new AtomicWords(new SharedArrayBuffer(4 * LimitRows.wordsFor(capacity)));
  const gcra = new Gcra(words);
  return { words, gcra, rows: new LimitRows(words, (at, now) => gcra.rests(at, now)) };
}

test('a key has one row, and other threads find the same', (t) => {
  const { words, gcra, rows } = scene(160);
  const others = new LimitRows(words, (at, now) => gcra.rests(at, now));
  const found = Array.from({ length: 16 }, (_, i) => rows.rowOf(key(i), 0));
  t.is(new Set(found).size, 16);
  found.forEach((row, i) => {
    t.is(others.rowOf(key(i), 0), row);
    t.true(rows.holds(row, key(i)));
    t.false(rows.holds(row, key(i + 1)));
  });
  t.is(rows.find(key(20)), NO_ROW);
});

test('only a row in which nothing is owed or held goes to another key', (t) => {
  const { words, gcra, rows } = scene();
  const used = Array.from({ length: 16 }, (_, i) => rows.rowOf(key(i), 0));
  for (const [i, row] of used.entries()) {
    if (i === 3) words.add(row * 16, 1);
    else gcra.take(rows.bucketAt(row), pace, 0);
  }
  t.is(rows.rowOf(key(99), 0), NO_ROW);
  t.is(rows.rowOf(key(99), 20_000), used[0]!);
  t.false(rows.holds(used[0]!, key(0)));
  t.is(gcra.left(rows.bucketAt(used[0]!), pace, 0), 2, 'its new key begins anew');
  gcra.take(rows.bucketAt(used[0]!), pace, 20_000);
  for (const row of used.slice(1)) if (row !== used[3]!) gcra.take(rows.bucketAt(row), pace, 20_000);
  t.is(rows.rowOf(key(98), 20_000), NO_ROW, 'what is held is never given away');
});

test('keys of owners take no rows from those without, and owners leave rows of a window to others, however many they are', (t) => {
  const { gcra, rows } = scene();
  const use = (one: ReturnType<typeof key>, now: number) => {
    const row = rows.rowOf(one, now);
    if (row !== NO_ROW) gcra.take(rows.bucketAt(row), pace, now);
    return row;
  };
  const windows = 4;
  const inWindow = (window: number, number: number, owner: number) => ({ ...key(number, owner), place: window });
  /** How many of 16 keys of each owner have rows, where they come one by one in turn. */
  const sharesOf = (window: number, owners: readonly number[], now = 0) => {
    const shares = owners.map(() => 0);
    for (let i = 0; i < 16; i++)
      for (const [at, owner] of owners.entries())
        if (use(inWindow(window, 100 * owner + i, owner), now) !== NO_ROW) shares[at] = (shares[at] ?? 0) + 1;
    return shares;
  };
  t.deepEqual(sharesOf(0, [7]), [11], 'one alone');
  t.not(rows.rowOf(inWindow(0, 703, 7), 0), NO_ROW, 'what is counted goes on');
  t.deepEqual(sharesOf(0, [8]), [4], 'who comes behind it');
  t.deepEqual(sharesOf(0, [9]), [1], 'and another');
  t.deepEqual(sharesOf(1, [1, 2]), [7, 6]);
  t.deepEqual(sharesOf(2, [1, 2, 3]), [5, 5, 4]);
  t.true(sharesOf(3, [1, 2, 3, 4, 5, 6, 7, 8]).every((share) => share > 0));
  const plain = Array.from({ length: 17 * windows }, (_, i) => use(key(i), 0));
  t.is(plain.indexOf(NO_ROW), 16, 'those without have a part of their own');
  // Whatever rests is anybody's.
  t.deepEqual(sharesOf(0, [9], 20_000), [11]);
  t.deepEqual(sharesOf(0, [7], 20_000), [4], 'of its former rows none is left');
});

test('a row that a thread had marked when it died is freed at the second look', (t) => {
  const { words, rows } = scene();
  words.store(16 * 2 + 1, -1);
  t.is(rows.rowOf(key(0), 0), NO_ROW, 'it might be the row of this very key');
  const first = rows.tidy(new Set());
  t.deepEqual([...first], [2]);
  t.deepEqual([...rows.tidy(first)], []);
  t.is(rows.rowOf(key(0), 0), 0);
});
