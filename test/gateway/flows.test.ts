import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { Exchange } from '../../src/gateway/exchange.ts';
import { Flows } from '../../src/gateway/limits/flows.ts';
import { grantOf } from '../../src/gateway/quotas/quota-grants.ts';
import type { Quotas } from '../../src/gateway/quotas/quotas.ts';
import { ClientLimits } from '../../src/policy/limit-book.ts';
import { createLimitMemory, LimitCounts } from '../../src/policy/limit-counts.ts';
import { parseLimitRule } from '../../src/protocol/limit-rule.ts';
import type { RelayHandle } from '../../src/transport/relay.ts';
import { until } from '../support/until.ts';

/** A tunnel's relay, of which is noted what it is let pass. */
function relayOf(bytesAtoB: number, bytesBtoA: number) {
  const renewed: number[] = [];
  const relay = { bytesAtoB, bytesBtoA, counts: () => relay, renew: (octets: number) => void renewed.push(octets) };
  return { relay, renewed, handle: relay as unknown as RelayHandle };
}

/** Flows of a client whose count has no room while `full`. */
function scene(bandwidth: string, now = () => performance.now()) {
  const reading = parseLimitRule(`bandwidth=${bandwidth}`);
  if (!reading.ok) throw new Error(reading.message);
  const book = new ClientLimits('acme', { own: [reading.value], everyone: [] });
  const [flow] = book.of({ pool: null, host: 'shop.example', tag: undefined });
  const state = { full: false };
  class Counts extends LimitCounts {
    override reserve(...asked: Parameters<LimitCounts['reserve']>) {
      return state.full ? null : super.reserve(...asked);
    }
  }
  const counts = new Counts(createLimitMemory(1, Buffer.from('a key')), 0);
  const quotas = {
    grant: () => Number.POSITIVE_INFINITY,
    check: () => true,
  } as unknown as Quotas;
  const cell = counts.cellOf(flow!);
  const plan = { taken: [], flow: cell, all: [cell] };
  const exchange = { limits: plan, quota: null, confirmedAt: null } as unknown as Exchange;
  return { state, counts, flow: cell, exchange, flows: new Flows({ counts, quotas, now }) };
}

test('where there is no room to count a client its tunnel waits, and gets back nothing that it was not granted', async (t) => {
  const { state, counts, flow, exchange, flows } = scene('1MB/s', () => 5_000);
  const { handle, renewed } = relayOf(0, 0);
  const tunnel = flows.tunnel(exchange)!;
  tunnel.begin(handle);
  counts.reserve(flow, 5_000, 150_000);
  const left = counts.figure(flow, 5_000).left;
  state.full = true;
  tunnel.spent();
  await sleep(50);
  t.deepEqual(renewed, []);
  tunnel.end(0);
  t.is(counts.figure(flow, 5_000).left, left);

  const next = flows.tunnel(exchange)!;
  next.begin(handle);
  next.spent();
  state.full = false;
  await until(() => renewed.length > 0);
  t.is(renewed.length, 1);
  next.end(0);
});

test('a tunnel whose quotas can’t be read any more ends where it asks for more', (t) => {
  const fault = new Error('no such rule');
  const quotas = {
    grant() {
      throw fault;
    },
  } as unknown as Quotas;
  const { counts, exchange } = scene('1MB/s', () => 5_000);
  const flows = new Flows({ counts, quotas, now: () => 5_000 });
  const stopped: unknown[] = [];
  exchange.stop = (reason) => void stopped.push(reason);
  const { handle, renewed } = relayOf(0, 0);
  const tunnel = flows.tunnel(exchange)!;
  tunnel.begin(handle);
  tunnel.spent();
  t.deepEqual(stopped, [fault]);
  t.deepEqual(renewed, []);
  tunnel.end(0);
});

