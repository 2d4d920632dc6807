import { HELD } from './booking.ts';
import type { UsageSource } from './usage.ts';

const HOUR_MS = 3_600_000;

/** Prices have 12 decimals, and costs 21. */
const FINER = 10n ** 9n;

/** Exits that were held for a day, as the ledger gives them; see HeldRow in store/ledger-standing.ts. */
export interface HeldDay {
  readonly at: number;
  readonly pool: string;
  readonly tier: string;
  readonly exits: bigint;
  readonly perIpMonth: bigint;
  readonly currency: string;
}

/** What exits cost that are held for one day: its share of their price for the calendar month (UTC), in units of 10^-21. */
export function costOfDay({ at, exits, perIpMonth }: HeldDay): bigint {
  const date = new Date(at * HOUR_MS);
  const days = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  return (exits * perIpMonth * FINER) / BigInt(days);
}

/** Days of exits as a report takes them, by its keys: they are no client's, tag's, site's or country's. */
export function heldSources(days: readonly HeldDay[], by: readonly string[]): UsageSource[] {
  return days.map((day) => {
    const { at, pool, tier, currency } = day;
    const keys: Readonly<Record<string, string>> = { pool, tier, kind: HELD, hour: String(at), day: String(at) };
    const nothing = { exchanges: 0n, attempts: 0n, requests: 0n, sent: 0n, received: 0n, ms: 0n, price: null } as const;
    const fixed = { currency, cost: costOfDay(day) };
    return { ...nothing, keys: by.map((key) => keys[key] ?? ''), kind: HELD, fixed };
  });
}
