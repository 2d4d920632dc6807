import type { Database } from './database.ts';

/** What buckets can be told apart by; `tier` goes by the pool. */
export type LedgerKey = 'client' | 'tag' | 'site' | 'pool' | 'tier' | 'kind' | 'country' | 'hour' | 'day';

export interface LedgerQuery {
  readonly client?: string | undefined;
  readonly tag?: string | undefined;
  readonly site?: string | undefined;
  readonly pool?: string | undefined;
  /** Hours of the Unix epoch, from the first to before the second. A day that is kept as one counts by the hour in which it
   *  begins; see coveredHours(). */
  readonly since: number;
  readonly until: number;
  readonly by: readonly LedgerKey[];
}

/** Figures of one kind over one pool at one price. Prices in millionths of a millionth. */
export interface LedgerRow {
  /** The values of the query's `by`, in its order; hours and days as hours of the epoch. */
  readonly keys: readonly string[];
  readonly kind: string;
  readonly exchanges: bigint;
  readonly attempts: bigint;
  readonly requests: bigint;
  readonly sent: bigint;
  readonly received: bigint;
  readonly ms: bigint;
  /** Null where no pool was used, or it has no price. */
  readonly price: { readonly perGB: bigint; readonly perRequest: bigint; readonly currency: string } | null;
}

const columns: Readonly<Record<LedgerKey, string>> = {
  client: '(SELECT text FROM name WHERE id = b.client)',
  tag: '(SELECT text FROM name WHERE id = b.tag)',
  site: '(SELECT text FROM name WHERE id = b.site)',
  country: '(SELECT text FROM name WHERE id = b.country)',
  kind: '(SELECT text FROM name WHERE id = b.kind)',
  pool: "coalesce(p.name, '')",
  tier: "coalesce(p.tier, '')",
  hour: 'b.hour',
  day: 'b.day',
};

/** What buckets are grouped by inside; `tier` by the pool, which is always told apart. */
const inner: Readonly<Record<LedgerKey, readonly string[]>> = {
  client: ['client'],
  tag: ['tag'],
  site: ['site'],
  country: ['country'],
  kind: [],
  pool: [],
  tier: [],
  hour: ['at AS hour'],
  day: ['at - at % 24 AS day'],
};

const sums = ['exchanges', 'attempts', 'requests', 'sent', 'received', 'ms'] as const;

const HOURS_OF_DAY = 24;

/** The hours that figures can be had of where those of a range are asked for: a day whose hours have been summed is there as a
 *  whole or not at all, so where the range begins or ends within one it is widened to all of it. */
export function coveredHours(
  database: Database,
  { since, until }: Pick<LedgerQuery, 'since' | 'until'>,
): Pick<LedgerQuery, 'since' | 'until'> {
  // Days are summed client by client: one that is done so far is enough, for then hours alone don't tell the day.
  const folded = database.prepare('SELECT 1 FROM day_total WHERE at = ? LIMIT 1').pluck();
  const dayOf = (hour: number) => hour - (hour % HOURS_OF_DAY);
  const [first, last] = [dayOf(since), dayOf(until - 1)];
  return {
    since: folded.get(first) === undefined ? since : first,
    until: folded.get(last) === undefined ? until : last + HOURS_OF_DAY,
  };
}

/** Sums of the buckets that the query names, one row for each combination of its keys, kind and pool. */
export function readLedger(database: Database, query: LedgerQuery): LedgerRow[] {
  const keys = query.by.flatMap((key) => inner[key]);
  const filters = filtersOf(database, query);
  if (filters === null) return [];
  const names = keys.map((key) => key.split(' ').at(-1));
  const parts = tablesOf(query).map((table) => {
    const where = [`at IN (SELECT value FROM json_each(?))`, ...filters.map(({ sql }) => sql)].join(' AND ');
    const values = [slotsOf(database, table, query), ...filters.map(({ value }) => value)];
    const grouped = [...keys, 'pool', 'kind'].join(', ');
    const summed = sums.map((column) => `sum(${column}) AS ${column}`).join(', ');
    const sql = `SELECT ${grouped}, ${summed} FROM ${table} WHERE ${where} GROUP BY ${[...names, 'pool', 'kind'].join(', ')}`;
    return { sql, values };
  });
  const told = query.by.map((key, index) => `${columns[key]} AS key${index}`);
  const outer = [...names, 'pool', 'kind'].map((name) => `b.${name}`);
  const rows = database
    .prepare<unknown[], Record<string, unknown>>(
      `SELECT ${[...told, `${columns.kind} AS ended`].join(', ')}, p.per_gb, p.per_request, p.currency,
        ${sums.map((column) => `sum(b.${column}) AS ${column}`).join(', ')}
      FROM (${parts.map(({ sql }) => sql).join(' UNION ALL ')}) b LEFT JOIN pool p ON p.id = b.pool
      GROUP BY ${outer.join(', ')}`,
    )
    .safeIntegers()
    .all(...parts.flatMap(({ values }) => values));
  return rows.map((row) => rowOf(row, query.by.length));
}

