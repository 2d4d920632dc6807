import type { LimitCounts } from '../policy/limit-counts.ts';
import { LEAST_QUOTA_GRANT } from './quota-grants.ts';
import type { Quotas } from './quotas.ts';

/** A flow is let pass so much at first: most tunnels don't need more, and what they don't is of no use to others meanwhile. Quotas let so
 *  much pass at any time. */
export const FIRST_GRANT = LEAST_QUOTA_GRANT;
const LEAST_GRANT = 2 * 1024;
const MOST_GRANT = 64 * 1024 * 1024;

/** Where there is no room to count a client nothing passes uncounted: it is asked for again after so many ms. */
export const NO_ROOM_MS = 250;

/** A grant lasts about so long where its tunnel is alone, in ms; where n tunnels share a limit, one waits for √n times as long. */
const GRANT_MS = 50;

/** What grants are taken from. */
export interface FlowSources {
  readonly counts: LimitCounts;
  readonly quotas: Quotas;
  readonly now: () => number;
}

/** How much a flow asks for next. The longer it had to wait the more others ask, and the less each. Halfway (as factors go) from what
 *  it asked for last: so all come to the same, and none overshoots what the others do meanwhile. */
export function grantFor(
  octetsPerSecond: number,
  { waitMs, last }: { readonly waitMs: number; readonly last: number },
): number {
  const alone = (octetsPerSecond * GRANT_MS) / 1_000;
  const shared = waitMs > GRANT_MS ? (alone * GRANT_MS) / waitMs : alone;
  return Math.round(Math.max(LEAST_GRANT, Math.min(MOST_GRANT, Math.sqrt(shared * last))));
}
