import test from 'ava';
import fc from 'fast-check';
import type { LeaseKey } from '../../src/memory/lease.ts';
import { decodeLeases, encodeLeases, type SavedLease } from '../../src/memory/lease-codec.ts';

const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const ms = fc.nat(2 ** 31);
const lease: fc.Arbitrary<SavedLease> = fc.record({
  key: fc.tuple(word, word, word, word) as fc.Arbitrary<LeaseKey>,
  exit: fc.string({ unit: fc.constantFrom(...'abcdef234567'), minLength: 10, maxLength: 10 }),
  mint: word,
  ageMs: ms,
  heldMs: ms,
  restedMs: ms,
  endsInMs: fc.oneof(
    ms.map((n) => n + 1),
    fc.constant(Infinity),
  ),
  idleMs: fc.oneof(
    ms.map((n) => n + 1),
    fc.constant(Infinity),
  ),
  strict: fc.boolean(),
  confirmed: fc.boolean(),
  failed: fc.boolean(),
  moves: fc.nat(1_000),
  country: fc.constantFrom('', 'de', 'us'),
  asn: fc.nat(2 ** 32 - 1),
  client: fc.string({ maxLength: 8 }),
  session: fc.string({ unit: 'binary', maxLength: 16 }),
});
const end = fc.tuple(word, word, word, word).map((key) => ({ key: key as LeaseKey, exit: null }));
const changes = fc.array(fc.oneof(lease, end), { maxLength: 5 });

const at = (wallTime: number, systemMs = wallTime, boot = 'one') => ({ wallTime, systemMs, boot });
const read = (bytes: Uint8Array, now = at(0)) => decodeLeases(bytes, { boot: 'one', now });

test('what was written is read again', (t) => {
  fc.assert(
    fc.property(changes, (batch) => {
      t.deepEqual(read(encodeLeases(batch, at(1_000)), at(1_000)), batch);
    }),
  );
});

test('time that passed meanwhile counts', (t) => {
  const [one] = fc.sample(lease, 1) as [SavedLease];
  const saved = { ...one, ageMs: 5, heldMs: 4, restedMs: 3, endsInMs: 100, idleMs: 50 };
  const bytes = encodeLeases([saved], at(9_000, 1_000));
  const later = { ageMs: 65, heldMs: 64, restedMs: 63, endsInMs: 40, idleMs: 50 };
  for (const wallTime of [0, 9_060, 10 ** 12])
    t.like(read(bytes, at(wallTime, 1_060))?.[0], later, 'by the monotonic clock, whatever the other was set to');
  for (const now of [at(9_060, 70, 'two'), at(9_060, 70, ''), at(9_060, 70)])
    t.like(read(bytes, now)?.[0], later, 'by the wall clock, where that one began anew');
  t.like(read(bytes, at(500, 70, 'two'))?.[0], { ageMs: 5, restedMs: 3, endsInMs: 100 }, 'which was set back');
});

test('cut bytes are no batch, or one that is shorter, and never a fault', (t) => {
  fc.assert(
    fc.property(changes, fc.nat(), (batch, cut) => {
      const bytes = encodeLeases(batch, at(0));
      const changes = read(bytes.subarray(0, cut % (bytes.length + 1)));
      return changes === null || changes.length <= batch.length;
    }),
  );
  t.is(read(new Uint8Array([1, 2, 3])), null);
  t.is(read(new Uint8Array(17).fill(255)), null);
});
