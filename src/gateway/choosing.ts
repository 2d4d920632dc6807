import { GatewayError } from '../errors.ts';
import type { Exit } from '../pool/exit.ts';
import type { ExitFilter } from '../pool/registry.ts';
import type { Tier } from '../protocol/params.ts';
import type { Params } from '../protocol/username.ts';
import type { Lease } from '../selection/leases.ts';
import { HOLD, NONE, type PickRequest } from '../selection/request.ts';
import type { Collaborators } from './collaborators.ts';
import type { Admission, Choice, Exchange } from './exchange.ts';
import { pause } from './pause.ts';

/** A session without `ttl` and `idle` ends when it has rested for so long. */
const DEFAULT_SESSION_IDLE_MS = 30 * 60_000;

/** Where the cheapest tier is looked for, each has a list of its own, so that a small cheap one is drawn from too. */
const TIERS: readonly Tier[] = ['dc', 'isp', 'res', 'mobile'];
const NO_EXITS: readonly number[] = Object.freeze([]);

/** Slots tried so far in this exchange, how the last of them failed, and when the time for all attempts is over. */
export interface Tried {
  readonly tried: readonly number[];
  readonly last: GatewayError | null;
  readonly endsAt: number;
}

/** The exit for the next attempt. */
export interface Chosen {
  readonly choice: Choice;
  /** How many exits could still follow it. */
  readonly others: number;
  /** A strict session that has been confirmed on this exit: it fails rather than move. */
  readonly pinned: boolean;
}

/** The exit for the next attempt; waits for it while the site refuses every one, and no longer than there is time. A session's
 *  exit is its lease's, pinned here in one go with the pick, so that exchanges of one session that begin together share one exit.
 *  Throws no_exit, no_exit_for_target, session_lost, the last attempt's failure when every exit has been tried, or the abort's
 *  reason. */
export async function choose(deps: Collaborators, exchange: Exchange, tried: Tried): Promise<Chosen> {
  for (;;) {
    const chosen = chooseNow(deps, exchange, tried);
    if (chosen !== HOLD) return chosen;
    const stepMs = deps.settings().holdStepMs;
    if (deps.now() + stepMs >= tried.endsAt) throw tried.last ?? allRefused(exchange);
    await pause(stepMs, exchange.abort);
  }
}

/** Another exit that could race the attempts under way, or null. It belongs to no session, and is not waited for. */
export function chooseRival(deps: Collaborators, exchange: Exchange, tried: readonly number[]): Choice | null {
  const { admission } = exchange;
  if (admission === null) return null;
  const filter = filterOf(admission);
  const excluded = excludedSlots(deps, admission.params, tried);
  const candidates = deps.registry.candidates(filter);
  const slot = pickSlot(deps, exchange, { filter, candidates, excluded, tried: tried.length });
  const exit = slot < 0 ? undefined : deps.registry.exitAt(slot);
  return exit === undefined ? null : asChoice(deps, { slot, exit }, null);
}

function chooseNow(deps: Collaborators, exchange: Exchange, { tried, last }: Tried): Chosen | typeof HOLD {
  const { admission } = exchange;
  if (admission === null) throw new GatewayError('internal', { detail: 'an exchange chose before it was admitted' });
  const filter = filterOf(admission);
  const candidates = deps.registry.candidates(filter);
  const lease = findLease(deps, admission);
  const excluded = excludedSlots(deps, admission.params, tried);
  if (lease !== null) {
    const exit = leasedExit(deps, { lease, filter, excluded });
    const pinned = lease.confirmed && (admission.params.strict ?? lease.strict);
    if (exit !== null && (pinned || mayStay(deps, exchange, exit.slot)))
      return { choice: asChoice(deps, exit, lease), others: pinned ? 0 : candidates.length - 1, pinned };
    if (pinned) throw sessionLost(last);
  }
  const slot = pickSlot(deps, exchange, { filter, candidates, excluded, tried: tried.length });
  if (slot === HOLD) return HOLD;
  if (slot === NONE) throw last ?? noExit(deps, admission);
  const exit = deps.registry.exitAt(slot);
  if (exit === undefined) throw new GatewayError('internal', { detail: 'selection named a slot without an exit' });
  const held = lease === null ? createLease(deps, admission, slot) : moveLease(deps, admission, slot);
  return { choice: asChoice(deps, { slot, exit }, held), others: candidates.length - tried.length - 1, pinned: false };
}

