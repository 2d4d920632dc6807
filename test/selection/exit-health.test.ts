import test from 'ava';
import fc from 'fast-check';
import { ExitRows } from '../../src/memory/exit-rows.ts';
import {
  ExitHealth,
  firstEjectionMs,
  latencyDecayMs,
  longestEjectionMs,
  priorLatencyMs,
  Standing,
  trialMs,
} from '../../src/selection/exit-health.ts';

/** Health of exits that have just joined, in slots from 0. */
function healthOf(exits: number): ExitHealth {
  const rows = new ExitRows(ExitRows.allocate());
  for (let slot = 0; slot < exits; slot++) rows.settle(slot, { group: 0, now: 0 });
  return new ExitHealth(rows);
}

test('an exit nothing is known about is open and has the prior latency, in any slot', (t) => {
  const health = healthOf(1_000);
  for (const slot of [0, 63, 64, 1_000_000]) {
    t.is(health.standingOf(slot, 0), Standing.open);
    t.is(health.latencyAt(slot, 0), priorLatencyMs);
  }
});

test('latency rises at once to a slower sample and falls gradually to a faster one', (t) => {
  const health = healthOf(1_000);
  health.succeeded(0, 100, 0);
  t.is(health.latencyAt(0, 0), 100);
  health.succeeded(0, 900, 10);
  t.is(health.latencyAt(0, 10), 900);
  health.succeeded(0, 100, 11);
  t.true(health.latencyAt(0, 11) > 850);
  health.succeeded(0, 100, 11 + 5 * latencyDecayMs);
  t.true(health.latencyAt(0, 11 + 5 * latencyDecayMs) < 110);
});

test('a figure that nobody renews drifts to the prior', (t) => {
  const health = healthOf(1_000);
  health.succeeded(0, 2_000, 0);
  health.succeeded(1, 1, 0);
  t.true(Math.abs(health.latencyAt(0, 20 * latencyDecayMs) - priorLatencyMs) < 1);
  t.true(Math.abs(health.latencyAt(1, 20 * latencyDecayMs) - priorLatencyMs) < 1);
});

test('for people there is a figure as it was measured, as long as it weighs anything', (t) => {
  const health = healthOf(1_000);
  t.is(health.learnedLatencyAt(0, 0), null);
  health.succeeded(0, 2_000, 0);
  t.is(health.learnedLatencyAt(0, 2 * latencyDecayMs), 2_000);
  t.is(health.learnedLatencyAt(0, 4 * latencyDecayMs), null);
  t.is(health.learnedLatencyAt(1_000_000, 0), null);
});

test('latency always lies between the fastest and the slowest sample or the prior', (t) => {
  const sample = fc.record({ ms: fc.integer({ min: 0, max: 60_000 }), after: fc.integer({ min: 0, max: 30_000 }) });
  fc.assert(
    fc.property(fc.array(sample, { minLength: 1 }), (samples) => {
      const health = healthOf(1_000);
      let now = 0;
      for (const { ms, after } of samples) {
        now += after;
        health.succeeded(0, ms, now);
      }
      const all = [priorLatencyMs, ...samples.map(({ ms }) => ms)];
      const latency = health.latencyAt(0, now + 500);
      return latency >= Math.min(...all) - 1e-6 && latency <= Math.max(...all) + 1e-6;
    }),
  );
  t.pass();
});

test('failures in a row eject for twice as long each time, up to the longest; a success ends it', (t) => {
  const health = healthOf(1_000);
  let now = 0;
  for (let failures = 1; failures <= 10; failures++) {
    health.failed(0, now);
    const lasts = Math.min(longestEjectionMs, firstEjectionMs * 2 ** (failures - 1));
    t.is(health.ejectedForMs(0, now), lasts);
    t.is(health.standingOf(0, now + lasts - 1), Standing.ejected);
    now += lasts;
    t.is(health.standingOf(0, now), Standing.trial);
  }
  health.failed(0, now);
  health.succeeded(0, 10, now);
  t.is(health.standingOf(0, now), Standing.open);
  health.failed(0, now);
  t.is(health.ejectedForMs(0, now), firstEjectionMs);
});

test('a burst of failures at one moment counts as one', (t) => {
  const health = healthOf(1_000);
  for (let i = 0; i < 50; i++) health.failed(0, i);
  t.is(health.rows.failuresInRowOf(0), 1);
  t.is(health.ejectedForMs(0, 49), firstEjectionMs);
});

test('one exchange at a time tries an exit whose ejection is over', (t) => {
  const health = healthOf(1_000);
  health.began(0, 0); // a long tunnel from before keeps no trial away
  health.failed(0, 0);
  const due = firstEjectionMs;
  t.is(health.standingOf(0, due), Standing.trial);
  health.began(0, due);
  t.is(health.standingOf(0, due), Standing.ejected);
  t.is(health.standingOf(0, due + trialMs), Standing.trial);
  health.failed(0, due + 5);
  t.is(health.standingOf(0, due + 5 + 2 * firstEjectionMs), Standing.trial);
});

test('the view tells what is known, and a new exit in the slot has no past', (t) => {
  const health = healthOf(4);
  const fresh = health.viewOf(3, 100);
  health.rows.take(3);
  health.succeeded(3, 700, 1);
  health.failed(3, 2);
  t.like(health.viewOf(3, 100), { failuresInRow: 1, inFlight: 1, workedAgoMs: 99, ejectedForMs: firstEjectionMs - 98 });
  health.rows.settle(3, { group: 0, now: 100 });
  t.deepEqual(health.viewOf(3, 100), { ...fresh, generation: 2 });
});

test('nothing is ejected, fresh or known for longer because the clock wrapped', (t) => {
  const health = healthOf(1);
  const before = 2 ** 32 - 500;
  health.succeeded(0, 900, before);
  t.true(health.latencyAt(0, before + 1_000) > 800);
  health.failed(0, before);
  t.is(health.ejectedForMs(0, before + 400), firstEjectionMs - 400);
  t.is(health.standingOf(0, before + firstEjectionMs), Standing.trial);
  t.is(health.standingOf(0, before + 2 ** 31 + 5_000), Standing.trial);
});
