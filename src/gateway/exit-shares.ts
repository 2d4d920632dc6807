import { GatewayError } from '../errors.ts';
import type { Collaborators } from './collaborators.ts';
import type { Exchange } from './exchange.ts';
import type { SiteGuard } from './exit-guards.ts';
import { noneRested } from './no-exit.ts';

/** What of the exits an exchange may use, by all that limits how often one is used. */
export interface ExitShare extends SiteGuard {
  /** Whether an exit that may not be used is worth waiting for. */
  readonly waits: boolean;
  /** Why no exit is left. */
  readonly none: () => GatewayError;
  /** Why the exit in `slot` has no room; null where it has. */
  readonly full: (slot: number) => GatewayError | null;
}

/** Guards over the exchange's site, the site's pace for each exit, and how much an exit may carry, as one; null where none of them
 *  is about this exchange. */
export function exitShareOf(deps: Collaborators, exchange: Exchange): ExitShare | null {
  const guard = deps.guards.for(exchange);
  const interval = exchange.pace?.site.exitInterval ?? null;
  if (guard === null && interval === null && deps.exitMost().length === 0) return null;
  const { counts } = deps.limits;
  const nameOf = (slot: number): string => `${slot}.${deps.exits.generationOf(slot)}`;
  const hasRoom = (slot: number): boolean => deps.exits.inFlightOf(slot) < mostOver(deps, slot);
  return {
    waits: interval !== null,
    none: () => (deps.exitMost().length > 0 && guard === null ? allFull() : noneRested()),
    full: (slot) => (hasRoom(slot) ? null : allFull()),
    allows: (slot, now) => {
      if (!hasRoom(slot) || guard?.allows(slot, now) === false) return false;
      return interval === null || counts.figure(interval, nameOf(slot), now).left > 0;
    },
    take: (slot, now) => {
      if (!hasRoom(slot)) return false;
      if (interval !== null && !counts.take(interval, nameOf(slot), now).taken) return false;
      if (guard === null || guard.take(slot, now)) return true;
      if (interval !== null) counts.refund(interval, nameOf(slot));
      return false;
    },
  };
}

/** Exchanges that the exit in `slot` may carry at once: of the first rule that is about its pool. */
export function mostOver(deps: Collaborators, slot: number): number {
  const rules = deps.exitMost();
  if (rules.length === 0) return Number.POSITIVE_INFINITY;
  const pool = rules.some((rule) => rule.pool !== undefined) ? deps.registry.exitAt(slot)?.pool : undefined;
  const rule = rules.find((one) => one.pool === undefined || one.pool === pool);
  return rule?.exchanges ?? Number.POSITIVE_INFINITY;
}

const allFull = (): GatewayError =>
  new GatewayError('too_many_connections', { detail: 'every exit that fits carries as many exchanges as it may' });
