import { GatewayError } from '../errors.ts';
import type { Hold, Lease, LeasedExit, LeaseKey } from '../memory/lease-table.ts';
import type { Exit } from '../pool/exit.ts';
import type { Draw } from '../pool/filter-lists.ts';
import type { ExitFilter } from '../pool/registry.ts';
import type { Tier } from '../protocol/params.ts';
import type { Params } from '../protocol/username.ts';
import { HOLD, NONE, type PickRequest } from '../selection/request.ts';
import type { Collaborators } from './collaborators.ts';
import type { Admission, Choice, Exchange } from './exchange.ts';
import type { SiteGuard } from './exit-guards.ts';
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

/** Another exit that could race the attempts under way, or null. It belongs to no session, and is not waited for. */
export function chooseRival(deps: Collaborators, exchange: Exchange, tried: readonly number[]): Choice | null {
  const { admission } = exchange;
  if (admission === null) return null;
  const { filter } = admission;
  note(deps, exchange, filter);
  const excluded = excludedSlots(deps, admission.params, tried);
  const candidates = deps.registry.drawFrom(filter);
  const guard = deps.guards.for(exchange);
  const slot = pickSlot(deps, exchange, { filter, candidates, excluded, guard, retry: true });
  const exit = slot < 0 ? undefined : deps.registry.exitAt(slot);
  return exit === undefined ? null : asChoice(deps, admission, { slot, exit, lease: null });
}

/** The exit for the next attempt, or HOLD while the site refuses every one: see `chooseLater`. A session's exit is its lease's,
 *  pinned here and at once, so that exchanges of one session that begin together share one exit. Throws no_exit,
 *  no_exit_for_target, session_lost, or the last attempt's failure when every exit has been tried. */
export function choose(deps: Collaborators, exchange: Exchange, { tried, last }: Tried): Chosen | typeof HOLD {
  const { admission } = exchange;
  if (admission === null) throw new GatewayError('internal', { detail: 'an exchange chose before it was admitted' });
  const { filter } = admission;
  note(deps, exchange, filter);
  const candidates = deps.registry.drawFrom(filter);
  const most = candidates.count ?? candidates.list.length;
  const lease = findLease(deps, admission);
  const excluded = excludedSlots(deps, admission.params, tried);
  const guard = deps.guards.for(exchange);
  if (lease !== null) {
    const exit = leasedExit(deps, { lease, filter, excluded });
    const pinned = lease.confirmed && (admission.params.strict ?? lease.strict);
    const stays = exit !== null && (pinned || mayStay(deps, exchange, exit.slot));
    if (exit !== null && stays && (guard === null || guard.take(exit.slot, deps.now())))
      return {
        choice: asChoice(deps, admission, { ...exit, lease }),
        others: pinned ? 0 : most - 1,
        pinned,
      };
    if (pinned) throw sessionLost(exit === null ? last : noneRested());
  } else if (mayHaveLost(deps, admission)) throw sessionForgotten();
  const wide = { filter, candidates, excluded };
  const near = lease === null ? wide : nearest(deps, wide, lease);
  const slot = pickSlot(deps, exchange, { ...near, guard, retry: tried.length > 0 });
  if (slot === HOLD) return HOLD;
  if (slot === NONE)
    throw (
      last ?? (guard === null || deps.registry.drawFrom(filter).count === 0 ? noExit(deps, admission) : noneRested())
    );
  const exit = deps.registry.exitAt(slot);
  if (exit === undefined) throw new GatewayError('internal', { detail: 'selection named a slot without an exit' });
  const held = holdExit(deps, admission, { slot, exit, lease });
  // Of exchanges of one session that choose at once the first one's choice holds for all that can use it.
  const agreed = held === null ? null : leasedExit(deps, { lease: held, filter, excluded });
  const at = agreed === null ? { slot, exit, lease: null } : { ...agreed, lease: held };
  return { choice: asChoice(deps, admission, at), others: most - tried.length - 1, pinned: false };
}

/** The same for an exchange that is held: asks again and again, as long as there is time. Rejects as `choose` throws, or with the
 *  abort's reason. */
export async function chooseLater(deps: Collaborators, exchange: Exchange, tried: Tried): Promise<Chosen> {
  const stepMs = deps.settings().holdStepMs;
  for (;;) {
    if (deps.now() + stepMs >= tried.endsAt) throw tried.last ?? allRefused(exchange);
    await pause(stepMs, exchange.abort);
    const chosen = choose(deps, exchange, tried);
    if (chosen !== HOLD) return chosen;
  }
}