/** After a success the exchange's session keeps its exit: from here on a strict one fails rather than move. Of exchanges that
 *  began together over different exits the first to succeed decides. */
export function settleSession(deps: Collaborators, exchange: Exchange): void {
  const key = exchange.admission?.leaseKey ?? null;
  const { choice } = exchange;
  const lease = key === null ? undefined : deps.leases.find(key, deps.now());
  if (key === null || choice === null || lease === undefined) return;
  if (!lease.confirmed) {
    const generation = deps.registry.generationOf(choice.slot);
    if (lease.slot !== choice.slot)
      deps.leases.move(key, { slot: choice.slot, generation, mintKey: choice.mintKey ?? lease.mintKey });
    deps.leases.confirm(key);
  }
  if (lease.slot === choice.slot || !lease.confirmed) deps.leases.touch(key, deps.now());
}

/** After an exit's failure a session that may move is let go of that exit, so that its other exchanges leave it as well. */
export function releaseFromSession(deps: Collaborators, exchange: Exchange): void {
  const key = exchange.admission?.leaseKey ?? null;
  const lease = key === null ? undefined : deps.leases.find(key, deps.now());
  if (key === null || lease === undefined || lease.slot !== exchange.choice?.slot) return;
  if (!lease.strict || !lease.confirmed) deps.leases.fail(key);
}

/** The exit that a session is pinned to now, if any. */
export function sessionExit(deps: Collaborators, admission: Admission): Exit | null {
  const lease = findLease(deps, admission);
  return lease === null ? null : (deps.registry.exitAt(lease.slot) ?? null);
}

function filterOf({ params, pools }: Admission): ExitFilter {
  const { tier, country, region, state, city, zip, asn, isp, exit, ip } = params;
  return { pools, tier: tier === 'auto' ? undefined : tier, country, region, state, city, zip, asn, isp, exit, ip };
}

function findLease(deps: Collaborators, admission: Admission): Lease | null {
  const { leaseKey: key } = admission;
  return key === null ? null : (deps.leases.find(key, deps.now()) ?? null);
}

/** The lease's exit where it still stands, still fits what the request asks, and hasn't just failed. */
function leasedExit(
  deps: Collaborators,
  { lease, filter, excluded }: { lease: Lease; filter: ExitFilter; excluded: readonly number[] },
): { slot: number; exit: Exit } | null {
  const exit = deps.registry.exitAt(lease.slot);
  if (exit === undefined || deps.registry.generationOf(lease.slot) !== lease.generation) return null;
  if (lease.failed || excluded.includes(lease.slot) || !deps.registry.matches(lease.slot, filter)) return null;
  return { slot: lease.slot, exit };
}

function createLease(deps: Collaborators, admission: Admission, slot: number): Lease | null {
  const { leaseKey: key } = admission;
  if (key === null) return null;
  const { ttlMs, idleMs, strict } = admission.params;
  return deps.leases.create(
    key,
    {
      slot,
      generation: deps.registry.generationOf(slot),
      ttlMs: ttlMs ?? Number.POSITIVE_INFINITY,
      idleMs: idleMs ?? (ttlMs === undefined ? DEFAULT_SESSION_IDLE_MS : Number.POSITIVE_INFINITY),
      strict: strict === true,
      mintKey: deps.newId(),
    },
    deps.now(),
  );
}

