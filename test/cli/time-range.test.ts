import test from 'ava';
import { CommandError } from '../../src/admin/command-error.ts';
import { rangeOf } from '../../src/cli/time-range.ts';

const now = Date.parse('2026-11-01T05:30Z');

const range = (since?: string, until?: string, at = now) => {
  const hours = rangeOf(since, until, at);
  return [hours.since, hours.until].map((hour) => new Date(hour * 3_600_000).toISOString().slice(0, 13));
};

test('a range ends now and begins with its month, unless told', (t) => {
  t.deepEqual(range(), ['2026-11-01T00', '2026-11-01T06']);
  t.deepEqual(range('2h'), ['2026-11-01T03', '2026-11-01T06']);
  t.deepEqual(range('2026-10-30T12:30Z', '2026-10-31T00:10+01:00'), ['2026-10-30T12', '2026-10-31T00']);
});

test('minutes are understood, and hours still count as a whole', (t) => {
  t.deepEqual(range('10m'), ['2026-11-01T05', '2026-11-01T06']);
  t.deepEqual(range('31m'), ['2026-11-01T04', '2026-11-01T06']);
  t.deepEqual(range('90m', '40m'), ['2026-11-01T04', '2026-11-01T05']);
  const isByMinute = (since?: string, until?: string) => rangeOf(since, until, now).isByMinute;
  for (const since of ['10m', '2026-11-01T02:15']) t.true(isByMinute(since), since);
  t.true(isByMinute('2026-10-01', '10m'));
  for (const since of [undefined, '2h', '1d', '2026-11-01', '2026-11-01T02:00']) t.false(isByMinute(since), since);
});

test('what ends in a former month begins with that one', (t) => {
  t.deepEqual(range(undefined, '1d'), ['2026-10-01T00', '2026-10-31T06']);
  t.deepEqual(range(undefined, '2026-11-01'), ['2026-10-01T00', '2026-11-01T00']);
  t.deepEqual(range(undefined, '2027-02-01'), ['2026-11-01T00', '2027-02-01T00']);
});

test('what is no moment, or ends before it begins, is refused', (t) => {
  for (const since of ['yesterday', '7', '30s', '2026-13-01', '2026-02-30', '2026-02-30T01:00Z', '2026-11-01T25:00'])
    t.throws(() => range(since), { instanceOf: CommandError, message: `--since: "${since}" is no moment` });
  for (const [since, until] of [
    ['1h', '2h'],
    ['10m', '20m'],
  ])
    t.throws(() => range(since, until), { instanceOf: CommandError, message: '--until: is not after --since' });
});
