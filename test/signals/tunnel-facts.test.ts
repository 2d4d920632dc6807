import test from 'ava';
import { tunnelFactsOf } from '../../src/signals/tunnel-facts.ts';

const end = {
  bytesAtoB: 5,
  bytesBtoA: 7,
  ended: 'closed',
  by: null,
  firstFromA: { afterMs: 1, tlsRecord: { type: 22, length: 512 } },
  firstFromB: { afterMs: 40, tlsRecord: { type: 21, length: 2 } },
  endedFirst: 'b',
} as const;

test('side a is the client, side b the origin', (t) => {
  t.deepEqual(tunnelFactsOf(end, 90), {
    client: { firstAtMs: 1, firstType: 22, firstLength: 512 },
    origin: { firstAtMs: 40, firstType: 21, firstLength: 2 },
    clientBytes: 5,
    originBytes: 7,
    durationMs: 90,
    ended: 'closed',
    by: null,
    closedFirst: 'origin',
  });
  t.is(tunnelFactsOf({ ...end, by: 'a' }, 90).by, 'client');
});

test('what is no TLS has no type, and what never came no time', (t) => {
  const facts = tunnelFactsOf(
    { ...end, firstFromA: { afterMs: 3, tlsRecord: null }, firstFromB: null, endedFirst: null },
    9,
  );
  t.deepEqual(facts.client, { firstAtMs: 3, firstType: 0, firstLength: 0 });
  t.deepEqual(facts.origin, { firstAtMs: -1, firstType: 0, firstLength: 0 });
  t.is(facts.closedFirst, null);
});
