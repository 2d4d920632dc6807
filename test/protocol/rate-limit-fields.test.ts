import test from 'ava';
import fc from 'fast-check';
import { LimitPolicy, RateLimit } from '../../src/protocol/rate-limit-fields.ts';

test('what is left of any number of limits is told as text would tell it, time after time', (t) => {
  const name = fc.string({ unit: fc.constantFrom(...'abc/ ".-9'), minLength: 1, maxLength: 60 });
  const figure = fc.oneof(fc.nat(20), fc.nat(), fc.integer({ min: 0, max: 999_999_999_999_999 }));
  const item = fc.record({ name, quota: figure, left: figure, windowS: fc.option(figure) });
  const told = new RateLimit();
  fc.assert(
    fc.property(fc.array(item, { maxLength: 30 }), (items) => {
      told.begin();
      const policies = items.map(({ name, quota }) => {
        return new LimitPolicy({ name, quota, windowS: 60, unit: 'requests' });
      });
      items.forEach(({ left, windowS }, index) => {
        told.addPolicies(policies[index]!.text);
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
