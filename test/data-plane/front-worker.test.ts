import test from 'ava';
import { FrontWorker } from '../../src/data-plane/front-worker.ts';
import { AtomicWords } from '../../src/memory/words.ts';
import { WorkerLoad } from '../../src/memory/worker-load.ts';

/** Worker 0 of two with two listeners, and what the system was told. */
function scene({ result = 0 } = {}) {
  const load = new WorkerLoad(new AtomicWords(new SharedArrayBuffer(4 * WorkerLoad.wordsFor(2))));
  const clock = { now: 1_000, cpu: 50 };
  const told: [number, number][] = [];
  const spread = (fd: number, count: number) => {
    told.push([fd, count]);
    return result;
  };
  const place = new FrontWorker({
    load,
    worker: 0,
    spreading: { spread, cpuTime: () => clock.cpu },
    now: () => clock.now,
    listeners: () => [7, -1, 9],
  });
  /** Looks after 250 ms, in so many of which it ran. */
  const look = (ranMs = 0, lateMs = 0) => {
    clock.now += 250;
    clock.cpu += ranMs;
    place.look(lateMs);
    return load.share(0, clock.now).busy;
  };
  return { load, clock, told, place, look };
}

test('the system is told once what has changed, for each listener that is open', (t) => {
  const { load, told, place, look } = scene();
  look();
  place.bound(5);
  t.deepEqual(told, []);
  load.spread = 1;
  look();
  look();
  place.bound(5);
  t.deepEqual(told.splice(0), [
    [7, 1],
    [9, 1],
    [5, 1],
  ]);
  load.spread = 0;
  look();
  t.deepEqual(told, [
    [7, 0],
    [9, 0],
  ]);
  t.false(load.orderLost);
});

test('that the system can not is told to all', (t) => {
  const { load, look } = scene({ result: -92 });
  load.spread = 1;
  look();
  t.true(load.orderLost);
});

test('what a worker has of a core is its processor time; a burst between two looks says nothing, and a late loop has too much', (t) => {
  const { look } = scene();
  t.is(look(200), 0);
  t.is(look(225), 0.8);
  t.is(look(), 0);
  t.is(look(10, 150), 0);
  t.is(look(10, 150), 1);
  t.is(look(10, 10), 0.04);
});

test('where connections come for seconds to one that is not in front, the system counts otherwise than we do', (t) => {
  const { load, clock, place } = scene();
  const meet = (ms: number, stepMs = 500) => {
    for (let passed = 0; passed < ms; passed += stepMs) {
      place.met();
      clock.now += stepMs;
    }
    return load.orderLost;
  };
  load.setRank(0, 1);
  t.false(meet(10_000), 'all are');
  load.front = 1;
  t.false(meet(10_000), 'all are meant to have some');
  load.spread = 1;
  t.false(meet(20_000, 2_000), 'now and then one');
  t.false(meet(3_000), 'a worker has just ended');
  load.setRank(0, 0);
  t.false(meet(10_000), 'it is');
  load.setRank(0, 1);
  clock.now += 2_000;
  t.true(meet(4_000));
});
