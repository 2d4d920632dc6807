import test from 'ava';
import type { Exchange } from '../../src/gateway/exchange.ts';
import { BoundsByHost } from '../../src/gateway/limits/bounds.ts';
import { ExchangeLimits } from '../../src/gateway/limits/exchange-limits.ts';
import { SitePacing } from '../../src/gateway/limits/site-pacing.ts';
import { QuotaBooks } from '../../src/gateway/quotas/quota-books.ts';
import { QuotaPlans } from '../../src/gateway/quotas/quota-plans.ts';
import { VerifiedLogins } from '../../src/gateway/verified-logins.ts';
import type { ClientRecord } from '../../src/policy/client-directory.ts';
import { createLimitMemory, LimitCounts } from '../../src/policy/limit-counts.ts';
import { QuotaCounts } from '../../src/policy/quota-counts.ts';
import { type LimitRule, parseLimitRule } from '../../src/protocol/limit-rule.ts';
import { parseQuotaRule, type QuotaRule } from '../../src/protocol/quota-rule.ts';
import { parseSiteRule, type SiteRule } from '../../src/protocol/site-rule.ts';

const NOON = Date.parse('2026-11-28T12:00Z');
const LATER = Date.parse('2026-11-29T12:00Z');

const sites = { of: (host: string) => host.replace(/^www\./, '') };

function read<T>(reading: { ok: true; value: T } | { ok: false; message: string }): T {
  if (!reading.ok) throw new Error(reading.message);
  return reading.value;
}

/** One login, rules that may change, and what its exchanges come under. */
function scene() {
  const rules = {
    limits: [] as readonly LimitRule[],
    sites: [] as readonly SiteRule[],
    quotas: [] as readonly QuotaRule[],
  };
  const memory = createLimitMemory(1, Buffer.from('a key'));
  const counts = new LimitCounts(memory, 0);
  const now = () => 5_000;
  const limits = new ExchangeLimits({ counts, everyone: () => rules.limits, now });
  const pacing = new SitePacing({ counts, rules: () => rules.sites, now });
  const books = new QuotaBooks({ everyone: () => rules.quotas, directory: () => ({ get: () => undefined }) });
  const plans = new QuotaPlans(books, new QuotaCounts(memory, { now, wallTime: () => NOON, met() {} }));
  const bounds = new BoundsByHost('acme');
  const client = { name: 'acme', limits: [], quotas: [] };
  /** Names of what an exchange to `host` by the pool comes under. */
  const of = (host: string, pool = 'res', wallTime = NOON) => {
    const admission = { client, pools: [pool], params: {} };
    const exchange = { admission, bounds: bounds.of(host, sites), limits: null, pace: null } as unknown as Exchange;
    limits.take(exchange, now());
    void pacing.enter(exchange, { now: now(), endsAt: 60_000 });
    const quotas = plans.over({ admission: admission as never, bounds: exchange.bounds! }, pool, wallTime);
    return {
      limits: exchange.limits?.all.map(({ limit }) => limit.name) ?? [],
      pace: exchange.pace?.name ?? null,
      quotas: quotas.map(({ quota, account }) => `${quota.name} from ${new Date(account.start).toISOString()}`),
    };
  };
  return { rules, of };
}

const NOTHING = { limits: [], pace: null, quotas: [] };

test('a change of the rules holds for a host that was asked for before', (t) => {
  const { rules, of } = scene();
  t.deepEqual(of('www.shop.example'), NOTHING);
  rules.limits = [read(parseLimitRule('requests=1000/s burst=1000'))];
  t.deepEqual(of('www.shop.example').limits, ['requests']);
  rules.sites = [read(parseSiteRule('site=shop.example requests=1000/s burst=1000'))];
  t.is(of('www.shop.example').pace, 'shop.example');
  rules.quotas = [read(parseQuotaRule('bytes=1GB/day'))];
  t.deepEqual(of('www.shop.example').quotas, ['bytes/day from 2026-11-28T00:00:00.000Z']);
  Object.assign(rules, { limits: [], sites: [], quotas: [] });
  t.deepEqual(of('www.shop.example'), NOTHING);
});

test('another host, another pool or another day is another matter', (t) => {
  const { rules, of } = scene();
  rules.limits = [
    read(parseLimitRule('site=shop.example requests=1000/s burst=1000')),
    read(parseLimitRule('pool=dc exchanges=9')),
  ];
  rules.sites = [read(parseSiteRule('site=shop.example requests=1000/s burst=1000'))];
  rules.quotas = [read(parseQuotaRule('pool=dc bytes=1GB/day'))];
  for (const _ of [1, 2]) {
    t.deepEqual(of('shop.example'), { limits: ['requests site=shop.example'], pace: 'shop.example', quotas: [] });
    t.deepEqual(of('news.example'), NOTHING);
    const { limits, quotas } = of('news.example', 'dc');
    t.deepEqual(limits, ['exchanges pool=dc']);
    t.deepEqual(quotas, ['bytes/day pool=dc from 2026-11-28T00:00:00.000Z']);
    t.deepEqual(of('news.example', 'dc', LATER).quotas, ['bytes/day pool=dc from 2026-11-29T00:00:00.000Z']);
  }
});

test('of more hosts than are remembered each is asked about anew', (t) => {
  const { rules, of } = scene();
  rules.sites = [read(parseSiteRule('requests=1000/s burst=1000'))];
  for (const _ of [1, 2]) for (let i = 0; i < 200; i++) t.is(of(`www.host${i}.example`).pace, `host${i}.example`);
});

test('logins of one client share what they come under, by their tags, and of tags no more is kept than has room', (t) => {
  const logins = new VerifiedLogins();
  const [acme, other] = [{ name: 'acme' }, { name: 'other' }] as unknown as [ClientRecord, ClientRecord];
  t.is(logins.boundsOf(acme), logins.boundsOf(acme, ''));
  t.is(logins.boundsOf(acme, 'nightly'), logins.boundsOf(acme, 'nightly'));
  t.not(logins.boundsOf(acme, 'nightly'), logins.boundsOf(acme));
  t.not(logins.boundsOf(other), logins.boundsOf(acme));
  for (let i = 0; i < 100; i++) logins.boundsOf(acme, `tag${i}`);
  t.is(logins.boundsOf(acme, 'tag0'), logins.boundsOf(acme, 'tag0'));
  const beyond = logins.boundsOf(acme, 'tag99');
  t.not(logins.boundsOf(acme, 'tag99'), beyond);
  const first = beyond.of('a.example', sites);
  t.is(beyond.of('a.example', sites), first);
  beyond.of('b.example', sites);
  t.not(beyond.of('a.example', sites), first);
});
