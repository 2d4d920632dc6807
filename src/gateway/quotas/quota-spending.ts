import type { Account } from '../../policy/quota-counts.ts';
import type { Price } from '../../pool/exit.ts';
import { PRICE_DECIMALS, unitsOf } from '../../protocol/decimal.ts';
import { MONEY_DECIMALS } from '../../protocol/quota-rule.ts';
import type { AttemptMeter } from '../attempt-meter.ts';

const FINER = 10n ** BigInt(PRICE_DECIMALS - MONEY_DECIMALS);

/** A pool's price in units of 10^-9 of its currency. */
export interface UnitPrice {
  /** As many as the price of 10^9 octets has whole ones. */
  readonly perOctet: number;
  /** Rounded up. */
  readonly perRequest: bigint;
  readonly currency: string;
}

export function unitPriceOf({ perGB, perRequest, currency }: Price): UnitPrice {
  return { perOctet: perGB, perRequest: (unitsOf(perRequest, PRICE_DECIMALS) + FINER - 1n) / FINER, currency };
}

interface Paid {
  readonly account: Account;
  readonly units: bigint;
}

const NOTHING_PAID: readonly Paid[] = Object.freeze([]);

/** What of a choice tells what it costs. */
export interface PricedChoice {
  readonly exit: { readonly pool: string };
  readonly pool: { readonly price: Price | null } | null;
}

/** What has passed at an exit's socket. */
export type Moved = Pick<AttemptMeter, 'settle' | 'sent' | 'received'>;

/** What one attempt costs its client, as far as it was counted against quotas. */
export class Spending {
  readonly pool: string;
  readonly price: UnitPrice | null;
  readonly meter: Moved;
  /** Where its request was paid for beforehand. */
  paid: readonly Paid[] = NOTHING_PAID;
  #octets = 0;
  #money = 0;

  constructor(pool: string, price: UnitPrice | null, meter: Moved) {
    this.pool = pool;
    this.price = price;
    this.meter = meter;
  }

  /** Whether all that is settled was taken. */
  get isTaken(): boolean {
    return this.#octets === this.meter.sent + this.meter.received;
  }

  /** All that is settled was taken before. */
  markTaken(): void {
    this.#octets = this.meter.sent + this.meter.received;
    this.#money = this.#costOf(this.#octets);
  }

  /** Octets that have passed at the exit's socket since this was asked last, and what they cost, in units of 10^-9. */
  takeNew(): { readonly octets: number; readonly money: number } {
    this.meter.settle();
    const all = this.meter.sent + this.meter.received;
    const octets = all - this.#octets;
    this.#octets = all;
    // Of the sum, so that fractions are not lost each time.
    const cost = this.#costOf(all);
    const money = cost - this.#money;
    this.#money = cost;
    return { octets, money };
  }

  #costOf(octets: number): number {
    return this.price === null ? 0 : Math.floor(octets * this.price.perOctet);
  }
}
