import test from 'ava';
import fc from 'fast-check';
import { NormTable, noNorm, type SiteNorm, withTunnel } from '../../src/signals/site-norm.ts';
import type { TunnelFacts } from '../../src/signals/tunnel-facts.ts';
import { judgeTunnel, originLatencyOf } from '../../src/signals/tunnel-verdict.ts';

const hello = { firstAtMs: 2, firstType: 22, firstLength: 512 };
const nothing = { firstAtMs: -1, firstType: 0, firstLength: 0 };

/** A tunnel that went well, but for `facts`. */
const tunnel = (facts: Partial<TunnelFacts> = {}): TunnelFacts => ({
  client: hello,
  origin: { firstAtMs: 52, firstType: 22, firstLength: 90 },
  clientBytes: 1_000,
  originBytes: 80_000,
  durationMs: 900,
  ended: 'closed',
  by: null,
  closedFirst: 'client',
  ...facts,
});

/** A site whose tunnels carry about `originBytes` in about a second. */
function normOf(originBytes: number, count = 50): SiteNorm {
  let norm = noNorm;
  for (let i = 0; i < count; i++)
    norm = withTunnel(norm, {
      originBytes: originBytes * (i % 2 === 0 ? 0.8 : 1.2),
      durationMs: 1_000,
      refused: false,
    });
  return norm;
}

test('an origin that ends a tunnel without a word refuses', (t) => {
  const silent = { origin: nothing, originBytes: 0 };
  t.like(judgeTunnel(tunnel({ ...silent, ended: 'reset', by: 'origin', closedFirst: null }), noNorm), {
    page: 'refused',
    rule: 'reset-before-answer',
  });
  t.like(judgeTunnel(tunnel({ ...silent, closedFirst: 'origin' }), noNorm), { rule: 'closed-before-answer' });
});

test('a client that leaves first, or says nothing, proves nothing', (t) => {
  const silent = { origin: nothing, originBytes: 0 };
  for (const facts of [
    { ...silent, closedFirst: 'client' },
    { ...silent, ended: 'reset', by: 'client', closedFirst: null },
    { ...silent, ended: 'reset', by: 'origin', closedFirst: 'client' },
    { ...silent, ended: 'idle', closedFirst: null },
    { ...silent, client: nothing, ended: 'reset', by: 'origin', closedFirst: null },
    { ended: 'cut' },
  ] as const)
    t.is(judgeTunnel(tunnel(facts), noNorm).page, 'unknown', JSON.stringify(facts));
});

test('an alert, or no TLS, in answer to a ClientHello', (t) => {
  t.like(judgeTunnel(tunnel({ origin: { firstAtMs: 9, firstType: 21, firstLength: 2 } }), noNorm), {
    rule: 'tls-alert',
  });
  t.like(judgeTunnel(tunnel({ origin: { firstAtMs: 9, firstType: 0, firstLength: 40 } }), noNorm), {
    rule: 'tls-not-spoken',
  });
});

test('what isn’t TLS at all is not judged', (t) => {
  const plain = { ...hello, firstType: 0 };
  t.is(judgeTunnel(tunnel({ client: plain, origin: plain }), normOf(80_000)).page, 'unknown');
});

test('octets are judged by the norm of the site', (t) => {
  const norm = normOf(80_000);
  t.like(judgeTunnel(tunnel(), norm), { page: 'served', weight: 0.2 });
  t.like(judgeTunnel(tunnel({ originBytes: 6_000 }), norm), { page: 'refused', weight: 0.1 });
  const torn = { ended: 'reset', by: 'origin', closedFirst: null } as const;
  t.like(judgeTunnel(tunnel({ ...torn, originBytes: 6_000 }), norm), { page: 'refused', weight: 0.2 });
  t.is(judgeTunnel(tunnel({ originBytes: 6_000, durationMs: 60_000 }), norm).page, 'unknown', 'merely held open');
  t.is(judgeTunnel(tunnel({ originBytes: 6_000 }), normOf(7_000)).page, 'served', 'a site of small pages');
  t.is(judgeTunnel(tunnel({ originBytes: 6_000 }), normOf(80_000, 10)).page, 'unknown', 'too little seen');
});

test('a page’s worth from an unknown site is a page', (t) => {
  t.like(judgeTunnel(tunnel(), noNorm), { page: 'served', weight: 0.1 });
  t.is(judgeTunnel(tunnel({ originBytes: 5_000 }), noNorm).page, 'unknown');
});

test('the origin’s latency is from hello to hello', (t) => {
  t.is(originLatencyOf(tunnel()), 50);
  t.is(originLatencyOf(tunnel({ origin: nothing })), null);
  t.is(originLatencyOf(tunnel({ origin: { ...hello, firstAtMs: 1 } })), null, 'it spoke first');
});

test('a norm follows its site, and refusals only slowly', (t) => {
  let norm = normOf(80_000);
  for (let i = 0; i < 50; i++) norm = withTunnel(norm, { originBytes: 5_000, durationMs: 100, refused: true });
  t.true(Math.exp(norm.logBytes) > 30_000);
  for (let i = 0; i < 500; i++) norm = withTunnel(norm, { originBytes: 5_000, durationMs: 100, refused: true });
  t.true(Math.exp(norm.logBytes) < 8_000);
});

test('weights are small and norms finite, whatever is seen', (t) => {
  const record = fc.record({
    firstAtMs: fc.integer({ min: -1, max: 1e6 }),
    firstType: fc.constantFrom(0, 20, 21, 22, 23),
    firstLength: fc.nat(70_000),
  });
  const facts = fc.record({
    client: record,
    origin: record,
    clientBytes: fc.maxSafeNat(),
    originBytes: fc.maxSafeNat(),
    durationMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
    ended: fc.constantFrom('closed', 'reset', 'idle', 'cut'),
    by: fc.constantFrom('client', 'origin', null),
    closedFirst: fc.constantFrom('client', 'origin', null),
    serverName: fc.constant(null),
  });
  fc.assert(
    fc.property(fc.array(facts, { maxLength: 40 }), (tunnels) => {
      let norm = noNorm;
      for (const one of tunnels as TunnelFacts[]) {
        const { page, weight } = judgeTunnel(one, norm);
        if (weight < 0 || weight > 0.3) return false;
        norm = withTunnel(norm, { ...one, refused: page === 'refused' });
      }
      return [norm.logBytes, norm.logMs, norm.bytesVariance].every(Number.isFinite) && norm.bytesVariance >= 0;
    }),
  );
  t.pass();
});

test('norms of the sites least lately seen go first', (t) => {
  const table = new NormTable({ capacity: 2 });
  const norm = normOf(1_000);
  for (const site of ['a', 'b', 'a', 'c']) table.keep(site, norm);
  t.deepEqual(
    ['a', 'b', 'c'].map((site) => table.of(site).count),
    [50, 0, 50],
  );
});

test('a page of which the origin resets the connection is a page where either side had ended before', (t) => {
  for (const norm of [noNorm, normOf(80_000)]) {
    const verdict = (closedFirst: 'client' | 'origin' | null) =>
      judgeTunnel(tunnel({ originBytes: 80_000, ended: 'reset', by: 'origin', closedFirst }), norm).page;
    t.is(verdict('origin'), 'served', 'what a client’s close_notify meets behind Connection: close');
    t.is(verdict('client'), 'served');
    t.is(verdict(null), 'unknown');
  }
});
