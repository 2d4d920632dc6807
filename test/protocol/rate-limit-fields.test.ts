import test from 'ava';
import fc from 'fast-check';
import { LimitPolicy, PolicyList, RateLimit } from '../../src/protocol/rate-limit-fields.ts';

test('what is left of any number of limits is told as text would tell it, time after time', (t) => {
  const name = fc.string({ unit: fc.constantFrom(...'abc/ ".-9'), minLength: 1, maxLength: 60 });
  const figure = fc.oneof(fc.nat(20), fc.nat(), fc.integer({ min: 0, max: 999_999_999_999_999 }));
  const item = fc.record({ name, quota: figure, left: figure, windowS: fc.option(figure) });
  const told = new RateLimit();
  fc.assert(
    fc.property(fc.array(item, { maxLength: 12 }), (items) => {
      told.begin();
      const policies = items.map(({ name, quota }) => {
        return new LimitPolicy({ name, quota, windowS: 60, unit: 'requests' });
      });
      items.forEach(({ left, windowS }, index) => {
        told.addPolicies(new PolicyList([policies[index]!]));
        told.addRest(policies[index]!, left, windowS);
      });
      if (items.length === 0) return t.is(told.fields, undefined);
      const quote = (text: string) => `"${text.replaceAll('"', '\\"')}"`;
      t.deepEqual(told.fields, {
        policies: items.map(({ name, quota }) => `${quote(name)};q=${quota};w=60`).join(', '),
        rests: items
          .map(({ name, left, windowS }) => `${quote(name)};r=${left}${windowS === null ? '' : `;t=${windowS}`}`)
          .join(', '),
      });
    }),
  );
});

test('of more limits than a head has room for both fields tell the same ones, whole', (t) => {
  const policies = Array.from({ length: 400 }, (_, i) => {
    return new LimitPolicy({ name: `requests site=shop-${i}.example`, quota: i + 1, windowS: 1, unit: 'requests' });
  });
  const namesIn = (field: string) => field.split(', ').map((item) => /^"([^"]*)";[qr]=\d+;[wt]=\d+$/.exec(item)?.[1]);
  const isFit = ({ fields }: RateLimit) => {
    const { policies, rests } = fields!;
    t.true(policies.length + rests.length <= 4_096);
    const names = namesIn(policies);
    t.deepEqual(names, namesIn(rests));
    t.true(names.length > 20 && !names.includes(undefined));
  };
  const told = new RateLimit();
  const count = told.begin().addPolicies(new PolicyList(policies));
  for (const policy of policies.slice(0, count)) told.addRest(policy, Number.MAX_SAFE_INTEGER, 999_999_999);
  isFit(told);
  t.is(told.addPolicies(new PolicyList(policies)), 0);
  told.begin();
  for (const policy of policies) told.add({ policy, left: 1, backInS: 1, lastsS: 1 });
  isFit(told);
});
