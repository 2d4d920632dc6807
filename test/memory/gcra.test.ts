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

test('a unit is back after its interval and hardly before, however long that is', (t) => {
  const interval = fc.constantFrom(1, 100, 1_000, 60_000, 3_600_000, 86_400_000, 365 * 86_400_000);
  t.notThrows(() =>
    fc.assert(
      fc.property(interval, begin, (windowMs, start) => {
        const pace = paceOf({ count: 1, windowMs, burst: 1 });
        const gcra = bucket();
        const early = windowMs * 2e-6 + 2e-3;
        if (gcra.take(0, pace, start) !== 0 || gcra.take(0, pace, start + windowMs - early) === 0) return false;
        return gcra.take(0, pace, start + windowMs + early) === 0;
      }),
    ),
  );
});

test('units that are taken ahead and used until their time let in no more than the pace allows', (t) => {
  const aheadMs = 20;
  // In that time comes a part of the burst again, so that it matters when they are booked.
  const given = fc.record({
    burst: fc.integer({ min: 40, max: 200 }),
    part: fc.double({ min: 0.05, max: 0.4, noNaN: true }),
  });
  const steps = fc.array(
    fc.record({
      pause: fc.oneof(fc.constantFrom(0, aheadMs), fc.double({ min: 0, max: 100, noNaN: true })),
      units: fc.integer({ min: 1, max: 20 }),
      usedAt: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
      singles: fc.constantFrom(0, 1, 10, 400),
    }),
    { minLength: 2, maxLength: 20 },
  );
  t.notThrows(() =>
    fc.assert(
      fc.property(given, begin, steps, ({ burst, part }, start, asked) => {
        const pace = paceOf({ count: Math.ceil((burst * part * 1_000) / aheadMs), windowMs: 1_000, burst });
        const gcra = bucket();
        const used: number[] = [];
        let now = start;
        for (const { pause, units, usedAt, singles } of asked) {
          now += pause;
          if (gcra.takeAhead(0, pace, { now, units, until: now + aheadMs }))
            for (let i = 0; i < units; i++) used.push(now + aheadMs * usedAt);
          for (let i = 0; i < singles; i++) if (gcra.take(0, pace, now) === 0) used.push(now);
        }
        used.sort((one, other) => one - other);
        return mostOwed(used, pace) <= burst + 0.1;
      }),
      { numRuns: 500 },
    ),
  );
});

/** The most units that are owed at a time of those taken at these moments. */
function mostOwed(times: readonly number[], { ticksPerMs, cost }: Pace): number {
  let [owed, most, last] = [0, 0, times[0] ?? 0];
  for (const now of times) {
    owed = Math.max(0, owed - ((now - last) * ticksPerMs) / cost) + 1;
    most = Math.max(most, owed);
    last = now;
  }
  return most;
}

test('nothing is taken ahead that would leave less than half of the burst', (t) => {
  const pace = paceOf({ count: 10, windowMs: 1_000, burst: 20 });
  const gcra = bucket();
  t.false(gcra.takeAhead(0, pace, { now: 5_000, units: 11, until: 5_002 }));
  t.is(gcra.left(0, pace, 5_000), 20);
  t.true(gcra.takeAhead(0, pace, { now: 5_000, units: 4, until: 5_002 }));
  t.is(gcra.left(0, pace, 5_003), 16);
  t.false(gcra.takeAhead(0, pace, { now: 5_003, units: 7, until: 5_005 }));
  for (let i = 0; i < 16; i++) t.is(gcra.take(0, pace, 5_003), 0);
  t.true(gcra.take(0, pace, 5_003) > 0);
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

test('units that are given back late let in no more than if they had never been taken', (t) => {
  const given = fc.record({ perSecond: fc.integer({ min: 1, max: 50 }), burst: fc.integer({ min: 1, max: 20 }) });
  const steps = fc.array(
    fc.record({
      pause: fc.double({ min: 0, max: 400, noNaN: true }),
      takes: fc.nat({ max: 25 }),
      back: fc.array(fc.nat(), { maxLength: 5 }),
    }),
    { minLength: 2, maxLength: 30 },
  );
  t.notThrows(() =>
    fc.assert(
      fc.property(given, begin, steps, ({ perSecond, burst }, start, asked) => {
        const pace = paceOf({ count: perSecond, windowMs: 1_000, burst });
        const gcra = bucket();
        const used: number[] = [];
        let now = start;
        for (const { pause, takes, back } of asked) {
          now += pause;
          for (let i = 0; i < takes; i++) if (gcra.take(0, pace, now) === 0) used.push(now);
          for (const index of back) {
            const [takenAt] = used.splice(index % Math.max(1, used.length), 1);
            if (takenAt !== undefined) gcra.giveBackLate(0, pace, { units: 1, heldMs: now - takenAt });
          }
        }
        // But for what a moment is worth.
        return mostOwed(used, pace) <= burst + 0.2;
      }),
      { numRuns: 1_000 },
    ),
  );
});