test('content passes in pieces that were paid for, and waits where they can’t be counted', async (t) => {
  let clock = 5_000;
  const { state, counts, flow, exchange, flows } = scene('100kB/s', () => clock);
  const waits: number[] = [];
  let opened = 0;
  const open = () => opened++;
  const content = flows.content(exchange, (waitMs) => waits.push(waitMs))!;
  t.is(content.pass(50_000, open), 16 * 1_024, 'a piece');
  t.is(counts.figure(flow, clock).left, 20_000 - 16 * 1_024);
  state.full = true;
  t.is(content.pass(30_000, open), 0);
  t.is(content.pass(30_000, open), 0, 'not asked again before');
  t.deepEqual(waits, [250]);
  state.full = false;
  await until(() => opened > 0);
  t.is(content.pass(1_000, open), 1_000, 'what is left of the burst');
  const left = counts.figure(flow, clock).left;
  t.is(content.pass(30_000, open), 0);
  t.true((waits[1] ?? 0) > 10);
  content.end();
  t.is(counts.figure(flow, clock).left, left, 'what was paid for and did not pass others may have');
  content.force(30_000);
  t.true(counts.debtMs(flow, clock) > 250);
  clock += 1_000;
  t.is(counts.debtMs(flow, clock), 0);
});

for (const kind of ['content', 'tunnel'] as const)
  test(`${kind} that ends while it waits gives back what of its place is still to come, and nothing of what others took`, (t) => {
    let clock = 5_000;
    const { exchange, flows } = scene('10kB/s', () => clock);
    const waits: number[] = [];
    const ask = () => {
      const content = flows.content(exchange, (waitMs) => waits.push(waitMs))!;
      t.teardown(() => content.end());
      content.pass(16_384, () => {});
      return content;
    };
    const tunnel = flows.tunnel(exchange)!;
    const first = kind === 'content' ? ask() : tunnel;
    if (kind === 'tunnel') {
      tunnel.begin(relayOf(0, 0).handle);
      tunnel.spent();
    }
    clock += 1_200;
    ask();
    clock += 100;
    first.end(0);
    ask();
    // From when the second asked: its 16 KiB and those of the third, less a fifth of a second's worth.
    const mostMs = (2 * 16_384 - 2_000) / 10 - 100;
    const [behind = 0] = waits.slice(-1);
    t.true(behind >= mostMs && behind < mostMs + 150, `${behind} ms, of ${mostMs}`);
  });

test('a slow flow owes whatever was asked of it, however much that is', (t) => {
  const { counts, flow } = scene('1kB/s');
  for (let asked = 0; asked < 200; asked++) counts.reserve(flow, 1_000, 64 * 1_024);
  t.true(Math.abs(counts.debtMs(flow, 1_000) - (200 * 64 * 1_024 - 200)) < 10);
  t.true(counts.debtMs(flow, 13_000_000) > 90_000);
});

test('a tunnel begins with its first octets paid for where they may come now, and gives back what it did not use', (t) => {
  const { counts, flow, exchange, flows } = scene('1MB/s', () => 5_000);
  const left = () => counts.figure(flow, 5_000).left;
  t.is(left(), 200_000);
  const tunnels = Array.from({ length: 13 }, () => flows.tunnel(exchange)!);
  t.deepEqual(
    tunnels.map((tunnel) => tunnel.first()),
    [...Array.from({ length: 12 }, () => 16_384), 0],
    'as many as the burst has room for',
  );
  t.is(left(), 200_000 - 12 * 16_384);
  const { handle } = relayOf(0, 0);
  for (const tunnel of tunnels) tunnel.begin(handle);
  for (const tunnel of tunnels.slice(0, 12)) tunnel.end(1_000);
  t.is(left(), 200_000 - 12 * 1_000);
  tunnels[12]?.end(5_000);
  t.is(left(), 200_000 - 12 * 1_000 - 5_000, 'what passed without being granted is paid for, too');
});

test('a tunnel that needs more than its first octets asks for as much as it lacks', (t) => {
  const { counts, flow, exchange, flows } = scene('1MB/s', () => 5_000);
  const { handle, renewed } = relayOf(6_384, 10_000);
  const tunnel = flows.tunnel(exchange)!;
  t.is(tunnel.first(), 16_384);
  tunnel.begin(handle);
  tunnel.spent();
  t.deepEqual(renewed, [16_384]);
  t.is(counts.figure(flow, 5_000).left, 200_000 - 2 * 16_384);
  tunnel.end(20_000);
  t.is(counts.figure(flow, 5_000).left, 180_000);
});

