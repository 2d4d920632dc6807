import type { LimitCell } from '../../policy/limit-cells.ts';
import type { LimitCounts } from '../../policy/limit-counts.ts';
import { LEAST_QUOTA_GRANT } from '../quotas/quota-grants.ts';
import type { Quotas } from '../quotas/quotas.ts';

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

/** Octets that were reserved, and their place in line: until when they would pass by and by. */
export interface Place {
  readonly octets: number;
  readonly endsAt: number;
}

/** The place of octets that were reserved at a moment, and may pass `waitMs` later: the burst is what may pass ahead of it. */
export function placeOf({ limit: { pace } }: LimitCell, octets: number, mayPassAt: number): Place {
  return { octets, endsAt: mayPassAt + (pace === null ? 0 : pace.span / pace.ticksPerMs) };
}

/** Gives back octets that waited for their turn, and didn't pass: as much of their place as is still to come. What of it has come
 *  meanwhile nobody can have any more; given back as well it would be taken off what others have reserved behind it. */
export function giveUp(
  { counts, now }: Omit<FlowSources, 'quotas'>,
  limit: LimitCell,
  { octets, endsAt }: Place,
): void {
  const beginsAt = endsAt - (1_000 * octets) / limit.limit.most;
  counts.refundLate(limit, Math.max(0, now() - beginsAt), octets);
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
