import test from 'ava';
import fc from 'fast-check';
import { fade, log2Of4And, nearExp } from '../../src/selection/fading.ts';

const holds = (t: { pass(): void }, from: number, to: number, is: (x: number) => boolean): void => {
  fc.assert(fc.property(fc.double({ min: from, max: to, noNaN: true }), is));
  t.pass();
};

test('forgetting is within 2 % up to 1.5, and ends', (t) => {
  holds(t, 0, 1.5, (x) => Math.abs(fade(x) / Math.exp(-x) - 1) < 0.02);
  t.true(fade(1e9) < 1e-30);
});

test('near powers of e are as near as they say, and grow', (t) => {
  holds(t, -2, 2, (x) => Math.abs(nearExp(x) / Math.exp(x) - 1) < 0.002);
  holds(t, -4, 4, (x) => Math.abs(nearExp(x) / Math.exp(x) - 1) < 0.02);
  holds(t, -20, 20, (x) => nearExp(x + 0.01) > nearExp(x));
});

test('doublings of four and more are as near as they say, and never fall', (t) => {
  holds(t, 0, 100, (x) => Math.abs(log2Of4And(x) - Math.log2(4 + x)) < 0.012);
  holds(t, 0, 100, (x) => log2Of4And(x + 0.07) > log2Of4And(x));
  t.true(Number.isFinite(log2Of4And(1e6)));
});
