import test from 'ava';
import { costOfDay, heldSources } from '../../src/ledger/held-exits.ts';
import { formatCost } from '../../src/ledger/money.ts';
import { reportUsage } from '../../src/ledger/usage.ts';

const hourOf = (day: string) => Date.parse(day) / 3_600_000;
const held = (day: string, exits = 100n) => ({
  at: hourOf(day),
  pool: 'isp',
  tier: 'isp',
  exits,
  perIpMonth: 1_500_000_000_000n,
  currency: 'USD',
});

test('exits cost a share of their price for each day of the month, and all of it for all days', (t) => {
  t.is(formatCost(costOfDay(held('2026-11-27'))), '5.00');
  t.is(formatCost(costOfDay(held('2028-02-29', 29n))), '1.50');
  const month = Array.from({ length: 31 }, (_, day) => costOfDay(held(`2026-12-${String(day + 1).padStart(2, '0')}`)));
  const sum = month.reduce((all, cost) => all + cost, 0n);
  t.true(150n * 10n ** 21n - sum < 31n, 'but for what a division leaves');
});

test('in a report they are their pool’s, and nobody else’s', (t) => {
  const sources = heldSources([held('2026-11-26'), held('2026-11-27')], ['client', 'pool']);
  const { rows, total } = reportUsage(sources);
  t.deepEqual(
    rows.map(({ keys }) => keys),
    [['', 'isp']],
  );
  t.is(total.cost.get('USD'), 10n * 10n ** 21n);
  t.is(total.spent.held.cost.get('USD'), 10n * 10n ** 21n);
  t.is(total.spent.failed.cost.size, 0);
});
