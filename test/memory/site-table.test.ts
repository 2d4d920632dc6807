import test from 'ava';
import { SITE_WORDS, type SiteKey, SiteTable, SiteWord } from '../../src/memory/site-table.ts';

const keyOf = (number: number): SiteKey => [number * 7_919 + 11, number, ~number, number << 3];

test('a site keeps its row and its name', (t) => {
  const sites = new SiteTable(SiteTable.allocate(64));
  const row = sites.rowOf(keyOf(1), 'shop.example', 5);
  t.is(sites.rowOf(keyOf(1), 'shop.example', 9), row);
  t.is(sites.nameOf(row), 'shop.example');
  t.true(sites.holds(row, keyOf(1)));
  t.false(sites.holds(row, keyOf(2)));
  t.false(sites.holds(-1, keyOf(1)));
  t.not(sites.keyOf(row), sites.keyOf(sites.rowOf(keyOf(2), 'b.example', 9)));
});

test('of a long name the end is kept, which tells sites apart', (t) => {
  const sites = new SiteTable(SiteTable.allocate(8));
  const name = `${'a'.repeat(100)}.example`;
  t.is(sites.nameOf(sites.rowOf(keyOf(1), name, 0)), name.slice(-64));
});

test('a full table lets go of the site unseen for longest, and its row begins anew', (t) => {
  const sites = new SiteTable(SiteTable.allocate(8));
  for (let number = 0; number < 8; number++) {
    const row = sites.rowOf(keyOf(number), `s${number}.example`, 100 + number);
    sites.floats[row * SITE_WORDS + SiteWord.limit] = 9;
  }
  sites.rowOf(keyOf(0), 's0.example', 1_000);
  const row = sites.rowOf(keyOf(50), 'new.example', 1_001);
  t.is(sites.nameOf(row), 'new.example');
  t.is(sites.floats[row * SITE_WORDS + SiteWord.limit], 0);
  t.false(sites.holds(row, keyOf(1)));
});

test('every word of a row has a place of its own', (t) => {
  const widths: Record<string, number> = { key: 4, servedNew: 4, servedNewAt: 4, name: 16 };
  const places = Object.entries(SiteWord).flatMap(([name, at]) =>
    Array.from({ length: widths[name] ?? 1 }, (_, i) => at + i),
  );
  t.is(new Set(places).size, places.length);
  t.true(Math.max(...places) < SITE_WORDS);
});
