import test from 'ava';
import fc from 'fast-check';
import { LimitPolicy, PolicyList, RateLimit } from '../../src/protocol/rate-limit-fields.ts';

test('what is left of any number of limits is told as text would tell it, time after time', (t) => {
  const name = fc.string({ unit: fc.constantFrom(...'abc/ ".-9'), minLength: 1, maxLength: 60 });
  const figure = fc.oneof(fc.nat(20), fc.nat(), fc.integer({ min: 0, max: 999_999_999_999_999 }));
  const item = fc.record({ name, quota: figure, left: figure, windowS: fc.option(figure) });
  const told = new RateLimit();
  fc.assert(
    fc.property(fc.array(item, { maxLength: 12 }), fc.nat(12), (items, first) => {
      told.begin();
      const policies = items.map(({ name, quota }) => {
        return new LimitPolicy({ name, quota, windowS: 60, unit: 'requests' });
      });
      for (const [from, to] of [[0, first], [first]] as const) {
        told.addPolicies(new PolicyList(policies.slice(from, to)));
        for (const { left, windowS } of items.slice(from, to)) told.addRest(left, windowS);
      }
      const { fields } = told;
      if (items.length === 0) return t.is(fields, undefined);
      const quote = (text: string) => `"${text.replaceAll('"', '\\"')}"`;
      const policyField = items.map(({ name, quota }) => `${quote(name)};q=${quota};w=60`).join(', ');
      const restField = items
        .map(({ name, left, windowS }) => `${quote(name)};r=${left}${windowS === null ? '' : `;t=${windowS}`}`)
        .join(', ');
      t.deepEqual([fields!.policies, fields!.rests], [policyField, restField]);
      const octets = Buffer.alloc(fields!.length + 3, '.');
      t.is(fields!.writeTo(octets, 2), fields!.length + 2);
      t.is(octets.toString(), `..RateLimit-Policy: ${policyField}\r\nRateLimit: ${restField}\r\n.`);
    }),
  );
});

test('what was told before leaves no trace, whatever of it is told again', (t) => {
  const policies = ['a', 'of some', 'and of others'].map((name) => {
    return new LimitPolicy({ name, quota: 5, windowS: 1, unit: 'requests' });
  });
  const list = new PolicyList(policies);
  const figure = fc.constantFrom(0, 7, 8, 99, 1_000, 123_456_789_012);
  const rest = fc.record({ left: figure, windowS: fc.option(figure) });
  const reply = fc.array(fc.tuple(rest, rest, rest), { maxLength: 3 });
  const told = new RateLimit();
  fc.assert(
    fc.property(fc.array(fc.tuple(reply, fc.nat(2)), { maxLength: 12 }), (replies) => {
      for (const [rows, alone] of replies) {
        told.begin();
        const items: string[] = [];
        const add = (policy: LimitPolicy, { left, windowS }: { left: number; windowS: number | null }) => {
          told.addRest(left, windowS);
          items.push(`"${policy.terms.name}";r=${left}${windowS === null ? '' : `;t=${windowS}`}`);
        };
        for (const rests of rows) {
          told.addPolicies(list);
          rests.forEach((rest, index) => void add(policies[index]!, rest));
          told.addPolicies(new PolicyList([policies[alone]!]));
          add(policies[alone]!, rests[alone]!);
        }
        t.is(told.fields?.rests, rows.length === 0 ? undefined : items.join(', '));
      }
    }),
    { numRuns: 1_000 },
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
  const addAll = () => {
    told.addPolicies(new PolicyList(policies));
    for (const _ of policies) told.addRest(Number.MAX_SAFE_INTEGER, 999_999_999);
    isFit(told);
  };
  told.begin();
  addAll();
  // There is no room left.
  addAll();
  told.begin();
  for (const policy of policies) told.add({ policy, left: 1, backInS: 1, lastsS: 1 });
  isFit(told);
});
