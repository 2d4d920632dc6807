import test from 'ava';
import fc from 'fast-check';
import { AtomicWords } from '../../src/memory/words.ts';
import { WorkerLoad } from '../../src/memory/worker-load.ts';
import { Front } from '../../src/workers/front.ts';

const LOOK_MS = 250;

/** The control thread's view of so many workers, each of which is as busy as it was last said to be. */
function scene({ workers = 4, concentrate = true } = {}) {
  const load = new WorkerLoad(new AtomicWords(new SharedArrayBuffer(4 * WorkerLoad.wordsFor(workers))));
  const clock = { now: 1_000 };
  const front = new Front({ load, workers, concentrate, now: () => clock.now });
  const hangs = new Set<number>();
  for (let worker = 0; worker < workers; worker++) front.joined(worker);
  /** Looks for so long while the workers have these shares of a core. */
  const pass = (ms: number, ...busy: readonly number[]) => {
    for (let passed = 0; passed < ms; passed += LOOK_MS) {
      clock.now += LOOK_MS;
      for (let worker = 0; worker < workers; worker++) {
        load.worked(worker, busy[worker] ?? 0);
        if (!hangs.has(worker)) load.seen(worker, clock.now);
      }
      front.look();
    }
    return load.spread;
  };
  const who = () => Array.from({ length: workers }, (_, worker) => worker).filter((worker) => load.inFront(worker));
  return { load, front, hangs, clock, pass, who };
}

test('one worker has all connections that it can; where it is full two have, then four', (t) => {
  const { pass, who } = scene();
  t.is(pass(10_000, 0.5), 1);
  t.deepEqual(who(), [0]);
  t.is(pass(LOOK_MS, 0.95), 2);
  t.deepEqual(who(), [0, 1]);
  t.is(pass(750, 0.95, 0.95), 2, 'those that are new get their time');
  t.is(pass(LOOK_MS, 0.95, 0.95), 0, 'all of them');
  t.deepEqual(who(), [0, 1, 2, 3]);
});

test('as few as will do go on once there is less to do, but not at once', (t) => {
  const { pass } = scene();
  t.is(pass(2_000, 1, 1, 1, 1), 0);
  t.is(pass(20_000, 0.6, 0.6, 0.6, 0.6), 0, 'they are needed');
  t.is(pass(1_000, 0.3, 0.3, 0.3, 0.3), 0);
  t.is(pass(20_000, 0.3, 0.3, 0.3, 0.3), 2);
  t.is(pass(20_000, 0.1, 0.1), 1);
  t.is(pass(20_000), 1);
});

test('while one of them hangs new connections go to all, and no longer', (t) => {
  const { pass, hangs, who } = scene();
  pass(1_000, 0.1);
  hangs.add(0);
  t.is(pass(1_000, 0.1), 0);
  t.deepEqual(who(), [0], 'what they have stays theirs');
  hangs.delete(0);
  t.is(pass(LOOK_MS, 0.1), 1);
  hangs.add(3);
  t.is(pass(1_000, 0.1), 1, 'one behind it may hang');
});

test('where the system has no part in it, and where so many workers are wanted, all have them', (t) => {
  const { load, pass } = scene();
  load.loseOrder();
  t.is(pass(1_000, 0.1), 0);
  const wanted = scene({ concentrate: false });
  t.is(wanted.pass(1_000, 0.1), 0);
  t.is(wanted.front.count, 4);
  t.is(scene({ workers: 1 }).pass(1_000, 0.1), 0);
});

test('ranks are the places that the system gives to their sockets: of one that leaves the last one takes it', (t) => {
  const steps = fc.array(fc.record({ worker: fc.nat(4), joins: fc.boolean() }), { maxLength: 40 });
  fc.assert(
    fc.property(steps, (taken) => {
      const { load, front } = scene({ workers: 5 });
      let sockets = [0, 1, 2, 3, 4];
      for (const { worker, joins } of taken) {
        const at = sockets.indexOf(worker);
        if (joins && at < 0) {
          front.joined(worker);
          sockets.push(worker);
        } else if (!joins) {
          // Of one whose listeners never were bound nothing changes.
          front.left(worker);
          if (at >= 0) sockets = sockets.map((one, i) => (i === at ? sockets.at(-1)! : one)).slice(0, -1);
        }
        t.deepEqual(front.order, sockets);
        t.deepEqual(
          sockets.map((one) => load.rank(one)),
          sockets.map((_, i) => i),
        );
      }
    }),
  );
});
