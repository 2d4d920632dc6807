import test from 'ava';
import fc from 'fast-check';
import { formatSize, formatSpan, LONGEST_TIMER_MS, parseDuration, parseSize } from '../../src/protocol/units.ts';

const value = (reading: { ok: boolean; value?: number }) => (reading.ok ? reading.value : null);

for (const [text, ms] of [
  ['250ms', 250],
  ['0s', 0],
  ['30s', 30_000],
  ['10m', 600_000],
  ['24h', 86_400_000],
  ['2147483647ms', LONGEST_TIMER_MS],
] as const) {
  test(`duration ${text}`, (t) => t.is(value(parseDuration(text)), ms));
}

for (const text of ['', '30', 's', '-1s', '+1s', '1.5s', '1 s', ' 1s', '1S', '1M', '1d', '1e3s', '1s2', '600h', '١s']) {
  test(`no duration: "${text}"`, (t) => t.is(value(parseDuration(text)), null));
}

for (const [text, octets] of [
  ['0B', 0],
  ['64KiB', 65_536],
  ['2GB', 2_000_000_000],
  ['1kB', 1000],
  ['1KB', 1000],
  ['1MiB', 1_048_576],
  ['8191TiB', 8191 * 1024 ** 4],
] as const) {
  test(`size ${text}`, (t) => t.is(value(parseSize(text)), octets));
}

for (const text of ['', '64', '64kib', '1.5GB', '-1B', '64 KiB', '9007199254740992B', '8193TiB', '1EB']) {
  test(`no size: "${text}"`, (t) => t.is(value(parseSize(text)), null));
}

test('a fault says what was expected, which units there are, and the bound', (t) => {
  const message = (reading: { ok: boolean; message?: string }) => reading.message;
  t.is(message(parseDuration('30')), 'expected a duration such as 250ms, 30s, 10m or 24h');
  t.regex(message(parseDuration('30d')) ?? '', /\(units: ms, s, m, h\)$/);
  t.regex(message(parseDuration('600h')) ?? '', /, at most 596h$/);
});

test('every size that is shown reads back exactly', (t) => {
  fc.assert(fc.property(fc.maxSafeNat(), (octets) => value(parseSize(formatSize(octets))) === octets));
  t.is(formatSize(65_536), '64KiB');
  t.is(formatSize(0), '0B');
});

for (const [ms, text] of [
  [0, '0 ms'],
  [849.6, '850 ms'],
  [999.4, '999 ms'],
  [999.6, '1 s'],
  [12_300, '12 s'],
  [119_400, '119 s'],
  [119_600, '2 min'],
  [120_000, '2 min'],
  [7_169_000, '119 min'],
  [7_171_000, '2.0 h'],
  [18_360_000, '5.1 h'],
  [172_600_000, '47.9 h'],
  [172_700_000, '2 d'],
  [259_200_000, '3 d'],
] as const) {
  test(`a span of ${ms} ms`, (t) => t.is(formatSpan(ms), text));
}
