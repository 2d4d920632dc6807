import test from 'ava';
import fc from 'fast-check';
import { JsonOctets } from '../../src/telemetry/json-octets.ts';

test('texts, numbers and durations are written as JSON.stringify would, however small the room', (t) => {
  const piece = fc.oneof(
    fc.record({ kind: fc.constant('text'), value: fc.string({ unit: 'grapheme', maxLength: 300 }) }),
    fc.record({ kind: fc.constant('whole'), value: fc.oneof(fc.nat(), fc.maxSafeNat()) }),
    fc.record({ kind: fc.constant('ms'), value: fc.nat().map((us) => us / 1_000) }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      const out = new JsonOctets(1_024);
      for (let turn = 0; turn < 2; turn++) {
        out.ascii('[').text(null);
        for (const { kind, value } of pieces) {
          out.ascii(',');
          if (kind === 'text') out.text(String(value));
          else if (kind === 'ms') out.ms(Number(value)).ascii(',').text('');
          else out.whole(Number(value)).ascii(',').text('');
        }
        out.ascii(']');
        const octets = out.length;
        const written = out.take();
        t.is(Buffer.byteLength(written), octets);
        const expected = pieces.flatMap(({ kind, value }) => (kind === 'text' ? [value] : [value, '']));
        t.deepEqual(JSON.parse(written), [null, ...expected]);
      }
    }),
  );
});

test('powers of ten and what is next to them', (t) => {
  const numbers = Array.from({ length: 16 }, (_, power) => 10 ** power).flatMap((power) => [
    power - 1,
    power,
    power + 1,
  ]);
  const out = new JsonOctets(1_024);
  for (const number of numbers) {
    out.text(null).take();
    t.is(out.whole(number).take(), String(number));
  }
  t.is(out.whole(null).take(), 'null');
  for (const [ms, written] of [
    [0, '0'],
    [0.0004, '0'],
    [0.001, '0.001'],
    [0.02, '0.020'],
    [1.5, '1.500'],
    [12.345678, '12.346'],
    [999.9996, '1000'],
  ] as const)
    t.is(out.ms(ms).take(), written);
});
