import { quoted } from './proxy-status.ts';

/** One limit as a reply tells it. */
export interface LimitLine {
  readonly name: string;
  /** How much there is at once, or in a window. */
  readonly quota: number;
  /** In which time all of it comes back, in s; null where that is up to those under way. */
  readonly windowS: number | null;
  readonly unit: 'requests' | 'concurrent-requests' | 'content-bytes' | `micro-${string}`;
  readonly left: number;
  /** After how many s all of it is back, or, where nothing is left, some of it: the time that Retry-After tells. Null as above. */
  readonly backInS: number | null;
}

/** RateLimit-Policy and RateLimit by draft-ietf-httpapi-ratelimit-headers-11 (May 2026): lists of strings that name a policy, with
 *  quota `q`, window `w` and unit `qu` (requests unless told); what remains `r`, for the next `t` seconds, which of one that is used
 *  up should be the moment of Retry-After. None for no limits. */
export function rateLimitFields(lines: readonly LimitLine[]): [name: string, value: string][] {
  if (lines.length === 0) return [];
  return [
    ['RateLimit-Policy', lines.map(policyOf).join(', ')],
    ['RateLimit', lines.map(stateOf).join(', ')],
  ];
}

function policyOf({ name, quota, windowS, unit }: LimitLine): string {
  const measure = unit === 'requests' ? '' : `;qu=${quoted(unit)}`;
  return `${quoted(name)};q=${quota}${windowS === null ? '' : `;w=${windowS}`}${measure}`;
}

function stateOf({ name, left, backInS }: LimitLine): string {
  return `${quoted(name)};r=${left}${backInS === null ? '' : `;t=${backInS}`}`;
}
