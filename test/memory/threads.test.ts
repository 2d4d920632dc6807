import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { ExchangeSlots, exchangeSlotsWords } from '../../src/memory/exchange-slots.ts';
import { LeaseKeeper } from '../../src/memory/lease-keeper.ts';
import { LeaseLayout, Life, lifeOf } from '../../src/memory/lease-layout.ts';
import { AtomicWords } from '../../src/memory/words.ts';
import type { Load, LoadResult } from './thread-load.ts';

const exits = 4;
const slotsShape = { takers: 3, slotsEach: 32 };
const leasesShape = { capacity: 4_000, threads: 4 };
const sessions = 200;

/** Shared memory for two threads under load, and this thread as the one that controls it. */
function makeScene() {
  const layout = new LeaseLayout(leasesShape);
  const bufferOf = (words: number) => new SharedArrayBuffer(words * 4);
  const memory = {
    slots: bufferOf(exchangeSlotsWords(slotsShape)),
    rows: bufferOf(exits * 16),
    leases: bufferOf(layout.length),
  };
  const leaseWords = new AtomicWords(memory.leases);
  const keeper = new LeaseKeeper(leaseWords, layout);
  const control = new ExchangeSlots(
    { words: new AtomicWords(memory.slots), rows: new AtomicWords(memory.rows) },
    slotsShape,
    0,
  );
  const start = (thread: number, more: Partial<Load> = {}) => {
    const workerData: Load = {
      ...memory,
      slotsShape,
      exits,
      leasesShape,
      thread,
      rounds: 20_000,
      sessions,
      keeps: 9,
      ...more,
    };
    return new Worker(new URL('./thread-load.ts', import.meta.url), { workerData });
  };
  const inFlight = () => Array.from({ length: exits }, (_, exit) => control.inFlight(exit));
  const claimed = () =>
    Array.from({ length: layout.records }, (_, i) => lifeOf(leaseWords.load(layout.lifeAt(i + 1)))).filter(
      (life) => life === Life.claimed,
    ).length;
  return { start, keeper, control, inFlight, claimed };
}

/** The thread's result; sweeps while it waits, as the control thread does. */
async function resultOf(worker: Worker, keeper: LeaseKeeper): Promise<LoadResult> {
  const sweeper = setInterval(() => [...keeper.takeChanges(0)].length + keeper.sweep(0, 100), 1);
  try {
    for (;;) {
      const [message] = (await once(worker, 'message')) as [LoadResult | 'under way'];
      if (message !== 'under way') return message;
    }
  } finally {
    clearInterval(sweeper);
  }
}

const countsOf = (...results: readonly LoadResult[]) =>
  Array.from({ length: exits }, (_, exit) => results.flatMap(({ held }) => held).filter((one) => one === exit).length);

test('two threads agree on what is in flight and on every lease', async (t) => {
  const { start, keeper, inFlight, claimed } = makeScene();
  const workers = [start(1), start(2)];
  const [one, two] = (await Promise.all(workers.map((worker) => resultOf(worker, keeper)))) as [LoadResult, LoadResult];
  await Promise.all(workers.map((worker) => worker.terminate()));
  t.deepEqual(inFlight(), countsOf(one, two));
  t.is(one.told.length, sessions);
  t.deepEqual(one.told, two.told);
  t.deepEqual(
    one.told.filter((slot) => slot !== 1 && slot !== 2),
    [],
  );
  const leases = [...keeper.entries(0)].map(({ key }) => key.join());
  t.is(new Set(leases).size, leases.length);
  t.is(claimed(), 0);
});

test('a thread that is killed at work leaves nothing behind, and another takes its number', async (t) => {
  const { start, keeper, control, inFlight, claimed } = makeScene();
  for (let turn = 0; turn < 5; turn++) {
    const worker = start(1, { rounds: 10_000_000 });
    await once(worker, 'message');
    await worker.terminate();
    control.bury(1);
    keeper.bury(1);
    t.deepEqual(inFlight(), Array(exits).fill(0));
    t.is(claimed(), 0);
  }
  const successor = start(1, { rounds: 2_000 });
  const result = await resultOf(successor, keeper);
  await successor.terminate();
  t.deepEqual(inFlight(), countsOf(result));
});
