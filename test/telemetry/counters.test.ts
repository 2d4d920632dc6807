import test from 'ava';
import fc from 'fast-check';
import { blamed, endKinds, modes, phases } from '../../src/telemetry/counter-columns.ts';
import { Counters, type ExchangeEnd, sumCounters, sumPool } from '../../src/telemetry/counters.ts';
import { BUCKETS, bucketBoundsMs, bucketOf } from '../../src/telemetry/durations.ts';

const end: ExchangeEnd = {
  kind: 'ok',
  by: null,
  cut: false,
  attempts: [{ kind: 'ok' }],
  clientToOrigin: 0,
  originToClient: 0,
  phasesMs: {},
};

test('counters tell what runs and how the rest ended', (t) => {
  const counters = new Counters();
  for (let i = 0; i < 4; i++) counters.begin();
  const tried = [{ kind: 'exit_refused' }, { kind: 'ok' }] as const;
  counters.end({ mode: 'forward' }, { ...end, attempts: tried, clientToOrigin: 10, originToClient: 100 });
  counters.end(
    { mode: 'connect' },
    { ...end, kind: 'origin_dns', attempts: [{ kind: 'origin_dns' }], clientToOrigin: 1 },
  );
  counters.end({ mode: 'connect' }, { ...end, cut: true });
  const told = counters.snapshot();
  t.like(told, { running: 1, ended: 3, clientToOrigin: 11, originToClient: 100, byKind: { ok: 2, origin_dns: 1 } });
  t.like(told.attempts, { ok: 2, exit_refused: 1, origin_dns: 1, exit_dns: 0 });
  t.like(told.byMode, {
    forward: { ended: { ok: 1, origin_dns: 0 }, cut: 0 },
    connect: { ended: { ok: 1, origin_dns: 1 }, cut: 1 },
    socks5: { ended: { ok: 0 }, cut: 0 },
  });
});

test('a duration falls into the first bucket whose bound it does not exceed', (t) => {
  for (const [bucket, bound] of bucketBoundsMs.entries()) {
    t.is(bucketOf(bound), bucket);
    t.is(bucketOf(bound * (1 + Number.EPSILON)), bucket + 1);
  }
  for (const ms of [-1, 0, 0.001]) t.is(bucketOf(ms), 0);
  for (const ms of [1e6, 2 ** 32, 2 ** 33 + 1, Number.POSITIVE_INFINITY]) t.is(bucketOf(ms), BUCKETS - 1);
});

test('whatever ends is counted once in every figure that speaks of it', (t) => {
  const ms = fc.option(fc.double({ min: 0, max: 1e7, noNaN: true }), { nil: undefined });
  const ends = fc.record({
    mode: fc.constantFrom(...modes),
    pool: fc.constantFrom(undefined, 0, 1, 255, 256, 2 ** 31),
    kind: fc.constantFrom(...endKinds),
    by: fc.constantFrom(null, 'client', 'gateway', 'exit', 'origin'),
    cut: fc.boolean(),
    attempts: fc.array(fc.record({ kind: fc.constantFrom(...endKinds) }), { maxLength: 4 }),
    clientToOrigin: fc.nat(),
    originToClient: fc.nat(),
    phasesMs: fc.record({ admit: ms, attempt: ms, relay: ms }),
  });
  const count = (all: readonly (typeof ends extends fc.Arbitrary<infer End> ? End : never)[]) => {
    const memory = new SharedArrayBuffer(2 * Counters.columns * Float64Array.BYTES_PER_ELEMENT);
    const workers = Counters.overAll(memory);
    for (const [i, { mode, pool, ...ended }] of all.entries()) {
      workers[i % 2]?.begin();
      workers[i % 2]?.end({ mode, pool }, ended);
    }
    return { ...sumCounters(workers), pools: new Map([0, 1, 255, 256].map((pool) => [pool, sumPool(workers, pool)])) };
  };
  const holds = fc.property(fc.array(ends, { maxLength: 40 }), (all) => {
    const told = count(all);
    t.is(told.running, 0);
    t.is(told.ended, all.length);
    for (const mode of modes) {
      const own = all.filter((one) => one.mode === mode);
      for (const kind of endKinds)
        t.is(told.byMode[mode].ended[kind], own.filter((one) => one.kind === kind).length, `${mode} ${kind}`);
      t.is(told.byMode[mode].cut, own.filter(({ cut }) => cut).length);
      for (const phase of phases) {
        const took = own.flatMap(({ phasesMs }) => phasesMs[phase] ?? []);
        const { counts, sumMs } = told.byMode[mode].phases[phase];
        t.true(Math.abs(sumMs - sumOf(took)) <= 1e-9 * sumMs);
        for (const [bucket, bound] of [...bucketBoundsMs, Number.POSITIVE_INFINITY].entries())
          t.is(sumOf(counts.slice(0, bucket + 1)), took.filter((one) => one <= bound).length);
      }
    }
    for (const kind of endKinds)
      t.is(told.attempts[kind], all.flatMap(({ attempts }) => attempts).filter((one) => one.kind === kind).length);
    t.is(told.pools.get(256), null);
    for (const pool of [0, 1, 255]) {
      const own = all.filter((one) => one.pool === pool);
      for (const by of blamed)
        t.is(told.pools.get(pool)?.ended[by], own.filter((one) => (one.by ?? 'nobody') === by).length);
      t.is(told.pools.get(pool)?.clientToOrigin, sumOf(own.map(({ clientToOrigin }) => clientToOrigin)));
      t.is(told.pools.get(pool)?.originToClient, sumOf(own.map(({ originToClient }) => originToClient)));
    }
    t.is(told.clientToOrigin, sumOf(all.map(({ clientToOrigin }) => clientToOrigin)));
    t.is(told.originToClient, sumOf(all.map(({ originToClient }) => originToClient)));
  });
  fc.assert(holds, { numRuns: 30 });
});

const sumOf = (figures: readonly number[]): number => figures.reduce((sum, figure) => sum + figure, 0);

test("other threads read a worker's counters; those of all are one sum, and what ran in a dead one runs no more", (t) => {
  const memory = new SharedArrayBuffer(2 * Counters.columns * Float64Array.BYTES_PER_ELEMENT);
  const [one, other] = Counters.overAll(memory);
  for (const counters of [one!, other!, other!]) counters.begin();
  one!.end({ mode: 'forward' }, { ...end, clientToOrigin: 2 ** 40, originToClient: 1 });
  other!.end({ mode: 'socks5' }, { ...end, clientToOrigin: 2 ** 40, originToClient: 1 });
  other!.refuseConnection();
  other!.dropLine();
  one!.refuseForOverload();
  other!.refuseForOverload();
  t.like(sumCounters(Counters.overAll(memory)), { running: 1, clientToOrigin: 2 ** 41, byKind: { ok: 2 } });
  Counters.of(memory, 1).release();
  t.like(sumCounters([one!, other!]), { running: 0, ended: 2, connectionsRefused: 1, linesDropped: 1, overloads: 2 });
});
