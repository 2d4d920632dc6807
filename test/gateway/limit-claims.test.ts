import test from 'ava';
import { type Choice, type Exchange, NO_PLACE } from '../../src/gateway/exchange.ts';
import { Bounds } from '../../src/gateway/limits/bounds.ts';
import { ExchangeLimits } from '../../src/gateway/limits/exchange-limits.ts';
import { createLimitMemory, LimitCounts } from '../../src/policy/limit-counts.ts';
import { type LimitRule, parseLimitRule } from '../../src/protocol/limit-rule.ts';

const BEGIN_MS = 5_000;

/** Limits of everyone, and exchanges that may leave by both pools, at the time that the test tells. */
function scene(...texts: readonly string[]) {
  const everyone = texts.map((text): LimitRule => {
    const reading = parseLimitRule(text);
    if (!reading.ok) throw new Error(reading.message);
    return reading.value;
  });
  const counts = new LimitCounts(createLimitMemory(1, Buffer.from('a key')), 0);
  const clock = { now: BEGIN_MS };
  const limits = new ExchangeLimits({ counts, everyone: () => everyone, now: () => clock.now });
  const client = { name: 'acme', limits: [] };
  const begin = (held: string | null = null, pools = ['one', 'two']): Exchange => {
    const exchange = {
      admission: { client, pools, params: {}, filter: {} },
      bounds: new Bounds(1, 'shop.example', 'shop.example'),
      choice: null,
      limits: null,
      limitClaims: null,
      limitPlace: NO_PLACE,
      limitSitePlace: NO_PLACE,
    } as unknown as Exchange;
    limits.take(exchange, clock.now, held);
    return exchange;
  };
  const end = (exchange: Exchange, pool: string) => {
    limits.over(exchange, pool, clock.now);
    exchange.choice = { exit: { pool } } as Choice;
    limits.carriedBy(exchange, pool);
    limits.ended(exchange);
  };
  const left = () =>
    Object.fromEntries(limits.statesOf(client).map(({ policy, left: rest }) => [policy.terms.name, rest]));
  return { clock, limits, begin, end, left };
}

test('it holds places of every pool until one carries it, and then of that one; of a pool’s rate it takes when it goes over it', (t) => {
  const { limits, begin, end, left } = scene('exchanges=9', 'pool=one requests=1/h burst=3', 'pool=two exchanges=2');
  const exchange = begin();
  const [all, one, two] = ['exchanges', 'requests pool=one', 'exchanges pool=two'] as const;
  t.deepEqual(left(), { [two]: 1, [all]: 8, [one]: 3 });
  t.true(limits.over(exchange, 'one', BEGIN_MS));
  t.deepEqual(left(), { [two]: 1, [all]: 8, [one]: 2 });
  end(exchange, 'one');
  t.deepEqual(left(), { [two]: 2, [all]: 9, [one]: 2 });
  end(begin(), 'two');
  t.deepEqual(left(), { [two]: 2, [all]: 9, [one]: 2 }, 'the place was given back, and of the rate nothing was taken');
});

test('while exchanges wait for an exit others go at the whole rate of a pool that those may go by', (t) => {
  const { clock, limits, begin, end } = scene('pool=one requests=1/s burst=1');
  const waiting: Exchange[] = [];
  for (let second = 0; second < 30; second++) {
    waiting.push(begin());
    const next = begin(null, ['one']);
    t.not(next.limits, null);
    next.choice = { exit: { pool: 'one' } } as Choice;
    limits.ended(next);
    clock.now += 1_000;
  }
  const [first] = waiting as [Exchange];
  for (let tries = 0; tries < 9; tries++) {
    t.true(limits.over(first, 'one', clock.now));
    limits.notOver(first);
  }
  let over = 0;
  for (const exchange of waiting) {
    if (limits.over(exchange, 'one', clock.now)) over++;
    end(exchange, exchange.admission?.pools[0] ?? '');
  }
  t.is(over, 1, 'and at last these, but by no more than it');
});

