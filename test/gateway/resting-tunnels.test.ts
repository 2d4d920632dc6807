import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { ExchangeLedger } from '../../src/data-plane/exchange-ledger.ts';
import { AttemptMeter } from '../../src/gateway/attempt-meter.ts';
import type { Collaborators } from '../../src/gateway/collaborators.ts';
import { type Admission, type Choice, Exchange } from '../../src/gateway/exchange.ts';
import { Bounds } from '../../src/gateway/limits/bounds.ts';
import { Flows } from '../../src/gateway/limits/flows.ts';
import { QuotaBooks } from '../../src/gateway/quotas/quota-books.ts';
import { Quotas } from '../../src/gateway/quotas/quotas.ts';
import { RestingTunnels } from '../../src/gateway/tunnels/resting-tunnels.ts';
import { RelayedExchange } from '../../src/gateway/tunnels/tunnel-exchange.ts';
import type { Booking } from '../../src/ledger/booking.ts';
import { ClientLimits } from '../../src/policy/limit-book.ts';
import { createLimitMemory, LimitCounts } from '../../src/policy/limit-counts.ts';
import { QuotaCounts } from '../../src/policy/quota-counts.ts';
import { parseLimitRule } from '../../src/protocol/limit-rule.ts';
import { parseQuotaRule, type QuotaRule } from '../../src/protocol/quota-rule.ts';
import { unknownVerdict } from '../../src/signals/verdict.ts';
import type { RelayHandle, RelayOutcome, RelayOwner } from '../../src/transport/relay.ts';
import type { Socket } from '../../src/transport/socket.ts';
import { until } from '../support/until.ts';

const WALL_TIME = Date.parse('2026-11-27T12:10Z');
const client = { name: 'acme', quotas: [], limits: [] };
const price = { perGB: 2, perRequest: 0, perIpMonth: 0, currency: 'USD' };

const outcome: RelayOutcome = {
  bytesAtoB: 0,
  bytesBtoA: 0,
  ended: 'closed',
  by: null,
  firstFromA: null,
  firstFromB: null,
  endedFirst: 'a',
  unreadB: 0,
};

/** A relay outside of JavaScript that a test moves octets through. */
class Handle implements RelayHandle {
  readonly handle = 7;
  readonly outside = true;
  owner: RelayOwner;
  bytesAtoB = 0;
  bytesBtoA = 0;
  cuts = 0;
  readonly renewed: number[] = [];

  constructor(owner: RelayOwner) {
    this.owner = owner;
  }

  counts() {
    return { bytesAtoB: this.bytesAtoB, bytesBtoA: this.bytesBtoA };
  }

  cut(): void {
    this.cuts++;
  }

  renew(octets: number): void {
    this.renewed.push(octets);
  }

  handTo(owner: RelayOwner): void {
    this.owner = owner;
  }

  end(): void {
    this.owner.onEnd({ ...outcome, ...this.counts() });
  }
}

