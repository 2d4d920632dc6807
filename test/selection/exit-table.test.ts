import test from 'ava';
import fc from 'fast-check';
import {
  ExitTable,
  firstEjectionMs,
  latencyDecayMs,
  longestEjectionMs,
  priorLatencyMs,
  Standing,
  trialMs,
} from '../../src/selection/exit-table.ts';

test('an exit nothing is known about is open and has the prior latency, in any slot', (t) => {
  const table = new ExitTable();
  for (const slot of [0, 63, 64, 1_000_000]) {
    t.is(table.standingOf(slot, 0), Standing.open);
    t.is(table.latencyAt(slot, 0), priorLatencyMs);
    t.is(table.generationOf(slot), 0);
  }
});

test('latency rises at once to a slower sample and falls gradually to a faster one', (t) => {
  const table = new ExitTable();
  table.succeeded(0, 100, 0);
  t.is(table.latencyAt(0, 0), 100);
  table.succeeded(0, 900, 10);
  t.is(table.latencyAt(0, 10), 900);
  table.succeeded(0, 100, 11);
  t.true(table.latencyAt(0, 11) > 850);
  table.succeeded(0, 100, 11 + 5 * latencyDecayMs);
  t.true(table.latencyAt(0, 11 + 5 * latencyDecayMs) < 110);
});

test('a figure that nobody renews drifts to the prior', (t) => {
  const table = new ExitTable();
  table.succeeded(0, 2_000, 0);
  table.succeeded(1, 1, 0);
  t.true(Math.abs(table.latencyAt(0, 20 * latencyDecayMs) - priorLatencyMs) < 1);
  t.true(Math.abs(table.latencyAt(1, 20 * latencyDecayMs) - priorLatencyMs) < 1);
});

test('latency always lies between the fastest and the slowest sample or the prior', (t) => {
  const sample = fc.record({ ms: fc.integer({ min: 0, max: 60_000 }), after: fc.integer({ min: 0, max: 30_000 }) });
  fc.assert(
    fc.property(fc.array(sample, { minLength: 1 }), (samples) => {
      const table = new ExitTable();
      let now = 0;
      for (const { ms, after } of samples) {
        now += after;
        table.succeeded(0, ms, now);
      }
      const all = [priorLatencyMs, ...samples.map(({ ms }) => ms)];
      const latency = table.latencyAt(0, now + 500);
      return latency >= Math.min(...all) - 1e-6 && latency <= Math.max(...all) + 1e-6;
    }),
  );
  t.pass();
});

test('failures in a row eject for twice as long each time, up to the longest; a success ends it', (t) => {
  const table = new ExitTable();
  let now = 0;
  for (let failures = 1; failures <= 10; failures++) {
    table.failed(0, now);
    const lasts = Math.min(longestEjectionMs, firstEjectionMs * 2 ** (failures - 1));
    t.is(table.ejectedUntilOf(0), now + lasts);
    t.is(table.standingOf(0, now + lasts - 1), Standing.ejected);
    now += lasts;
    t.is(table.standingOf(0, now), Standing.trial);
  }
  table.failed(0, now);
  table.succeeded(0, 10, now);
  t.is(table.standingOf(0, now), Standing.open);
  table.failed(0, now);
  t.is(table.ejectedUntilOf(0), now + firstEjectionMs);
});

test('a burst of failures at one moment counts as one', (t) => {
  const table = new ExitTable();
  for (let i = 0; i < 50; i++) table.failed(0, i);
  t.is(table.failuresInRowOf(0), 1);
  t.is(table.ejectedUntilOf(0), 49 + firstEjectionMs);
});

test('one exchange at a time tries an exit whose ejection is over', (t) => {
  const table = new ExitTable();
  table.begin(0, 0); // a long tunnel from before keeps no trial away
  table.failed(0, 0);
  const due = firstEjectionMs;
  t.is(table.standingOf(0, due), Standing.trial);
  table.begin(0, due);
  t.is(table.standingOf(0, due), Standing.ejected);
  t.is(table.standingOf(0, due + trialMs), Standing.trial);
  table.failed(0, due + 5);
  t.is(table.standingOf(0, due + 5 + 2 * firstEjectionMs), Standing.trial);
});

test('in-flight is given back once, and never to another exit', (t) => {
  const table = new ExitTable();
  t.is(table.reset(7), 1);
  const former = table.begin(7, 0);
  t.is(table.inFlightOf(7), 1);
  t.is(table.reset(7), 2);
  const current = table.begin(7, 0);
  table.end(7, former);
  t.is(table.inFlightOf(7), 1);
  table.end(7, current);
  table.end(7, current);
  t.is(table.inFlightOf(7), 0);
});

test('a reset leaves nothing of the former exit', (t) => {
  const table = new ExitTable();
  const fresh = table.row(3, 100);
  table.begin(3, 0);
  table.succeeded(3, 700, 1);
  table.failed(3, 2);
  t.deepEqual(table.row(3, 100), {
    ...table.row(3, 100),
    failuresInRow: 1,
    successes: 1,
    inFlight: 1,
    lastFailureAt: 2,
  });
  table.reset(3);
  t.deepEqual(table.row(3, 100), { ...fresh, generation: 1 });
});

test('growing keeps every row', (t) => {
  const table = new ExitTable();
  for (let slot = 0; slot < 1_000; slot++) {
    table.reset(slot);
    table.begin(slot, 0);
    table.succeeded(slot, 1_000 + slot, 0);
  }
  for (let slot = 0; slot < 1_000; slot++) {
    const row = table.row(slot, 0);
    t.is(row.latencyMs, 1_000 + slot);
    t.is(row.inFlight, 1);
    t.is(row.generation, 1);
  }
});