test('what was let in and never had an exit counts by what its pools have in common', (t) => {
  const leftAfter = (rules: readonly string[], pools: string[]) => {
    const { limits, begin, left } = scene(...rules);
    limits.ended(begin(null, pools));
    return Object.values(left());
  };
  const [one, both] = [['one'], ['one', 'two']];
  const shared = ['requests=1/h burst=9'];
  t.deepEqual([leftAfter(shared, one), leftAfter(shared, both)], [[8], [8]]);
  const apart = ['pool=one requests=1/h burst=3', 'pool=two requests=1/h burst=3'];
  t.deepEqual(
    [leftAfter(apart, one).toSorted(), leftAfter(apart, both)],
    [
      [2, 3],
      [3, 3],
    ],
  );
  t.deepEqual(leftAfter(['exchanges=4'], both), [4]);
});

test('it counts by the pool of the attempt that began, also where one over another pool could not', (t) => {
  const rules = ['pool=one requests=1/h burst=3', 'pool=two requests=1/h burst=3'] as const;
  const { limits, begin, left } = scene(...rules);
  const exchange = begin();
  t.true(limits.over(exchange, 'one', BEGIN_MS));
  exchange.choice = { exit: { pool: 'one' } } as Choice;
  limits.carriedBy(exchange, 'one');
  t.true(limits.over(exchange, 'two', BEGIN_MS), 'but its exit has no place any more');
  limits.ended(exchange);
  t.deepEqual(left(), { 'requests pool=one': 2, 'requests pool=two': 3 });
});

test('a pool that lets no more pass is left out, also where an attempt is about to go over it', (t) => {
  const { limits, begin, end } = scene('pool=one requests=1/h burst=1', 'pool=two requests=1/h burst=2');
  const late = begin('two');
  end(begin(), 'one');
  const next = begin();
  t.deepEqual(next.admission?.pools, ['two']);
  t.false(limits.over(late, 'one', BEGIN_MS));
  t.deepEqual(late.admission?.pools, ['two']);
  t.is(late.limitClaims?.refusal?.kind, 'rate_limited');
  t.true(limits.over(late, 'two', BEGIN_MS));
  t.true(limits.over(next, 'two', BEGIN_MS));
  t.throws(() => begin(), { message: /pool=one/ });
});

test('where a session holds an exit its pool is asked alone, and refuses', (t) => {
  const { begin, end, left } = scene('pool=one requests=1/h burst=1', 'pool=two requests=1/h burst=5');
  end(begin('one'), 'one');
  t.throws(() => begin('one'), { message: /pool=one/ });
  t.deepEqual(left(), { 'requests pool=one': 0, 'requests pool=two': 5 });
  t.deepEqual(begin('two').admission?.pools, ['one', 'two'], 'it may move all the same');
});

test('what is given back late is worth what hasn’t come back by itself since', (t) => {
  const { clock, limits, begin, end } = scene('pool=two requests=1/s burst=1');
  const waiting = Array.from({ length: 30 }, () => {
    const exchange = begin();
    t.true(limits.over(exchange, 'two', clock.now), 'but its attempt fails');
    clock.now += 1_000;
    return exchange;
  });
  t.true(waiting.every(({ admission }) => admission?.pools.includes('two')));
  let over = 0;
  for (const exchange of waiting) {
    end(exchange, 'one');
    const next = begin();
    if (!next.admission?.pools.includes('two')) continue;
    end(next, 'two');
    over += 1;
  }
  t.is(over, 1, 'by a second pool goes no more than its pace at once');
});

test('what many held side by side for a moment is worth all of it', (t) => {
  const { clock, limits, begin, end, left } = scene('pool=two requests=1/h burst=9');
  const waiting = Array.from({ length: 9 }, () => begin());
  for (const exchange of waiting) limits.over(exchange, 'two', clock.now);
  t.deepEqual(Object.values(left()), [0]);
  clock.now += 100;
  for (const exchange of waiting) end(exchange, 'one');
  t.deepEqual(Object.values(left()), [9]);
});
