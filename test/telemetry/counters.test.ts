import test from 'ava';
import { Counters } from '../../src/telemetry/counters.ts';

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
