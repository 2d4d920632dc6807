import test from 'ava';
import fc from 'fast-check';
import { Gcra, type Pace, paceOf } from '../../src/memory/gcra.ts';
import { PlainWords } from './schedules.ts';

const bucket = () => new Gcra(new PlainWords(new Int32Array(4)));

/** What a bucket would do whose clock never wraps. */
class Reference {
  readonly #pace: Pace;
  #wholeAt = 0;

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  take(now: number): boolean {
    const { ticksPerMs, cost, span } = this.#pace;
    const tick = Math.floor(now * ticksPerMs);
    const owed = Math.max(0, this.#wholeAt - tick);
    if (owed + cost > span) return false;
    this.#wholeAt = tick + owed + cost;
    return true;
  }
}

const terms = fc.record({
  count: fc.integer({ min: 1, max: 100_000 }),
  windowMs: fc.constantFrom(1_000, 10_000, 60_000, 3_600_000, 86_400_000),
  burst: fc.oneof(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 1_000_000 })),
});

/** Mostly short steps, and rests of any length up to a month: beyond every wrap of a bucket's clock. */
const steps = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.double({ min: 0, max: 50, noNaN: true }) },
    { weight: 1, arbitrary: fc.double({ min: 0, max: 5_000_000, noNaN: true }) },
    { weight: 1, arbitrary: fc.double({ min: 0, max: 30 * 86_400_000, noNaN: true }) },
  ),
  { minLength: 1, maxLength: 60 },
);

const begin = fc.double({ min: 0, max: 2 ** 40, noNaN: true });

test('a bucket lets in what one without a wrap would let in, at any time and after any rest', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(terms, begin, steps, (given, start, pauses) => {
        const pace = paceOf(given);
        const gcra = bucket();
        const reference = new Reference(pace);
        let now = start;
        for (const pause of pauses) {
          now += pause;
          const waitMs = gcra.take(0, pace, now);
          if ((waitMs === 0) !== reference.take(now)) return false;
          if (waitMs > 0 && waitMs > (pace.cost / pace.ticksPerMs) * 1.01 + 1) return false;
        }
        return true;
      }),
      { numRuns: 2_000 },
    ),
  );
});

test('in no window comes more than the burst and what the pace brings', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(terms, begin, steps, (given, start, pauses) => {
        const pace = paceOf(given);
        const gcra = bucket();
        const taken: number[] = [];
        let now = start;
        for (const pause of pauses) {
          now += pause;
          for (let asks = 0; asks < 3; asks++) if (gcra.take(0, pace, now) === 0) taken.push(now);
        }
        const most = (ms: number) => given.burst + (ms * given.count) / given.windowMs + 0.01;
        return taken.every((from, i) => taken.slice(i).every((to, n) => n + 1 <= most(to - from)));
      }),
    ),
  );
});

test('after the wait that it tells a bucket lets in, and not before', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(terms, begin, (given, start) => {
        fc.pre(given.burst <= 100);
        const pace = paceOf(given);
        const gcra = bucket();
        for (let i = 0; i < given.burst; i++) if (gcra.take(0, pace, start) !== 0) return false;
        const waitMs = gcra.take(0, pace, start);
        const tickMs = 1 / pace.ticksPerMs;
        if (waitMs > 1 && gcra.take(0, pace, start + waitMs - 2 * tickMs - 1e-3) === 0) return false;
        return gcra.take(0, pace, start + waitMs + 2 * tickMs) === 0;
      }),
    ),
  );
});

test('clocks of threads that differ by a little neither open nor freeze a bucket', (t) => {
  const pace = paceOf({ count: 10, windowMs: 1_000, burst: 5 });
  const gcra = bucket();
  for (let i = 0; i < 5; i++) t.is(gcra.take(0, pace, 5_000 + i), 0);
  t.true(gcra.take(0, pace, 4_900) > 0, 'a clock that is behind');
  t.true(gcra.take(0, pace, 5_004) > 0);
  t.is(gcra.take(0, pace, 5_101), 0);
});

test('what was given back may be taken again, and what is left is told', (t) => {
  const pace = paceOf({ count: 1, windowMs: 60_000, burst: 3 });
  const gcra = bucket();
  for (const left of [2, 1, 0]) {
    t.is(gcra.take(0, pace, 1_000), 0);
    t.is(gcra.left(0, pace, 1_000), left);
  }
  t.true(Math.abs(gcra.backInMs(0, pace, 1_000) - 60_000) < 100, 'some of it');
  gcra.giveBack(0, pace);
  t.is(gcra.left(0, pace, 1_000), 1);
  t.true(Math.abs(gcra.backInMs(0, pace, 1_000) - 120_000) < 100, 'all of it');
  t.is(gcra.take(0, pace, 1_000), 0);
  t.true(gcra.take(0, pace, 1_000) > 0);
  t.is(gcra.left(0, pace, 200_000), 3);
});
