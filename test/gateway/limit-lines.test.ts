import test from 'ava';
import fc from 'fast-check';
import { limitPolicy, limitState } from '../../src/gateway/limits/limit-lines.ts';
import { ClientLimits } from '../../src/policy/limit-book.ts';
import { createLimitMemory, LimitCounts } from '../../src/policy/limit-counts.ts';
import { parseLimitRule } from '../../src/protocol/limit-rule.ts';
import { RateLimit } from '../../src/protocol/rate-limit-fields.ts';

/** The one limit of a rule, and its count. */
function counted(text: string) {
  const reading = parseLimitRule(text);
  if (!reading.ok) throw new Error(reading.message);
  const [limit] = new ClientLimits('acme', { own: [reading.value], everyone: [] }).of({
    pool: null,
    host: 'shop.example',
    tag: undefined,
  });
  const counts = new LimitCounts(createLimitMemory(1, Buffer.from('a key')), 0);
  const cell = counts.cellOf(limit!);
  const told = (now: number) => {
    const all = new RateLimit();
    all.add(limitState(counts.figure(cell, now), limitPolicy(limit!)));
    return all.fields!;
  };
  return { cell, counts, told };
}

test('what is left is told with the time for which it has to do, and of nothing when there is some', (t) => {
  const { cell, counts, told } = counted('requests=100/1m burst=100');
  const state = (now: number) => told(now).rests;
  t.is(told(5_000).policies, '"requests";q=100;w=60');
  t.is(state(5_000), '"requests";r=100;t=60');
  for (let i = 0; i < 50; i++) counts.take(cell, 5_000);
  t.is(state(5_000), '"requests";r=50;t=30');
  for (let i = 0; i < 50; i++) counts.take(cell, 5_000);
  t.is(state(5_000), '"requests";r=0;t=1');
  t.is(state(65_000), '"requests";r=100;t=60');
});

test('of bandwidth the next second is told, before and after its first octet', (t) => {
  const { cell, counts, told } = counted('bandwidth=1MB/s');
  t.is(told(5_000).policies, '"bandwidth";q=1000000;w=1;qu="content-bytes"');
  t.is(told(5_000).rests, '"bandwidth";r=1000000;t=1');
  counts.reserve(cell, 5_000, 150_000);
  t.is(told(5_000).rests, '"bandwidth";r=850000;t=1');
});

test('exchanges under way have no window', (t) => {
  const { cell, counts, told } = counted('exchanges=2');
  counts.take(cell, 5_000);
  t.is(told(5_000).policies, '"exchanges";q=2;qu="concurrent-requests"');
  t.is(told(5_000).rests, '"exchanges";r=1');
});

test('windows are a second at least, and no ratio is faster than the limit', (t) => {
  const given = fc.record({
    count: fc.integer({ min: 1, max: 100_000 }),
    unit: fc.constantFrom(['s', 1], ['m', 60], ['h', 3_600]) as fc.Arbitrary<[string, number]>,
    burst: fc.integer({ min: 1, max: 2_000 }),
    taken: fc.integer({ min: 0, max: 2_000 }),
  });
  fc.assert(
    fc.property(given, ({ count, unit: [unit, seconds], burst, taken }) => {
      const { cell, counts, told } = counted(`requests=${count}/${unit} burst=${burst}`);
      for (let i = 0; i < Math.min(taken, burst); i++) counts.take(cell, 5_000);
      const [, quota, window] = /;q=(\d+);w=(\d+)$/.exec(told(5_000).policies) ?? [];
      const [, left, lasts] = /;r=(\d+);t=(\d+)$/.exec(told(5_000).rests) ?? [];
      // Pure quotients of whole numbers, but for what the division leaves behind the point.
      const isWithin = (units: number, time: number) => units <= (time * count * 1.001) / seconds + 1e-6;
      return Number(window) >= 1 && isWithin(Number(quota), Number(window)) && isWithin(Number(left), Number(lasts));
    }),
  );
  t.pass();
});
