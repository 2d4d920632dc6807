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

test('what was written is read again', (t) => {
  fc.assert(
    fc.property(changes, (batch) => {
      t.deepEqual(decodeLeases(encodeLeases(batch, 1_000), 1_000), batch);
    }),
  );
});

test('time that passed meanwhile counts, and a clock that was set back does not', (t) => {
  const [one] = fc.sample(lease, 1) as [SavedLease];
  const bytes = encodeLeases([{ ...one, ageMs: 5, heldMs: 4, restedMs: 3, endsInMs: 100, idleMs: 50 }], 1_000);
  t.like(decodeLeases(bytes, 1_060)?.[0], { ageMs: 65, heldMs: 64, restedMs: 63, endsInMs: 40, idleMs: 50 });
  t.like(decodeLeases(bytes, 500)?.[0], { ageMs: 5, restedMs: 3, endsInMs: 100 });
});

test('cut bytes are no batch, or one that is shorter, and never a fault', (t) => {
  fc.assert(
    fc.property(changes, fc.nat(), (batch, cut) => {
      const bytes = encodeLeases(batch, 0);
      const read = decodeLeases(bytes.subarray(0, cut % (bytes.length + 1)), 0);
      return read === null || read.length <= batch.length;
    }),
  );
  t.is(decodeLeases(new Uint8Array([1, 2, 3]), 0), null);
  t.is(decodeLeases(new Uint8Array(9).fill(255), 0), null);
});
