import type { Draw } from '../pool/filter-lists.ts';
import type { ExitFilter } from '../pool/registry.ts';
import type { Tier } from '../protocol/params.ts';
import type { PickRequest } from '../selection/request.ts';
import type { Collaborators } from './collaborators.ts';
import type { Exchange } from './exchange.ts';
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
}

/** The slot picked, of those that the guard of the site leaves; NONE, or HOLD. */
export function pickSlot(deps: Collaborators, exchange: Exchange, drawing: Drawing): number {
  const { guard } = drawing;
  if (guard === null) return pickOf(deps, requestOf(deps, exchange, drawing), drawing.filter);
  const excluded = [...drawing.excluded];
  for (;;) {
    const slot = pickOf(deps, requestOf(deps, exchange, { ...drawing, excluded }), drawing.filter);
    if (slot < 0 || guard.take(slot, deps.now())) return slot;
    // Another exchange was faster.
    excluded.push(slot);
  }
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
    ring: exchange.ring,
    session,
    since: startedAt,
    retry,
  };
}

/** Which exits an operator's bar and the site's guard leave; undefined where there is neither. */
function allowing({ now }: Collaborators, { guard, bar }: Drawing): ((slot: number) => boolean) | undefined {
  if (bar === null) return guard === null ? undefined : (slot) => guard.allows(slot, now());
  return (slot) => bar.mayTake(slot) && guard?.allows(slot, now()) !== false;
}
