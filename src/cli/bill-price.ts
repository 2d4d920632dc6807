import { CommandError } from '../admin/command-error.ts';
import { isCurrency } from '../ledger/bill-currency.ts';
import type { BillLine } from '../ledger/invoice.ts';

/** Prices at which a pool was booked; null where it had none. */
export type BookedCurrency = { readonly currency: string } | null;

/** How the amounts of a bill can be held against what was booked. */
export interface AmountTerms {
  /** That of the pool's prices; empty where it has none. */
  readonly currency: string;
  /** Why amounts are not compared; null where they are, or the bill tells none. */
  readonly bar: string | null;
  /** The bill is in another currency than the pool's price. */
  readonly isForeign: boolean;
  /** Something was booked without a price. */
  readonly isPartial: boolean;
}

/** Throws CommandError where the pool had prices in several currencies, or amounts are all that the bill tells and can't be
 *  compared. `billed` are the currencies that the bill names. */
export function amountTerms(
  bill: readonly BillLine[],
  { pool, billed, booked }: { pool: string; billed: readonly string[]; booked: readonly BookedCurrency[] },
): AmountTerms {
  const currencies = [...new Set(booked.flatMap((price) => price?.currency ?? []))];
  const [currency = '', another] = currencies;
  const hasAmounts = bill.some(({ amount }) => amount !== null);
  if (!hasAmounts) return { currency, bar: null, isForeign: false, isPartial: false };
  if (another !== undefined) {
    throw new CommandError({
      code: 'bad_argument',
      message: `pool "${pool}" had prices in ${currencies.join(' and ')}, which are never added`,
      remedy: 'check the bill of each by itself',
    });
  }
  const isForeign = currency !== '' && billed.some((written) => !isCurrency(written, currency));
  const isPartial = currency !== '' && booked.includes(null);
  if (currency !== '' && !isForeign) return { currency, bar: null, isForeign, isPartial };
  const remedy = isForeign
    ? 'give the pool its price in the currency of the bill, or check a bill that tells traffic or requests'
    : 'set `price` in its pool file: what is booked from then on has it';
  const bar = isForeign
    ? `the bill has amounts in ${billed.join(' and ')}, pool "${pool}" its price in ${currency}`
    : `pool "${pool}" had no price in the time of the bill`;
  if (bill.some(({ octets, requests }) => octets !== null || requests !== null))
    return { currency, bar, isForeign, isPartial: false };
  throw new CommandError({
    code: 'bad_argument',
    message: `${bar}, and amounts are all that the bill tells`,
    remedy,
  });
}

/** A bill of which amounts are not compared. */
export const withoutAmounts = (bill: readonly BillLine[]): readonly BillLine[] =>
  bill.map((line) => ({ ...line, amount: null }));
