import test from 'ava';
import { Gcra, paceOf } from '../../src/memory/gcra.ts';
import { LimitRows, NO_ROW } from '../../src/memory/limit-rows.ts';
import { AtomicWords } from '../../src/memory/words.ts';

const pace = paceOf({ count: 1, windowMs: 1_000, burst: 2 });
const key = (number: number) => ({ place: 0, print: number + 10 });

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

test('a row that a thread had marked when it died is freed at the second look', (t) => {
  const { words, rows } = scene();
  words.store(16 * 2 + 1, -1);
  t.is(rows.rowOf(key(0), 0), NO_ROW, 'it might be the row of this very key');
  const first = rows.tidy(new Set());
  t.deepEqual([...first], [2]);
  t.deepEqual([...rows.tidy(first)], []);
  t.is(rows.rowOf(key(0), 0), 0);
});
