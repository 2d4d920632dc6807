import test from 'ava';
import { ClientLimits } from '../../src/policy/limit-book.ts';
import { createLimitMemory, LimitCounts } from '../../src/policy/limit-counts.ts';
import { type LimitRule, parseLimitRule } from '../../src/protocol/limit-rule.ts';

const rule = (text: string): LimitRule => {
  const reading = parseLimitRule(text);
  if (!reading.ok) throw new Error(reading.message);
  return reading.value;
};

const limitsOf = (own: readonly string[], everyone: readonly string[] = []) =>
  new ClientLimits('acme', { own: own.map(rule), everyone: everyone.map(rule) });

const facts = { pools: ['res'], host: 'www.shop.example', tag: undefined };
const namesOf = (limits: ClientLimits, more: object = {}) => limits.of({ ...facts, ...more }).map(({ name }) => name);

test('of each kind the first rule that fits holds: own before everyone’s, the more it says the earlier', (t) => {
  const limits = limitsOf(
    ['requests=5/s', 'site=shop.example requests=1/s', 'pool=res tag=nightly requests=2/s'],
    ['site=shop.example tag=nightly requests=9/s', 'exchanges=7', 'pool=dc site-exchanges=2'],
  );
  t.deepEqual(namesOf(limits), ['exchanges', 'requests site=shop.example']);
  t.deepEqual(namesOf(limits, { tag: 'nightly' }), ['exchanges', 'requests pool=res tag=nightly']);
  t.deepEqual(namesOf(limits, { host: 'myshop.example' }), ['exchanges', 'requests']);
  t.deepEqual(namesOf(limits, { pools: ['res', 'dc'] }), [
    'exchanges',
    'site-exchanges pool=dc',
    'requests site=shop.example',
  ]);
});

test('what a thread held when it died is given back, and nothing else', (t) => {
  const memory = createLimitMemory(2, Buffer.from('a key'));
  const [one, other, control] = [0, 1, 2].map((taker) => new LimitCounts(memory, taker)) as [
    LimitCounts,
    LimitCounts,
    LimitCounts,
  ];
  const [exchanges] = limitsOf(['exchanges=3']).of(facts) as [ReturnType<ClientLimits['of']>[number]];
  one.take(exchanges, 'shop.example', 0);
  one.take(exchanges, 'shop.example', 0);
  const kept = other.take(exchanges, 'shop.example', 0);
  t.false(other.take(exchanges, 'shop.example', 0).taken);
  control.bury(0);
  t.is(control.figure(exchanges, '', 0).left, 2);
  t.true(other.take(exchanges, 'shop.example', 0).taken);
  if (kept.taken) other.giveBack(kept.place);
  if (kept.taken) other.giveBack(kept.place);
  t.is(other.figure(exchanges, '', 0).left, 2);
});
