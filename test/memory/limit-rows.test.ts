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

test('keys of owners take no rows from those without, and one owner leaves rows of a window to others', (t) => {
  const { gcra, rows } = scene();
  const use = (one: ReturnType<typeof key>, now: number) => {
    const row = rows.rowOf(one, now);
    if (row !== NO_ROW) gcra.take(rows.bucketAt(row), pace, now);
    return row;
  };
  const used = Array.from({ length: 12 }, (_, i) => use(key(i, 7), 0));
  t.is(new Set(used.slice(0, 10)).size, 10);
  t.deepEqual(used.slice(10), [NO_ROW, NO_ROW]);
  t.is(rows.rowOf(key(3, 7), 0), used[3]!, 'what is counted goes on');
  const others = Array.from({ length: 7 }, (_, i) => use(key(20 + i, 8), 0));
  t.is(others.indexOf(NO_ROW), 6);
  const plain = Array.from({ length: 17 }, (_, i) => use(key(i), 0));
  t.is(plain.indexOf(NO_ROW), 16);
  t.is(new Set([...used.slice(0, 10), ...others.slice(0, 6), ...plain.slice(0, 16)]).size, 32);
  for (const i of [0, 1, 2, 4, 5, 6, 7, 8, 9]) use(key(i, 7), 20_000);
  t.is(use(key(30, 7), 20_000), used[3]!, 'of its own rows it has the one that rests');
  t.is(use(key(31, 7), 20_000), NO_ROW);
  t.is(use(key(40, 8), 20_000), others[0]!);
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