/** What a tunnel's exchange passes through, of a client with a limit and a quota. `tunnel` makes one that is relayed. */
function scene({ quota = 'bytes=100GB/day', limit = 'bandwidth=1MB/s' as string | null } = {}) {
  const now = () => 5_000;
  const memory = createLimitMemory(1, Buffer.from('a key'));
  const rules: { everyone: readonly QuotaRule[] } = { everyone: [] };
  const setQuota = (rule: string) => {
    const reading = parseQuotaRule(rule);
    if (reading.ok) rules.everyone = [reading.value];
  };
  if (quota !== '') setQuota(quota);
  const [counts, wallTimeAt] = [new LimitCounts(memory, 0), () => WALL_TIME];
  const directory = { get: () => client as never };
  const quotas = new Quotas({
    counts: new QuotaCounts(memory, { now, wallTime: () => WALL_TIME, met() {} }),
    books: new QuotaBooks({ everyone: () => rules.everyone, directory: () => directory }),
    priceOf: () => price,
    now,
    wallTimeAt,
    notice() {},
  });
  const posted: Booking[] = [];
  const post = (batch: { bookings: readonly Booking[] }) => void posted.push(...batch.bookings);
  const ledger = new ExchangeLedger({ post, taken: () => 0, now, wallTime: () => WALL_TIME });
  const deps = {
    now,
    settings: () => ({ watchTunnels: false }),
    quotas,
    flows: new Flows({ counts, quotas, now }),
    ledger,
    resting: new RestingTunnels(),
  } as unknown as Collaborators;
  const reading = parseLimitRule(limit ?? 'exchanges=5');
  if (!reading.ok) throw new Error(reading.message);
  const [rule] = new ClientLimits('acme', { own: [reading.value], everyone: [] }).all;
  const cell = counts.cellOf(rule!);
  const plan = { taken: [], flow: limit === null ? null : cell, all: [cell] };
  const bounds = new Bounds(1, 'shop.example', 'shop.example');
  const admission = { client, params: { session: 's', tag: 't' }, pools: ['res'] } as unknown as Admission;
  const pool = { name: 'res', tier: 'res', price };
  const choice = { slot: 7, exit: { id: 'x1', pool: 'res', geo: { country: 'de' } }, pool } as unknown as Choice;
  const ended: Exchange[] = [];
  const how = { deps, onEnd: (_: Collaborators, exchange: Exchange) => void ended.push(exchange) };
  const left = () => counts.figure(cell, now()).left;

  const tunnel = () => {
    const exchange = Object.assign(new Exchange(about), {
      authority: { host: 'shop.example', port: 443, family: 0 },
      site: bounds.site,
      identity: admission,
      admission,
      bounds,
      limits: plan,
      pace: {},
      choice,
      limitPlace: 11,
      limitSitePlace: 12,
      pacePlace: 13,
      inFlight: 14,
      place: 15,
      accountPlace: 16,
      ticket: 17,
      usePlace: 18,
      sentBytes: 19,
      receivedBytes: 20,
      attempts: [{ exit: 'x0', kind: 'exit_refused', ms: 1.25 }],
      admittedAt: 4_999.875,
      confirmedAt: 5_000,
      status: 200,
    }) as Exchange;
    exchange.attempted({ exit: 'x1', kind: 'ok', ms: 90.75 });
    quotas.take(exchange, now());
    exchange.meter = new AttemptMeter();
    exchange.meter.dialled({ bytesWritten: 100, bytesRead: 40 } as Socket);
    const spending = quotas.begin(exchange, { choice, meter: exchange.meter, now: now() });
    if (spending === 'used_up') throw new Error(spending);
    quotas.begun(exchange);
    exchange.spending = spending;
    const relayed = new RelayedExchange(exchange, how);
    const handle = new Handle(relayed);
    exchange.carrier = handle;
    const flow = deps.flows.tunnel(exchange);
    flow?.first();
    flow?.begin(handle);
    exchange.relayed = relayed;
    ledger.opened(exchange);
    deps.flows.follow(exchange);
    exchange.meter.wire?.handTo(handle, 0);
    quotas.check(exchange);
    return { exchange, handle };
  };
  const bookings = () => {
    ledger.flush();
    return posted.splice(0);
  };
  return { deps, how, quotas, tunnel, ended, bookings, left, setQuota };
}

const about = {
  id: '0'.repeat(32),
  mode: 'connect',
  method: 'CONNECT',
  listener: 'mixed',
  source: '192.0.2.1',
  startedAt: 4_999.5,
} as const;

/** Of another value an exchange rests no more: few are like that. */
const awake: { readonly [Name in keyof Exchange]?: Exchange[Name] | object } = {
  path: '/',
  limitClaims: {},
  sending: { meter: new AttemptMeter(), choice: null, spending: null },
  status: 101,
  clientBytes: 1,
  originBytes: 1,
  ending: 'cut',
  by: 'client',
  why: 'a quota',
  verdict: { ...unknownVerdict },
  judging: Promise.resolve(),
  fault: new Error('a fault'),
  site: 'another.example',
  confirmedAt: null,
  admittedAt: null,
};

