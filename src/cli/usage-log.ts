import { badArgument } from '../admin/command-error.ts';
import { catalogue } from '../errors.ts';
import { BLOCKED, OVERTAKEN } from '../ledger/booking.ts';
import { parseLog } from '../ledger/log-lines.ts';
import { costOf } from '../ledger/money.ts';
import { formatCosts } from '../ledger/usage.ts';
import { unitsOf } from '../protocol/decimal.ts';
import { readLog } from '../store/ledger-report.ts';
import type { CommandSpec, Given, Outcome } from './command-spec.ts';
import { octetText } from './octet-text.ts';
import { formatTable, type Heading } from './table.ts';
import { bookingFilters, limitOf, MOST_ROWS, poolOf, siteOf } from './usage-options.ts';
import type { Workplace } from './workplace.ts';

/** How exchanges and attempts end. */
const kinds: readonly string[] = ['ok', BLOCKED, 'cut', 'client_left', OVERTAKEN, ...Object.keys(catalogue)];

/** The command that shows single exchanges. */
export const usageLog: CommandSpec = {
  path: 'usage log',
  summary: 'show the last exchanges, the newest first, with what each attempt has cost',
  options: [
    {
      flags: '--id <id>',
      describe: 'only the exchange with this id, as in Roundabout-Request-Id and in the access log',
    },
    ...bookingFilters,
    {
      flags: '--kind <kind>',
      describe: 'only what ended so; may be given several times',
      many: true,
      choices: kinds,
    },
    { flags: '--limit <number>', describe: 'so many lines, 50 unless told' },
  ],
  notes: [
    'So many exchanges are kept as `ledger.exchanges` says, 100000 unless told.',
    'Sessions and exits are not kept here: the access log tells them, under the same id.',
  ],
  run: log,
};

const notYet =
  'nothing that fits is booked under this id: the exchange may still run, or be older than what the ledger keeps';

/** Where there is no room for all, who, what and how much stay. */
const logHead: readonly Heading[] = [
  { title: 'TIME', rank: 4 },
  { title: 'CLIENT', rank: 1 },
  { title: 'TAG', rank: 9 },
  { title: 'SITE', rank: 0 },
  { title: 'POOL', rank: 5 },
  { title: 'COUNTRY', rank: 10 },
  { title: 'KIND', rank: 3 },
  { title: 'ATTEMPTS', rank: 8 },
  { title: 'SENT', rank: 7 },
  { title: 'RECEIVED', rank: 6 },
  { title: 'MS', rank: 11 },
  { title: 'COST', rank: 2 },
  { title: 'WHY', rank: 12 },
];

async function log(given: Given, workplace: Workplace): Promise<Outcome> {
  const limit = limitOf(given) ?? 50;
  const id = idOf(given);
  const [client, tag, site, pool] = [given.text('client'), given.text('tag'), siteOf(given), poolOf(given)];
  const ended = given.texts('kind');
  const filtered = [id, client, tag, site, pool, ended].some((filter) => filter !== undefined);
  const ledger = await workplace.ledger();
  const batches = ledger?.read((database) => readLog(database, filtered ? MOST_ROWS : limit)) ?? [];
  const met = batches.flatMap((batch) => parseLog(batch)).filter((line) => id === undefined || line.id === id);
  const lines = met
    .filter((line) => client === undefined || line.client === client)
    .filter((line) => tag === undefined || line.tag === tag)
    .filter((line) => site === undefined || line.site === site)
    .filter((line) => pool === undefined || line.pool?.name === pool)
    .filter((line) => ended === undefined || ended.includes(line.kind))
    // Of two workers that wrote at once each has lines between the other's.
    .sort((a, b) => b.time - a.time)
    .slice(0, limit);
  const json = lines.map(({ pool: used, sent, received, ms, time, attempts, ...line }) => ({
    time: new Date(time).toISOString(),
    ...line,
    pool: used?.name ?? '',
    tier: used?.tier ?? '',
    attempts,
    sentBytes: sent,
    receivedBytes: received,
    durationMs: ms,
    cost: lineCost(used?.price ?? null, sent, received),
  }));
  const rows = json.map((line) => [
    line.time,
    line.client,
    line.tag,
    line.site,
    line.pool,
    line.country,
    line.kind,
    line.attempts === 0 && line.pool !== '' ? 'attempt' : line.attempts,
    octetText(BigInt(line.sentBytes)),
    octetText(BigInt(line.receivedBytes)),
    line.durationMs,
    Object.entries(line.cost)
      .map(([currency, cost]) => `${cost} ${currency}`)
      .join(''),
    line.why ?? null,
  ]);
  const nothing = id !== undefined ? notYet : filtered ? 'nothing that fits was booked' : 'nothing was booked';
  // An exchange is booked when it ends, an attempt of it that failed before.
  const isRunning =
    id !== undefined && lines.length > 0 && met.every(({ attempts, pool: used }) => attempts === 0 && used !== null);
  return {
    json,
    lines: rows.length === 0 ? [nothing] : formatTable(logHead, rows, workplace.screen),
    remarks: isRunning ? ['these are attempts; the exchange itself has not ended, or is no longer kept'] : [],
  };
}

/** Ids are booked in lower case. */
function idOf(given: Given): string | undefined {
  const id = given.text('id')?.toLowerCase();
  if (id === undefined || /^[0-9a-f]{32}$/.test(id)) return id;
  const remedy = 'give all 32 hexadecimal digits, as in Roundabout-Request-Id and in the access log';
  throw badArgument('--id', `"${given.text('id')}" is no id of an exchange`, remedy);
}

function lineCost(
  price: { perGB: number; perRequest: number; currency: string } | null,
  sent: number,
  received: number,
): Record<string, string> {
  if (price === null) return {};
  const exact = {
    perGB: unitsOf(price.perGB, 12),
    perRequest: unitsOf(price.perRequest, 12),
    currency: price.currency,
  };
  return formatCosts(new Map([[price.currency, costOf(exact, BigInt(sent + received), sent > 0 ? 1n : 0n)]]));
}
