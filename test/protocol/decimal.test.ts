import test from 'ava';
import fc from 'fast-check';
import { decimalsOf, formatUnits, unitsOf } from '../../src/protocol/decimal.ts';

test('a number as it is written becomes whole units, without a binary fraction', (t) => {
  t.is(unitsOf(4.2, 12), 4_200_000_000_000n);
  t.is(unitsOf(0.1, 12) * 3n, unitsOf(0.3, 12));
  t.is(unitsOf(123456.789, 12), 123_456_789_000_000_000n);
  t.is(unitsOf(1e-7, 12), 100_000n);
  t.is(unitsOf(1e21, 0), 10n ** 21n);
  t.is(unitsOf(0, 12), 0n);
  t.deepEqual([4.25, 3, 1e-7, 1.5e-7, 1e21].map(decimalsOf), [2, 0, 7, 8, 0]);
});

test('units are written as the decimal number that they are', (t) => {
  t.is(formatUnits(420n, 2), '4.2');
  t.is(formatUnits(420n, 2, 2), '4.20');
  t.is(formatUnits(-5n, 3), '-0.005');
  t.is(formatUnits(0n, 3), '0');
  t.is(formatUnits(7n, 0), '7');
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 30n }), fc.nat(20), (units, decimals) => {
      const [whole = '', fraction = ''] = formatUnits(units, decimals).split('.');
      t.is(BigInt(whole + fraction.padEnd(decimals, '0')), units);
    }),
  );
});
