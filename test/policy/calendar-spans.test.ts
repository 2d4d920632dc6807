import test from 'ava';
import fc from 'fast-check';
import { CalendarSpans } from '../../src/policy/calendar-spans.ts';
import type { periods } from '../../src/protocol/quota-rule.ts';

const HOUR = 3_600_000;
const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'America/Santiago',
  'Africa/Cairo',
  'Pacific/Apia',
  'America/Havana',
];

const iso = ({ start, end }: { start: number; end: number }) =>
  [start, end].map((ms) => new Date(ms).toISOString().slice(0, 16));

const spanOf = (period: (typeof periods)[number], zone: string, at: string) =>
  iso(new CalendarSpans().at(period, zone, Date.parse(at)));

test('parts of the calendar begin and end by the clocks of their zone', (t) => {
  t.deepEqual(spanOf('hour', 'Asia/Kolkata', '2026-11-27T10:29:59.999Z'), ['2026-11-27T09:30', '2026-11-27T10:30']);
  t.deepEqual(spanOf('day', 'Europe/Berlin', '2026-11-27T22:59Z'), ['2026-11-26T23:00', '2026-11-27T23:00']);
  t.deepEqual(
    spanOf('week', 'UTC', '2026-11-29T23:59:59Z'),
    ['2026-11-23T00:00', '2026-11-30T00:00'],
    'from Monday on',
  );
  t.deepEqual(spanOf('month', 'America/New_York', '2026-12-01T04:59Z'), ['2026-11-01T04:00', '2026-12-01T05:00']);
  t.deepEqual(spanOf('month', 'UTC', '2028-02-10T00:00Z'), ['2028-02-01T00:00', '2028-03-01T00:00']);
  t.deepEqual(new CalendarSpans().at('total', 'UTC', 5), { start: 0, end: Number.POSITIVE_INFINITY });
});

test('where clocks are changed days are shorter or longer, and begin when theirs begins', (t) => {
  t.deepEqual(spanOf('day', 'Europe/Berlin', '2027-03-28T12:00Z'), ['2027-03-27T23:00', '2027-03-28T22:00']);
  t.deepEqual(spanOf('day', 'Europe/Berlin', '2026-10-25T12:00Z'), ['2026-10-24T22:00', '2026-10-25T23:00']);
  // Both hours from two to three are hours by themselves.
  t.deepEqual(spanOf('hour', 'Europe/Berlin', '2026-10-25T00:30Z'), ['2026-10-25T00:00', '2026-10-25T01:00']);
  t.deepEqual(spanOf('hour', 'Europe/Berlin', '2026-10-25T01:30Z'), ['2026-10-25T01:00', '2026-10-25T02:00']);
  // In Santiago and Cairo midnight itself is left out.
  t.deepEqual(spanOf('day', 'America/Santiago', '2026-09-06T12:00Z'), ['2026-09-06T04:00', '2026-09-07T03:00']);
  t.deepEqual(spanOf('day', 'Africa/Cairo', '2026-04-24T12:00Z'), ['2026-04-23T22:00', '2026-04-24T21:00']);
});

test('every moment lies in its span, and where one ends the next begins', (t) => {
  const spans = new CalendarSpans();
  const moment = fc.integer({ min: Date.parse('2015-01-01'), max: Date.parse('2040-01-01') });
  fc.assert(
    fc.property(moment, fc.constantFrom(...zones), fc.constantFrom('day', 'week', 'month'), (at, zone, period) => {
      const { start, end } = spans.at(period, zone, at);
      t.true(start <= at && at < end);
      t.deepEqual(new CalendarSpans().at(period, zone, end - 1), { start, end });
      t.is(new CalendarSpans().at(period, zone, end).start, end);
      t.true(end - start >= 23 * HOUR);
    }),
    { numRuns: 300 },
  );
  fc.assert(
    fc.property(moment, fc.constantFrom(...zones), (at, zone) => {
      const { start, end } = spans.at('hour', zone, at);
      t.true(start <= at && at < end && end - start === HOUR);
    }),
    { numRuns: 300 },
  );
});

test('a zone that is none is told', (t) => {
  t.throws(() => new CalendarSpans().at('day', 'Mars/Olympus', 0), { instanceOf: RangeError });
});
