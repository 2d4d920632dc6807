import { GatewayError } from '../../errors.ts';
import type { Lease } from '../../memory/lease.ts';
import type { Exit, Rotation } from '../../pool/exit.ts';
import type { ExitFilter } from '../../pool/registry.ts';
import type { Params } from '../../protocol/username.ts';
import { NO_ENTRY } from '../../selection/provider-health.ts';
import { HOLD, NONE } from '../../selection/request.ts';
import type { Collaborators } from '../collaborators.ts';
import { type Admission, authorityKey, type Choice, type Exchange } from '../exchange.ts';
import { pause } from '../pause.ts';
import { pickSlot, type Wide } from './drawing.ts';
import { type ExitShare, exitShareOf } from './exit-shares.ts';
import { heldTooLong, noneRested, noneToTake, providerDown } from './no-exit.ts';
import type { SiteBar } from './operator-bars.ts';
import { shunnedProviders } from './provider-books.ts';
import { agreed, type Taken } from './session-agreement.ts';
import {
  asMinted,
  findLease,
  isPinned,
  leasedExit,
  leaseLost,
  mayHaveLost,
  mintKeyOf,
  sessionForgotten,
  sessionLost,
} from './session-exit.ts';

/** Of more exits it is found out first whether any has an account with room: that none has would be known only once all were
 *  looked at. */
const MANY = 1_000;

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
  const used = excludedSlots(deps, admission.params, tried);
  const avoided = avoidedSlots(deps, exchange, admission);
  // One that opens tunnels at once wins every race.
  const excluded = avoided === undefined ? used : [...used, ...avoided];
  const candidates = deps.registry.drawFrom(filter);
  const guard = exitShareOf(deps, exchange, { excluded, matches: candidates.matches });
  const bar = deps.bars.at(exchange);
  const { slot, entry } = pickSlot(deps, exchange, { filter, candidates, excluded, guard, bar, retry: true });
  const exit = slot < 0 ? undefined : deps.registry.exitAt(slot);
  return exit === undefined ? null : asChoice(deps, admission, { slot, exit, lease: null, entry });
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
  const guard = exitShareOf(deps, exchange, { excluded, matches: candidates.matches });
  const bar = deps.bars.at(exchange);
  if (lease !== null) {
    const staying = stay(deps, exchange, { lease, excluded, guard, bar, last, most });
    if (staying !== null) return staying;
  } else if (mayHaveLost(deps, admission)) throw sessionForgotten();
  if (most > MANY && deps.accounts.any && deps.accounts.areAllFull(admission.pools)) {
    exchange.atAccountLimit = true;
    return HOLD;
  }
  const shunned = shunnedProviders(deps, exchange, { tried, last });
  const avoided = avoidedSlots(deps, exchange, admission);
  const wide = { filter, candidates, excluded, guard, bar, retry: tried.length > 0, shunned, avoided };
  const near = lease === null ? wide : { ...wide, ...nearest(deps, wide, { lease, bar }) };
  const first = pickSlot(deps, exchange, near);
  const { slot, entry } = first.slot === NONE && near.filter !== filter ? pickSlot(deps, exchange, wide) : first;
  if (slot === HOLD) return HOLD;
  if (slot === NONE) {
    // What is over in a moment is no reason to try no further.
    const none = exchange.atAccountLimit ? HOLD : (last ?? noneToTake(deps, exchange, { admission, guard }));
    if (none === HOLD) return HOLD;
    // A pool that its client's limits or quotas have closed may have one.
    throw last ?? exchange.limitClaims?.refusal ?? exchange.quota?.refusal ?? none;
  }
  const exit = deps.registry.exitAt(slot);
  if (exit === undefined) throw new GatewayError('internal', { detail: 'selection named a slot without an exit' });
  const own = { slot, exit, lease: null, entry };
  const at = admission.leaseKey === null ? own : agreed(deps, admission, { own, lease, excluded, bar, last });
  return { choice: asChoice(deps, admission, at), others: othersOf(at, most - tried.length), pinned: false };
}

/** How many exits could still follow this one, of so many: without end where each attempt mints its own. */
const othersOf = ({ exit }: { readonly exit: Exit }, most: number): number =>
  exit.mint === null ? most - 1 : Number.POSITIVE_INFINITY;

interface Staying {
  readonly lease: Lease;
  readonly excluded: readonly number[];
  readonly guard: ExitShare | null;
  readonly bar: SiteBar | null;
  readonly last: GatewayError | null;
  readonly most: number;
}

/** A session goes on by its exit, once that may; null where it must move. Throws session_lost, or what stands in the way, where a
 *  strict one can't go on. */
function stay(deps: Collaborators, exchange: Exchange, terms: Staying): Chosen | typeof HOLD | null {
  const { admission } = exchange;
  const { lease, excluded, guard, bar, last, most } = terms;
  if (admission === null) return null;
  const pinned = isPinned(lease, admission);
  const { ttlMs } = admission.params;
  const exit = leasedExit(deps, { lease, filter: admission.filter, excluded, bar, ttlMs });
  if (exit === null && pinned) throw leaseLost(deps, lease, { bar, ttlMs, last });
  if (exit === null || (!pinned && !mayStay(deps, exchange, exit.slot))) return null;
  const { providers } = deps.selection();
  const entry = providers.enter(exit.slot);
  if (entry === NO_ENTRY) {
    if (!pinned) return null;
    if (providers.isDown(exit.slot)) throw sessionLost(providerDown(deps, exit.slot));
    return HOLD;
  }
  if (guard === null || guard.take(exit.slot, deps.now())) {
    const choice = asChoice(deps, admission, { ...exit, lease, entry });
    return { choice, others: pinned ? 0 : othersOf(exit, most), pinned };
  }
  providers.left(entry);
  if (guard.waits()) return HOLD;
  if (pinned) throw guard.full(exit.slot) ?? sessionLost(noneRested());
  return null;
}