/** Which buckets have what the query asks for: pairs where sites matter, unless whole days of all clients are asked for. */
function tablesOf({ client, tag, site, since, until, by }: LedgerQuery): readonly string[] {
  const bySite = site !== undefined || by.includes('site');
  if (!bySite) return ['hour_total', 'day_total'];
  const wholeDays = since % HOURS_OF_DAY === 0 && until % HOURS_OF_DAY === 0 && !by.includes('hour');
  const everybody = client === undefined && tag === undefined && !by.includes('client') && !by.includes('tag');
  return wholeDays && everybody ? ['day_site'] : ['hour_pair', 'day_pair'];
}

interface Filter {
  readonly sql: string;
  readonly value: number | string;
}

/** Null where a name is nowhere in the ledger. */
function filtersOf(database: Database, { client, tag, site, pool }: LedgerQuery): readonly Filter[] | null {
  const filters: Filter[] = [];
  for (const [column, text] of Object.entries({ client, tag, site })) {
    if (text === undefined) continue;
    const id = database.prepare('SELECT id FROM name WHERE text = ?').pluck().get(text);
    if (id === undefined) return null;
    filters.push({ sql: `${column} = ?`, value: Number(id) });
  }
  if (pool !== undefined) filters.push({ sql: 'pool IN (SELECT id FROM pool WHERE name = ?)', value: pool });
  return filters;
}

/** The buckets of the table in the query's time, as JSON: named one by one, so that what stands behind them in the key is found
 *  without a look at all. */
function slotsOf(database: Database, table: string, { since, until }: LedgerQuery): string {
  const next = database.prepare(`SELECT min(at) FROM ${table} WHERE at >= ?`).pluck();
  const slots: number[] = [];
  for (let at = since; ; at++) {
    const found = next.get(at);
    if (typeof found !== 'number' || found >= until) return JSON.stringify(slots);
    slots.push(found);
    at = found;
  }
}

function rowOf(row: Record<string, unknown>, keys: number): LedgerRow {
  const [perGB, perRequest, currency] = [row.per_gb, row.per_request, row.currency];
  const priced = typeof perGB === 'bigint' && typeof perRequest === 'bigint' && typeof currency === 'string';
  const whole = (name: string) => (typeof row[name] === 'bigint' ? row[name] : 0n);
  return {
    keys: Array.from({ length: keys }, (_, index) => String(row[`key${index}`])),
    kind: String(row.ended),
    exchanges: whole('exchanges'),
    attempts: whole('attempts'),
    requests: whole('requests'),
    sent: whole('sent'),
    received: whole('received'),
    ms: whole('ms'),
    price: priced && currency !== '' ? { perGB, perRequest, currency } : null,
  };
}

/** What the log holds of one batch; see ledger/log-lines.ts. */
export interface StoredLines {
  readonly lines: number;
  readonly head: string;
  readonly content: Uint8Array | string;
}

/** The log's rows, the newest first, until `lines` lines are among them. */
export function readLog(database: Database, lines: number): StoredLines[] {
  const statement = database.prepare<[], StoredLines>('SELECT lines, head, content FROM log ORDER BY id DESC');
  const rows: StoredLines[] = [];
  let count = 0;
  for (const row of statement.iterate()) {
    rows.push(row);
    count += row.lines;
    if (count >= lines) break;
  }
  return rows;
}
