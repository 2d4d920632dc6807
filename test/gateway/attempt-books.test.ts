import test from 'ava';
import { beginAttempt, ExitFull, endExchange } from '../../src/gateway/attempt-books.ts';
import { AttemptMeter } from '../../src/gateway/attempt-meter.ts';
import { Bounds } from '../../src/gateway/bounds.ts';
import type { Collaborators } from '../../src/gateway/collaborators.ts';
import { type Choice, Exchange } from '../../src/gateway/exchange.ts';
import { QuotaBooks } from '../../src/gateway/quota-books.ts';
import { Quotas } from '../../src/gateway/quotas.ts';
import { FULL } from '../../src/memory/exchange-slots.ts';
import { createLimitMemory } from '../../src/policy/limit-counts.ts';
import { ClientQuotas } from '../../src/policy/quota-book.ts';
import { QuotaCounts } from '../../src/policy/quota-counts.ts';
import { parseQuotaRule } from '../../src/protocol/quota-rule.ts';

/** An exchange of a client with a quota of requests, and what an attempt of it takes. */
function scene() {
  const reading = parseQuotaRule('requests=5/day');
  if (!reading.ok) throw new Error(reading.message);
  const everyone = [reading.value];
  const client = { name: 'acme', quotas: [] };
  const times = { now: () => 0, wallTime: () => Date.parse('2026-11-27T12:00Z') };
  const counts = new QuotaCounts(createLimitMemory(1, Buffer.from('a key')), { ...times, met() {} });
  const quotas = new Quotas({
    counts,
    books: new QuotaBooks({ everyone: () => everyone, directory: () => ({ get: () => client as never }) }),
    priceOf: () => null,
    now: times.now,
    wallTimeAt: times.wallTime,
    notice() {},
  });
  const state = { account: 'full' as unknown, place: FULL as number };
  const held = { places: 0, accounts: 0 };
  const deps = {
    now: times.now,
    quotas,
    limits: { over: () => true },
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
    admission: { client, params: {}, pools: ['res'] } as never,
    bounds: new Bounds(1, 'a.example', 'a.example'),
  });
  const choice = { slot: 0, exit: { pool: 'res' }, pool: { name: 'res', price: null } } as unknown as Choice;
  const [quota] = new ClientQuotas('acme', { own: [], everyone }).all;
  return { deps, quotas, exchange, choice, state, held, spent: () => counts.spent(counts.accountOf(quota!)) };
}

test('a request is given back of which no attempt could begin, and counts once one has', (t) => {
  const { deps, quotas, exchange, choice, state, spent } = scene();
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
