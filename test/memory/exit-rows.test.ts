import test from 'ava';
import fc from 'fast-check';
import { EXIT_WORDS, ExitFlag, ExitRows, ExitWord, History } from '../../src/memory/exit-rows.ts';

const settled = (exits: number): ExitRows => {
  const rows = new ExitRows(ExitRows.allocate());
  for (let slot = 0; slot < exits; slot++) rows.settle(slot, { group: 7, now: 5 });
  return rows;
};

test('a row is one cache line, and every word has a place of its own in it', (t) => {
  t.is(EXIT_WORDS * 4, 64);
  const places = Object.values(ExitWord);
  t.is(new Set(places).size, places.length);
  t.true(places.every((place) => place >= 0 && place < EXIT_WORDS));
  t.is(ExitWord.inFlight, 0);
  t.is(ExitWord.generation, 1);
});

test('rows grow, keep what they hold, and another view sees them', (t) => {
  const rows = settled(10);
  const other = new ExitRows(rows.buffer);
  rows.take(3);
  rows.settle(5_000, { group: 2, now: 0 });
  t.is(rows.inFlightOf(3), 1);
  t.is(other.generationOf(5_000), 1);
  t.is(other.groupOf(5_000), 2);
  t.true(other.length > 5_000);
  t.false(other.reaches(1_000_000));
  t.is(other.generationOf(1_000_000), 0);
});

test('another exit in a slot begins anew, and what named the former one finds nothing', (t) => {
  const rows = settled(1);
  const generation = rows.take(0);
  rows.await(0, 10);
  rows.floats[ExitWord.speed] = 3;
  t.is(rows.settle(0, { group: 1, now: 99 }), generation + 1);
  t.is(rows.floats[ExitWord.speed], 0);
  t.deepEqual([rows.inFlightOf(0), rows.waitingOf(0), rows.groupOf(0)], [0, 0, 1]);
  rows.giveBack(0, generation);
  rows.settleWait(0, generation, 100);
  t.is(rows.inFlightOf(0), 0);
  t.false(rows.holds(0, generation));
});

test('a vacant or frozen exit may not be picked, a thawed one may', (t) => {
  const rows = settled(2);
  t.true(rows.isOpen(0));
  rows.setFlag(0, ExitFlag.frozen, true);
  t.false(rows.isOpen(0));
  t.false(rows.mayServe(0));
  t.is(rows.groupOf(0), 7);
  rows.setFlag(0, ExitFlag.frozen, false);
  t.true(rows.isOpen(0));
  rows.setFlag(0, ExitFlag.draining, true);
  t.false(rows.isOpen(0), 'nothing new');
  t.true(rows.mayServe(0), 'what it has goes on');
  t.true(rows.hasFlag(0, ExitFlag.draining));
  rows.setFlag(0, ExitFlag.draining, false);
  rows.vacate(1);
  t.false(rows.isOpen(1));
  t.false(rows.isOpen(2_000_000));
});

test('counts are never negative, whatever is given back; those that wait never exceed those in flight', (t) => {
  const step = fc.constantFrom('take', 'await', 'settle', 'giveBack', 'newcomer', 'stale');
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const rows = settled(1);
      let held = 0;
      for (const what of steps) {
        if (what === 'take') held = rows.take(0);
        else if (what === 'await') rows.await(0, 1);
        else if (what === 'settle') rows.settleWait(0, held, 2);
        else if (what === 'giveBack') rows.giveBack(0, held);
        else if (what === 'newcomer') rows.settle(0, { group: 0, now: 0 });
        else rows.giveBack(0, held - 1);
        if (rows.inFlightOf(0) < 0 || rows.waitingOf(0) < 0 || rows.waitingOf(0) > rows.inFlightOf(0)) return false;
      }
      return true;
    }),
  );
  t.pass();
});

test('waiting that was never settled, because its thread died, ends with the exchanges in flight', (t) => {
  const rows = settled(1);
  const generation = rows.take(0);
  rows.await(0, 1);
  rows.giveBack(0, generation);
  t.is(rows.waitingOf(0), 0);
  rows.take(0);
  t.is(rows.await(0, 2), 0);
  t.is(rows.waitingOf(0), 1);
});

test('a renewed exit begins anew, but for who may pick it and what is in flight', (t) => {
  const rows = new ExitRows(ExitRows.allocate());
  rows.settle(3, { group: 7, now: 5, generation: 2 });
  rows.setFlag(3, ExitFlag.frozen, true);
  rows.take(3);
  rows.floats[3 * EXIT_WORDS + ExitWord.good] = 4;
  rows.ints[3 * EXIT_WORDS + ExitWord.history] = History.worked;
  rows.renew(3, 9);
  t.is(rows.floats[3 * EXIT_WORDS + ExitWord.good], 0);
  t.is(rows.ints[3 * EXIT_WORDS + ExitWord.history], 0);
  t.is(rows.ints[3 * EXIT_WORDS + ExitWord.joined], 9);
  t.is(rows.inFlightOf(3), 1);
  t.is(rows.groupOf(3), 7);
  t.false(rows.isOpen(3));
  t.false(rows.holds(3, 2));
  const renewed = rows.generationOf(3);
  rows.vacate(3);
  t.not(rows.settle(3, { group: 7, now: 11, generation: 3 }), renewed);
});
