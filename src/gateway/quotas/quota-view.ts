import type { Quota } from '../../policy/quota-book.ts';
import type { AccountName, QuotaCounts } from '../../policy/quota-counts.ts';
import { endText } from '../../policy/quota-text.ts';
import { formatUnits } from '../../protocol/decimal.ts';
import { MONEY_DECIMALS } from '../../protocol/quota-rule.ts';
import { LimitPolicy, type LimitState } from '../../protocol/rate-limit-fields.ts';

/** In fields of replies money is told in millionths: so many units of the count. */
const UNITS_IN_FIELD = 10 ** (MONEY_DECIMALS - 6);

/** Structured fields hold no whole number of more than 15 digits (RFC 9651 §3.3.1). */
const MOST_IN_FIELD = 999_999_999_999_999;

/** A quota as people and programs are told of it. */
export interface QuotaView {
  readonly name: string;
  readonly kind: Quota['kind'];
  readonly measure: Quota['measure'];
  /** Octets or requests as numbers, money as exact decimal numbers. */
  readonly quota: number | string;
  readonly spent: number | string;
  readonly left: number | string;
  /** Of money. */
  readonly currency?: string;
  /** The present period, in ISO 8601, and the time zone of its calendar; null where it never ends. */
  readonly since: string | null;
  readonly until: string | null;
  readonly zone: string;
}

/** How a quota stands. */
export function quotaView(quota: Quota, counts: QuotaCounts): QuotaView {
  const { name, kind, measure, currency, most, zone } = quota;
  const account = counts.accountOf(quota);
  const spent = counts.spent(account);
  const until = endText(account.end);
  const figure = (amount: bigint) => (measure === 'money' ? formatUnits(amount, MONEY_DECIMALS, 2) : Number(amount));
  return {
    name,
    kind,
    measure,
    quota: figure(most),
    spent: figure(spent),
    left: figure(spent >= most ? 0n : most - spent),
    ...(currency !== '' && { currency }),
    since: until === null ? null : new Date(account.start).toISOString(),
    until,
    zone,
  };
}

/** The quota in one of its periods, as a reply's fields tell it. */
export function quotaPolicy(quota: Quota, { start, end }: AccountName): LimitPolicy {
  const { name, measure, currency } = quota;
  return new LimitPolicy({
    name,
    quota: leftInField(quota, 0),
    windowS: Number.isFinite(end) ? Math.round((end - start) / 1_000) : null,
    unit: measure === 'bytes' ? 'content-bytes' : measure === 'requests' ? 'requests' : `micro-${currency}`,
  });
}

/** How it stands there, at `wallTime` of that period. */
export function quotaState(
  quota: Quota,
  { account, spent, wallTime }: { account: AccountName; spent: number; wallTime: number },
): LimitState {
  const endsInS = endsIn(account.end, wallTime);
  return { policy: quotaPolicy(quota, account), left: leftInField(quota, spent), backInS: endsInS, lastsS: endsInS };
}

/** How much of it is left there. */
export const leftInField = ({ measure, limit }: Quota, spent: number): number => {
  const left = Math.max(0, limit - spent);
  return Math.min(MOST_IN_FIELD, measure === 'money' ? Math.floor(left / UNITS_IN_FIELD) : left);
};

/** After how many s its period is over; null where it never is. */
export const endsIn = (end: number, wallTime: number): number | null =>
  Number.isFinite(end) ? Math.max(1, Math.ceil((end - wallTime) / 1_000)) : null;