function moveLease(deps: Collaborators, admission: Admission, slot: number): Lease | null {
  const { leaseKey: key } = admission;
  if (key === null) return null;
  const generation = deps.registry.generationOf(slot);
  return deps.leases.move(key, { slot, generation, mintKey: deps.newId() }) ?? null;
}

function asChoice(deps: Collaborators, at: { slot: number; exit: Exit }, lease: Lease | null): Choice {
  const { slot, exit } = at;
  const mintKey = lease?.mintKey ?? null;
  const endpoint = exit.mint === null ? exit.endpoint : exit.mint(mintKey ?? deps.newId());
  return { slot, exit, endpoint, mintKey };
}

interface Draw {
  readonly filter: ExitFilter;
  readonly candidates: readonly number[];
  readonly excluded: readonly number[];
  /** How many attempts have failed. */
  readonly tried: number;
}

function pickSlot(deps: Collaborators, exchange: Exchange, draw: Draw): number {
  const { admission, startedAt } = exchange;
  const { filter, candidates, excluded, tried } = draw;
  const pool = admission?.pools[0] ?? '';
  const isAuto = admission?.params.tier === 'auto';
  const session = admission?.leaseKey == null ? null : { endsInMs: admission.params.ttlMs ?? DEFAULT_SESSION_IDLE_MS };
  const request: PickRequest = {
    strategy: isAuto ? 'learned' : (deps.registry.pool(pool)?.strategy ?? 'learned'),
    list: isAuto ? NO_EXITS : candidates,
    others: isAuto ? TIERS.map((tier) => deps.registry.candidates({ ...filter, tier })) : undefined,
    matches: (slot) => deps.registry.matches(slot, filter),
    excluded,
    cursor: deps.registry.cursorOf(pool),
    site: siteRowOf(deps, exchange),
    ring: deps.rings.numberOf(filter),
    session,
    since: startedAt,
    retry: tried > 0,
  };
  return deps.selection.pick(request, deps.now());
}

/** The row of the site that the exchange goes to, -1 for none. */
export function siteRowOf(deps: Collaborators, { authority }: Exchange): number {
  return authority === null ? -1 : deps.siteRowOf(authority.host);
}

/** The number of the filter that the exchange asks by. */
export function filterRing(deps: Collaborators, { admission }: Exchange): number {
  return admission === null ? 0 : deps.rings.numberOf(filterOf(admission));
}

/** Whether a session that may move had better stay. */
function mayStay(deps: Collaborators, exchange: Exchange, slot: number): boolean {
  const pool = deps.registry.pool(deps.registry.exitAt(slot)?.pool ?? '');
  return pool?.strategy !== 'learned' || deps.selection.mayStay(slot, siteRowOf(deps, exchange), deps.now());
}

function allRefused({ authority }: Exchange): GatewayError {
  return new GatewayError('no_exit_for_target', { detail: `${authority?.host} refuses every exit for now` });
}

function excludedSlots(deps: Collaborators, params: Params, tried: readonly number[]): readonly number[] {
  const unwanted = params.not === undefined ? undefined : deps.registry.slotOf(params.not);
  return unwanted === undefined ? tried : [...tried, unwanted];
}

function noExit(deps: Collaborators, admission: Admission): GatewayError {
  const filter = filterOf(admission);
  const unfiltered = deps.registry.candidates({ pools: admission.pools });
  if (unfiltered.length === 0)
    return new GatewayError('no_exit', { detail: `pool ${admission.pools.join(', ')} has no exits` });
  return new GatewayError('no_exit_for_target', { detail: deps.registry.describe(filter) });
}

/** What a strict session ends with where another would move to the next exit. */
export function sessionLost(last: GatewayError | null): GatewayError {
  const why = last === null ? 'its exit is gone' : `its exit failed with ${last.kind}`;
  return new GatewayError('session_lost', { detail: `the strict session can't continue: ${why}`, cause: last });
}
