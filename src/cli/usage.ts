import { badArgument } from '../admin/command-error.ts';
import { heldSources } from '../ledger/held-exits.ts';
import { reportUsage, type UsageReport, type UsageRow, type UsageSource } from '../ledger/usage.ts';
import type { Database } from '../store/database.ts';
import { coveredHours, type LedgerKey, type LedgerQuery, readLedger } from '../store/ledger-report.ts';
import { readHeld } from '../store/ledger-standing.ts';
import type { CommandSpec, Given, OptionSpec, Outcome } from './command-spec.ts';
import { formatTable } from './table.ts';
import { type AskedRange, dayText, type HourRange, hourText, rangeOf } from './time-range.ts';
import { usageLog } from './usage-log.ts';
import { limitOf, MOST_ROWS, poolOf, siteOf, usageFilters } from './usage-options.ts';
import { spendLines, usageCells, usageCsv, usageHead, usageJson } from './usage-table.ts';
import type { Workplace } from './workplace.ts';

const keys = ['client', 'tag', 'site', 'pool', 'tier', 'kind', 'country', 'hour', 'day'] as const;

const csv: OptionSpec = { flags: '--csv', describe: 'answer as CSV on standard output' };

/** The commands about what was used and what it cost. */
export const usageCommands: readonly CommandSpec[] = [
  {
    path: 'usage show',
    isDefault: true,
    summary: 'tell what was used and what it cost, by client unless told',
    options: [
      ...usageFilters,
      { flags: '--by <key>', describe: 'one row for each; may be given several times', many: true, choices: keys },
      { flags: '--limit <number>', describe: 'so many rows at most' },
      csv,
    ],
    notes: [
      'Octets are those at the sockets of exits: handshakes, TLS records and failed attempts included.',
      'A GB is 10^9 octets. Days and hours are in UTC; hours are kept for `ledger.hours`, and what is older by the day.',
      'Where --since or --until lies within such a day all of it counts; a remark, and `since` and `until` of --json, say so.',
      'What exits cost by the month (`perIpMonth`) is booked to their pool, day by day: it is no client’s.',
      'WASTED is the share that went into failed attempts, retries and blocked pages.',
    ],
    run: (given, workplace) => usage(given, workplace, (report) => report.rows),
  },
  {
    path: 'usage top',
    summary: 'tell which sites cost most, or other keys',
    options: [
      ...usageFilters,
      { flags: '--by <key>', describe: 'what is ranked; site unless told', many: true, choices: keys },
      { flags: '--limit <number>', describe: 'so many rows, 20 unless told' },
      csv,
    ],
    run: (given, workplace) => usage(given, workplace, ranked, { by: ['site'], limit: 20 }),
  },
  usageLog,
];

async function usage(
  given: Given,
  workplace: Workplace,
  order: (report: UsageReport) => readonly UsageRow[],
  initial: { by: readonly LedgerKey[]; limit: number } = { by: ['client'], limit: MOST_ROWS },
): Promise<Outcome> {
  const range = rangeOf(given.text('since'), given.text('until'), workplace.now());
  const asked = queryOf(given, range, initial.by);
  const limit = limitOf(given) ?? initial.limit;
  const ledger = await workplace.ledger();
  const { query, sources } = ledger?.read((database) => answerOf(database, asked)) ?? { query: asked, sources: [] };
  const shown = sources.map((source) => ({ ...source, keys: shownKeys(query.by, source.keys) }));
  const report = reportUsage(shown);
  const all = order(report);
  const rows = all.slice(0, limit);
  const remarks = remarksOn({
    asked: range,
    covered: query,
    hidden: all.length - rows.length,
    empty: ledger === null,
    waiting: workplace.bookingsWaiting,
  });
  const { since, until, by } = query;
  const json = {
    since: new Date(since * 3_600_000).toISOString(),
    until: new Date(until * 3_600_000).toISOString(),
    by,
    rows: rows.map((row) => ({ ...Object.fromEntries(by.map((key, i) => [key, row.keys[i]])), ...usageJson(row) })),
    total: usageJson(report.total),
  };
  if (given.flag('csv')) return { json, plain: usageCsv(by, rows), remarks };
  if (all.length === 0) return { json, lines: ['nothing was booked'], remarks };
  const head = [...by.map((key) => ({ title: key.toUpperCase(), rank: 0 })), ...usageHead];
  const cells = rows.map((row) => [...row.keys, ...usageCells(row)]);
  const total = [...by.map((_, i) => (i === 0 ? 'total' : '')), ...usageCells(report.total)];
  const lines = formatTable(head, [...cells, ...(all.length > 1 ? [total] : [])], workplace.screen);
  return { json, lines: [...lines, '', ...spendLines(report.total)], remarks };
}

