import test from 'ava';
import fc from 'fast-check';
import { PAIR_WORDS, PairTable, PairWord } from '../../src/memory/pair-table.ts';

test('a pair is found by exit, generation and site, and begins with nothing', (t) => {
  const pairs = new PairTable(PairTable.allocate(64));
  const row = pairs.claim({ slot: 3, generation: 1, site: 77 }, 1_000);
  pairs.floats[row + PairWord.uses] = 5;
  t.is(pairs.find(3, 1, 77), row);
  t.is(pairs.claim({ slot: 3, generation: 1, site: 77 }, 2_000), row);
  t.is(pairs.floats[pairs.find(3, 1, 77) + PairWord.uses], 5);
  for (const [slot, generation, site] of [
    [4, 1, 77],
    [3, 2, 77],
    [3, 1, 78],
  ] as const)
    t.is(pairs.find(slot, generation, site), -1);
});

test('a full table lets the stalest go, refused pairs last, and never shows the figures of another pair', (t) => {
  const pairs = new PairTable(PairTable.allocate(8));
  for (let slot = 0; slot < 8; slot++) {
    const row = pairs.claim({ slot, generation: 1, site: 1 }, 1_000 + slot);
    pairs.floats[row + PairWord.uses] = 9;
    if (slot === 0) pairs.count(row, { strikes: 2, goods: 0 });
  }
  const row = pairs.claim({ slot: 99, generation: 1, site: 1 }, 500_000);
  t.is(pairs.floats[row + PairWord.uses], 0);
  t.is(pairs.find(1, 1, 1), -1);
  t.true(pairs.find(0, 1, 1) >= 0);
});

test('half full it holds nearly every pair, and two pairs never share a row', (t) => {
  const pairs = new PairTable(PairTable.allocate(2 ** 14));
  const rows = new Set<number>();
  for (let slot = 0; slot < 2 ** 13; slot++) rows.add(pairs.claim({ slot, generation: 1, site: slot % 7 }, 5));
  let found = 0;
  for (let slot = 0; slot < 2 ** 13; slot++) if (pairs.find(slot, 1, slot % 7) >= 0) found++;
  t.true(found > 0.97 * 2 ** 13, `${found}`);
  t.true(rows.size >= found);
});

test('whatever is claimed lies within the table', (t) => {
  const pairs = new PairTable(PairTable.allocate(32));
  fc.assert(
    fc.property(fc.nat(2 ** 22), fc.nat(1_000), fc.integer(), (slot, generation, site) => {
      const row = pairs.claim({ slot, generation, site }, 1);
      return (
        row >= 0 && row % PAIR_WORDS === 0 && row < pairs.ints.length && pairs.find(slot, generation, site) === row
      );
    }),
  );
  t.pass();
});
