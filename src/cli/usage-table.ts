import { roundCost } from '../ledger/money.ts';
import { formatCosts, purposes, type Usage, type UsageRow } from '../ledger/usage.ts';
import { octetText } from './octet-text.ts';
import type { Cell, Heading } from './table.ts';

/** A row of a report for scripts: octets and counts as numbers, costs as exact decimal numbers by currency. */
export function usageJson(usage: Usage): object {
  const { exchanges, attempts, requests, sent, received, ms, cost, spent } = usage;
  return {
    exchanges: Number(exchanges),
    attempts: Number(attempts),
    requests: Number(requests),
    sentBytes: Number(sent),
    receivedBytes: Number(received),
    durationMs: Number(ms),
    cost: formatCosts(cost),
    spent: Object.fromEntries(
      purposes.map((purpose) => [
        purpose,
        { bytes: Number(spent[purpose].octets), cost: formatCosts(spent[purpose].cost) },
      ]),
    ),
  };
}

/** The columns behind the keys; on a narrow screen cost and waste stay longest. */
export const usageHead: readonly Heading[] = [
  { title: 'EXCHANGES', rank: 3 },
  { title: 'ATTEMPTS', rank: 6 },
  { title: 'SENT', rank: 5 },
  { title: 'RECEIVED', rank: 4 },
  { title: 'COST', rank: 0 },
  { title: 'WASTED', rank: 2 },
];

/** The cells of a row for people, behind its keys. */
export function usageCells(usage: Usage): Cell[] {
  const { exchanges, attempts, sent, received, cost } = usage;
  return [Number(exchanges), Number(attempts), octetText(sent), octetText(received), costText(cost), wasteText(usage)];
}

/** All of it in columns for a spreadsheet. Several currencies give a column each. */
export function usageCsv(by: readonly string[], rows: readonly UsageRow[]): string[] {
  const currencies = [...new Set(rows.flatMap(({ cost }) => [...cost.keys()]))].sort();
  const spentNames = purposes.flatMap((purpose) => [
    `${purpose}_bytes`,
    ...currencies.map((currency) => `${purpose}_cost_${currency}`),
  ]);
  const figures = ['exchanges', 'attempts', 'requests', 'sent_bytes', 'received_bytes', 'duration_ms'];
  const head = [...by, ...figures, ...currencies.map((currency) => `cost_${currency}`), ...spentNames];
  const lines = rows.map((row) => {
    const { keys, exchanges, attempts, requests, sent, received, ms, cost, spent } = row;
    const costs = formatCosts(cost);
    const parts = purposes.flatMap((purpose) => {
      const partCosts = formatCosts(spent[purpose].cost);
      return [spent[purpose].octets, ...currencies.map((currency) => partCosts[currency] ?? '0.00')];
    });
    const all = [...keys, exchanges, attempts, requests, sent, received, ms];
    return [...all, ...currencies.map((currency) => costs[currency] ?? '0.00'), ...parts].map(csvCell).join(',');
  });
  return [head.join(','), ...lines];
}

/** What the money went into, a line for each currency, and what the octets did: of several pools not all need have a price. */
export function spendLines({ cost, spent }: Usage): string[] {
  const names = {
    served: 'answers',
    failed: 'failed attempts and retries',
    blocked: 'blocked pages',
    cut: 'exchanges cut short',
    probes: 'probes',
    held: 'exits held by the month',
  };
  const line = (what: string, whole: bigint, of: (purpose: (typeof purposes)[number]) => [bigint, string]) => {
    const parts = purposes.flatMap((purpose) => {
      const [part, text] = of(purpose);
      return part === 0n ? [] : [`${percent(part, whole)} for ${names[purpose]} (${text})`];
    });
    return `${what}: ${parts.join(', ')}`;
  };
  const priced = [...cost].filter(([, whole]) => whole > 0n).sort();
  const lines = priced.map(([currency, whole]) =>
    line(money(whole, currency), whole, (purpose) => {
      const part = spent[purpose].cost.get(currency) ?? 0n;
      return [part, money(part, currency)];
    }),
  );
  const whole = purposes.reduce((sum, purpose) => sum + spent[purpose].octets, 0n);
  if (whole === 0n) return lines;
  return [
    ...lines,
    line(octetText(whole), whole, (purpose) => [spent[purpose].octets, octetText(spent[purpose].octets)]),
  ];
}

function costText(cost: ReadonlyMap<string, bigint>): string {
  return [...cost]
    .sort()
    .map(([currency, part]) => money(part, currency))
    .join(' + ');
}

/** With as many decimals as tell something. */
function money(cost: bigint, currency: string): string {
  const rough = roundCost(cost, 2);
  return `${rough === '0.00' || Number(rough) < 1 ? roundCost(cost, 6) : rough} ${currency}`;
}

/** The share that went into failed attempts and blocked pages: of the money, or of the octets where there is none. */
function wasteText({ cost, spent }: Usage): string | null {
  const currencies = [...cost].filter(([, whole]) => whole > 0n);
  const shareOf = (whole: bigint, of: (purpose: 'failed' | 'blocked') => bigint) =>
    whole === 0n ? null : percent(of('failed') + of('blocked'), whole);
  if (currencies.length > 1) {
    const shares = currencies.sort().map(([currency, whole]) => {
      return `${shareOf(whole, (purpose) => spent[purpose].cost.get(currency) ?? 0n)} of ${currency}`;
    });
    return shares.join(', ');
  }
  const [only] = currencies;
  if (only !== undefined) return shareOf(only[1], (purpose) => spent[purpose].cost.get(only[0]) ?? 0n);
  const octets = purposes.reduce((sum, purpose) => sum + spent[purpose].octets, 0n);
  return shareOf(octets, (purpose) => spent[purpose].octets);
}

function percent(part: bigint, whole: bigint): string {
  const tenths = Number((part * 1000n + whole / 2n) / whole);
  return `${(tenths / 10).toFixed(1)} %`;
}

/** RFC 4180. What a spreadsheet would take for a formula is kept from being one. */
function csvCell(value: string | bigint): string {
  const text = typeof value === 'bigint' ? String(value) : /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