/** After a success the exchange's session keeps its exit: from here on a strict one fails rather than move. Of exchanges that
 *  began together over different exits the first to succeed decides. */
export function settleSession(deps: Collaborators, exchange: Exchange): void {
  const key = exchange.admission?.leaseKey ?? null;
  const { choice } = exchange;
  const lease = key === null ? undefined : deps.leases.find(key, deps.now());
  if (key === null || choice === null || choice.hold === null || lease === undefined) return;
  const now = deps.now();
  if (!lease.confirmed) {
    if (lease.slot !== choice.slot)
      deps.leases.move(key, { from: lease, to: { ...factsOf(choice.exit), ...choice.hold } }, now);
    deps.leases.confirm(key, choice.hold, now);
  }
  if (lease.slot === choice.slot || !lease.confirmed) deps.leases.touch(key, now);
}

/** After an exit's failure a session that may move is let go of that exit, so that its other exchanges leave it as well. */
export function releaseFromSession(deps: Collaborators, exchange: Exchange): void {
  const key = exchange.admission?.leaseKey ?? null;
  const hold = exchange.choice?.hold ?? null;
  const lease = key === null ? undefined : deps.leases.find(key, deps.now());
  if (key === null || hold === null || lease === undefined) return;
  if (!lease.strict || !lease.confirmed) deps.leases.fail(key, hold, deps.now());
}