/** What nobody asks for once a tunnel is relayed, or what each time is made anew. */
const forgotten = ['siteRow', 'ring', 'exitRests', 'atAccountLimit', 'quotaWarning', 'originMs', 'lifetime'];
const madeAnew = [
  'quota',
  'carrier',
  'flow',
  'watchPlace',
  'meter',
  'spending',
  'ledgerPlace',
  'toldTunnel',
  'relayed',
];
const whole = ['id', 'mode', 'method', 'listener', 'source', 'startedAt', 'authority', 'site', 'identity', 'admission'];
const places = ['limitPlace', 'limitSitePlace', 'pacePlace', 'place', 'accountPlace', 'ticket', 'usePlace'];
const kept = [
  ...whole,
  ...places,
  'bounds',
  'limits',
  'pace',
  'choice',
  'inFlight',
  'sentBytes',
  'receivedBytes',
].concat(['attempts', 'admittedAt', 'confirmedAt', 'status']);

test('an exchange whose tunnel rests ends as it would have without', (t) => {
  t.deepEqual(
    [...new Set([...kept, ...Object.keys(awake), ...forgotten, ...madeAnew])].sort(),
    Object.keys(new Exchange(about)).sort(),
    'of each field it is known what becomes of it',
  );
  const { deps, how, tunnel, ended, left } = scene();
  const full = left();
  const { exchange, handle } = tunnel();
  const granted = full - left();
  t.true(granted > 0);
  deps.resting.take(exchange, how);
  t.is(deps.resting.size, 1);
  handle.bytesAtoB = 3_000;
  handle.bytesBtoA = 70_000;
  handle.end();
  t.is(deps.resting.size, 0);
  const [woken] = ended;
  t.not(woken, exchange);
  const told: (keyof Exchange)[] = ['ending', 'clientBytes', 'originBytes'];
  t.deepEqual(
    told.map((name) => woken?.[name]),
    ['ok', 3_000, 70_000],
  );
  for (const name of kept as (keyof Exchange)[]) t.deepEqual(woken?.[name], exchange[name], name);
  t.true(Math.abs(full - left() - 73_000) < 1_000, 'all that passed is paid for, once');
  woken?.meter?.settle();
  t.deepEqual([woken?.meter?.sent, woken?.meter?.received], [3_100, 70_040]);
});

test('what attempts moved that left no trace of their own is kept while the tunnel rests', (t) => {
  const { deps, how, tunnel, ended } = scene();
  const { exchange, handle } = tunnel();
  // One that was overtaken: nothing tells of it but what it moved.
  exchange.attempts = exchange.attempts.slice(1);
  deps.resting.take(exchange, how);
  t.is(deps.resting.size, 1);
  handle.end();
  const [woken] = ended;
  t.deepEqual([woken?.sentBytes, woken?.receivedBytes], [19, 20]);
  t.is(woken?.attempts.length, 1);
});

test('what an exchange costs is booked and counted once, whether or not its tunnel rests', (t) => {
  const run = (rests: number) => {
    const { deps, how, quotas, tunnel, ended, bookings } = scene();
    const { exchange, handle } = tunnel();
    for (let i = 0; i < rests; i++) {
      deps.resting.take((handle.owner as RelayedExchange).exchange, how);
      handle.bytesBtoA += 1_000;
      if (i < rests - 1) handle.owner.onSpent?.();
    }
    handle.bytesBtoA = 20_000;
    handle.end();
    const last = ended[0]!;
    t.is(last === exchange, rests === 0);
    last.meter?.settle();
    quotas.end(last, last.spending, 5_000);
    deps.ledger.ended(last, 5_000);
    const booked = bookings().map(({ kind, sent, received, exchanges, attempts }) => [
      kind,
      sent,
      received,
      exchanges,
      attempts,
    ]);
    const [state] = quotas.standings.statesOf(client);
    return { booked, left: state?.left };
  };
  const unrested = run(0);
  t.deepEqual(unrested.booked, [['ok', 100, 20_040, 1, 1]]);
  for (const rests of [1, 3]) {
    const { booked, left } = run(rests);
    const sum = (index: number) => booked.reduce((all, row) => all + Number(row[index]), 0);
    t.deepEqual([1, 2, 3, 4].map(sum), [100, 20_040, 1, 1]);
    t.deepEqual(left, unrested.left);
  }
});

