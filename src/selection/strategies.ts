/** Choosing an exit by one of the simple strategies. They differ in what makes one exit cheaper than another; what none of them does
 *  is the same for all: take an exit that the exchange has tried already or that is frozen, or an ejected one while there is a
 *  better. */

import { type ExitHealth, Standing } from './exit-health.ts';
import type { ProviderHealth } from './provider-health.ts';
import { NONE, type PickRequest } from './request.ts';

/** Draws before a look at every candidate. With one usable exit in ten, 97 picks of 100 are done by then. */
const draws = 32;

/** What one pick reads beside its request. */
interface Moment {
  readonly health: ExitHealth;
  readonly providers: ProviderHealth;
  readonly now: number;
  readonly random: () => number;
}

/** The slot of the exit for the next attempt, or NONE. `now` is ms of the shared clock, `random` yields [0, 1). Among open exits and
 *  those on trial the strategy decides. A retry (something is excluded) takes no exit on trial while one is open, so that an
 *  exchange loses at most one attempt to finding out. Ejected exits come last, the one whose ejection ends soonest first. Never
 *  throws; costs a few draws, and a pass over the list only where hardly any is usable (least-in-flight: until an idle one is
 *  met). */
export function pickSimply(request: PickRequest, moment: Moment): number {
  if (request.list.length === 0) return NONE;
  const drawn = byDraws(request, moment);
  return drawn === NONE && request.loose !== true ? byScan(request, moment) : drawn;
}

function byDraws(request: PickRequest, moment: Moment): number {
  // The least of all cannot be drawn; a scan ends at the first idle exit anyway.
  if (request.strategy === 'least-in-flight') return NONE;
  const first = draw(request, moment, NONE);
  if (first === NONE || request.strategy === 'random' || request.strategy === 'round-robin') return first;
  const second = draw(request, moment, first);
  if (second === NONE) return first;
  return costOf(request, second, moment) < costOf(request, first, moment) ? second : first;
}

/** The first usable exit, other than `besides`, among a bounded number of draws. */
function draw(request: PickRequest, moment: Moment, besides: number): number {
  const { list, excluded } = request;
  const worst = excluded.length > 0 ? Standing.open : Standing.trial;
  for (let i = 0; i < draws; i++) {
    const slot = list.at(nextPosition(request, moment)) ?? NONE;
    if (slot === besides || !mayTake(slot, request, moment)) continue;
    const standing = moment.health.standingOf(slot, moment.now);
    if (standing > worst) continue;
    request.trace?.push({ slot, cost: costOf(request, slot, moment) });
    return slot;
  }
  return NONE;
}

/** The best of the whole list: by standing, then by cost; of equals the first from where the pass starts. */
function byScan(request: PickRequest, moment: Moment): number {
  const { list, excluded } = request;
  const isRetry = excluded.length > 0;
  const start = nextPosition(request, moment);
  let best = NONE;
  let bestRank = Infinity;
  let bestCost = Infinity;
  for (let i = 0; i < list.length; i++) {
    const slot = list.at((start + i) % list.length) ?? NONE;
    if (!mayTake(slot, request, moment)) continue;
    const standing = moment.health.standingOf(slot, moment.now);
    const rank = standing === Standing.trial && !isRetry ? Standing.open : standing;
    if (rank > bestRank) continue;
    const cost =
      standing === Standing.ejected ? moment.health.ejectedForMs(slot, moment.now) : costOf(request, slot, moment);
    request.trace?.push({ slot, cost });
    if (rank === bestRank && cost >= bestCost) continue;
    best = slot;
    bestRank = rank;
    bestCost = cost;
    if (rank === Standing.open && cost === 0) break;
  }
  return best;
}

/** Whether the exit is there to be taken, however it stands. */
function mayTake(slot: number, request: PickRequest, { health, providers }: Moment): boolean {
  const { excluded, allows, loose, matches } = request;
  if (excluded.includes(slot) || !health.rows.isOpen(slot) || allows?.(slot) === false) return false;
  if (providers.anyClosed && !providers.isOpen(slot)) return false;
  return loose !== true || matches(slot);
}

/** The position of the candidate to look at next. The cursor may have been moved under another, longer list. */
function nextPosition({ list, strategy, cursor }: PickRequest, { random }: Moment): number {
  if (strategy !== 'round-robin') return Math.floor(random() * list.length);
  const position = cursor.next % list.length;
  cursor.next = position + 1;
  return position;
}

/** What the strategy makes of sending one more exchange over the exit; lower is better, 0 cannot be beaten. */
function costOf({ strategy }: PickRequest, slot: number, { health, now, random }: Moment): number {
  switch (strategy) {
    case 'round-robin':
      return 0;
    case 'random':
      return random();
    case 'least-in-flight':
      return health.rows.inFlightOf(slot);
    default:
      return health.latencyAt(slot, now) * (health.rows.inFlightOf(slot) + 1);
  }
}
