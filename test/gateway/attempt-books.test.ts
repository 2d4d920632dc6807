import test from 'ava';
import { GatewayError } from '../../src/errors.ts';
import { beginAttempt, ExitFull } from '../../src/gateway/attempt-begin.ts';
import { endExchange } from '../../src/gateway/attempt-books.ts';
import { AttemptMeter } from '../../src/gateway/attempt-meter.ts';
import type { Collaborators } from '../../src/gateway/collaborators.ts';
import { type Admission, type Choice, Exchange } from '../../src/gateway/exchange.ts';
import { Bounds } from '../../src/gateway/limits/bounds.ts';
import { QuotaBooks } from '../../src/gateway/quotas/quota-books.ts';
import { Quotas } from '../../src/gateway/quotas/quotas.ts';
import { FULL } from '../../src/memory/exchange-slots.ts';
import { createLimitMemory } from '../../src/policy/limit-counts.ts';
import { ClientQuotas } from '../../src/policy/quota-book.ts';
import { QuotaCounts } from '../../src/policy/quota-counts.ts';
import { parseQuotaRule } from '../../src/protocol/quota-rule.ts';

/** An exchange of a client with a quota of requests, and what an attempt of it takes. */
function scene(rule = 'requests=5/day', pools: readonly string[] = ['res']) {
  const reading = parseQuotaRule(rule);
  if (!reading.ok) throw new Error(reading.message);
  const everyone = [reading.value];
  const price = { perGB: 0, perRequest: 1, perIpMonth: 0, currency: 'USD' };
  const client = { name: 'acme', quotas: [] };
  const times = { now: () => 0, wallTime: () => Date.parse('2026-11-27T12:00Z') };
  const counts = new QuotaCounts(createLimitMemory(1, Buffer.from('a key')), { ...times, met() {} });
  const quotas = new Quotas({
    counts,
    books: new QuotaBooks({ everyone: () => everyone, directory: () => ({ get: () => client as never }) }),
    priceOf: () => price,
    now: times.now,
    wallTimeAt: times.wallTime,
    notice() {},
  });
  const state = { account: 'full' as unknown, place: FULL as number };
  const held = { places: 0, accounts: 0 };
  const deps = {
    now: times.now,
    quotas,
    limits: { over: () => true, notOver() {} },
    exits: { generationOf: () => 1 },
    exitMost: () => [],
    siteRowOf: () => 0,
    registry: { exitAt: () => null },
    accounts: {
      take: () => state.account,
      undo: () => held.accounts--,
      giveBack: () => held.accounts--,
    },
    places: { take: () => state.place, giveBack: () => held.places-- },
    selection: () => ({ providers: { left() {} }, begin: () => 0, carried() {} }),
  } as unknown as Collaborators;
  const about = { id: 'x', mode: 'connect', method: 'CONNECT', listener: 'mixed', source: '', startedAt: 0 } as const;
  const exchange = Object.assign(new Exchange(about), {
    admission: { client, params: {}, pools, filter: { pools } } as unknown as Admission,
    bounds: new Bounds(1, 'a.example', 'a.example'),
  });
  const choiceOf = (pool: string) => ({ slot: 0, exit: { pool }, pool: { name: pool, price } }) as unknown as Choice;
  const [quota] = new ClientQuotas('acme', { own: [], everyone }).all;
  const account = counts.accountOf(quota!);
  return { deps, quotas, exchange, choiceOf, state, held, counts, account, spent: () => counts.spent(account) };
}

test('a request is given back of which no attempt could begin, and counts once one has', (t) => {
  const { deps, quotas, exchange, choiceOf, state, spent } = scene();
  const choice = choiceOf('res');
  quotas.take(exchange, 0);
  t.is(spent(), 1n);
  for (const [account, place] of [['full', 0] as const, [{ place: 3 }, FULL] as const]) {
    Object.assign(state, { account, place });
    t.throws(() => beginAttempt(deps, exchange, choice), { instanceOf: ExitFull });
  }
  quotas.ended(exchange);
  t.is(spent(), 0n);

  quotas.take(exchange, 0);
  Object.assign(state, { account: { place: 3 }, place: 4 });
  beginAttempt(deps, exchange, choice);
  quotas.ended(exchange);
  t.is(spent(), 1n);
});

test('a request stays with the pool of the attempt that began, also where one over another pool could not', (t) => {
  const { deps, quotas, exchange, choiceOf, state, spent } = scene('pool=res requests=5/day', ['res', 'dc']);
  quotas.take(exchange, 0);
  Object.assign(state, { account: { place: 3 }, place: 4 });
  const began = choiceOf('res');
  beginAttempt(deps, exchange, began);
  Object.assign(state, { account: { place: 3 }, place: FULL });
  t.throws(() => beginAttempt(deps, exchange, choiceOf('dc')), { instanceOf: ExitFull });
  t.is(exchange.choice, began, 'nothing went over the other');
  quotas.ended(exchange);
  t.is(spent(), 1n);
});

test('a pool whose quota is used up since the exchange was let in is left out while it may go over another', (t) => {
  const USD = 1_000_000_000n;
  for (const used of [10n * USD, 9n * USD + 1n]) {
    const { deps, quotas, exchange, choiceOf, state, counts, account, spent } = scene('pool=res money=10USD/day', [
      'res',
      'dc',
    ]);
    Object.assign(state, { account: { place: 3 }, place: 4 });
    quotas.take(exchange, 0);
    counts.add(account, used);
    t.throws(() => beginAttempt(deps, exchange, choiceOf('res')), { instanceOf: ExitFull });
    t.deepEqual(exchange.admission?.pools, ['dc']);
    t.is(beginAttempt(deps, exchange, choiceOf('dc')).place, 4);
    t.is(spent(), used);
  }
  const { deps, quotas, exchange, choiceOf, counts, account } = scene('pool=res money=10USD/day');
  quotas.take(exchange, 0);
  counts.add(account, 10n * USD);
  const refusal = t.throws(() => beginAttempt(deps, exchange, choiceOf('res')), { instanceOf: GatewayError });
  t.is(refusal.kind, 'quota_exceeded');
});

test('an exchange gives back its places, whatever comes of its booking', (t) => {
  const { deps, exchange, held } = scene();
  Object.assign(held, { places: 1, accounts: 1 });
  Object.assign(exchange, { meter: new AttemptMeter(), inFlight: 1, place: 4, accountPlace: 3 });
  const fault = new Error('a fault of ours');
  const faulty = {
    end: () => {
      throw fault;
    },
  };
  t.throws(() => endExchange({ ...deps, quotas: faulty } as never, exchange, 0), { is: fault });
  t.deepEqual(held, { places: 0, accounts: 0 });
});