/** The same for an exchange that is held: asks again and again, as long as there is time. Rejects as `choose` throws, or with the
 *  abort's reason. */
export async function chooseLater(deps: Collaborators, exchange: Exchange, tried: Tried): Promise<Chosen> {
  const stepMs = deps.settings().holdStepMs;
  for (;;) {
    if (deps.now() + stepMs >= tried.endsAt) throw tried.last ?? heldTooLong(deps, exchange);
    await pause(stepMs, exchange.abort);
    const chosen = choose(deps, exchange, tried);
    if (chosen !== HOLD) return chosen;
  }
}

/** Slots of exits over which the client's tunnels were silent. */
function avoidedSlots(deps: Collaborators, exchange: Exchange, { client }: Admission): readonly number[] | undefined {
  if (deps.mute.isIdle) return undefined;
  const avoided = deps.mute.avoided({ client: client.name, authority: authorityKey(exchange) }, deps.now());
  return avoided.filter((exit) => deps.exits.generationOf(exit.slot) === exit.generation).map(({ slot }) => slot);
}

/** Where a session that must leave its exit looks first: the same country and autonomous system, if any exit is left there that
 *  it may use. */
function nearest(
  deps: Collaborators,
  wide: Wide,
  { lease, bar }: { readonly lease: Lease; readonly bar: SiteBar | null },
): Wide {
  const { filter } = wide;
  if (lease.country === '' && lease.asn === 0) return wide;
  const country = lease.country === '' ? filter.country : [lease.country];
  const asn = lease.asn === 0 ? filter.asn : String(lease.asn);
  const asked = filter.country ?? country;
  if (!country?.every((code) => asked?.includes(code)) || (filter.asn ?? asn) !== asn) return wide;
  const excluded = [...wide.excluded, lease.slot];
  const near = { ...filter, country, asn };
  const may = (slot: number) => !excluded.includes(slot) && deps.exits.isOpen(slot) && bar?.mayTake(slot) !== false;
  if (!deps.registry.candidates(near).some(may)) return wide;
  return { filter: near, candidates: deps.registry.drawFrom(near), excluded };
}

function asChoice(
  deps: Collaborators,
  { leaseKey: key, params }: Admission,
  { slot, exit, lease, entry }: Taken,
): Choice {
  const hold = lease === null ? null : { slot, generation: lease.generation, mint: lease.mint };
  const pool = deps.registry.pool(exit.pool) ?? null;
  if (exit.rotation !== null) return rotated(deps, { slot, exit, pool, rotation: exit.rotation, hold, entry });
  if (exit.mint === null) return { slot, exit, pool, endpoint: exit.endpoint, hold, entry };
  const mintKey = key === null || hold === null ? deps.newId() : mintKeyOf(key, hold);
  const minted = exit.mint.mint(mintKey, params);
  return { slot, exit: asMinted(exit, minted), pool, endpoint: minted.endpoint, hold, entry };
}

/** The id that the slot goes by, or the session's own, which may be a former one. */
function rotated(
  deps: Collaborators,
  {
    slot,
    exit,
    pool,
    rotation,
    hold,
    entry,
  }: Pick<Choice, 'slot' | 'exit' | 'pool' | 'hold' | 'entry'> & {
    readonly rotation: Rotation;
  },
): Choice {
  const now = deps.now();
  const epoch = hold?.mint ?? deps.epochs.use(slot, rotation, { now });
  if (hold !== null) deps.epochs.touch(slot, epoch, now);
  const isFormer = deps.epochs.epochOf(slot) !== epoch;
  return { slot, exit, pool, endpoint: rotation.endpointOf(epoch), hold, entry, isFormer };
}

/** Slots that won't do. One that mints for each attempt has another exit for the next. */
function excludedSlots(deps: Collaborators, params: Params, tried: readonly number[]): readonly number[] {
  const unwanted = params.not === undefined ? undefined : deps.registry.slotOf(params.not);
  const used = tried.length === 0 ? tried : tried.filter((slot) => deps.registry.exitAt(slot)?.mint == null);
  return unwanted === undefined ? used : [...used, unwanted];
}

/** The row of the site that the exchange goes to `now`, -1 for none. */
export function siteRowOf(deps: Collaborators, { site }: Exchange, now: number): number {
  return site === null ? -1 : deps.siteRowOf(site, now);
}

/** Looks up what a choice and its attempt go by. */
function note(deps: Collaborators, exchange: Exchange, filter: ExitFilter): void {
  exchange.siteRow = siteRowOf(deps, exchange, deps.now());
  exchange.ring = deps.rings.numberOf(filter);
}

/** Whether a session that may move had better stay. */
function mayStay(deps: Collaborators, exchange: Exchange, slot: number): boolean {
  const pool = deps.registry.pool(deps.registry.exitAt(slot)?.pool ?? '');
  if (pool?.strategy !== 'learned') return true;
  const { siteRow: site, bounds } = exchange;
  return deps.selection().mayStay(slot, { site, client: bounds?.client }, deps.now());
}
