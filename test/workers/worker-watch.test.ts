import test, { type ExecutionContext } from 'ava';
import { AtomicWords } from '../../src/memory/words.ts';
import { WorkerLoad } from '../../src/memory/worker-load.ts';
import { WorkerWatch } from '../../src/workers/worker-watch.ts';

const LOOK_MS = 250;

/** Three workers, of which the first two have bound their listeners, and what became of them. */
function scene(t: ExecutionContext) {
  const load = new WorkerLoad(new AtomicWords(new SharedArrayBuffer(4 * WorkerLoad.wordsFor(3))));
  const clock = { now: 1_000, tunnels: 0 };
  const ended: number[] = [];
  const said: string[] = [];
  const stuck = new Set<number>();
  const threadOf = (worker: number) => ({
    terminate: async () => {
      ended.push(worker);
      if (!stuck.has(worker)) threads.delete(worker);
    },
  });
  const threads = new Map([0, 1, 2].map((worker) => [worker, threadOf(worker)]));
  const watch = new WorkerWatch({
    load,
    front: { order: [0, 1], look: () => {} },
    tunnelsOutside: () => clock.tunnels,
    threads: { at: (worker) => threads.get(worker) },
    now: () => clock.now,
    warn: (line) => said.push(line),
  });
  t.teardown(() => watch.close());
  /** So many looks, while these workers are seen alive. */
  const pass = (looks: number, ...alive: readonly number[]) => {
    for (let passed = 0; passed < looks; passed++) {
      clock.now += LOOK_MS;
      for (const worker of alive) load.seen(worker, clock.now);
      watch.look();
    }
    return ended;
  };
  const replace = (worker: number) => {
    load.release(worker);
    threads.set(worker, threadOf(worker));
  };
  return { load, watch, clock, stuck, said, pass, replace };
}

test('a worker that is not seen at forty looks in a row is told of and ended, once', (t) => {
  const { pass, said } = scene(t);
  pass(1, 0, 1);
  t.deepEqual(pass(39, 1), []);
  t.deepEqual(pass(1, 1), [0]);
  t.deepEqual(said, ['worker 1 hangs: its event loop has not come round at 40 looks in a row; it is ended']);
  t.deepEqual(pass(400, 1), [0]);
});

test('one that waits for the system goes on all the same, and that is told, once', async (t) => {
  const { pass, stuck, said } = scene(t);
  stuck.add(0);
  pass(1, 0, 1);
  pass(40, 1);
  await Promise.resolve();
  t.deepEqual(pass(400, 1), [0]);
  t.is(said.length, 2);
  t.regex(said[1]!, /^worker 1 can't be ended while it waits for the system/);
});

test('one that comes round now and then is slow, and no more', (t) => {
  const { pass } = scene(t);
  pass(1, 0, 1);
  for (let round = 0; round < 20; round++) {
    pass(39, 1);
    pass(1, 0, 1);
  }
  t.deepEqual(pass(0), []);
});

test('time in which nobody looks counts for nothing, nor does one that is starting', (t) => {
  const { clock, pass } = scene(t);
  pass(1, 0, 1);
  clock.now += 3_600_000;
  t.deepEqual(pass(1), []);
  t.deepEqual(pass(200, 0, 1), [], 'the third has bound nothing yet');
});

test('one that takes its place begins anew', (t) => {
  const { pass, replace } = scene(t);
  pass(1, 0, 1);
  t.deepEqual(pass(40, 1), [0]);
  replace(0);
  pass(1, 0, 1);
  t.deepEqual(pass(39, 1), [0]);
  t.deepEqual(pass(1, 1), [0, 0]);
});

test('tunnels of a worker that has died are connections until they end; one that is just handed over is none twice', (t) => {
  const { load, watch, clock, pass, replace } = scene(t);
  for (const worker of [0, 0, 1]) load.openOutside(worker);
  clock.tunnels = 4;
  pass(1, 0, 1);
  t.is(load.connections, 3, 'the fourth is counted in a moment');
  load.openOutside(1);
  pass(1, 0, 1);
  t.is(load.connections, 4);
  replace(0);
  watch.died();
  t.is(load.connections, 4);
  t.deepEqual(load.perWorker, [0, 2, 0]);
  clock.tunnels = 3;
  pass(1, 0, 1);
  t.is(load.connections, 3);
  load.closeOutside(1);
  clock.tunnels = 1;
  pass(1, 0, 1);
  t.is(load.connections, 1, 'its worker has not heard of one end yet');
  load.closeOutside(1);
  pass(2, 0, 1);
  t.is(load.connections, 1);
  clock.tunnels = 0;
  pass(1, 0, 1);
  t.is(load.connections, 0);
});
