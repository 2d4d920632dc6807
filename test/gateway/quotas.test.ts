import test from 'ava';
import { GatewayError } from '../../src/errors.ts';
import { AttemptMeter } from '../../src/gateway/attempt-meter.ts';
import { type Choice, Exchange } from '../../src/gateway/exchange.ts';
import { Bounds } from '../../src/gateway/limits/bounds.ts';
import { QuotaBooks } from '../../src/gateway/quotas/quota-books.ts';
import type { Spending } from '../../src/gateway/quotas/quota-spending.ts';
import { Quotas } from '../../src/gateway/quotas/quotas.ts';
import { createLimitMemory } from '../../src/policy/limit-counts.ts';
import { ClientQuotas } from '../../src/policy/quota-book.ts';
import { QuotaCounts } from '../../src/policy/quota-counts.ts';
import type { Price } from '../../src/pool/exit.ts';
import { parseQuotaRule } from '../../src/protocol/quota-rule.ts';
import { RateLimit } from '../../src/protocol/rate-limit-fields.ts';

const priceOf = (perGB: number): Price => ({ perGB, perRequest: 0, perIpMonth: 0, currency: 'USD' });

const reading = parseQuotaRule('money=100USD/day');
const everyone = reading.ok ? [reading.value] : [];
const client = { name: 'acme', quotas: [] };

/** One that stays the same until the client's rules are others. */
const directoryOf = (own: readonly string[]) => ({ own, get: () => ({ ...client, quotas: own }) as never });

function scene() {
  const times = { now: () => 0, wallTime: () => Date.parse('2026-11-27T12:00Z') };
  const counts = new QuotaCounts(createLimitMemory(1, Buffer.from('a key')), { ...times, met() {} });
  const rules: { everyone: typeof everyone; own: readonly string[] } = { everyone: [], own: [] };
  let directory = directoryOf(rules.own);
  const books = new QuotaBooks({
    everyone: () => rules.everyone,
    directory: () => {
      if (directory.own !== rules.own) directory = directoryOf(rules.own);
      return directory;
    },
  });
  const present: { price: Price | null; asked: number } = { price: priceOf(1), asked: 0 };
  const quotas = new Quotas({
    counts,
    books,
    priceOf: () => {
      present.asked++;
      return present.price;
    },
    now: times.now,
    wallTimeAt: times.wallTime,
    notice() {},
  });
  const [quota] = new ClientQuotas('acme', { own: [], everyone }).all;
  const spent = () => Number(counts.spent(counts.accountOf(quota!))) / 1e9;
  return { quotas, rules, present, spent };
}

function runningExchange(price: Price, pools: readonly string[] = ['res']) {
  const about = { id: 'x', mode: 'connect', method: 'CONNECT', listener: 'mixed', source: '', startedAt: 0 } as const;
  const exchange = new Exchange(about);
  const admission = { client, params: {}, pools };
  const bounds = new Bounds(1, 'a.example', 'a.example');
  const meter = new AttemptMeter();
  const choice = { exit: { pool: 'res' }, pool: { name: 'res', price } } as unknown as Choice;
  return {
    exchange: Object.assign(exchange, { admission, bounds, choice, meter }),
    choice,
    meter,
  };
}

test('what runs is counted at the price at which it began, whatever a reload changes', (t) => {
  for (const later of [priceOf(7), null]) {
    const { quotas, rules, present, spent } = scene();
    const { exchange, choice, meter } = runningExchange(priceOf(1));
    present.price = later;
    rules.everyone = everyone;
    t.true(quotas.cover(exchange as never));
    meter.received += 2e9;
    t.true(quotas.check(exchange as never));
    t.is(spent(), 2, 'of one that its client had no quota for');
    const hold = (exchange as unknown as Exchange).quota!;
    quotas.late(hold, choice, { sent: 0, received: 1e9 });
    t.is(spent(), 3, 'what came over its link later');
    const next = runningExchange(priceOf(2));
    Object.assign(next.exchange, { quota: { ...hold, spending: null, rivals: [] } });
    const spending = quotas.begin(next.exchange as never, { choice: next.choice, meter: next.meter, now: 0 });
    next.meter.sent += 1e9;
    quotas.end(next.exchange as never, spending as Spending, 0);
    t.is(spent(), 5, 'of one that was chosen before the reload, and began after it');
  }
});

test('where its rules can’t be read any more a client begins nothing, and what ends is counted by those that held', (t) => {
  const { quotas, rules, spent } = scene();
  rules.everyone = everyone;
  const { exchange, choice, meter } = runningExchange(priceOf(1), ['res', 'dc']);
  quotas.take(exchange as never, 0);
  const spending = quotas.begin(exchange as never, { choice, meter, now: 0 });
  quotas.begun(exchange as never);
  meter.received += 2e9;
  rules.own = ['a rule of another version'];
  t.throws(() => quotas.check(exchange as never), { instanceOf: GatewayError });
  quotas.ended(exchange as never);
  quotas.end(exchange as never, spending as Spending, 0);
  t.is(spent(), 2);

  const told = new RateLimit();
  quotas.standings.tell(exchange as never, 0, told);
  for (const pools of [['res'], ['res', 'dc']]) {
    const { exchange: next } = runningExchange(priceOf(1), pools);
    t.throws(() => quotas.take(next as never, 0), { instanceOf: GatewayError });
    t.is(next.quota, null);
    // Its refusal says what is left.
    quotas.standings.tell(next as never, 0, told);
  }
  t.deepEqual(quotas.standings.statesOf(client), []);
});

test('what a pool costs is asked only where a quota of money may be used up, and then one that is free stays open', (t) => {
  const { quotas, rules, present, spent } = scene();
  rules.everyone = everyone;
  const serve = (received: number) => {
    const { exchange, choice, meter } = runningExchange(priceOf(1));
    quotas.take(exchange as never, 0);
    const spending = quotas.begin(exchange as never, { choice, meter, now: 0 });
    quotas.begun(exchange as never);
    meter.received += received;
    quotas.end(exchange as never, spending as Spending, 0);
    quotas.ended(exchange as never);
  };
  serve(1e9);
  present.asked = 0;
  serve(98e9);
  t.is(present.asked, 0);
  serve(1e9);
  t.is(spent(), 100);
  t.throws(() => serve(0), { instanceOf: GatewayError, message: /used up/ });
  present.price = null;
  t.notThrows(() => serve(0));
});
