import { readFileSync } from 'node:fs';
import { CommandError } from '../admin/command-error.ts';
import type { DecimalMark } from '../ledger/bill-figure.ts';
import { decodeBill } from '../ledger/bill-table.ts';
import { costOfDay } from '../ledger/held-exits.ts';
import { type BillLine, type BillReading, readBill, sumOfLines } from '../ledger/invoice.ts';
import { costOf, type ExactPrice, formatCost, roundCost } from '../ledger/money.ts';
import { type LedgerRow, readLedger } from '../store/ledger-report.ts';
import { type HeldRow, readHeld } from '../store/ledger-standing.ts';
import { systemCode } from '../system-code.ts';
import { amountTerms, withoutAmounts } from './bill-price.ts';
import type { CommandSpec, Given, Outcome } from './command-spec.ts';
import { octetText } from './octet-text.ts';
import { printable } from './printable.ts';
import { type Cell, formatTable, type Heading } from './table.ts';
import { dayText } from './time-range.ts';
import { poolOf } from './usage-options.ts';
import type { Workplace } from './workplace.ts';

const DAY_HOURS = 24;
const HOUR_MS = 3_600_000;
const decimalMarks: ReadonlyMap<string, DecimalMark> = new Map([
  ['point', '.'],
  ['comma', ','],
]);

/** The commands about bills of vendors. */
export const invoiceCommands: readonly CommandSpec[] = [
  {
    path: 'invoice check',
    summary: "compare a vendor's bill with the ledger, day by day",
    operand: 'the bill: CSV with a head, or JSON',
    options: [
      { flags: '--pool <name>', describe: 'the pool that the bill is for' },
      { flags: '--day <column>', describe: 'the column of the day; found by its name unless told, as all others' },
      { flags: '--gb <column>', describe: 'the column of the traffic' },
      { flags: '--requests <column>', describe: 'the column of the requests' },
      { flags: '--amount <column>', describe: 'the column of the amount' },
      {
        flags: '--unit <unit>',
        describe: 'what the bill calls a GB: 10^9 octets, or 2^30; GB unless told',
        choices: ['GB', 'GiB'],
      },
      {
        flags: '--decimal <mark>',
        describe: 'what 1,234 and the like have their decimals behind, where the bill leaves that open',
        choices: ['point', 'comma'],
      },
      {
        flags: '--by <span>',
        describe: 'what is compared: days unless told, months where the bill has lines of whole ones',
        choices: ['day', 'month'],
      },
      { flags: '--tolerance <percent>', describe: 'a difference that is let pass: 1 unless told' },
    ],
    notes: [
      'Days are in UTC, as in the ledger. Ends with 1 where a day (or month) differs by more than the tolerance.',
      'Amounts are compared where the pool has a price, and in its currency: a bill in another one ends with 1, too.',
      'Exits that cost by the month (`perIpMonth`) cost their share of it each day: the most that the pool had that day.',
    ],
    run: check,
  },
];

/** What a bill and the ledger say of one thing. */
interface Compared {
  readonly billed: bigint | null;
  readonly booked: bigint;
}

interface Day {
  readonly day: string;
  readonly octets: Compared;
  readonly requests: Compared;
  readonly amount: Compared;
}