test('a tunnel rests only where nothing moves, is owed, or is like few others', (t) => {
  for (const [name, value] of Object.entries(awake)) {
    const { deps, how, tunnel } = scene();
    const { exchange } = tunnel();
    Object.assign(exchange, { [name]: value });
    deps.resting.take(exchange, how);
    t.is(deps.resting.size, 0, name);
  }
  const { deps, how, tunnel, quotas } = scene();
  const stirred = tunnel();
  stirred.handle.bytesBtoA = 10;
  deps.resting.take(stirred.exchange, how);
  t.is(deps.resting.size, 0, 'some octets are not counted yet');
  quotas.check(stirred.exchange);
  deps.resting.take(stirred.exchange, how);
  t.is(deps.resting.size, 1);
  const large = tunnel();
  large.handle.bytesBtoA = 2 ** 31;
  quotas.check(large.exchange);
  deps.resting.take(large.exchange, how);
  t.is(deps.resting.size, 1, 'its numbers are objects for V8');
  const ending = tunnel();
  ending.handle.bytesBtoA = 10;
  quotas.check(ending.exchange);
  ending.handle.bytesBtoA = 0;
  deps.resting.take(ending.exchange, how);
  t.is(deps.resting.size, 1, 'its relay has ended, and tells zeros until its record is here');
});

test('what a client said first is seen at the end of a tunnel that rests', (t) => {
  const { deps, how, tunnel, ended } = scene();
  const { exchange, handle } = tunnel();
  deps.resting.take(exchange, how);
  t.true(handle.owner.sees?.(Buffer.from([22, 3, 1])), 'a ClientHello goes on behind that');
  t.is(deps.resting.size, 0);
  handle.end();
  t.is(ended.length, 1);
});

test('a tunnel that rests is woken by octets, and by a quota: one that comes, one that others use up', async (t) => {
  const { deps, how, tunnel, bookings } = scene();
  const { exchange, handle } = tunnel();
  deps.resting.take(exchange, how);
  bookings();
  handle.bytesAtoB = 500;
  await until(() => deps.resting.size === 0);
  t.deepEqual(
    bookings().map(({ sent }) => sent),
    [500],
    'booked as soon as it is seen',
  );
  await until(() => deps.resting.size === 1, 'it rests again');
  handle.end();

  const late = scene({ quota: '', limit: null });
  const uncounted = late.tunnel();
  t.is(uncounted.exchange.quota, null);
  late.deps.resting.take(uncounted.exchange, late.how);
  t.is(late.deps.resting.size, 1);
  late.setQuota('bytes=1MB/day');
  await until(() => uncounted.handle.renewed.length > 0, 'it is metered by now');
  t.is(late.deps.resting.size, 1, 'and rests again');
  const other = late.tunnel();
  other.handle.bytesBtoA = 2_000_000;
  late.quotas.check(other.exchange);
  t.is(other.handle.cuts, 1);
  await until(() => uncounted.handle.cuts === 1, 'cut where it rests');
});

test('of an exchange whose tunnel rests nothing is left but a few hundred octets', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const { deps, how, tunnel } = scene();
  const seen: WeakRef<Exchange>[] = [];
  const rest = (count: number) =>
    Array.from({ length: count }, () => {
      const { exchange, handle } = tunnel();
      deps.resting.take(exchange, how);
      if (seen.length < 10) seen.push(new WeakRef(exchange));
      return handle;
    });
  // Compiled code counts among the heap as well.
  const first = rest(3_000);
  collect();
  const before = process.memoryUsage().heapUsed;
  const count = 3_000;
  const handles = rest(count);
  // A WeakRef holds what it was made of until whoever made it has returned.
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  t.is(deps.resting.size, count + first.length);
  t.deepEqual(
    seen.map((one) => one.deref()),
    Array(10).fill(undefined),
  );
  const each = (process.memoryUsage().heapUsed - before) / count;
  t.log(`${Math.round(each)} octets, the handles of this test included`);
  t.true(each < 1_000);
  for (const handle of [...first, ...handles]) handle.end();
  t.is(deps.resting.size, 0);
});
