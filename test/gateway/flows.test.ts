import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import type { Exchange } from '../../src/gateway/exchange.ts';
import { Flows } from '../../src/gateway/flows.ts';
import type { Quotas } from '../../src/gateway/quotas.ts';
import { ClientLimits } from '../../src/policy/limit-book.ts';
import { createLimitMemory, LimitCounts } from '../../src/policy/limit-counts.ts';
import { parseLimitRule } from '../../src/protocol/limit-rule.ts';
import type { RelayHandle } from '../../src/transport/relay.ts';

/** Flows of a client whose count has no room while `full`. */
function scene(bandwidth: string, now = () => performance.now()) {
  const reading = parseLimitRule(`bandwidth=${bandwidth}`);
  if (!reading.ok) throw new Error(reading.message);
  const book = new ClientLimits('acme', { own: [reading.value], everyone: [] });
  const [flow] = book.of({ pools: [], host: 'shop.example', tag: undefined });
  const state = { full: false };
  class Counts extends LimitCounts {
    override reserve(...asked: Parameters<LimitCounts['reserve']>) {
      return state.full ? null : super.reserve(...asked);
    }
  }
  const counts = new Counts(createLimitMemory(1, Buffer.from('a key')), 0);
  const quotas = {
    watch: { add: () => {}, remove: () => {} },
    grant: () => Number.POSITIVE_INFINITY,
    check: () => true,
  } as unknown as Quotas;
  const exchange = { limits: { limits: [flow], site: '', places: [], flow }, quota: null } as unknown as Exchange;
  return { state, counts, flow: flow!, exchange, flows: new Flows({ counts, quotas, now }) };
}

test('where there is no room to count a client its tunnel waits, and gets back nothing that it was not granted', async (t) => {
  const { state, counts, flow, exchange, flows } = scene('1MB/s', () => 5_000);
  const renewed: number[] = [];
  const handle = { bytesAtoB: 0, bytesBtoA: 0, renew: (octets: number) => renewed.push(octets) };
  const tunnel = flows.tunnel(exchange)!;
  tunnel.begin(handle as unknown as RelayHandle);
  counts.reserve(flow, 5_000, 150_000);
  const left = counts.figure(flow, '', 5_000).left;
  state.full = true;
  tunnel.spent();
  await sleep(50);
  t.deepEqual(renewed, []);
  tunnel.end(0);
  t.is(counts.figure(flow, '', 5_000).left, left);

  const next = flows.tunnel(exchange)!;
  next.begin(handle as unknown as RelayHandle);
  next.spent();
  state.full = false;
  for (let waits = 0; renewed.length === 0 && waits < 100; waits++) await sleep(50);
  t.is(renewed.length, 1);
  next.end(0);
});

test('content that could not be counted is paid for before more of it passes', async (t) => {
  const { state, counts, flow, exchange, flows } = scene('100kB/s');
  const held: boolean[] = [];
  const content = flows.content(exchange, (hold) => held.push(hold))!;
  state.full = true;
  content.passed(50_000);
  t.deepEqual(held, [true]);
  state.full = false;
  const begun = performance.now();
  for (let waits = 0; held.length < 2 && waits < 100; waits++) await sleep(20);
  t.deepEqual(held, [true, false]);
  t.true(performance.now() - begun >= 250);
  t.true(counts.figure(flow, '', performance.now()).left < 20_000, 'it was counted');
  content.end();
});

test('a slow flow owes whatever was asked of it, however much that is', (t) => {
  const { counts, flow } = scene('1kB/s');
  for (let asked = 0; asked < 200; asked++) counts.reserve(flow, 1_000, 64 * 1_024);
  t.true(Math.abs(counts.debtMs(flow, 1_000) - (200 * 64 * 1_024 - 200)) < 10);
  t.true(counts.debtMs(flow, 13_000_000) > 90_000);
});