async function check(given: Given, workplace: Workplace): Promise<Outcome> {
  const pool = poolOf(given);
  if (pool === undefined) throw bad('--pool is missing', 'name the pool that the bill is for');
  const tolerance = toleranceOf(given);
  const { lines: bill, unused, currencies } = billOf(given);
  const byMonth = given.text('by') === 'month' || bill.some(({ day }) => isMonth(day));
  const ledger = await workplace.ledger();
  const range = rangeOf(bill, byMonth);
  const booked = ledger?.read((database) => readLedger(database, { pool, by: ['day'], ...range })) ?? [];
  const held = ledger?.read((database) => readHeld(database, { pool, ...range })) ?? [];
  if (booked.length + held.length === 0)
    throw bad(`nothing was booked for pool "${pool}" in the time of the bill`, 'see "roundabout usage --by pool"');
  const prices = [...booked.map(({ price }) => price), ...held];
  const { currency, bar, isForeign, isPartial } = amountTerms(bill, { pool, billed: currencies, booked: prices });
  const days = compare(bar === null ? bill : withoutAmounts(bill), { booked, held, byMonth });
  const isOff = (compared: Compared) => differs(compared, tolerance);
  const off = days.filter(({ octets, requests, amount }) => [octets, requests, amount].some(isOff));
  const agrees = off.length === 0 && !isForeign;
  const total = totalOf(days);
  const head: Heading[] = [
    { title: 'DAY', rank: 0 },
    ...headOf('TRAFFIC', days, 'octets'),
    ...headOf('REQUESTS', days, 'requests'),
    ...headOf('AMOUNT', days, 'amount'),
    { title: '', rank: 0 },
  ];
  const row = (day: Day): Cell[] => [
    day.day,
    ...cells(day.octets, days, 'octets', octetText),
    ...cells(day.requests, days, 'requests', String),
    ...cells(day.amount, days, 'amount', (cost) => `${roundCost(cost, 2)} ${currency}`),
    [day.octets, day.requests, day.amount].some(isOff) ? '!' : ' ',
  ];
  const json = {
    pool,
    currency,
    billCurrencies: currencies,
    amountsNotCompared: bar,
    tolerance: tolerance / 1000,
    agrees,
    days: days.map(jsonOf),
    total: jsonOf(total),
  };
  const verdict =
    off.length === 0
      ? `${bar === null ? 'the bill' : 'the rest'} agrees with the ledger`
      : `${off.length} of ${days.length} ${byMonth ? 'months' : 'days'} differ by more than ${tolerance / 1000} %`;
  return {
    json,
    lines: [...formatTable(head, [...days, total].map(row), workplace.screen), '', verdict],
    remarks: [
      ...(bar === null ? [] : [printable(`amounts are not compared: ${bar}`)]),
      ...(unused.length === 0 ? [] : [`not compared: ${unused.map(printable).join(', ')}`]),
      ...(isPartial
        ? ['part of it was booked while the pool had no price, and counts as nothing in BOOKED amounts']
        : []),
    ],
    exitCode: agrees ? 0 : 1,
  };
}

function billOf(given: Given): BillReading & { readonly ok: true } {
  const file = given.operand;
  let text: string;
  try {
    text = decodeBill(readFileSync(file));
  } catch (cause) {
    throw bad(`${file}: ${systemCode(cause)}`, 'name a file that can be read');
  }
  const chosen = Object.fromEntries(
    ['day', 'gb', 'requests', 'amount'].flatMap((what) => {
      const name = given.text(what);
      return name === undefined ? [] : [[what, name]];
    }),
  );
  const reading = readBill(text, {
    ...chosen,
    unit: given.text('unit') === 'GiB' ? 2n ** 30n : 10n ** 9n,
    decimalMark: decimalMarks.get(given.text('decimal') ?? ''),
  });
  if (reading.ok) return reading;
  throw bad(
    `${file}: ${reading.fault}`,
    'name columns with --day, --gb, --requests, --amount, the decimal mark with --decimal, or mend the file',
  );
}

/** In thousandths of a percent. */
function toleranceOf(given: Given): number {
  const text = given.text('tolerance') ?? '1';
  if (/^[0-9]{1,2}(\.[0-9]{1,3})?$/.test(text)) return Math.round(Number(text) * 1000);
  throw bad(`--tolerance: "${text}" is no percentage below 100`, 'write it like 0.5');
}

interface Booked {
  readonly booked: readonly LedgerRow[];
  readonly held: readonly HeldRow[];
  readonly byMonth: boolean;
}

/** `2026-11`. */
const MONTH_LETTERS = 7;
const isMonth = (day: string): boolean => day.length === MONTH_LETTERS;

/** Hours of the epoch, from the first day of the bill to behind its last one; whole months where it is compared by those. */
function rangeOf(bill: readonly BillLine[], byMonth: boolean): { readonly since: number; readonly until: number } {
  const [first, last] = [bill[0]?.day ?? '', bill.at(-1)?.day ?? ''];
  if (!byMonth) return { since: Date.parse(first) / HOUR_MS, until: Date.parse(last) / HOUR_MS + DAY_HOURS };
  const end = new Date(last.slice(0, MONTH_LETTERS));
  end.setUTCMonth(end.getUTCMonth() + 1);
  return { since: Date.parse(first.slice(0, MONTH_LETTERS)) / HOUR_MS, until: end.getTime() / HOUR_MS };
}

