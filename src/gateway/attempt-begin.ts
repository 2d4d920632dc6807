import { GatewayError } from '../errors.ts';
import { FULL, MOST_IN_FLIGHT, NO_ROOM } from '../memory/exchange-slots.ts';
import type { SlotRef } from '../selection/request.ts';
import { AttemptMeter } from './attempt-meter.ts';
import { mostOver } from './choosing/exit-shares.ts';
import type { Collaborators } from './collaborators.ts';
import type { Choice, Exchange } from './exchange.ts';
import type { Spending } from './quotas/quota-spending.ts';

/** An attempt that counts in flight over its exit, until it is given back or its exchange takes it over. */
export interface BookedAttempt {
  readonly choice: Choice;
  /** The exit as it was taken. */
  readonly at: SlotRef;
  /** What gives back its place in flight; see ExchangeSlots. */
  readonly place: number;
  /** The same for its account with a vendor; see VendorAccounts. */
  readonly accountPlace: number;
  /** Attempts that waited over the exit already when this one began. */
  readonly queued: number;
  readonly begunAt: number;
  readonly meter: AttemptMeter;
  /** What it counts against its client's quotas, which it may come under later. */
  spending: Spending | null;
  /** It has failed for the places that were asked for. */
  lacksPlaces: boolean;
  /** Whom its failure says nothing of. */
  spared: Spared;
}

/** Others took the last place of an exit, of its account, or of what its client may do over its pool, between its choice and its use. */
export class ExitFull extends Error {
  constructor() {
    super('the exit, its account or its pool carries as many exchanges as it may');
    this.name = 'ExitFull';
  }
}

/** Whom a failure says nothing of: the provider of its exit, or the exit as well. */
export type Spared = 'nobody' | 'provider' | 'exit too';

/** A generation of which no row is. */
const FORMER = 0;

/** Begins an attempt: takes its exit and counts it against the exit's account. Throws ExitFull where either has no place any more,
 *  and quota_exceeded. */
export function beginAttempt(deps: Collaborators, exchange: Exchange, choice: Choice): BookedAttempt {
  const begunAt = deps.now();
  const { slot } = choice;
  const at = { slot, generation: choice.isFormer === true ? FORMER : deps.exits.generationOf(slot) };
  const meter = new AttemptMeter();
  const spending = payFor(deps, exchange, { choice, meter, begunAt });
  const account = deps.accounts.take(slot);
  const place =
    account === 'full'
      ? FULL
      : account === 'no_room'
        ? NO_ROOM
        : deps.places.take(slot, at.generation, Math.min(MOST_IN_FLIGHT, mostOver(deps, slot)));
  if (typeof account === 'string' || place === FULL || place === NO_ROOM) {
    deps.selection().providers.left(choice.entry);
    deps.limits.notOver(exchange);
    deps.quotas.end(exchange, spending, begunAt);
    if (typeof account !== 'string') deps.accounts.undo(slot, account.place);
    if (place === FULL) throw new ExitFull();
    throw new GatewayError('overloaded', { detail: 'no room for another exchange' });
  }
  // Not before: what couldn't begin went by no pool.
  exchange.choice = choice;
  deps.quotas.begun(exchange);
  const queued = choice.isFormer === true ? 0 : deps.selection().begin(choice.slot, exchange.siteRow, begunAt);
  return {
    choice,
    at,
    place,
    accountPlace: account.place,
    queued,
    begunAt,
    meter,
    spending,
    lacksPlaces: false,
    spared: 'nobody',
  };
}

function payFor(
  deps: Collaborators,
  exchange: Exchange,
  { choice, meter, begunAt }: Pick<BookedAttempt, 'choice' | 'meter' | 'begunAt'>,
): Spending | null {
  try {
    if (!deps.limits.over(exchange, choice.exit.pool, begunAt)) throw new ExitFull();
    if (exchange.quota === null) return null;
    const spending = deps.quotas.begin(exchange, { choice, meter, now: begunAt });
    if (spending === 'used_up') throw new ExitFull();
    return spending;
  } catch (fault) {
    deps.selection().providers.left(choice.entry);
    deps.limits.notOver(exchange);
    throw fault;
  }
}
