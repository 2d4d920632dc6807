/** Choosing an exit for one attempt. The strategies differ in what makes one exit cheaper than another; what none of them does is
 *  the same for all: take an exit that the exchange has tried already, or an ejected one while there is a better. */

import { type ExitTable, Standing } from './exit-table.ts';

/** The strategies a pool can name. `learned` is served by two-choices. */
export type Strategy = 'learned' | 'two-choices' | 'least-in-flight' | 'round-robin' | 'random';

/** Where round-robin stands: one per pool and filter, kept by the caller, advanced by `pick`. */
export interface Cursor {
  next: number;
}

/** One exit that a pick looked at closely. */
export interface PickStep {
  readonly slot: number;
  readonly standing: Standing;
  /** What the strategy compared: lower is better. */
  readonly cost: number;
}

export interface PickRequest {
  readonly table: ExitTable;
  /** Slots that the exchange may use. */
  readonly candidates: ArrayLike<number>;
  /** Slots that the exchange has tried; few. */
  readonly excluded: readonly number[];
  readonly strategy: Strategy;
  readonly cursor: Cursor;
  /** Where given, every exit that was compared is appended. */
  readonly trace?: PickStep[];
}

/** The slot to use; or why there is none: nobody to choose from, or everybody tried (the caller may start over with nothing
 *  excluded). */
export type PickResult =
  | { readonly slot: number; readonly none?: undefined }
  | { readonly none: 'empty' | 'all_excluded'; readonly slot?: undefined };

/** Draws before a look at every candidate. With one usable exit in ten, 97 picks of 100 are done by then. */
const draws = 32;

const nobody = -1;

/** The clock and the chance of one pick. */
interface Moment {
  readonly now: number;
  readonly random: () => number;
}

/** The exit for the next attempt. `now` is monotonic ms, `random` yields [0, 1). Among open exits and those on trial the
 *  strategy decides. A retry (something is excluded) takes no exit on trial while one is open, so that an exchange loses at
 *  most one attempt to finding out. Ejected exits come last, the one whose ejection ends soonest first. Never throws; costs a
 *  few draws, and a pass over the candidates only where hardly any is usable (least-in-flight: until an idle one is met). */
export function pick(request: PickRequest, now: number, random: () => number): PickResult {
  if (request.candidates.length === 0) return { none: 'empty' };
  const moment = { now, random };
  const drawn = byDraws(request, moment);
  const slot = drawn === nobody ? byScan(request, moment) : drawn;
  return slot === nobody ? { none: 'all_excluded' } : { slot };
}

function byDraws(request: PickRequest, moment: Moment): number {
  // The least of all cannot be drawn; a scan ends at the first idle exit anyway.
  if (request.strategy === 'least-in-flight') return nobody;
  const first = draw(request, moment, nobody);
  if (first === nobody || request.strategy === 'random' || request.strategy === 'round-robin') return first;
  const second = draw(request, moment, first);
  if (second === nobody) return first;
  return costOf(request, second, moment) < costOf(request, first, moment) ? second : first;
}

/** The first usable candidate, other than `besides`, among a bounded number of draws. */
function draw(request: PickRequest, moment: Moment, besides: number): number {
  const { candidates, excluded, table } = request;
  const worst = excluded.length > 0 ? Standing.open : Standing.trial;
  for (let i = 0; i < draws; i++) {
    const slot = candidates[nextPosition(request, moment)] ?? nobody;
    if (slot === besides || excluded.includes(slot)) continue;
    const standing = table.standingOf(slot, moment.now);
    if (standing > worst) continue;
    request.trace?.push({ slot, standing, cost: costOf(request, slot, moment) });
    return slot;
  }
  return nobody;
}

/** The best of all candidates: by standing, then by cost; of equals the first from where the pass starts. */
function byScan(request: PickRequest, moment: Moment): number {
  const { candidates, excluded, table } = request;
  const isRetry = excluded.length > 0;
  const start = nextPosition(request, moment);
  let best = nobody;
  let bestRank = Infinity;
  let bestCost = Infinity;
  for (let i = 0; i < candidates.length; i++) {
    const slot = candidates[(start + i) % candidates.length] ?? nobody;
    if (excluded.includes(slot)) continue;
    const standing = table.standingOf(slot, moment.now);
    const rank = standing === Standing.trial && !isRetry ? Standing.open : standing;
    if (rank > bestRank) continue;
    const cost = standing === Standing.ejected ? table.ejectedUntilOf(slot) : costOf(request, slot, moment);
    request.trace?.push({ slot, standing, cost });
    if (rank === bestRank && cost >= bestCost) continue;
    best = slot;
    bestRank = rank;
    bestCost = cost;
    if (rank === Standing.open && cost === 0) break;
  }
  return best;
}

/** The position of the candidate to look at next. The cursor may have been moved under another, longer list. */
function nextPosition({ candidates, strategy, cursor }: PickRequest, { random }: Moment): number {
  if (strategy !== 'round-robin') return Math.floor(random() * candidates.length);
  const position = cursor.next % candidates.length;
  cursor.next = position + 1;
  return position;
}

/** What the strategy makes of sending one more exchange over the exit; lower is better, 0 cannot be beaten. */
function costOf({ strategy, table }: PickRequest, slot: number, { now, random }: Moment): number {
  switch (strategy) {
    case 'round-robin':
      return 0;
    case 'random':
      return random();
    case 'least-in-flight':
      return table.inFlightOf(slot);
    default:
      return table.latencyAt(slot, now) * (table.inFlightOf(slot) + 1);
  }
}
