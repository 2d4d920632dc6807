import test from 'ava';
import { Counters, sumCounters } from '../../src/telemetry/counters.ts';

test('counters tell what runs and how the rest ended', (t) => {
  const counters = new Counters();
  for (let i = 0; i < 3; i++) counters.begin();
  counters.end({ kind: 'ok', attempts: [1, 2], clientToOrigin: 10, originToClient: 100 });
  counters.end({ kind: 'origin_dns', attempts: [1], clientToOrigin: 1, originToClient: 0 });
  t.deepEqual(counters.snapshot(), {
    running: 1,
    ended: 2,
    attempts: 3,
    clientToOrigin: 11,
    originToClient: 100,
    byKind: { ok: 1, origin_dns: 1 },
  });
});

test("other threads read a worker's counters; those of all are one sum, and what ran in a dead one runs no more", (t) => {
  const memory = new SharedArrayBuffer(2 * Counters.columns * 8);
  const [one, other] = Counters.overAll(memory);
  for (const counters of [one!, other!, other!]) counters.begin();
  one!.end({ kind: 'ok', attempts: [1], clientToOrigin: 2 ** 40, originToClient: 1 });
  other!.end({ kind: 'ok', attempts: [1], clientToOrigin: 2 ** 40, originToClient: 1 });
  t.like(sumCounters(Counters.overAll(memory)), { running: 1, clientToOrigin: 2 ** 41, byKind: { ok: 2 } });
  Counters.overAll(memory)[1]!.release();
  t.like(sumCounters([one!, other!]), { running: 0, ended: 2 });
});
