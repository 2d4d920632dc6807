import test from 'ava';
import fc from 'fast-check';
import { Overload, type OverloadRule } from '../../src/policy/overload.ts';

const usual: OverloadRule = { delayMs: 100, afterMs: 300 };

/** A thread with a queue before it, and a clock that only work and waiting move. */
class Thread {
  now = 10_000;
  looks = 0;
  readonly #overload: Overload;
  readonly #queue: number[] = [];

  constructor(rule: OverloadRule | null = usual) {
    this.#overload = new Overload(
      () => rule,
      () => this.now,
    );
  }

  /** Whether a request is refused that came so long ago. */
  refuses(waitedMs: number): boolean {
    return this.#overload.refuses(() => {
      this.looks++;
      return waitedMs;
    });
  }

  /** Requests that come evenly, so many a second for `seconds`, each of which takes `ms` if it is served: how many were and were
   *  refused, and how long the served had waited at most. */
  run(perSecond: number, seconds: number, { ms = 1, refusalMs = 0.02 } = {}) {
    const begun = this.now;
    const told = { served: 0, refused: 0, waitedMs: 0, idleMs: 0 };
    let due = begun;
    while (this.now < begun + seconds * 1_000) {
      for (; due <= this.now; due += 1_000 / perSecond) this.#queue.push(due);
      const came = this.#queue.shift();
      if (came === undefined) {
        told.idleMs += due - this.now;
        this.now = due;
      } else if (this.refuses(this.now - came)) {
        told.refused++;
        this.now += refusalMs;
      } else {
        told.served++;
        told.waitedMs = Math.max(told.waitedMs, this.now - came);
        this.now += ms;
      }
    }
    return told;
  }
}

test('what can be done is done, and nothing refused', (t) => {
  t.like(new Thread().run(900, 20), { refused: 0 });
});

test('a burst is served whole, however large, where it is over in time', (t) => {
  const thread = new Thread();
  t.like(thread.run(100_000, 0.003), { refused: 0 });
  t.like(thread.run(100, 5), { refused: 0 });
});

test('at four times what can be done it does as much as ever, and who is served has waited about as long as is said', (t) => {
  const thread = new Thread();
  thread.run(4_000, 2);
  const { served, refused, waitedMs, idleMs } = thread.run(4_000, 10);
  t.true(served > 9_000 && served < 9_600, `${served}`);
  t.true(Math.abs(served + refused - 40_000) < 200, `${served} ${refused}`);
  t.true(waitedMs < 105, `${waitedMs}`);
  t.is(idleMs, 0);
});

test('it serves everything again once there is less to do', (t) => {
  const thread = new Thread();
  thread.run(4_000, 3);
  thread.run(900, 2);
  t.like(thread.run(900, 10), { refused: 0 });
  t.false(thread.refuses(5_000));
});

test('one that is in time begins the count anew', (t) => {
  const thread = new Thread();
  for (let i = 0; i < 1_000; i++) {
    t.false(thread.refuses(i % 20 === 0 ? 99 : 1_000));
    thread.now += 12;
  }
});

test('while it refuses, what is in time is served', (t) => {
  const thread = new Thread();
  thread.run(4_000, 3);
  for (let i = 0; i < 20; i++) {
    t.false(thread.refuses(99));
    t.true(thread.refuses(100));
    thread.now += 10;
  }
});

test('what was seen long ago says nothing of now', (t) => {
  const thread = new Thread();
  thread.run(4_000, 3);
  t.true(thread.refuses(1_000));
  thread.now += 2_000;
  t.false(thread.refuses(1_000));
});

test('one whose wait is not known is served, and says nothing', (t) => {
  const thread = new Thread();
  for (let i = 0; i < 100; i++) {
    t.false(thread.refuses(-1));
    thread.now += 50;
  }
  thread.run(4_000, 3);
  t.false(thread.refuses(-1));
  t.true(thread.refuses(1_000));
});

test('while nothing is late few are looked at; without a rule none', (t) => {
  const thread = new Thread();
  const { served } = thread.run(900, 10);
  t.true(served > 8_000 && thread.looks <= 1_001, `${thread.looks}`);
  const free = new Thread(null);
  t.like(free.run(4_000, 3), { refused: 0 });
  t.is(free.looks, 0);
});

test('a delay of 0 refuses everything', (t) => {
  const thread = new Thread({ delayMs: 0, afterMs: 0 });
  for (let i = 0; i < 20; i++) t.true(thread.refuses(0));
});

test('however much more is asked than can be done, and whatever it takes, nothing is idle and nobody waits for long', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 20 }), fc.integer({ min: 1, max: 10 }), (times, ms) => {
      const thread = new Thread();
      const of = { ms, refusalMs: ms / 50 };
      thread.run((times * 1_000) / ms, 5, of);
      const { served, waitedMs, idleMs } = thread.run((times * 1_000) / ms, 5, of);
      const best = 5_000 / ms;
      return idleMs === 0 && waitedMs < 100 + 2 * ms && served > best * (1 - times / 50) - 2;
    }),
    { numRuns: 30 },
  );
  t.pass();
});
