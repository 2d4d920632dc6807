import test from 'ava';
import { AtomicWords } from '../../src/memory/words.ts';
import { WorkerLoad } from '../../src/memory/worker-load.ts';

const load = () => new WorkerLoad(new AtomicWords(new SharedArrayBuffer(4 * WorkerLoad.wordsFor(3))));

test('connections are counted over all workers, and those of a dead one given back', (t) => {
  const all = load();
  t.deepEqual([all.open(0), all.open(2), all.open(2)], [1, 2, 3]);
  all.close(2);
  t.is(all.connections, 2);
  t.deepEqual(all.perWorker, [1, 0, 1]);
  all.release(2);
  t.is(all.connections, 1);
});

test('the batches of each worker have their own count, and memory one flag for all', (t) => {
  const all = load();
  for (const _ of [1, 2]) all.takeBatch(1);
  t.deepEqual([all.batchesTaken(0), all.batchesTaken(1)], [0, 2]);
  t.false(all.memoryFull);
  all.memoryFull = true;
  t.true(all.memoryFull);
  t.is(all.connections, 0);
});

test('a worker with clearly more connections than another knows to whom the next had better go', (t) => {
  const all = load();
  for (const worker of [0, 1, 2]) all.seen(worker, 1_000);
  all.seenControl(1_000);
  t.is(all.lighterThan(0, 1_500), -1);
  for (let i = 0; i < 3; i++) all.open(0);
  all.open(1);
  t.is(all.lighterThan(0, 1_500), 2);
  t.is(all.lighterThan(1, 1_500), -1);
  // What is on its way counts already.
  all.expect(2);
  all.expect(2);
  t.is(all.lighterThan(0, 1_500), -1);
  all.met(2);
  all.met(2);
  all.release(2);
  t.is(all.lighterThan(0, 1_500), -1, 'a dead one takes nothing');
  all.open(0);
  t.is(all.lighterThan(0, 1_500), 1);
  t.is(all.lighterThan(0, 1_700), -1, 'one that hangs takes nothing');
  all.seen(1, 1_700);
  t.is(all.lighterThan(0, 1_700), -1, 'and by way of one that hangs nothing goes');
  all.seenControl(1_700);
  t.is(all.lighterThan(0, 1_700), 1);
});

test('connections go on only to workers in front, and from one that is not to any of these', (t) => {
  const all = load();
  for (const worker of [0, 1, 2]) {
    all.seen(worker, 1_000);
    all.setRank(worker, 2 - worker);
  }
  all.seenControl(1_000);
  for (let i = 0; i < 10; i++) all.open(2);
  t.is(all.lighterThan(2, 1_000), 0);
  all.front = 1;
  t.deepEqual([all.inFront(0), all.inFront(1), all.inFront(2)], [false, false, true]);
  t.is(all.lighterThan(2, 1_000), -1, 'nobody else is in front');
  t.is(all.lighterThan(0, 1_000), 2, 'however many that has');
  all.front = 2;
  t.is(all.lighterThan(2, 1_000), 1);
  t.is(all.lighterThan(0, 1_000), 1);
});