/** The exit that a session is pinned to now, if any. */
export function sessionExit(deps: Collaborators, admission: Admission): Exit | null {
  const lease = findLease(deps, admission);
  return lease === null ? null : (deps.registry.exitAt(lease.slot) ?? null);
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

/** Where a session that must leave its exit looks first: the same country and autonomous system, if any exit is left there that
 *  it may use. */
function nearest(deps: Collaborators, wide: Wide, lease: Lease): Wide {
  const { filter } = wide;
  if (lease.country === '' && lease.asn === 0) return wide;
  const country = lease.country === '' ? filter.country : [lease.country];
  const asn = lease.asn === 0 ? filter.asn : String(lease.asn);
  const asked = filter.country ?? country;
  if (!country?.every((code) => asked?.includes(code)) || (filter.asn ?? asn) !== asn) return wide;
  const excluded = [...wide.excluded, lease.slot];
  const near = { ...filter, country, asn };
  if (!deps.registry.candidates(near).some((slot) => !excluded.includes(slot))) return wide;
  return { filter: near, candidates: deps.registry.drawFrom(near), excluded };
}

/** Gives the exit to the exchange's session. Returns the lease that the session has then: another's choice where another was
 *  faster; null without a session, or where no room is left for a session that needn't be kept. Throws overloaded for one that
 *  must be. */
function holdExit(
  deps: Collaborators,
  { leaseKey: key, client, params }: Admission,
  { slot, exit, lease }: { readonly slot: number; readonly exit: Exit; readonly lease: Lease | null },
): Lease | null {
  if (key === null) return null;
  const { ttlMs, idleMs, strict = false, session = '' } = params;
  const to: LeasedExit = {
    slot,
    generation: deps.registry.generationOf(slot),
    mint: Math.floor(deps.random() * 2 ** 32) | 0,
    ...factsOf(exit),
  };
  const terms = {
    ttlMs: ttlMs ?? Number.POSITIVE_INFINITY,
    idleMs: idleMs ?? (ttlMs === undefined ? DEFAULT_SESSION_IDLE_MS : Number.POSITIVE_INFINITY),
  };
  const now = deps.now();
  const held =
    (lease === null ? undefined : deps.leases.move(key, { from: lease, to }, now)) ??
    deps.leases.create(key, { ...to, ...terms, strict, client: client.name, session }, now);
  if (held === undefined && strict)
    throw new GatewayError('overloaded', { detail: 'there is no room for another session' });
  return held ?? null;
}

/** What a lease says of its exit. */
function factsOf({ id, geo }: Exit): Pick<LeasedExit, 'exit' | 'country' | 'asn'> {
  return { exit: id, country: geo.country ?? '', asn: Number(geo.asn ?? 0) || 0 };
}

/** A strict session that nobody knows: after a crash from which not all came back it may have held an exit before. */
function mayHaveLost(deps: Collaborators, { leaseKey, params }: Admission): boolean {
  return (
    leaseKey !== null &&
    params.strict === true &&
    deps.mayBeLost(params.ttlMs ?? params.idleMs ?? DEFAULT_SESSION_IDLE_MS)
  );
}

/** What the session's exit is minted from: unguessable, because the key is, and another at each move. */
const mintKeyOf = (key: LeaseKey, { mint }: Hold): string => `${key.join()},${mint}`;

function asChoice(
  deps: Collaborators,
  { leaseKey: key }: Admission,
  { slot, exit, lease }: { readonly slot: number; readonly exit: Exit; readonly lease: Lease | null },
): Choice {
  const hold = lease === null ? null : { slot, generation: lease.generation, mint: lease.mint };
  if (exit.mint === null) return { slot, exit, endpoint: exit.endpoint, hold };
  const mintKey = key === null || hold === null ? deps.newId() : mintKeyOf(key, hold);
  return { slot, exit, endpoint: exit.mint(mintKey), hold };
}

/** The filter, what to draw its exits from, and those of them that won't do. */
interface Wide {
  readonly filter: ExitFilter;
  readonly candidates: Draw;
  readonly excluded: readonly number[];
}

interface Drawing extends Wide {
  readonly guard: SiteGuard | null;
  /** An attempt has failed before. */
  readonly retry: boolean;
}

/** The slot picked, of those that the guard of the site leaves; NONE, or HOLD. */
function pickSlot(deps: Collaborators, exchange: Exchange, drawing: Drawing): number {
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
  const { filter, candidates, excluded, guard, retry } = drawing;
  const pool = admission?.pools[0] ?? '';
  const isAuto = admission?.params.tier === 'auto';
  const session = admission?.leaseKey == null ? null : { endsInMs: admission.params.ttlMs ?? DEFAULT_SESSION_IDLE_MS };
  return {
    strategy: isAuto ? 'learned' : (deps.registry.pool(pool)?.strategy ?? 'learned'),
    list: isAuto ? NO_EXITS : candidates.list,
    loose: !isAuto && !candidates.exact,
    others: isAuto ? TIERS.map((tier) => deps.registry.candidates({ ...filter, tier })) : undefined,
    matches: candidates.matches,
    allows: guard === null ? undefined : (slot) => guard.allows(slot, deps.now()),
    excluded,
    cursor: deps.registry.cursorOf(pool),
    site: exchange.siteRow,
    ring: exchange.ring,
    session,
    since: startedAt,
    retry,
  };
}

/** The row of the site that the exchange goes to, -1 for none. */
export function siteRowOf(deps: Collaborators, { site }: Exchange): number {
  return site === null ? -1 : deps.siteRowOf(site);
}

/** Looks up what a choice and its attempt go by. */
function note(deps: Collaborators, exchange: Exchange, filter: ExitFilter): void {
  exchange.siteRow = siteRowOf(deps, exchange);
  exchange.ring = deps.rings.numberOf(filter);
}

/** Whether a session that may move had better stay. */
function mayStay(deps: Collaborators, exchange: Exchange, slot: number): boolean {
  const pool = deps.registry.pool(deps.registry.exitAt(slot)?.pool ?? '');
  return pool?.strategy !== 'learned' || deps.selection().mayStay(slot, exchange.siteRow, deps.now());
}

const allRefused = ({ authority }: Exchange): GatewayError =>
  new GatewayError('no_exit_for_target', { detail: `${authority?.host} refuses every exit for now` });

function excludedSlots(deps: Collaborators, params: Params, tried: readonly number[]): readonly number[] {
  const unwanted = params.not === undefined ? undefined : deps.registry.slotOf(params.not);
  return unwanted === undefined ? tried : [...tried, unwanted];
}

const noneRested = (): GatewayError =>
  new GatewayError('no_exit_for_target', {
    detail: 'every exit that fits rests from this site, or others use it there',
  });

function noExit(deps: Collaborators, admission: Admission): GatewayError {
  const { filter } = admission;
  const unfiltered = deps.registry.drawFrom({ pools: admission.pools });
  if (unfiltered.count === 0)
    return new GatewayError('no_exit', { detail: `pool ${admission.pools.join(', ')} has no exits` });
  return new GatewayError('no_exit_for_target', { detail: deps.registry.describe(filter) });
}

/** What a strict session ends with where another would move to the next exit. */
export function sessionLost(last: GatewayError | null): GatewayError {
  const why = last === null ? 'its exit is gone' : `its exit failed with ${last.kind}`;
  return new GatewayError('session_lost', { detail: `the strict session can't continue: ${why}`, cause: last });
}

/** The same for one that may have held an exit before a crash. */
function sessionForgotten(): GatewayError {
  return new GatewayError('session_lost', {
    detail: 'a crash may have lost what the strict session held: take another session name',
  });
}
