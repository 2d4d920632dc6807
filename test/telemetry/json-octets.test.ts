import test from 'ava';
import fc from 'fast-check';
import { JsonOctets } from '../../src/telemetry/json-octets.ts';

const room = Buffer.from(new SharedArrayBuffer(8_192));

test('texts, numbers and durations are written as JSON.stringify would, however small the room, and nowhere else', (t) => {
  const piece = fc.oneof(
    fc.record({ kind: fc.constant('text'), value: fc.string({ unit: 'grapheme', maxLength: 300 }) }),
    fc.record({ kind: fc.constant('whole'), value: fc.oneof(fc.nat(), fc.maxSafeNat()) }),
    fc.record({ kind: fc.constant('ms'), value: fc.nat().map((us) => us / 1_000) }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), fc.nat(8_192), fc.nat(8_192), (pieces, one, other) => {
      const out = new JsonOctets();
      const [start, end] = [Math.min(one, other), Math.max(one, other)];
      for (let turn = 0; turn < 2; turn++) {
        room.fill(7);
        out.begin(room, start, end).ascii('[').text(null);
        for (const { kind, value } of pieces) {
          out.ascii(',');
          if (kind === 'text') out.text(String(value));
          else if (kind === 'ms') out.ms(Number(value)).ascii(',').text('');
          else out.whole(Number(value)).ascii(',').text('');
        }
        out.ascii(']');
        t.is(out.written.length, out.length);
        const written = out.written.toString();
        if (out.isInPlace) t.is(room.toString('utf8', start, start + out.length), written);
        const others = [...room.subarray(0, start), ...room.subarray(out.isInPlace ? start + out.length : end)];
        t.true(others.every((octet) => octet === 7));
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
  const out = new JsonOctets();
  const anew = () => out.begin(room, 0, room.length);
  const text = () => out.written.toString();
  for (const number of numbers) {
    anew().whole(number);
    t.is(text(), String(number));
  }
  anew().whole(null);
  t.is(text(), 'null');
  for (const [ms, written] of [
    [0, '0'],
    [0.0004, '0'],
    [0.001, '0.001'],
    [0.02, '0.020'],
    [1.5, '1.500'],
    [12.345678, '12.346'],
    [999.9996, '1000'],
  ] as const) {
    anew().ms(ms);
    t.is(text(), written);
  }
});
