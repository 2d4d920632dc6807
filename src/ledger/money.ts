import { formatUnits, PRICE_DECIMALS, unitsOf } from '../protocol/decimal.ts';

/** Costs are exact: octets times the price of 10^9 of them. */
const COST_DECIMALS = PRICE_DECIMALS + 9;

/** A pool's price in whole numbers. */
export interface ExactPrice {
  readonly perGB: bigint;
  readonly perRequest: bigint;
  readonly currency: string;
}

/** What octets (both ways) and requests cost, exact, in units of 10^-21. */
export function costOf(price: ExactPrice, octets: bigint, requests: bigint): bigint {
  return octets * price.perGB + requests * price.perRequest * 10n ** 9n;
}

/** A cost as an exact decimal number. */
export function formatCost(cost: bigint): string {
  return formatUnits(cost, COST_DECIMALS, 2);
}

/** A cost rounded to the nearest at `decimals`, half away from zero. */
export function roundCost(cost: bigint, decimals: number): string {
  const unit = 10n ** BigInt(COST_DECIMALS - decimals);
  const half = cost < 0n ? -unit / 2n : unit / 2n;
  return formatUnits((cost + half) / unit, decimals, decimals);
}

/** A decimal number such as `12.30` or `1e-7` as a cost, of which what is finer is cut off; null where it is none. */
export function parseCost(text: string): bigint | null {
  const isNumber = /^[+-]?[0-9]{1,18}(?:\.[0-9]{1,40})?(?:e[+-]?[0-9]{1,2})?$/i.test(text);
  return isNumber ? unitsOf(text.toLowerCase(), COST_DECIMALS) : null;
}
