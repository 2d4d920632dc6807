import test from 'ava';
import { parseExitRule, parseSiteRule } from '../../src/protocol/site-rule.ts';

test('a pace reads as it is meant: one by one unless a burst is given', (t) => {
  t.deepEqual(parseSiteRule('site=shop.example requests=5/s exit-interval=3s'), {
    ok: true,
    value: {
      site: 'shop.example',
      requests: { count: 5, windowMs: 1_000, burst: 1 },
      exitIntervalMs: 3_000,
      queue: 1_000,
      waitMs: 30_000,
    },
  });
  t.deepEqual(parseSiteRule('requests=10/m burst=3 exchanges=2 queue=5 wait=1s'), {
    ok: true,
    value: { requests: { count: 10, windowMs: 60_000, burst: 3 }, exchanges: 2, queue: 5, waitMs: 1_000 },
  });
  t.deepEqual(parseExitRule('pool=res exchanges=2'), { ok: true, value: { pool: 'res', exchanges: 2 } });
});

test('a burst comes back within a year', (t) => {
  t.true(parseSiteRule('requests=1/d').ok);
  t.true(parseSiteRule('requests=1/h burst=8760').ok);
  t.deepEqual(parseSiteRule('requests=1/h burst=600000'), {
    ok: false,
    message: 'burst: so much takes more than a year to come back at this rate; write at most 8760',
  });
});

const faults = [
  'site=shop.example',
  'queue=5',
  'burst=2 exchanges=3',
  'requests=5/0s',
  'requests=5/s burst=0',
  'exit-interval=0s requests=1/s',
  'exit-interval=25h',
  'wait=soon requests=1/s',
  'tag=x requests=1/s',
];
for (const text of faults) test(`no pace: ${text}`, (t) => t.false(parseSiteRule(text).ok));
for (const text of ['', 'pool=res', 'exchanges=0', 'requests=1/s'])
  test(`no limit of an exit: "${text}"`, (t) => t.false(parseExitRule(text).ok));
