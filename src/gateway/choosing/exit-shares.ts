import { GatewayError } from '../../errors.ts';
import type { Limit } from '../../policy/limit-book.ts';
import { TAKEN } from '../../policy/limit-counts.ts';
import type { LimitedAccount } from '../../pool/limited-accounts.ts';
import type { Collaborators } from '../collaborators.ts';
import type { Exchange } from '../exchange.ts';
import type { SiteGuard } from './exit-guards.ts';
import { noneRested } from './no-exit.ts';

/** What of the exits an exchange may use, by all that limits how often one is used. */
export interface ExitShare extends SiteGuard {
  /** Whether an exit that may not be used is worth waiting for: its turn comes, or its account has room again. */
  readonly waits: () => boolean;
  /** Why no exit is left; null where it isn't for what limits single exits. */
  readonly none: () => GatewayError | null;
  /** Why the exit in `slot` has no room; null where it has. */
  readonly full: (slot: number) => GatewayError | null;
}

/** Exits that would do, but for what limits their use. */
export interface Fitting {
  readonly excluded: readonly number[];
  readonly matches: (slot: number) => boolean;
}

/** Guards over the exchange's site, the site's pace for each exit, how much an exit may carry, and what the accounts of vendors may
 *  do, as one; null where none of them is about this exchange. Where an exit would do but for its account,
 *  `exchange.atAccountLimit` says so. */
export function exitShareOf(deps: Collaborators, exchange: Exchange, fitting: Fitting): ExitShare | null {
  exchange.atAccountLimit = false;
  const guard = deps.guards.for(exchange);
  const interval = exchange.pace?.exitInterval ?? null;
  const isOfExits = guard !== null || interval !== null || deps.exitMost().length > 0;
  return isOfExits || deps.accounts.any ? madeShare(deps, exchange, { guard, interval, isOfExits, fitting }) : null;
}

/** What limits the use of exits for an exchange. */
interface Limiting {
  readonly guard: SiteGuard | null;
  readonly interval: Limit | null;
  /** Whether any of it is about single exits. */
  readonly isOfExits: boolean;
  readonly fitting: Fitting;
}

function madeShare(
  deps: Collaborators,
  exchange: Exchange,
  { guard, interval, isOfExits, fitting }: Limiting,
): ExitShare {
  const { counts } = deps.limits;
  const full = fullAccounts(deps, exchange, fitting);
  const restsAt = (slot: number): string | null => (interval === null ? null : restingName(deps, exchange, slot));
  const hasRoom = (slot: number): boolean => deps.exits.inFlightOf(slot) < mostOver(deps, slot);
  return {
    waits: () => interval !== null || exchange.atAccountLimit,
    none: () => (!isOfExits ? null : deps.exitMost().length > 0 && guard === null ? allFull() : noneRested()),
    full: (slot) => (hasRoom(slot) ? null : allFull()),
    allows: (slot, now) => {
      if (!hasRoom(slot) || guard?.allows(slot, now) === false) return false;
      const name = restsAt(slot);
      return (
        (interval === null || name === null || counts.figure(counts.cellOf(interval, name), now).left > 0) &&
        !full(slot)
      );
    },
    take: (slot, now) => {
      if (!hasRoom(slot) || (guard?.allows(slot, now) !== false && full(slot))) return false;
      const name = restsAt(slot);
      const cell = interval === null || name === null ? null : counts.cellOf(interval, name);
      if (cell !== null && counts.take(cell, now) < TAKEN) return false;
      if (guard === null || guard.take(slot, now)) {
        if (cell !== null) {
          const rest = { slot, cell, mark: counts.markOf(cell, now), gone: false };
          exchange.exitRests = [...exchange.exitRests, rest];
        }
        return true;
      }
      if (cell !== null) counts.refund(cell);
      return false;
    },
  };
}

/** By what the exit is known that rests between two exchanges; null for one that is minted for this attempt alone: a slot that mints
 *  has another exit for each session. */
export function restingName(deps: Collaborators, { admission }: Exchange, slot: number): string | null {
  const key = admission?.leaseKey ?? null;
  const name = `${slot}.${deps.exits.generationOf(slot)}`;
  if (!isMinted(deps, slot)) return name;
  return key === null ? null : `${name} ${key.join()}`;
}

/** Tells whether the account of the exit in a slot is at its limit: as it was when that was first asked of it, so that it is asked
 *  once, however many of its exits are looked at. */
function fullAccounts(
  deps: Collaborators,
  exchange: Exchange,
  { excluded, matches }: Fitting,
): (slot: number) => boolean {
  const { accounts } = deps;
  if (!accounts.any) return () => false;
  const known = new Map<LimitedAccount, boolean>();
  return (slot) => {
    const account = accounts.of(slot);
    if (account === null) return false;
    const isFull = known.get(account) ?? accounts.isFull(account);
    known.set(account, isFull);
    if (isFull && !exchange.atAccountLimit) exchange.atAccountLimit = !excluded.includes(slot) && matches(slot);
    return isFull;
  };
}

/** Exchanges that the exit in `slot` may carry at once: of the first rule that is about its pool. A slot that mints carries many
 *  exits, which are not counted. */
export function mostOver(deps: Collaborators, slot: number): number {
  const rules = deps.exitMost();
  if (rules.length === 0 || isMinted(deps, slot)) return Number.POSITIVE_INFINITY;
  const pool = rules.some((rule) => rule.pool !== undefined) ? deps.registry.exitAt(slot)?.pool : undefined;
  const rule = rules.find((one) => one.pool === undefined || one.pool === pool);
  return rule?.exchanges ?? Number.POSITIVE_INFINITY;
}

/** Whether each session and attempt over a slot has an exit of its own. */
function isMinted({ registry }: Collaborators, slot: number): boolean {
  return registry.exitAt(slot)?.mint != null;
}

const allFull = (): GatewayError =>
  new GatewayError('too_many_connections', { detail: 'every exit that fits carries as many exchanges as it may' });
