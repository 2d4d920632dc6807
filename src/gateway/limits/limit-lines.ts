import type { Limit } from '../../policy/limit-book.ts';
import type { LimitCell } from '../../policy/limit-cells.ts';
import type { LimitCounts, LimitFigure } from '../../policy/limit-counts.ts';
import type { ReplyLabels } from '../../protocol/error-reply.ts';
import { LimitPolicy, type LimitState, RateLimit } from '../../protocol/rate-limit-fields.ts';
import type { Collaborators } from '../collaborators.ts';
import { type Exchange, labelsOf } from '../exchange.ts';

/** What a reply of our own making says: the labels of the exchange, and what is left of its limits. A forwarded response keeps its
 *  origin's word on limits. */
export function ownLabelsOf(deps: Collaborators, exchange: Exchange): ReplyLabels {
  return labelsOf(exchange, rateLimitOf(deps, exchange));
}

/** Used again for each reply. */
const told = new RateLimit();

/** Of an exchange that goes nowhere, with the gateway itself, all limits of its client that have one count. */
function rateLimitOf({ limits, quotas, now }: Collaborators, exchange: Exchange): RateLimit | undefined {
  const { admission } = exchange;
  told.begin();
  if (admission !== null && admission.pools.length === 0) {
    for (const state of limits.readableStatesOf(admission.client)) told.add(state);
    for (const state of quotas.standings.statesOf(admission.client)) told.add(state);
  } else if (exchange.limits !== null || exchange.pace !== null || exchange.quota !== null) {
    const at = now();
    limits.tell(exchange, at, told);
    quotas.standings.tell(exchange, at, told);
  }
  return told.fields;
}

/** What of a limit replies and people are told. */
export function limitPolicy({ kind, name, most, pace }: Limit): LimitPolicy {
  const windowS = pace === null ? null : Math.max(1, wholeSeconds(pace.span / pace.ticksPerMs));
  const unit = pace === null ? 'concurrent-requests' : kind === 'bandwidth' ? 'content-bytes' : 'requests';
  return new LimitPolicy({ name, quota: most, windowS, unit });
}

/** How it stands. */
export function limitState({ limit, left, backInMs }: LimitFigure, policy: LimitPolicy): LimitState {
  const all = toldOf(limit, left);
  return { policy, left: all, backInS: backInMs === null ? null : wholeSeconds(backInMs), lastsS: lastsS(limit, all) };
}

/** The same for RateLimit, without an object for each figure: it stands on every CONNECT's reply. */
export function tellRest(to: RateLimit, cell: LimitCell, { counts, now }: LimitLook): void {
  const all = toldOf(cell.limit, counts.left(cell, now));
  if (all > 0) return to.addRest(all, lastsS(cell.limit, all));
  const backInMs = counts.backInMs(cell, now);
  to.addRest(all, backInMs === null ? null : wholeSeconds(backInMs));
}

interface LimitLook {
  readonly counts: LimitCounts;
  readonly now: number;
}

/** Of a flow what is told is how much may pass within the next second. */
const toldOf = ({ kind, most, pace }: Limit, left: number): number =>
  kind === 'bandwidth' && pace !== null ? left + most - Math.floor(pace.span / pace.cost) : left;

const lastsS = ({ pace }: Limit, left: number): number | null =>
  pace === null ? null : Math.max(1, wholeSeconds((left * pace.cost) / pace.ticksPerMs));

/** Rounded up, but not for what a division leaves behind the point. */
const wholeSeconds = (ms: number): number => Math.ceil(Math.round(ms) / 1_000);
