import type { LedgerEntry } from '../../src/store/ledger-store.ts';

/** One exchange that served, as it is booked. */
export const servedEntry: LedgerEntry = {
  client: 'acme',
  tag: '',
  site: 'a.example',
  pool: null,
  kind: 'ok',
  country: 'de',
  hour: 0,
  exchanges: 1,
  attempts: 1,
  requests: 1,
  sent: 100,
  received: 1_000,
  ms: 12,
};
