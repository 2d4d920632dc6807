import type { ExactPrice } from '../ledger/money.ts';
import type { Account } from '../policy/quota-counts.ts';
import type { Price } from '../pool/exit.ts';
import { unitsOf } from '../protocol/decimal.ts';
import { MONEY_DECIMALS } from '../protocol/quota-rule.ts';
import type { AttemptMeter } from './attempt-meter.ts';

/** Prices have as many decimals; those of a GB are for 10^9 octets. */
const PRICE_DECIMALS = 12;
const FINER = 10n ** BigInt(PRICE_DECIMALS - MONEY_DECIMALS);
const OCTETS_PER_GB = 10n ** 9n;

/** A pool's price in whole numbers. */
export function exactPriceOf({ perGB, perRequest, currency }: Price): ExactPrice {
  return { perGB: unitsOf(perGB, PRICE_DECIMALS), perRequest: unitsOf(perRequest, PRICE_DECIMALS), currency };
}

/** What a request costs, in units of 10^-9, rounded up. */
export const requestCost = ({ perRequest }: ExactPrice): bigint => (perRequest + FINER - 1n) / FINER;

/** So many octets cost `money`, in units of 10^-9; without bound where they cost nothing. */
export function octetsFor(money: bigint, { perGB }: ExactPrice): bigint | null {
  return perGB === 0n ? null : (money * FINER * OCTETS_PER_GB) / perGB;
}

/** What has passed at an exit's socket. */
type Moved = Pick<AttemptMeter, 'settle' | 'sent' | 'received'>;

/** What one attempt costs its client, as far as it was counted against quotas. */
export class Spending {
  readonly pool: string;
  readonly price: ExactPrice | null;
  readonly meter: Moved;
  /** Where its request was paid for beforehand. */
  readonly paid: { readonly account: Account; readonly units: bigint }[] = [];
  #octets = 0;
  #money = 0n;

  constructor(pool: string, price: ExactPrice | null, meter: Moved) {
    this.pool = pool;
    this.price = price;
    this.meter = meter;
  }

  /** Octets that have passed at the exit's socket since this was asked last, and what they cost, in units of 10^-9. */
  takeNew(): { readonly octets: bigint; readonly money: bigint } {
    this.meter.settle();
    const all = this.meter.sent + this.meter.received;
    const octets = BigInt(all - this.#octets);
    this.#octets = all;
    if (this.price === null || octets === 0n) return { octets, money: 0n };
    // Of the sum, so that fractions are not lost each time.
    const cost = (BigInt(all) * this.price.perGB) / (OCTETS_PER_GB * FINER);
    const money = cost - this.#money;
    this.#money = cost;
    return { octets, money };
  }
}
