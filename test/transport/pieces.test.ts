import test from 'ava';
import fc from 'fast-check';
import { Pieces } from '../../src/transport/pieces.ts';

const step = fc.oneof(
  fc.record({
    do: fc.constantFrom('push', 'unshift'),
    text: fc.string({ minLength: 1, maxLength: 5, unit: 'binary-ascii' }),
  }),
  fc.record({ do: fc.constantFrom('shift', 'shiftPart', 'shiftAll'), text: fc.constant('') }),
);

test('what is taken is what came, in its order, however it is taken', (t) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const pieces = new Pieces();
      let waits = '';
      for (const { do: what, text } of steps) {
        if (what === 'push') {
          pieces.push(Buffer.from(text, 'latin1'));
          waits += text;
        } else if (what === 'unshift') {
          pieces.unshift(Buffer.from(text, 'latin1'));
          waits = text + waits;
        } else {
          const first = pieces.first?.length ?? 0;
          const part = what === 'shiftPart' && first > 1 ? pieces.shiftPart(first - 1) : undefined;
          const taken = part ?? (what === 'shiftAll' ? pieces.shiftAll() : pieces.shift());
          const text = taken?.toString('latin1') ?? '';
          t.is(text, waits.slice(0, text.length));
          waits = waits.slice(text.length);
          if (what === 'shiftAll') t.is(waits, '');
        }
        t.is(pieces.octets, waits.length);
        t.is(pieces.first === undefined, waits === '');
      }
    }),
  );
});

test('a thousand octets that came one by one are one piece', (t) => {
  const pieces = new Pieces();
  const whole = Buffer.from(Array.from({ length: 65_536 }, (_, at) => at & 255));
  for (let at = 0; at < whole.length; at++) pieces.push(whole.subarray(at, at + 1));
  const taken: Buffer[] = [];
  for (let piece = pieces.shift(); piece !== undefined; piece = pieces.shift()) taken.push(piece);
  t.true(taken.length < 70, `${taken.length} pieces`);
  t.true(Buffer.concat(taken).equals(whole));
  const rooms = new Set(taken.map(({ buffer }) => buffer));
  const kept = [...rooms].reduce((sum, { byteLength }) => sum + byteLength, 0);
  t.true(kept <= whole.length + Buffer.poolSize, `${kept} octets are kept for ${whole.length}`);
});
