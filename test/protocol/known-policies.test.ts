import test from 'ava';
import { KnownPolicies } from '../../src/protocol/known-policies.ts';
import { LimitPolicy } from '../../src/protocol/rate-limit-fields.ts';

const policyOf = (name: string, quota = 5) => new LimitPolicy({ name, quota, windowS: 60, unit: 'requests' });

test('what says the same is the same, and nothing else', (t) => {
  const known = new KnownPolicies();
  const [one, other] = [known.alike(policyOf('one')), known.alike(policyOf('other'))];
  t.is(known.alike(policyOf('one')), one);
  t.not(known.alike(policyOf('one', 6)), one);
  const list = known.listOf([one, other]);
  t.is(known.listOf([policyOf('one'), policyOf('other')]), list);
  t.not(known.listOf([other, one]), list);
  t.is(list.text, `${one.text}, ${other.text}`);
});

test('no more of them are remembered than a bound', (t) => {
  const known = new KnownPolicies();
  const first = known.alike(policyOf('0'));
  for (let i = 1; i <= 4_096; i++) known.alike(policyOf(`${i}`));
  t.not(known.alike(policyOf('0')), first);
});
