import { isCalendarDate } from '../protocol/calendar-date.ts';
import { bareAmount, currenciesOf, currenciesOfName, currencyIn, withoutCurrency } from './bill-currency.ts';
import { bareFigure, type DecimalMark, decimalMarkOf, readFigure } from './bill-figure.ts';
import { type BillTable, type Cells, readTable } from './bill-table.ts';

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
}

/** How a bill is to be read, where that is told. */
export interface BillTerms extends Partial<BillColumns> {
  /** Octets of what the bill calls a GB: 10^9 unless told, or 2^30 (GiB). */
  readonly unit?: bigint;
  /** Of numbers that may have either: `1,234`. */
  readonly decimalMark?: DecimalMark | undefined;
}

/** A bill, with a line for each day, the names of columns that say nothing, or nothing known, and what it tells of its currency,
 *  as it is written: see isCurrency(). Or the first thing that is wrong with it. */
export type BillReading =
  | {
      readonly ok: true;
      readonly lines: readonly BillLine[];
      readonly unused: readonly string[];
      readonly currencies: readonly string[];
    }
  | { readonly ok: false; readonly fault: string };

/** Names that columns have where nobody says which, as plainName() has them. */
const usual = {
  day: ['day', 'date', 'period', 'usage_date'],
  gb: ['gb', 'gigabytes', 'traffic', 'traffic_gb', 'usage_gb', 'bandwidth', 'bandwidth_gb'],
  requests: ['requests', 'request_count', 'hits'],
  amount: ['amount', 'cost', 'total', 'price', 'charge'],
} as const;

/** Names of a column that tells what its amounts are in. */
const usualCurrency = /(?<!con)currency(?:_?code)?$/;

/** Reads a bill: a CSV with a head, or JSON; see readTable(). Days that stand several times are summed. Throws nothing. */
export function readBill(text: string, terms: BillTerms): BillReading {
  const table = readTable(text, (names) => typeof columnsOf(names, terms) !== 'string');
  if (typeof table === 'string') return { ok: false, fault: table };
  const { names, repeated, records } = table;
  const columns = columnsOf(names, terms);
  if (typeof columns === 'string') return { ok: false, fault: columns };
  for (const name of [columns.day, columns.gb, columns.requests, columns.amount]) {
    const place = repeated.get(name ?? '');
    if (name !== null && place !== undefined)
      return { ok: false, fault: `${place}: several columns are called "${name}"` };
  }
  const shape = { columns, marks: marksOf(table, columns, terms), unit: terms.unit ?? 10n ** 9n };
  const days = new Map<string, BillLine>();
  for (const { place, cells } of records) {
    const line = lineOf(cells, shape);
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
  const { beside, currencies } = currenciesIn(table, columns.amount);
  const used = [columns.day, ...told, currencies.length > 0 ? beside : null];
  return { ok: true, lines, unused: names.filter((name) => !used.includes(name)), currencies };
}

/** What is told of the currency of amounts, each once: in their column's name, in its cells, and in a column beside it. */
function currenciesIn(
  { names, records }: BillTable,
  amount: string | null,
): { readonly beside: string | null; readonly currencies: readonly string[] } {
  const beside = names.find((name) => usualCurrency.test(plainName(name))) ?? null;
  const amounts = records.filter(({ cells }) => (cells.get(amount ?? '') ?? '') !== '');
  if (amount === null || amounts.length === 0) return { beside, currencies: [] };
  const told = amounts.flatMap(({ cells }) => [
    ...currenciesOf(cells.get(amount) ?? ''),
    ...(beside === null ? [] : currencyIn(cells.get(beside) ?? '')),
  ]);
  return { beside, currencies: [...new Set([...currenciesOfName(amount), ...told])] };
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
  return { day, gb, requests, amount };
}

/** `Traffic (GB)` is `traffic_gb`, and `Amount, USD` is `amount`. */
function plainName(name: string): string {
  const words = name.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return withoutCurrency(words.join('_'));
}

interface BillShape {
  readonly columns: BillColumns;
  /** By column, the decimal mark of numbers that may have either; null where that isn't known. */
  readonly marks: ReadonlyMap<string, DecimalMark | null>;
  readonly unit: bigint;
}

/** What a column's `1,234` means is told by its other numbers or, as a rule, a point has decimals behind it. Who writes no comma
 *  between cells may well write one within numbers, and then there is no such rule. */
function marksOf(
  { separator, records }: BillTable,
  columns: BillColumns,
  { decimalMark }: BillTerms,
): BillShape['marks'] {
  const figures = [columns.gb, columns.requests, columns.amount].flatMap((name) =>
    name === null ? [] : [[name, records.map(({ cells }) => bareCell(cells, name, columns))] as const],
  );
  const hasRule =
    separator === ',' || separator === null || !figures.some(([, column]) => column.some((one) => one.includes(',')));
  return new Map(
    figures.map(([name, column]) => {
      const marks = new Set(column.flatMap((figure) => decimalMarkOf(figure) ?? []));
      const [only = hasRule ? '.' : null] = marks;
      return [name, decimalMark ?? (marks.size > 1 ? null : only)];
    }),
  );
}

/** A number without spaces, and an amount without its currency. */
function bareCell(cells: Cells, column: string, { amount }: BillColumns): string {
  const written = cells.get(column) ?? '';
  return bareFigure(column === amount ? bareAmount(written) : written);
}

function lineOf(cells: Cells, shape: BillShape): BillLine | string {
  const { columns, unit } = shape;
  const written = cells.get(columns.day) ?? '';
  const day = /^([0-9]{4}-[0-9]{2}(?:-[0-9]{2})?)(?:$|[T ])/.exec(written)?.[1];
  if (day === undefined || !isCalendarDate(day))
    return `"${written}" is no day such as 2026-11-01, and no month such as 2026-11`;
  const gb = figureOf(cells, columns.gb, shape);
  const requests = figureOf(cells, columns.requests, shape);
  const amount = figureOf(cells, columns.amount, shape);
  if (typeof gb === 'string') return gb;
  if (typeof requests === 'string') return requests;
  if (typeof amount === 'string') return amount;
  return {
    day,
    octets: gb === null ? null : (gb * unit) / 10n ** BigInt(OCTET_DECIMALS + 12),
    requests: requests === null ? null : requests / 10n ** BigInt(OCTET_DECIMALS + 12),
    amount,
  };
}

/** In units of 10^-21; null where nothing stands; or what is wrong. */
function figureOf(cells: Cells, column: string | null, { columns, marks }: BillShape): bigint | null | string {
  const written = cells.get(column ?? '') ?? '';
  if (column === null || written === '') return null;
  const bare = bareCell(cells, column, columns);
  const mark = decimalMarkOf(bare) ?? (/[.,]/.test(bare) ? (marks.get(column) ?? null) : '.');
  if (mark === null)
    return `"${written}" in ${column} may be ${bare.replace(/[.,]/, '')} or ${bare.replace(',', '.')}: its decimal mark is not known`;
  return readFigure(bare, mark) ?? `"${written}" in ${column} is no number such as 12.50`;
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
