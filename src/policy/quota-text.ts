import { formatUnits } from '../protocol/decimal.ts';
import { MONEY_DECIMALS } from '../protocol/quota-rule.ts';
import type { Quota } from './quota-book.ts';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** An amount of what a quota counts, for people: `12.5 GB`, `300 requests`, `4.20 USD`. */
export function amountText({ measure, currency }: Pick<Quota, 'measure' | 'currency'>, amount: bigint): string {
  if (measure === 'requests') return `${amount} requests`;
  if (measure === 'money') return `${formatUnits(amount, MONEY_DECIMALS, 2)} ${currency}`;
  let [value, unit] = [Number(amount), 0];
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${unit === 0 ? value : Number(value.toPrecision(4))} ${UNITS[unit]}`;
}

/** When a period is over, for people and programs: ISO 8601; null where it never is. */
export const endText = (end: number): string | null => (Number.isFinite(end) ? new Date(end).toISOString() : null);
