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
