import test from 'ava';
import fc from 'fast-check';
import { parseLimitRule } from '../../src/protocol/limit-rule.ts';

test('a rule reads as it is meant', (t) => {
  t.deepEqual(parseLimitRule('requests=100/s'), {
    ok: true,
    value: { requests: { count: 100, windowMs: 1_000, burst: 100 } },
  });
  t.deepEqual(parseLimitRule('  site=.Shop.Example   pool=res tag=Nightly requests=30/m burst=5 exchanges=9 '), {
    ok: true,
    value: {
      site: 'shop.example',
      pool: 'res',
      tag: 'Nightly',
      requests: { count: 30, windowMs: 60_000, burst: 5 },
      exchanges: 9,
    },
  });
  t.deepEqual(parseLimitRule('site-requests=5/10s site-exchanges=2'), {
    ok: true,
    value: { siteRequests: { count: 5, windowMs: 10_000, burst: 1 }, siteExchanges: 2 },
  });
});

test('a burst comes back within a year, and one that no rule gives always does', (t) => {
  t.true(parseLimitRule('requests=1/d burst=365').ok);
  t.deepEqual(parseLimitRule('requests=1/d burst=24900'), {
    ok: false,
    message: 'burst: so much takes more than a year to come back at this rate; write at most 365',
  });
  t.deepEqual(parseLimitRule('requests=5/s site-requests=2/12h site-burst=1461'), {
    ok: false,
    message: 'site-burst: so much takes more than a year to come back at this rate; write at most 1460',
  });
  t.true(parseLimitRule('requests=100/d burst=36500').ok);
  for (const rate of ['1/d', '1/24h', '999983/86399s', '1000000/s', '1/1ms', '7/11s'])
    t.true(parseLimitRule(`requests=${rate} site-requests=${rate}`).ok, rate);
});

test('any text is read or refused, and the message quotes none of it', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('', 'requests=', 'burst=', 'site=', 'pool='), (text, prefix) => {
        const reading = parseLimitRule(prefix + text);
        return reading.ok || !(text.length > 12 && reading.message.includes(text));
      }),
    ),
  );
});
