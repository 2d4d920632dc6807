import test from 'ava';
import { ClientLimits } from '../../src/policy/limit-book.ts';
import { createLimitMemory, type LimitCell, LimitCounts, NONE_LEFT } from '../../src/policy/limit-counts.ts';
import { type LimitRule, parseLimitRule } from '../../src/protocol/limit-rule.ts';

const rule = (text: string): LimitRule => {
  const reading = parseLimitRule(text);
  if (!reading.ok) throw new Error(reading.message);
  return reading.value;
};

const limitsOf = (own: readonly string[], everyone: readonly string[] = []) =>
  new ClientLimits('acme', { own: own.map(rule), everyone: everyone.map(rule) });

const facts = { pool: 'res', host: 'www.shop.example', tag: undefined };
const namesOf = (limits: ClientLimits, more: object = {}) => limits.of({ ...facts, ...more }).map(({ name }) => name);

test('of each kind the first rule that fits holds: own before everyone’s, the more it says the earlier', (t) => {
  const limits = limitsOf(
    ['requests=5/s', 'site=shop.example requests=1/s', 'pool=res tag=nightly requests=2/s'],
    ['site=shop.example tag=nightly requests=9/s', 'exchanges=7', 'pool=dc site-exchanges=2'],
  );
  t.deepEqual(namesOf(limits), ['exchanges', 'requests site=shop.example']);
  t.deepEqual(namesOf(limits, { tag: 'nightly' }), ['exchanges', 'requests pool=res tag=nightly']);
  t.deepEqual(namesOf(limits, { host: 'myshop.example' }), ['exchanges', 'requests']);
  t.deepEqual(namesOf(limits, { pool: 'dc' }), ['exchanges', 'site-exchanges pool=dc', 'requests site=shop.example']);
});

test('all limits are those that may hold: none behind one about all exchanges, or about the same ones', (t) => {
  const limits = limitsOf(
    ['requests=5/s', 'tag=fast requests=9/s', 'pool=res exchanges=2'],
    ['tag=slow requests=1/h', 'pool=res exchanges=7', 'exchanges=9', 'bandwidth=1MB/s'],
  );
  t.deepEqual(
    limits.all.map(({ name, most }) => [name, most]),
    [
      ['exchanges pool=res', 2],
      ['exchanges', 9],
      ['requests tag=fast', 9],
      ['requests', 5],
      ['bandwidth', 1_000_000],
    ],
  );
  t.deepEqual(namesOf(limits, { tag: 'slow' }), ['exchanges pool=res', 'requests', 'bandwidth']);
});

test('what a thread held when it died is given back, and nothing else', (t) => {
  const memory = createLimitMemory(2, Buffer.from('a key'));
  const [one, other, control] = [0, 1, 2].map((taker) => new LimitCounts(memory, taker)) as [
    LimitCounts,
    LimitCounts,
    LimitCounts,
  ];
  const [exchanges] = limitsOf(['exchanges=3']).of(facts) as [ReturnType<ClientLimits['of']>[number]];
  const cells = [one, other, control].map((counts) => counts.cellOf(exchanges)) as [LimitCell, LimitCell, LimitCell];
  one.take(cells[0], 0);
  one.take(cells[0], 0);
  const kept = other.take(cells[1], 0);
  t.is(other.take(cells[1], 0), NONE_LEFT);
  control.bury(0);
  t.is(control.figure(cells[2], 0).left, 2);
  t.true(other.take(cells[1], 0) >= 0);
  other.giveBack(kept);
  other.giveBack(kept);
  t.is(other.figure(cells[1], 0).left, 2);
});
