import test from 'ava';
import fc from 'fast-check';
import type { BookingKey } from '../../src/ledger/booking.ts';
import { LineBuffer, type LoggedLine, logHead, parseLog } from '../../src/ledger/log-lines.ts';

const keys: BookingKey[] = ['a', 'ö', 'c'].map((site) => {
  return { client: 'acme', tag: '', site, pool: null, country: '', kind: 'ok' };
});
const figures = { exchanges: 0, attempts: 0, requests: 0, sent: 0, received: 0, ms: 0 };
const bookings = keys.map((key) => ({ ...key, ...figures }));

const digits = fc.array(fc.constantFrom(...'0123456789abcdef'), { minLength: 32, maxLength: 32 });
const octets = fc.oneof(fc.nat(300), fc.nat(), fc.maxSafeNat());

/** Times go on from here. */
const since = 1_700_000_000_000;

const lines: fc.Arbitrary<{ booking: number; line: LoggedLine }> = fc.record({
  booking: fc.nat(2),
  line: fc.record({
    id: digits.map((some) => some.join('')),
    time: fc.nat(5_000_000).map((ms) => since + ms),
    ms: fc.oneof(fc.nat(500), fc.nat()),
    sent: octets,
    received: octets,
    attempts: fc.nat(6),
  }),
});

test('what is written is read, to the octet, however often the same memory serves', (t) => {
  const buffer = new LineBuffer(4_096);
  fc.assert(
    fc.property(fc.array(lines, { maxLength: 20 }), (written) => {
      const first = { ...figures, id: '0'.repeat(32), time: since };
      t.true(buffer.add(0, first));
      for (const { booking, line } of written) t.true(buffer.add(booking, line));
      const taken = buffer.take();
      t.is(taken.count, written.length + 1);
      const head = logHead({ bookings, lines: taken, linesLost: 0 });
      const read = parseLog({ head, content: taken.octets });
      t.deepEqual(
        read.slice(1),
        written.map(({ booking, line }) => ({ ...keys[booking], ...line })),
      );
    }),
  );
});

test('whatever fits is kept whole, and what does not is refused', (t) => {
  fc.assert(
    fc.property(fc.array(lines, { maxLength: 40 }), fc.nat(600), (offered, bytes) => {
      const buffer = new LineBuffer(bytes);
      const kept = offered.filter(({ booking, line }) => {
        const full = buffer.isFull;
        t.is(buffer.add(booking, line), !full);
        return !full;
      });
      const taken = buffer.take();
      t.is(taken.count, kept.length);
      const head = logHead({ bookings, lines: taken, linesLost: 0 });
      t.deepEqual(
        parseLog({ head, content: taken.octets }).map(({ id }) => id),
        kept.map(({ line }) => line.id),
      );
    }),
  );
});

test('a line says why it ended so, of the first few that do in each batch', (t) => {
  const buffer = new LineBuffer(64 * 1_024);
  const line = { ...figures, id: '0'.repeat(32), time: since };
  buffer.add(0, line);
  for (let i = 0; i < 300; i++) buffer.add(0, { ...line, why: `unknown parameter "a${i}"` });
  const whys = () => {
    const taken = structuredClone(buffer.take());
    const head = logHead({ bookings, lines: taken, linesLost: 0 });
    return parseLog({ head, content: taken.octets }).map(({ why }) => why);
  };
  const read = whys();
  t.deepEqual(read.slice(0, 2), [undefined, 'unknown parameter "a0"']);
  t.is(read.length, 301);
  t.is(read.filter((why) => why !== undefined).length, 256);
  buffer.add(0, { ...line, why: 'again' });
  t.deepEqual(whys(), ['again']);
});

test('a line from before the first, by a clock that was put back, has the time of the first; parts of a ms are rounded', (t) => {
  const buffer = new LineBuffer(4_096);
  const line: LoggedLine = {
    id: 'AbCdEf0123456789AbCdEf0123456789',
    time: since,
    ms: 1.5,
    sent: 0,
    received: 0,
    attempts: 1,
  };
  buffer.add(0, line);
  buffer.add(0, { ...line, time: since - 3_600_000 });
  const taken = buffer.take();
  const read = parseLog({ head: logHead({ bookings, lines: taken, linesLost: 0 }), content: taken.octets });
  t.deepEqual(
    read.map(({ id, time, ms }) => [id, time, ms]),
    Array.from({ length: 2 }, () => [line.id.toLowerCase(), since, 2]),
  );
});

test('lines are read as former versions wrote them', (t) => {
  const buffer = new LineBuffer(4_096);
  buffer.add(1, { ...figures, id: '0'.repeat(32), time: since });
  const { octets } = buffer.take();
  t.like(parseLog({ head: JSON.stringify({ since, keys }), content: octets }), [{ ...keys[1]!, time: since }]);
  const content = JSON.stringify({
    keys,
    lines: [
      [1, 'an-id', since, 12, 300, 20_000, 2],
      [9, 'lost', since, 1, 1, 1, 1],
    ],
  });
  t.deepEqual(parseLog({ head: '', content }), [
    { ...keys[1]!, id: 'an-id', time: since, ms: 12, sent: 300, received: 20_000, attempts: 2 },
  ]);
});
