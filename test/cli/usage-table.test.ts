import test from 'ava';
import { spendLines } from '../../src/cli/usage-table.ts';
import { reportUsage } from '../../src/ledger/usage.ts';

const figures = { exchanges: 1n, attempts: 1n, requests: 1n, ms: 1n };
const price = { perGB: 4n * 10n ** 12n, perRequest: 0n, currency: 'EUR' };
const served = { keys: ['a'], kind: 'ok', ...figures, sent: 10n ** 9n, received: 2n * 10n ** 9n };

test('what octets went into is told beside what money did', (t) => {
  const failed = { ...served, kind: 'exit_failed', sent: 10n ** 9n, received: 0n, price: null };
  t.deepEqual(spendLines(reportUsage([{ ...served, price }, failed]).total), [
    '12.00 EUR: 100.0 % for answers (12.00 EUR)',
    '4.00 GB: 75.0 % for answers (3.00 GB), 25.0 % for failed attempts and retries (1.00 GB)',
  ]);
  t.deepEqual(spendLines(reportUsage([{ ...served, price: null }]).total), ['3.00 GB: 100.0 % for answers (3.00 GB)']);
  const fixed = { currency: 'EUR', cost: 10n ** 21n };
  const held = { ...served, kind: 'held', sent: 0n, received: 0n, price: null, fixed };
  t.deepEqual(spendLines(reportUsage([held]).total), ['1.00 EUR: 100.0 % for exits held by the month (1.00 EUR)']);
});