test('a quota that is far from its end lets more pass at once, and takes it back when the end comes near', (t) => {
  const clock = 5_000;
  const { counts, flow, exchange } = scene('100GB/s', () => clock);
  let left = 1e12;
  const quotas = { check: () => true, grant: () => grantOf(left) } as unknown as Quotas;
  Object.assign(exchange, { quota: {} });
  for (const limited of [true, false]) {
    if (!limited) Object.assign(exchange, { limits: null });
    left = 1e12;
    const { relay, handle, renewed } = relayOf(0, 0);
    const tunnel = new Flows({ counts, quotas, now: () => clock }).tunnel(exchange)!;
    const before = counts.figure(flow, clock).left;
    relay.bytesBtoA = tunnel.first();
    tunnel.begin(handle);
    tunnel.spent();
    for (let i = 0; i < 20; i++) {
      relay.bytesBtoA += renewed.at(-1)!;
      tunnel.spent();
    }
    t.true(renewed.at(-1)! >= 32 * 1_024 * 1_024);
    const given = renewed.length;
    exchange.flow!.look();
    t.is(renewed.length, given, 'nothing has changed');
    left = 20_000_000;
    exchange.flow!.look();
    t.is(renewed.at(-1), 512 * 1_024);
    exchange.flow!.look();
    t.is(renewed.length, given + 1);
    left = 1_000_000;
    exchange.flow!.look();
    t.is(renewed.at(-1), 62_500);
    tunnel.end(relay.bytesBtoA);
    // The word counts in steps of a share of a second.
    const paid = before - counts.figure(flow, clock).left;
    if (limited) t.true(Math.abs(paid - relay.bytesBtoA) < relay.bytesBtoA / 100, 'only what passed is paid for');
  }
  t.deepEqual([0, 1_600_000, 1e9, 16 * 1024 ** 3].map(grantOf), [16_384, 100_000, 524_288, 64 * 1024 ** 2]);
});

test('while the end of a tunnel is on its way nothing is paid for twice, nor given back', (t) => {
  for (const happens of ['spent', 'look'] as const) {
    const { counts, flow, exchange } = scene('100MB/s', () => 5_000);
    let left = 1e12;
    const quotas = { check: () => true, grant: () => grantOf(left) } as unknown as Quotas;
    Object.assign(exchange, { quota: {} });
    const { relay, handle, renewed } = relayOf(0, 0);
    const tunnel = new Flows({ counts, quotas, now: () => 5_000 }).tunnel(exchange)!;
    relay.bytesBtoA = tunnel.first();
    tunnel.begin(handle);
    for (let i = 0; i < 5; i++) {
      tunnel.spent();
      relay.bytesBtoA += renewed.at(-1)!;
    }
    const passed = relay.bytesBtoA;
    t.true(passed > 5_000_000);
    // Its relay has ended, and tells zeros until its record is here.
    relay.bytesBtoA = 0;
    left = 1_000_000;
    tunnel[happens]();
    t.is(renewed.length, 5);
    tunnel.end(passed);
    const paid = 20_000_000 - counts.figure(flow, 5_000).left;
    t.true(Math.abs(paid - passed) < passed / 100, `${happens}: ${passed} octets have passed, ${paid} are paid for`);
  }
});

test('a fault in a look ends the one exchange, and the others are looked at all the same', async (t) => {
  const { counts } = scene('1MB/s');
  const fault = new Error('a rule that nobody can read');
  let looks = 0;
  const cover = ({ id }: Exchange): boolean => {
    if (id === 'bad') throw fault;
    looks++;
    return false;
  };
  const flows = new Flows({ counts, quotas: { cover } as unknown as Quotas, now: () => 0 });
  const about = { mode: 'connect', method: 'CONNECT', listener: 'mixed', source: '', startedAt: 0 } as const;
  const [bad, good] = [new Exchange({ ...about, id: 'bad' }), new Exchange({ ...about, id: 'good' })];
  for (const one of [bad, good]) flows.follow(one);
  await until(() => looks === 2);
  t.is(bad.abort.reason, fault);
  t.false(good.abort.aborted);
  for (const one of [bad, good]) flows.ended(one);
});
