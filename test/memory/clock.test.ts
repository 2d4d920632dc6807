import test from 'ava';
import fc from 'fast-check';
import { elapsedMs, remainingMs } from '../../src/memory/clock.ts';

const anyTime = fc.double({ min: 0, max: 2 ** 34, noNaN: true });

test('what passed between two moments is told across the wrap', (t) => {
  fc.assert(
    fc.property(anyTime, fc.integer({ min: 0, max: 2 ** 31 }), (start, passed) => {
      const word = start | 0;
      return elapsedMs(Math.floor(start) + passed, word) === passed;
    }),
  );
  t.pass();
});

test('a moment that another clock puts a little ahead is now', (t) => {
  t.is(elapsedMs(1_000, 1_005), 0);
  t.is(elapsedMs(2 ** 32 - 1, 3), 0);
});

test('what is left until a moment never exceeds what it can be', (t) => {
  const [most, now] = [60_000, fc.integer({ min: 0, max: 2 ** 32 })];
  t.is(remainingMs(100, 400, most), 300);
  t.is(remainingMs(2 ** 32 - 100, 200, most), 300);
  t.is(remainingMs(400, 100, most), 0);
  fc.assert(fc.property(now, fc.integer(), (at, word) => remainingMs(at, word, most) <= most));
});
