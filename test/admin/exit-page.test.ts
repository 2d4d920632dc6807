import test from 'ava';
import fc from 'fast-check';
import { type ExitQuery, type ExitSort, exitPage } from '../../src/admin/exit-page.ts';
import type { ExitFigures, ExitStatus } from '../../src/admin/exit-view.ts';
import { LeastOf } from '../../src/admin/least-of.ts';
import { operatorStatus } from '../../src/admin/operator-status.ts';
import { poolStats } from '../../src/admin/pool-stats.ts';
import type { ExitStateName } from '../../src/store/exit-states.ts';
import { poolOf, registryOf } from '../support/pools.ts';

const exits = Array.from({ length: 6 }, (_, i) => ({
  host: `192.0.2.${i}`,
  geo: { country: i < 4 ? 'us' : 'de', state: i % 2 === 0 ? 'Texas' : 'Ohio', asn: String(100 + i) },
}));
const { registry } = registryOf(poolOf('res', exits), poolOf('dc', [{ host: '192.0.2.99', geo: {} }]));

const figuresOf = (slot: number): ExitFigures => ({
  latencyMs: slot === 5 ? null : 100 - slot,
  inFlight: slot % 3,
  failuresInRow: 0,
  ejectedForMs: 0,
  success: slot === 5 ? null : slot / 10,
  workedAgoMs: slot === 5 ? null : 10,
  served: slot,
  refused: 0,
});

const unseen = { seen: () => null, everSeen: () => [] };

function slotsOf(query: Partial<ExitQuery>, statusOf: (slot: number) => ExitStatus = () => 'ok') {
  const page = exitPage(registry, { limit: 100, ...query }, { figures: figuresOf, statusOf, ...unseen });
  return { slots: page.exits.map(({ id }) => registry.slotOf(id)), total: page.total };
}

test('exits are listed by pool and place, in whatever case', (t) => {
  t.deepEqual(slotsOf({ pool: 'res', country: 'US' }).slots, [0, 1, 2, 3]);
  t.deepEqual(slotsOf({ state: 'TEXAS', country: 'de' }).slots, [4]);
  t.deepEqual(slotsOf({ asn: '103' }).slots, [3]);
  t.deepEqual(slotsOf({ limit: 2 }), { slots: [0, 1], total: 7 });
});

test('retired exits are left out unless asked for, and counted so', (t) => {
  const statusOf = (slot: number): ExitStatus => (slot === 1 ? 'retired' : slot === 2 ? 'frozen' : 'ok');
  t.deepEqual(slotsOf({ pool: 'res', limit: 3 }, statusOf), { slots: [0, 2, 3], total: 5 });
  t.deepEqual(slotsOf({ status: 'retired' }, statusOf), { slots: [1], total: 1 });
  t.deepEqual(slotsOf({ status: 'frozen' }, statusOf).slots, [2]);
});

const sorted: [ExitSort, number[]][] = [
  ['latency', [4, 3, 2, 1, 0, 5]],
  ['success', [4, 3, 2, 1, 0, 5]],
  ['in-flight', [2, 5, 1, 4, 0, 3]],
  ['served', [5, 4, 3, 2, 1, 0]],
];
for (const [sort, slots] of sorted)
  test(`sorted by ${sort}, what isn't known comes last, and of equals the first`, (t) => {
    t.deepEqual(slotsOf({ pool: 'res', sort }).slots, slots);
    t.deepEqual(slotsOf({ pool: 'res', sort, limit: 2 }), { slots: slots.slice(0, 2), total: 6 });
  });

test('the least of any number of items are those of a sort', (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 })), fc.integer({ min: 1, max: 8 }), (keys, most) => {
      const least = new LeastOf(most);
      for (const [item, key] of keys.entries()) least.offer(item, key);
      const all = keys.map((key, item) => ({ key, item })).sort((a, b) => a.key - b.key || a.item - b.item);
      return JSON.stringify(least.sorted()) === JSON.stringify(all.slice(0, most).map(({ item }) => item));
    }),
  );
  t.pass();
});

test('what operators said of an exit outweighs what they said of its pool', (t) => {
  const said = (exit: number, state: ExitStateName, site: string | null = null) => {
    const id = registry.idOf(exit);
    return [id, [{ exit: id, site, state, until: null, reason: '', since: 0 }]] as const;
  };
  const disabled = { pool: 'res', reason: '', since: 0 };
  const words = {
    exits: new Map([said(0, 'retired'), said(1, 'frozen', 'a.example')]),
    pools: new Map([['res', disabled]]),
  };
  const statusOf = operatorStatus(registry, words);
  t.deepEqual([0, 1, 6].map(statusOf), ['retired', 'disabled', null]);
});

test('the figures of a pool count its exits by how they stand and where', (t) => {
  const statusOf = (slot: number): ExitStatus => (slot === 0 ? 'cooling' : slot === 1 ? 'frozen' : 'ok');
  const stats = poolStats(registry, { pool: 'res', usable: 3 }, { statusOf, figures: figuresOf, traffic: () => null });
  t.like(stats, { exits: 6, usable: 3, inFlight: 6, latencyMs: { p50: 98, p90: 100, p99: 100 } });
  t.like(stats.byStatus, { ok: 4, cooling: 1, frozen: 1, retired: 0 });
  t.deepEqual(stats.byCountry, [
    { country: 'us', exits: 4 },
    { country: 'de', exits: 2 },
  ]);
  const unasked = { statusOf, figures: () => null, traffic: () => null };
  const offline = poolStats(registry, { pool: 'res', usable: null }, unasked);
  t.like(offline, { usable: null, inFlight: null, latencyMs: null });
});
