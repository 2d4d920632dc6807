import test from 'ava';
import fc from 'fast-check';
import { type ExitQuery, type ExitSort, exitPage } from '../../src/admin/exit-page.ts';
import type { ExitFigures, ExitStatus } from '../../src/admin/exit-view.ts';
import { type ExitWalk, exitWalk } from '../../src/admin/exit-walk.ts';
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

test('a walk meets each exit once, also where others come and go meanwhile', (t) => {
  const hostOf = (i: number) => `192.0.${i >> 8}.${i & 255}`;
  const many = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => ({ host: hostOf(from + i), geo: {} }));
  const { registry, apply } = registryOf(poolOf('many', many(0, 25_000)), poolOf('few', many(30_000, 30_010)));
  const known = { figures: () => null, statusOf: () => 'ok' as const, ...unseen };
  const met: string[] = [];
  let steps = 0;
  for (let from: number | null = 0; from !== null; steps += 1) {
    const walk: ExitWalk = exitWalk(registry, { from }, known);
    t.true(walk.exits.length <= 10_000);
    met.push(...walk.exits.map(({ endpoint }) => endpoint));
    from = walk.next;
    if (steps === 0) apply(poolOf('many', many(5_000, 26_000)));
  }
  t.is(steps, 3);
  t.is(new Set(met).size, met.length);
  const stayed = new Set(many(5_000, 25_000).map(({ host }) => `http://${host}:1`));
  t.is(met.filter((endpoint) => stayed.has(endpoint)).length, stayed.size);
});

test('a walk goes by what is asked for', (t) => {
  const walk = (query: object, seen = new Map<number, string>()) => {
    const known = {
      figures: figuresOf,
      statusOf: (slot: number): ExitStatus => (slot === 1 ? 'retired' : slot === 2 ? 'frozen' : 'ok'),
      seen: (exit: { id: string }) => {
        const mismatch = seen.get(registry.slotOf(exit.id) ?? -1) ?? null;
        return { mismatch } as never;
      },
      everSeen: () => [],
    };
    return exitWalk(registry, { from: 0, ...query }, known).exits.map(({ id }) => registry.slotOf(id));
  };
  t.deepEqual(walk({}), [0, 2, 3, 4, 5, 6]);
  t.deepEqual(walk({ pool: 'res', country: 'us', from: 1 }), [2, 3]);
  t.deepEqual(walk({ status: 'retired' }), [1]);
  t.deepEqual(walk({ state: 'TEXAS' }), [0, 2, 4]);
  t.deepEqual(walk({ mismatch: true }, new Map([[3, 'elsewhere']])), [3]);
  t.deepEqual(walk({ from: 1_000_000 }), []);
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