/** The query that could be answered, which covers whole days where hours are no longer kept; what was booked, and what exits cost
 *  by the month, which is nobody's. */
function answerOf(
  database: Database,
  asked: LedgerQuery,
): { readonly query: LedgerQuery; readonly sources: readonly UsageSource[] } {
  const query = { ...asked, ...coveredHours(database, asked) };
  const { client, tag, site, by } = query;
  const isSomebodys = [client, tag, site].some((filter) => filter !== undefined);
  const held = isSomebodys ? [] : heldSources(readHeld(database, query), by);
  return { query, sources: [...readLedger(database, query), ...held] };
}

/** The dearest first; where nothing has a price, or several currencies have one, those of most octets. */
function ranked({ rows, total }: UsageReport): readonly UsageRow[] {
  const [currency, another] = [...total.cost].filter(([, cost]) => cost > 0n).map(([name]) => name);
  const worth = ({ cost, sent, received }: UsageRow): bigint =>
    currency === undefined || another !== undefined ? sent + received : (cost.get(currency) ?? 0n);
  return [...rows].sort((a, b) => {
    const [first, second] = [worth(a), worth(b)];
    return first === second ? 0 : first < second ? 1 : -1;
  });
}

function queryOf(given: Given, { since, until }: HourRange, by: readonly LedgerKey[]): LedgerQuery {
  const site = siteOf(given);
  const asked = [...new Set(given.texts('by') ?? by)].flatMap((key) => keys.find((known) => known === key) ?? []);
  if (asked.includes('country') && (site !== undefined || asked.includes('site'))) {
    const remedy = 'leave the site out; "roundabout usage log" tells both of the last exchanges';
    throw badArgument('--by country', 'countries are not kept by site', remedy);
  }
  const [client, tag, pool] = [given.text('client'), given.text('tag'), poolOf(given)];
  return { client, tag, site, pool, by: asked, since, until };
}

function shownKeys(by: readonly LedgerKey[], values: readonly string[]): string[] {
  return values.map((value, index) => {
    if (by[index] === 'hour') return hourText(Number(value));
    return by[index] === 'day' ? dayText(Number(value)) : value;
  });
}

interface Remarkable {
  readonly asked: AskedRange;
  readonly covered: HourRange;
  readonly hidden: number;
  readonly empty: boolean;
  readonly waiting: number;
}

function remarksOn({ asked, covered, hidden, empty, waiting }: Remarkable): string[] {
  const remarks: string[] = [];
  const hours = `this covers ${hourText(covered.since)} to ${hourText(covered.until)} (UTC)`;
  if (covered.since < asked.since || covered.until > asked.until)
    remarks.push(`hours are no longer kept there, so days count as a whole: ${hours}`);
  else if (asked.isByMinute)
    remarks.push(`hours count as a whole: ${hours}; single exchanges are told by "roundabout usage log"`);
  if (empty) remarks.push('there is no ledger yet: the gateway makes one when it starts');
  if (waiting > 0)
    remarks.push(`${waiting} bookings wait: the gateway can't write its ledger now, see "roundabout health"`);
  if (hidden > 0) remarks.push(`${hidden} more rows are not shown: raise --limit`);
  return remarks;
}
