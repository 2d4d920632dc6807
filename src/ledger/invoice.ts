import { isCalendarDate } from '../protocol/calendar-date.ts';
import { type Cells, readTable } from './bill-table.ts';
import { parseCost } from './money.ts';

/** Decimals of a GB that are exact: octets. */
const OCTET_DECIMALS = 9;

/** One line of a vendor's bill. What the bill doesn't say is null. */
export interface BillLine {
  /** `2026-11-01`, or a whole month: `2026-11`. */
  readonly day: string;
  readonly octets: bigint | null;
  readonly requests: bigint | null;
  /** In units of 10^-21 of its currency. */
  readonly amount: bigint | null;
}

/** Which columns of a bill hold what; names are compared without case. */
export interface BillColumns {
  readonly day: string;
  readonly gb: string | null;
  readonly requests: string | null;
  readonly amount: string | null;
  /** Octets of what the bill calls a GB: 10^9, or 2^30 (GiB). */
  readonly unit: bigint;
}

/** A bill, with a line for each day, and the names of columns that say nothing, or nothing known; or the first thing that is wrong
 *  with it. */
export type BillReading =
  | { readonly ok: true; readonly lines: readonly BillLine[]; readonly unused: readonly string[] }
  | { readonly ok: false; readonly fault: string };

/** Names that columns have where nobody says which, as plainName() has them. */
const usual = {
  day: ['day', 'date', 'period', 'usage_date'],
  gb: ['gb', 'gigabytes', 'traffic', 'traffic_gb', 'usage_gb', 'bandwidth', 'bandwidth_gb'],
  requests: ['requests', 'request_count', 'hits'],
  amount: ['amount', 'cost', 'total', 'price', 'charge'],
} as const;

/** Reads a bill: a CSV with a head, or JSON; see readTable(). Days that stand several times are summed. Throws nothing. */
export function readBill(text: string, chosen: Partial<BillColumns>): BillReading {
  const table = readTable(text, (names) => typeof columnsOf(names, chosen) !== 'string');
  if (typeof table === 'string') return { ok: false, fault: table };
  const { names, repeated, records } = table;
  const columns = columnsOf(names, chosen);
  if (typeof columns === 'string') return { ok: false, fault: columns };
  for (const name of [columns.day, columns.gb, columns.requests, columns.amount]) {
    const place = repeated.get(name ?? '');
    if (name !== null && place !== undefined)
      return { ok: false, fault: `${place}: several columns are called "${name}"` };
  }
  const days = new Map<string, BillLine>();
  for (const { place, cells } of records) {
    const line = lineOf(cells, columns);
    if (typeof line === 'string') return { ok: false, fault: `${place}: ${line}` };
    const known = days.get(line.day);
    days.set(line.day, known === undefined ? line : sumOfLines(known, line));
  }
  const lines = [...days.values()].sort((a, b) => (a.day < b.day ? -1 : 1));
  const told = [
    lines.some(({ octets }) => octets !== null) ? columns.gb : null,
    lines.some(({ requests }) => requests !== null) ? columns.requests : null,
    lines.some(({ amount }) => amount !== null) ? columns.amount : null,
  ];
  if (told.every((name) => name === null)) return { ok: false, fault: 'no line tells traffic, requests or an amount' };
  return { ok: true, lines, unused: names.filter((name) => name !== columns.day && !told.includes(name)) };
}

function columnsOf(names: readonly string[], chosen: Partial<BillColumns>): BillColumns | string {
  const told = `its columns are ${names.join(', ')}`;
  const find = (what: keyof typeof usual): string | null => {
    const wanted = chosen[what]?.toLowerCase();
    if (wanted !== undefined) return names.find((name) => name === wanted) ?? null;
    for (const known of usual[what]) {
      const name = names.find((one) => plainName(one) === known);
      if (name !== undefined) return name;
    }
    return null;
  };
  for (const what of ['day', 'gb', 'requests', 'amount'] as const) {
    if (typeof chosen[what] === 'string' && find(what) === null) return `it has no column "${chosen[what]}": ${told}`;
  }
  const [day, gb, requests, amount] = [find('day'), find('gb'), find('requests'), find('amount')];
  if (day === null) return `no column is known to hold the day: ${told}`;
  if (gb === null && requests === null && amount === null)
    return `no column is known to hold traffic, requests or an amount: ${told}`;
  return { day, gb, requests, amount, unit: chosen.unit ?? 10n ** 9n };
}

/** `Traffic (GB)` is `traffic_gb`, and `Amount, USD` is `amount`. */
function plainName(name: string): string {
  const words = name.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return words.join('_').replace(/_(?:usd|eur|gbp)$/, '');
}

function lineOf(cells: Cells, columns: BillColumns): BillLine | string {
  const written = cells.get(columns.day) ?? '';
  const day = /^([0-9]{4}-[0-9]{2}(?:-[0-9]{2})?)(?:$|[T ])/.exec(written)?.[1];
  if (day === undefined || !isCalendarDate(day))
    return `"${written}" is no day such as 2026-11-01, and no month such as 2026-11`;
  const gb = figureOf(cells, columns.gb);
  const requests = figureOf(cells, columns.requests);
  const amount = figureOf(cells, columns.amount);
  for (const [name, figure] of [
    [columns.gb, gb],
    [columns.requests, requests],
    [columns.amount, amount],
  ] as const) {
    if (figure === undefined) return `"${cells.get(name ?? '')}" in ${name} is no number such as 12.50`;
  }
  return {
    day,
    octets: gb === null || gb === undefined ? null : (gb * columns.unit) / 10n ** BigInt(OCTET_DECIMALS + 12),
    requests: requests === null || requests === undefined ? null : requests / 10n ** BigInt(OCTET_DECIMALS + 12),
    amount: amount ?? null,
  };
}

/** In units of 10^-21; null where nothing stands, undefined where it is no number. Signs of currencies and thousands are left out. */
function figureOf(cells: Cells, column: string | null): bigint | null | undefined {
  const written = cells.get(column ?? '') ?? '';
  if (column === null || written === '') return null;
  const text = written.replace(/^[A-Z]{3}\s*|[$€£¥\s]|\s*[A-Z]{3}$/g, '');
  const plain = /^[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?$/.test(text) ? text.replaceAll(',', '') : text;
  return parseCost(plain) ?? undefined;
}

/** Two lines of one day. */
export function sumOfLines(a: BillLine, b: BillLine): BillLine {
  const add = (one: bigint | null, other: bigint | null) =>
    one === null || other === null ? (one ?? other) : one + other;
  return {
    day: a.day,
    octets: add(a.octets, b.octets),
    requests: add(a.requests, b.requests),
    amount: add(a.amount, b.amount),
  };
}
