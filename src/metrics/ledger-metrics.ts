import type { LedgerHealth } from '../keeping/ledger-writer.ts';
import type { QuotaHealth } from '../keeping/quota-keeper.ts';
import type { Family } from '../telemetry/exposition.ts';
import { counter, gauge } from './metric-families.ts';

/** How the ledger is, as families of metrics; none where none is kept. */
export function ledgerFamilies(health: LedgerHealth | null): readonly Family[] {
  if (health === null) return [];
  const { fault, waiting, failedWrites, linesLost } = health;
  return [
    gauge('roundabout_ledger_writable', 'Whether bookings can be written now: 0 is an alarm.', fault === null ? 1 : 0),
    gauge('roundabout_ledger_waiting', 'Bookings that wait to be written.', waiting),
    counter(
      'roundabout_ledger_failed_writes_total',
      'Writes of the ledger that failed; they are tried again.',
      failedWrites,
    ),
    counter('roundabout_ledger_lost_lines_total', 'Lines that the log of exchanges did not get.', linesLost),
  ];
}

/** How it is to keep what clients use of their quotas. */
export function quotaFamilies({ fault, failedWrites }: QuotaHealth): readonly Family[] {
  return [
    gauge(
      'roundabout_quotas_writable',
      'Whether what clients use of their quotas can be kept now: 0 is an alarm.',
      fault === null ? 1 : 0,
    ),
    counter('roundabout_quotas_failed_writes_total', 'Writes of it that failed; they are tried again.', failedWrites),
  ];
}