/** Every day, or month, that is in the bill or in the ledger. */
function compare(bill: readonly BillLine[], { booked, held, byMonth }: Booked): readonly Day[] {
  const nameOf = (day: string) => (byMonth ? day.slice(0, MONTH_LETTERS) : day);
  const billed = new Map<string, BillLine>();
  for (const line of bill) {
    const day = nameOf(line.day);
    const known = billed.get(day);
    billed.set(day, known === undefined ? { ...line, day } : sumOfLines(known, line));
  }
  const sums = new Map<string, { octets: bigint; requests: bigint; amount: bigint }>();
  for (const { keys, sent, received, requests, price } of booked) {
    const day = nameOf(dayText(Number(keys[0])));
    const sum = sums.get(day) ?? { octets: 0n, requests: 0n, amount: 0n };
    sums.set(day, {
      octets: sum.octets + sent + received,
      requests: sum.requests + requests,
      amount: sum.amount + (price === null ? 0n : costOf(price satisfies ExactPrice, sent + received, requests)),
    });
  }
  for (const one of held) {
    const day = nameOf(dayText(one.at));
    const sum = sums.get(day) ?? { octets: 0n, requests: 0n, amount: 0n };
    sums.set(day, { ...sum, amount: sum.amount + costOfDay(one) });
  }
  const has = (what: 'octets' | 'requests' | 'amount') => bill.some((line) => line[what] !== null);
  const days = [...new Set([...billed.keys(), ...sums.keys()])].sort();
  return days.map((day) => {
    const [line, sum] = [billed.get(day), sums.get(day) ?? { octets: 0n, requests: 0n, amount: 0n }];
    // A day that the bill leaves out was billed with nothing.
    const of = (what: 'octets' | 'requests' | 'amount'): Compared => ({
      billed: has(what) ? (line?.[what] ?? 0n) : null,
      booked: sum[what],
    });
    return { day, octets: of('octets'), requests: of('requests'), amount: of('amount') };
  });
}

function differs({ billed, booked }: Compared, tolerance: number): boolean {
  if (billed === null) return false;
  const difference = billed > booked ? billed - booked : booked - billed;
  return difference * 100_000n > booked * BigInt(tolerance);
}

function totalOf(days: readonly Day[]): Day {
  const sum = (what: Compares): Compared => ({
    billed: isBilled(days, what) ? days.reduce((all, day) => all + (day[what].billed ?? 0n), 0n) : null,
    booked: days.reduce((all, day) => all + day[what].booked, 0n),
  });
  return { day: 'total', octets: sum('octets'), requests: sum('requests'), amount: sum('amount') };
}

type Compares = 'octets' | 'requests' | 'amount';

const isBilled = (days: readonly Day[], what: Compares): boolean => days.some((day) => day[what].billed !== null);

function headOf(title: string, days: readonly Day[], what: Compares): Heading[] {
  if (!isBilled(days, what)) return [];
  return [
    { title: `${title} BILLED`, rank: 2 },
    { title: 'BOOKED', rank: 2 },
    { title: 'DIFFERENCE', rank: 1 },
  ];
}

function cells(
  { billed, booked }: Compared,
  days: readonly Day[],
  what: Compares,
  show: (value: bigint) => string,
): Cell[] {
  if (!isBilled(days, what)) return [];
  const difference = (billed ?? 0n) - booked;
  const share = booked === 0n ? '' : ` (${(Number((difference * 100_000n) / booked) / 1000).toFixed(1)} %)`;
  return [show(billed ?? 0n), show(booked), `${difference > 0n ? '+' : ''}${show(difference)}${share}`];
}

function jsonOf({ day, octets, requests, amount }: Day): object {
  const figures = ({ billed, booked }: Compared, show: (value: bigint) => number | string) =>
    billed === null
      ? { booked: show(booked) }
      : { billed: show(billed), booked: show(booked), difference: show(billed - booked) };
  return {
    day,
    bytes: figures(octets, Number),
    requests: figures(requests, Number),
    amount: figures(amount, formatCost),
  };
}

function bad(message: string, remedy: string): CommandError {
  return new CommandError({ code: 'bad_argument', message, remedy });
}
