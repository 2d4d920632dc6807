import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import fc from 'fast-check';
import { WideCounts } from '../../src/memory/wide-counts.ts';
import type { WideLoad } from './wide-load.ts';

const HALF = 2n ** 32n;

const memory = () => new SharedArrayBuffer(4 * 8);

/** Counts that begin at `start`, in the third place. */
function countsFrom(start: bigint): WideCounts {
  const counts = WideCounts.over(memory());
  counts.add(2, start);
  return counts;
}

type Step =
  | { readonly kind: 'add'; readonly by: bigint }
  | { readonly kind: 'addUp'; readonly by: number }
  | { readonly kind: 'take'; readonly by: bigint; readonly most: bigint }
  | { readonly kind: 'takeOne'; readonly most: number };

const near = fc.constantFrom(0n, HALF / 2n, HALF, 3n * HALF, 2n ** 52n).chain((base) => {
  return fc.bigInt({ min: -5n, max: 5n }).map((by) => (base + by < 0n ? 0n : base + by));
});

const step = fc.oneof(
  fc.record({ kind: fc.constant<'add'>('add'), by: fc.oneof(near, fc.bigInt({ min: -(2n ** 33n), max: -1n })) }),
  fc.record({
    kind: fc.constant<'addUp'>('addUp'),
    by: fc.oneof(fc.nat(9), fc.constant(2 ** 31), fc.nat(2 ** 31 - 1)),
  }),
  fc.record({ kind: fc.constant<'take'>('take'), by: near, most: near }),
  fc.record({ kind: fc.constant<'takeOne'>('takeOne'), most: near.map(Number) }),
);

/** What a step does to a plain count: how many are counted then, and what it returns. */
function expected(count: bigint, one: Step): readonly [bigint, unknown] {
  if (one.kind === 'add' || one.kind === 'addUp') {
    const next = count + BigInt(one.by) < 0n ? 0n : count + BigInt(one.by);
    return [next, one.kind === 'add' ? count : Number(next)];
  }
  const next = count + (one.kind === 'take' ? one.by : 1n);
  return next > BigInt(one.most) ? [count, false] : [next, true];
}

function done(counts: WideCounts, one: Step): unknown {
  if (one.kind === 'add') return counts.add(2, one.by);
  if (one.kind === 'addUp') return counts.addUp(2, one.by);
  return one.kind === 'take' ? counts.take(2, one.by, one.most) : counts.takeOne(2, one.most);
}

test('a count is what a plain number would be, whichever half changes, and its neighbours stay', (t) => {
  fc.assert(
    fc.property(near, fc.array(step, { maxLength: 30 }), (start, steps) => {
      const counts = countsFrom(start);
      let count = start;
      for (const one of steps) {
        const [next, returned] = expected(count, one);
        count = next;
        t.is(done(counts, one), returned);
        t.is(counts.load(2), count);
        t.is(counts.glance(2), Number(count));
        t.is(counts.read(2), Number(count));
      }
      t.deepEqual([counts.load(1), counts.load(3)], [0n, 0n]);
    }),
    { numRuns: 2_000 },
  );
});

test('threads that count by halves and as a whole lose nothing', async (t) => {
  const buffer = memory();
  // Every few changes one of them carries.
  const load: WideLoad = { buffer, rounds: 60_000, by: 2 ** 30 - 1, most: 0 };
  const threads = [0, 1].map(() => new Worker(new URL('./wide-load.ts', import.meta.url), { workerData: load }));
  t.teardown(() => Promise.all(threads.map((thread) => thread.terminate())));
  await Promise.all(threads.map((thread) => once(thread, 'message')));
  const ends = threads.map((thread) => once(thread, 'message'));
  const counts = WideCounts.over(buffer);
  for (const thread of threads) thread.postMessage('go');
  let over = false;
  const all = Promise.all(ends).then(() => {
    over = true;
  });
  // A number that is read meanwhile never goes back, though halves of it do.
  for (let last = 0; !over; await new Promise(setImmediate))
    for (let i = 0; i < 10_000; i++) {
      const read = counts.read(2);
      if (read < last) t.fail(`${read} behind ${last}`);
      last = read;
    }
  await all;
  t.is(counts.read(2), Number(counts.load(2)));
  t.is(counts.load(2), 2n * 60_000n * (2n ** 30n - 1n + 7n));
});

test('threads that take one by one never take more than there is', async (t) => {
  const buffer = memory();
  const load: WideLoad = { buffer, rounds: 100_000, by: 0, most: 120_001 };
  const threads = [0, 1].map(() => new Worker(new URL('./wide-load.ts', import.meta.url), { workerData: load }));
  t.teardown(() => Promise.all(threads.map((thread) => thread.terminate())));
  await Promise.all(threads.map((thread) => once(thread, 'message')));
  const ends = threads.map(async (thread) => (await once(thread, 'message')) as [number]);
  for (const thread of threads) thread.postMessage('go');
  const [[one], [other]] = (await Promise.all(ends)) as [[number], [number]];
  t.is(one + other, 120_001);
  t.is(WideCounts.over(buffer).load(2), 120_001n);
});
