import type { Draw } from '../../pool/filter-lists.ts';
import type { ExitFilter } from '../../pool/registry.ts';
import type { Tier } from '../../protocol/params.ts';
import { NO_ENTRY } from '../../selection/provider-health.ts';
import { HOLD, NONE, type PickRequest } from '../../selection/request.ts';
import type { Collaborators } from '../collaborators.ts';
import type { Exchange } from '../exchange.ts';
import type { SiteGuard } from './exit-guards.ts';
import type { SiteBar } from './operator-bars.ts';
import { DEFAULT_SESSION_IDLE_MS } from './session-exit.ts';

/** Where the cheapest tier is looked for, each has a list of its own, so that a small cheap one is drawn from too. */
const TIERS: readonly Tier[] = ['dc', 'isp', 'res', 'mobile'];
const NO_EXITS: readonly number[] = Object.freeze([]);

/** The filter, what to draw its exits from, and those of them that won't do. */
export interface Wide {
  readonly filter: ExitFilter;
  readonly candidates: Draw;
  readonly excluded: readonly number[];
}

/** The same, with what else one pick goes by. */
export interface Drawing extends Wide {
  readonly guard: SiteGuard | null;
  readonly bar: SiteBar | null;
  /** An attempt has failed before. */
  readonly retry: boolean;
  /** Providers, by their rows, that are taken only where no other would do. */
  readonly shunned?: readonly number[];
  /** Slots that are taken only where no other would do. */
  readonly avoided?: readonly number[] | undefined;
}

/** A slot, and what its provider let the attempt in by; or NONE or HOLD, and NO_ENTRY. */
export interface Picked {
  readonly slot: number;
  readonly entry: number;
}

/** Picks an exit of those that providers let in and the guard of the site leaves. HOLD where the site refuses all of them, or a
 *  provider that comes back has no place free yet and no other serves. */
export function pickSlot(deps: Collaborators, exchange: Exchange, drawing: Drawing): Picked {
  const { guard } = drawing;
  const { providers } = deps.selection();
  const way = providers.anyClosed ? providers.wayInto(poolNumbers(deps, exchange)) : 'open';
  if (way !== 'open') return { slot: way === 'full' ? HOLD : NONE, entry: NO_ENTRY };
  for (let now = drawing; ; ) {
    const slot = pickOf(deps, requestOf(deps, exchange, now), drawing.filter);
    if (slot < 0 && (now.avoided ?? []).length > 0) return pickSlot(deps, exchange, { ...now, avoided: [] });
    if (slot === NONE && (drawing.shunned ?? []).length > 0) return pickSlot(deps, exchange, { ...now, shunned: [] });
    if (slot < 0) return { slot, entry: NO_ENTRY };
    const entry = providers.enter(slot);
    if (entry !== NO_ENTRY) {
      if (guard === null || guard.take(slot, deps.now())) return { slot, entry };
      providers.left(entry);
    }
    // Another exchange was faster.
    now = { ...now, excluded: [...now.excluded, slot] };
  }
}

/** The numbers of the pools that the exchange may leave by. */
export function poolNumbers({ registry }: Collaborators, { admission }: Exchange): readonly number[] {
  return (admission?.pools ?? []).flatMap((pool) => registry.pool(pool)?.number ?? []);
}

/** That there is none, or none for now, is said only by a list of all that pass: where it doesn't stand yet it is made. */
function pickOf(deps: Collaborators, request: PickRequest, filter: ExitFilter): number {
  const slot = deps.selection().pick(request, deps.now());
  if (slot >= 0 || request.loose !== true) return slot;
  return deps.selection().pick({ ...request, list: deps.registry.candidates(filter), loose: false }, deps.now());
}

function requestOf(deps: Collaborators, exchange: Exchange, drawing: Drawing): PickRequest {
  const { admission, startedAt } = exchange;
  const { filter, candidates, excluded, retry } = drawing;
  const pool = admission?.pools[0] ?? '';
  const isAuto = admission?.params.tier === 'auto';
  const session = admission?.leaseKey == null ? null : { endsInMs: admission.params.ttlMs ?? DEFAULT_SESSION_IDLE_MS };
  return {
    strategy: isAuto ? 'learned' : (deps.registry.pool(pool)?.strategy ?? 'learned'),
    list: isAuto ? NO_EXITS : candidates.list,
    loose: !isAuto && !candidates.exact,
    others: isAuto ? TIERS.map((tier) => deps.registry.candidates({ ...filter, tier })) : undefined,
    matches: candidates.matches,
    allows: allowing(deps, drawing),
    excluded,
    cursor: deps.registry.cursorOf(pool),
    site: exchange.siteRow,
    client: exchange.bounds?.client,
    ring: exchange.ring,
    session,
    since: startedAt,
    retry,
  };
}

/** Which exits are left by an operator's bar, by what limits their use, and by what has failed before; undefined where there is
 *  nothing of that. */
function allowing(
  deps: Collaborators,
  { guard, bar, shunned = [], avoided = [] }: Drawing,
): ((slot: number) => boolean) | undefined {
  const { now } = deps;
  const { providers } = deps.selection();
  if (bar === null && shunned.length + avoided.length === 0)
    return guard === null ? undefined : (slot) => guard.allows(slot, now());
  return (slot) =>
    bar?.mayTake(slot) !== false &&
    !avoided.includes(slot) &&
    !shunned.includes(providers.carrierOf(slot)) &&
    guard?.allows(slot, now()) !== false;
}
