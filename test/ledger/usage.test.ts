import test from 'ava';
import fc from 'fast-check';
import { costOf, formatCost, parseCost, roundCost } from '../../src/ledger/money.ts';
import { formatCosts, purposes, reportUsage, type UsageSource } from '../../src/ledger/usage.ts';

const usd = { perGB: 4_200_000_000_000n, perRequest: 100_000_000n, currency: 'USD' };
const source: UsageSource = {
  keys: ['acme'],
  kind: 'ok',
  exchanges: 1n,
  attempts: 1n,
  requests: 1n,
  sent: 400n,
  received: 600n,
  ms: 5n,
  price: usd,
};

test('costs are exact: octets by the GB of 10^9, and requests', (t) => {
  t.is(formatCost(costOf(usd, 1_000_000_000n, 0n)), '4.20');
  t.is(formatCost(costOf(usd, 1n, 0n)), '0.0000000042');
  t.is(formatCost(costOf(usd, 0n, 3n)), '0.0003');
  t.is(roundCost(costOf(usd, 1_190_000_000n, 0n), 2), '5.00');
  t.is(parseCost('4.20'), costOf(usd, 1_000_000_000n, 0n));
  t.is(parseCost('-0.5'), -(5n * 10n ** 20n));
  t.is(parseCost('1.5e3'), 1_500n * 10n ** 21n);
  t.deepEqual(['', '1,5', '.5', '1e', 'x'].map(parseCost), [null, null, null, null, null]);
});

test('money goes by purpose, and currencies are never added', (t) => {
  const eur = { ...usd, currency: 'EUR' };
  const { rows, total } = reportUsage([
    source,
    { ...source, kind: 'exit_timeout' },
    { ...source, kind: 'overtaken' },
    { ...source, kind: 'blocked', price: eur },
    { ...source, kind: 'cut', keys: ['other'], price: null },
  ]);
  t.deepEqual(
    rows.map(({ keys, exchanges }) => [keys[0], exchanges]),
    [
      ['acme', 4n],
      ['other', 1n],
    ],
  );
  t.deepEqual(formatCosts(total.cost), { EUR: '0.0001042', USD: '0.0003126' });
  t.deepEqual(formatCosts(total.spent.failed.cost), { USD: '0.0002084' });
  t.deepEqual(formatCosts(total.spent.blocked.cost), { EUR: '0.0001042' });
  t.is(total.spent.cut.octets, 1_000n);
});

test('sums by key, by purpose and in all agree', (t) => {
  const sources = fc.array(
    fc.record({
      kind: fc.constantFrom('ok', 'cut', 'blocked', 'exit_refused', 'client_left', 'overtaken'),
      keys: fc.tuple(fc.constantFrom('a', 'b', 'c')),
      sent: fc.bigInt({ min: 0n, max: 10n ** 15n }),
      price: fc.constantFrom(null, usd, { ...usd, currency: 'EUR' }),
    }),
  );
  fc.assert(
    fc.property(sources, (some) => {
      const { rows, total } = reportUsage(some.map((one) => ({ ...source, ...one })));
      for (const currency of ['USD', 'EUR']) {
        const whole = total.cost.get(currency) ?? 0n;
        t.is(
          purposes.reduce((sum, purpose) => sum + (total.spent[purpose].cost.get(currency) ?? 0n), 0n),
          whole,
        );
        t.is(
          rows.reduce((sum, { cost }) => sum + (cost.get(currency) ?? 0n), 0n),
          whole,
        );
      }
      t.is(total.exchanges, BigInt(some.length));
    }),
  );
});
