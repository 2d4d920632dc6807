import test from 'ava';
import { parseQuotaRule, quotaFault, uncountedPools } from '../../src/protocol/quota-rule.ts';

const read = (text: string) => {
  const reading = parseQuotaRule(text);
  return reading.ok ? reading.value : reading.message;
};

test('a rule has quotas of up to three measures, a zone, a kind, and what it is about', (t) => {
  t.deepEqual(read('bytes=50GB/month'), {
    zone: 'UTC',
    kind: 'hard',
    allotments: [{ measure: 'bytes', most: 50_000_000_000n, currency: '', period: 'month' }],
  });
  t.deepEqual(read('pool=res  money=12.5USD/day requests=1000/total zone=Asia/Kolkata kind=soft tag=a'), {
    pool: 'res',
    tag: 'a',
    zone: new Intl.DateTimeFormat('en', { timeZone: 'Asia/Kolkata' }).resolvedOptions().timeZone,
    kind: 'soft',
    allotments: [
      { measure: 'requests', most: 1000n, currency: '', period: 'total' },
      { measure: 'money', most: 12_500_000_000n, currency: 'USD', period: 'day' },
    ],
  });
});

for (const [text, message] of [
  ['zone=UTC', /there is no quota in it/],
  ['bytes=50GB', /^bytes: expected a size in a period, such as 50GB\/month$/],
  ['bytes=50/day', /^bytes: expected a size/],
  ['bytes=-5GB/day', /^bytes: expected a size/],
  ['bytes=0B/day', /^bytes: a quota of nothing/],
  ['requests=0/day', /^requests: a quota of nothing/],
  ['requests=-1/day', /^requests: expected a whole number from 1/],
  ['requests=10/s', /^requests: expected a period: hour, day, week, month, total\. A rate such as 10\/s is a limit/],
  ['requests=10/fortnight', /expected a period/],
  ['bytes=5XB/day', /units: B, kB/],
  ['money=5/day', /^money: expected an amount with its currency/],
  ['money=0USD/day', /^money: a quota of nothing/],
  ['money=-5USD/day', /^money: expected an amount/],
  ['money=0.0000000001USD/day', /9 decimals at most/],
  ['bytes=1GB/day zone=Mars/Olympus', /^zone: expected a time zone/],
  ['bytes=1GB/day kind=strict', /^kind: expected hard or soft/],
  ['bytes=1GB/day bytes=2GB/day', /stands twice/],
  ['octets=1GB/day', /a part is none of bytes=, requests=, money=, zone=, kind=/],
] as const)
  test(`"${text}" is refused`, (t) => {
    t.regex(String(read(text)), message);
  });

test('money is counted in the currencies of the pools alone', (t) => {
  const pools = [
    { name: 'res', price: { currency: 'USD' } },
    { name: 'dc', price: { currency: 'EUR' } },
    { name: 'own', price: null },
  ];
  const faultOf = (text: string) => {
    const reading = parseQuotaRule(text);
    return reading.ok ? quotaFault(reading.value, () => pools) : reading.message;
  };
  t.is(faultOf('money=5USD/day'), null);
  t.is(faultOf('money=5EUR/day pool=dc'), null);
  t.is(faultOf('money=5GBP/day'), 'money: no pool has a price in GBP; write the amount in EUR or USD');
  t.is(faultOf('money=5EUR/day pool=res'), 'money: pool "res" has no price in EUR; write the amount in USD');
  t.is(faultOf('money=5EUR/day pool=own'), 'money: pool "own" has no price; give it one in its file');
  t.is(faultOf('bytes=5GB/day pool=own'), null);
  const rule = parseQuotaRule('money=5USD/day');
  t.deepEqual(rule.ok && uncountedPools(rule.value, pools), ['dc']);
});
