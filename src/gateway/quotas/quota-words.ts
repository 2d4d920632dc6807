import { GatewayError } from '../../errors.ts';
import type { Quota } from '../../policy/quota-book.ts';
import { amountText, endText } from '../../policy/quota-text.ts';

/** When it is worth asking again where a quota never begins anew: an operator may raise it. */
const NEVER_RETRY_S = 86_400;

/** A request that costs more than what was left of a quota. */
export interface TooDear {
  readonly spent: bigint;
  readonly cost: bigint;
}

/** What an exchange is refused or cut with for want of a quota whose period ends at `end`; both in ms of the epoch. */
export function quotaRefusal(
  quota: Quota,
  { end, wallTime, tooDear }: { end: number; wallTime: number; tooDear?: TooDear },
): GatewayError {
  const until = endText(end);
  const what = tooDear === undefined || tooDear.spent >= quota.most ? usedUp(quota) : leftOver(quota, tooDear);
  return new GatewayError('quota_exceeded', {
    detail: `${quota.name}: ${what}${until === null ? '' : `, until ${until}`}`,
    retryAfterS: until === null ? NEVER_RETRY_S : Math.max(1, (end - wallTime) / 1_000),
  });
}

const usedUp = (quota: Quota): string => `all of ${amountText(quota, quota.most)} is used up`;

function leftOver(quota: Quota, { spent, cost }: TooDear): string {
  const [price, left, all] = [cost, quota.most - spent, quota.most].map((amount) => amountText(quota, amount));
  return `a request costs ${price}, and ${left} of ${all} is left`;
}

/** What operators are told, once, when a quota is used up. */
export function quotaNews(quota: Quota, end: number): string {
  const { client, kind, name, most } = quota;
  const until = endText(end);
  const then = kind === 'soft' ? 'it goes on, because the quota is soft' : 'what is beyond is refused';
  const anew = until === null ? 'until it is raised or reset' : `until ${until}`;
  return `client ${client} has used up its quota ${name} of ${amountText(quota, most)}: ${then}, ${anew}`;
}

/** What a client is told of a soft quota that is used up. */
export function quotaWarning(quota: Quota, spent: bigint): string {
  return `${quota.name}; soft; used ${amountText(quota, spent)} of ${amountText(quota, quota.most)}`;
}
