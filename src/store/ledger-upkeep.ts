import type { Database } from './database.ts';
import { addingTo } from './ledger-bucket.ts';
import { Names } from './ledger-names.ts';

const HOURS_OF_DAY = 24;

/** Rows that one step takes away at most where they can't be taken client by client. */
const STEP_ROWS = 2_000;

const sums = ['exchanges', 'attempts', 'requests', 'sent', 'received', 'ms'].map((name) => `sum(h.${name})`).join(', ');
const totals = ['client', 'tag', 'pool', 'kind', 'country'] as const;
const pairs = ['client', 'site', 'tag', 'pool', 'kind'] as const;

/** What a day keeps of its hours. */
export interface FoldLimits {
  /** Pairs of a client and its sites that are told apart: those of most octets. Asked for each client, `clients` being how many
   *  the day still had by the hour when this was asked first. */
  readonly shareOf: (day: number, clients: () => number) => number;
  /** In place of the sites beyond. */
  readonly other: string;
}

/** Sums the hours of one client and day to that day, of the oldest day that was over before the hour `before`. Small, so that
 *  bookings come in between. Returns whether there was anything to do. */
export function foldStep(database: Database, before: number, limits: FoldLimits): boolean {
  const oldest = database
    .prepare<unknown[], { at: number; client: number }>('SELECT at, client FROM hour_total ORDER BY at LIMIT 1')
    .get();
  if (oldest === undefined) return false;
  const day = oldest.at - (oldest.at % HOURS_OF_DAY);
  if (day + HOURS_OF_DAY > before) return false;
  const { client } = oldest;
  const hours = JSON.stringify(Array.from({ length: HOURS_OF_DAY }, (_, hour) => day + hour));
  const of = 'h.at IN (SELECT value FROM json_each(?)) AND h.client = ?';
  add(database, 'day_total', totals, {
    select: `SELECT ${day}, ${totals.map((key) => `h.${key}`).join(', ')}, ${sums} FROM hour_total h WHERE ${of}
      GROUP BY ${totals.map((key) => `h.${key}`).join(', ')}`,
    values: [hours, client],
  });
  const counting = 'SELECT count(DISTINCT client) FROM hour_total WHERE at >= ? AND at < ?';
  const share = limits.shareOf(day, () =>
    Number(
      database
        .prepare(counting)
        .pluck()
        .get(day, day + HOURS_OF_DAY),
    ),
  );
  const other = new Names().idOf(database, limits.other);
  add(database, 'day_pair', pairs, {
    select: `WITH top AS (
        SELECT h.tag, h.site FROM hour_pair h WHERE ${of} GROUP BY h.tag, h.site
        ORDER BY sum(h.sent + h.received) DESC LIMIT ?
      )
      SELECT ${day}, h.client, CASE WHEN top.site IS NULL THEN ? ELSE h.site END AS kept, h.tag, h.pool, h.kind, ${sums}
      FROM hour_pair h LEFT JOIN top ON top.tag = h.tag AND top.site = h.site WHERE ${of}
      GROUP BY h.client, kept, h.tag, h.pool, h.kind`,
    values: [hours, client, share, other, hours, client],
  });
  for (const table of ['hour_total', 'hour_pair']) {
    const sql = `DELETE FROM ${table} WHERE at IN (SELECT value FROM json_each(?)) AND client = ?`;
    database.prepare(sql).run(hours, client);
  }
  return true;
}

/** The oldest day that was over before the hour `before` and is kept by days; null where there is none. */
export function oldestDay(database: Database, before: number): number | null {
  const found = ['day_total', 'day_site', 'day_held'].flatMap((table) => {
    const at = database.prepare(`SELECT min(at) FROM ${table}`).pluck().get();
    return typeof at === 'number' ? [at] : [];
  });
  const oldest = Math.min(...found);
  return oldest + HOURS_OF_DAY <= before ? oldest : null;
}

/** Takes away some of what stands of a day. Returns whether there was anything. */
export function dropStep(database: Database, day: number): boolean {
  for (const [table, key] of [
    ['day_pair', 'client'],
    ['day_total', 'client'],
    ['day_site', 'site'],
    ['day_held', 'name'],
  ] as const) {
    const some = `SELECT ${key} FROM ${table} WHERE at = ? LIMIT ${key === 'site' ? STEP_ROWS : 1}`;
    const { changes } = database.prepare(`DELETE FROM ${table} WHERE at = ? AND ${key} IN (${some})`).run(day, day);
    if (changes > 0) return true;
  }
  return false;
}

/** Gives room that is no longer used back to the disk, a little at a time. */
export function shrinkStep(database: Database): void {
  database.pragma('incremental_vacuum(200)');
}

function add(
  database: Database,
  table: string,
  keys: readonly string[],
  { select, values }: { readonly select: string; readonly values: readonly (string | number)[] },
): void {
  const insert = addingTo(table, ['at', ...keys], select);
  database.prepare(insert).run(...values);
}
