import type { Database } from './database.ts';
import type { Names, PoolTerms } from './ledger-names.ts';

/** A pool's exits, as they are paid for whether or not they are used. */
export interface HeldExits {
  readonly pool: PoolTerms;
  /** How many it has. */
  readonly exits: number;
}

/** What was held of a pool on one day. Prices in millionths of a millionth. */
export interface HeldRow {
  /** The hour of the Unix epoch in which the day begins (UTC). */
  readonly at: number;
  readonly pool: string;
  readonly tier: string;
  /** The most exits that it had. */
  readonly exits: bigint;
  readonly perIpMonth: bigint;
  readonly currency: string;
}

/** Notes that pools have so many exits on a day: the most counts, at the price that was noted last. Noting the same again changes
 *  nothing. */
export function noteHeld(database: Database, names: Names, day: number, pools: readonly HeldExits[]): void {
  const put = database.prepare(
    `INSERT INTO day_held (at, name, pool, exits) VALUES (?, ?, ?, ?)
     ON CONFLICT (at, name) DO UPDATE SET pool = excluded.pool, exits = max(exits, excluded.exits)`,
  );
  for (const { pool, exits } of pools) put.run(day, pool.name, names.poolOf(database, pool), exits);
}

/** What was held on the days that begin in these hours, of one pool or of all. */
export function readHeld(
  database: Database,
  { pool, since, until }: { readonly pool?: string | undefined; readonly since: number; readonly until: number },
): HeldRow[] {
  const rows = database
    .prepare<unknown[], { at: bigint; name: string; tier: string; exits: bigint; price: bigint; currency: string }>(
      `SELECT h.at, h.name, p.tier, h.exits, p.per_ip_month AS price, p.currency FROM day_held h JOIN pool p ON p.id = h.pool
       WHERE h.at >= ? AND h.at < ? AND (? IS NULL OR h.name = ?) ORDER BY h.at, h.name`,
    )
    .safeIntegers()
    .all(since, until, pool ?? null, pool ?? null);
  return rows.map(({ at, name, tier, exits, price, currency }) => {
    return { at: Number(at), pool: name, tier, exits, perIpMonth: price, currency };
  });
}
