import test from 'ava';
import fc from 'fast-check';
import { IdEpochs } from '../../src/memory/id-epochs.ts';
import { AtomicWords } from '../../src/memory/words.ts';

const life = { lifetimeMs: 60_000, idleMs: null };

function world() {
  const words = new AtomicWords(new SharedArrayBuffer(IdEpochs.wordsFor(4) * 4));
  const renewed: number[] = [];
  const epochs = new IdEpochs(words, { offsetS: 1_700_000_000, onRenewed: (slot) => renewed.push(slot) });
  return { epochs, renewed };
}

test('an id is used until its time is over, and then another: what was learned of the first goes', (t) => {
  const { epochs, renewed } = world();
  t.is(epochs.epochOf(1), 0);
  const first = epochs.use(1, life, { now: 5_000 });
  t.is(first, 1_700_000_005);
  t.is(epochs.use(1, life, { now: 64_999 }), first);
  t.deepEqual(renewed, []);
  const second = epochs.use(1, life, { now: 65_000 });
  t.is(second, 1_700_000_065);
  t.deepEqual(renewed, [1]);
  t.is(epochs.ageMs(first, 65_000), 60_000);
  t.is(epochs.ageMs(0, 65_000), Infinity);
  t.is(epochs.epochOf(0), 0);
});

test('who needs more time than is left gets another id, at once if need be', (t) => {
  const { epochs } = world();
  const first = epochs.use(0, life, { now: 0 });
  t.is(epochs.use(0, life, { now: 20_000, leftMs: 30_000 }), first);
  const second = epochs.use(0, life, { now: 31_000, leftMs: 30_000 });
  t.not(second, first);
  const third = epochs.use(0, life, { now: 31_000, leftMs: 60_000 });
  t.is(third, second + 1);
  t.is(epochs.ageMs(third, 31_000), 0);
});

test('an id that rests for too long is over, and a session keeps it awake', (t) => {
  const { epochs, renewed } = world();
  const idle = { lifetimeMs: null, idleMs: 10_000 };
  const first = epochs.use(2, idle, { now: 0 });
  epochs.touch(2, first, 9_000);
  epochs.touch(2, first - 5, 18_000);
  t.is(epochs.use(2, idle, { now: 18_000 }), first);
  t.false(epochs.retire(2, idle, 27_000));
  t.true(epochs.retire(2, idle, 28_000));
  t.is(epochs.epochOf(2), 0);
  t.false(epochs.retire(2, idle, 99_000));
  t.is(epochs.use(2, idle, { now: 99_000 }), 1_700_000_099);
  t.deepEqual(renewed, [2]);
});

test('no epoch comes twice, whatever is asked when', (t) => {
  const step = fc.record({ afterMs: fc.nat(40_000), leftMs: fc.nat(60_000), retire: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { epochs, renewed } = world();
      const seen: number[] = [];
      let now = 1_000;
      for (const { afterMs, leftMs, retire } of steps) {
        now += afterMs;
        if (retire) epochs.retire(3, life, now);
        const epoch = epochs.use(3, life, { now, leftMs });
        if (seen.at(-1) !== epoch) seen.push(epoch);
      }
      t.is(new Set(seen).size, seen.length);
      t.is(renewed.length, Math.max(0, seen.length - 1));
    }),
  );
});
