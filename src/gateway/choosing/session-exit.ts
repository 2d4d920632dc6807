import { GatewayError } from '../../errors.ts';
import type { IdEpochs } from '../../memory/id-epochs.ts';
import type { Hold, Lease, LeasedExit, LeaseKey } from '../../memory/lease.ts';
import type { Asked, Exit, Minted, Rotation } from '../../pool/exit.ts';
import type { ExitFilter } from '../../pool/registry.ts';
import type { Collaborators } from '../collaborators.ts';
import type { Admission, Exchange } from '../exchange.ts';
import type { SiteBar } from './operator-bars.ts';

/** A session without `ttl` and `idle` ends when it has rested for so long. */
export const DEFAULT_SESSION_IDLE_MS = 30 * 60_000;

/** After a success the exchange's session keeps its exit: from here on a strict one fails rather than move. Of exchanges that
 *  began together over different exits the first to succeed decides. What is no proof that the exit reaches origins decides nothing. */
export function settleSession(deps: Collaborators, exchange: Exchange, isProof: boolean): void {
  const key = exchange.admission?.leaseKey ?? null;
  const { choice } = exchange;
  const lease = key === null ? undefined : deps.leases.find(key, deps.now());
  if (key === null || choice === null || choice.hold === null || lease === undefined) return;
  const now = deps.now();
  const isHeld = lease.slot === choice.slot && lease.mint === choice.hold.mint;
  const decides = isProof && !lease.confirmed;
  if (decides) {
    if (!isHeld) deps.leases.move(key, { from: lease, to: { ...factsOf(choice.exit), ...choice.hold } }, now);
    deps.leases.confirm(key, choice.hold, now);
  }
  if (!isHeld && !decides) return;
  deps.leases.touch(key, now);
  deps.uses.begin(exchange, shortestRest(choice.exit, lease.idleMs));
}

/** After how long a rest a session is over, or its exit has become another. */
function shortestRest({ life, rotation }: Exit, idleMs: number): number {
  return Math.min(idleMs, life?.idleMs ?? Number.POSITIVE_INFINITY, rotation?.idleMs ?? Number.POSITIVE_INFINITY);
}

/** After an exit's failure a session that may move is let go of that exit, so that its other exchanges leave it as well. */
export function releaseFromSession(deps: Collaborators, exchange: Exchange): void {
  const key = exchange.admission?.leaseKey ?? null;
  const hold = exchange.choice?.hold ?? null;
  const lease = key === null ? undefined : deps.leases.find(key, deps.now());
  if (key === null || hold === null || lease === undefined) return;
  if (!lease.strict || !lease.confirmed) deps.leases.fail(key, hold, deps.now());
}

/** The session's lease as it stands; null without a session, or where it has none. */
export function findLease(deps: Collaborators, admission: Admission): Lease | null {
  const { leaseKey: key } = admission;
  return key === null ? null : (deps.leases.find(key, deps.now()) ?? null);
}

/** Whether the exchange's session, if any, was served by the exit that it holds. */
export function hasServedSession(deps: Collaborators, { admission }: Exchange): boolean {
  return admission !== null && findLease(deps, admission)?.confirmed === true;
}

/** Whether the session has been served by its exit, and must not move for this exchange. */
export function isPinned(lease: Lease | null, { params }: Admission): lease is Lease {
  return lease?.confirmed === true && (params.strict ?? lease.strict);
}

/** What a session's exit is judged by. */
interface Stay {
  readonly lease: Lease;
  readonly filter: ExitFilter;
  readonly excluded: readonly number[];
  readonly bar: SiteBar | null;
  /** How long the session wants to last; undefined where it doesn't say. */
  readonly ttlMs: number | undefined;
}

/** The lease's exit where it still stands and is what it was, still fits what the request asks and was minted for, isn't frozen,
 *  and hasn't just failed. */
export function leasedExit(
  deps: Collaborators,
  { lease, filter, excluded, bar, ttlMs }: Stay,
): { slot: number; exit: Exit } | null {
  const exit = deps.registry.exitAt(lease.slot);
  if (exit === undefined || deps.registry.generationOf(lease.slot) !== lease.generation) return null;
  if (isFrozen(deps, lease, bar)) return null;
  if (lease.failed || excluded.includes(lease.slot) || !deps.registry.matches(lease.slot, filter)) return null;
  if (exit.mint !== null && markOf(lease.mint) !== exit.mint.markOf(filter)) return null;
  if (isSpent(deps, exit, { lease, ttlMs })) return null;
  return { slot: lease.slot, exit };
}

/** Whether the session's exit has become another: its vendor gives an address for so long, and no longer. */
function isSpent(deps: Collaborators, exit: Exit, { lease, ttlMs }: Pick<Stay, 'lease' | 'ttlMs'>): boolean {
  const { life, rotation } = exit;
  const { heldMs, restedMs } = lease;
  if (rotation !== null) {
    const { lifetimeMs, idleMs } = rotation;
    const ageMs = deps.epochs.ageMs(lease.mint, deps.now());
    return ageMs >= (lifetimeMs ?? Number.POSITIVE_INFINITY) || (idleMs !== null && restedMs >= idleMs);
  }
  if (life === null) return false;
  const lifetimeMs = life.lifetimeMs(ttlMs ?? null);
  return (lifetimeMs !== null && heldMs >= lifetimeMs) || (life.idleMs !== null && restedMs >= life.idleMs);
}

/** What stands in a lease's mint for the places that its exit was minted for. */
const MARK_BITS = 16;
const markOf = (mint: number): number => mint & (2 ** MARK_BITS - 1);

/** Fresh bits to mint a session's exit from, marked with the places that it asks for. */
export function freshMint({ mint }: Exit, asked: Asked, random: () => number): number {
  const bits = Math.floor(random() * 2 ** 32) | 0;
  return mint === null ? bits : (bits << MARK_BITS) | mint.markOf(asked);
}

/** Gives the exit to the exchange's session. Returns the lease that the session has then: another's choice where another was
 *  faster; null without a session, or where no room is left for a session that needn't be kept. Throws overloaded for one that
 *  must be. */
export function holdExit(
  deps: Collaborators,
  { leaseKey: key, client, params, filter }: Admission,
  { slot, exit, lease }: { readonly slot: number; readonly exit: Exit; readonly lease: Lease | null },
): Lease | null {
  if (key === null) return null;
  const { ttlMs, idleMs, strict = false, session = '' } = params;
  const { rotation } = exit;
  const now = deps.now();
  const mint =
    rotation === null
      ? freshMint(exit, filter, deps.random)
      : sessionEpoch(deps.epochs, slot, { rotation, ttlMs, now });
  const to: LeasedExit = {
    slot,
    generation: deps.registry.generationOf(slot),
    mint,
    ...factsOf(exit.mint === null ? exit : asMinted(exit, exit.mint.mint(mintKeyOf(key, { mint }), params))),
  };
  const terms = {
    ttlMs: ttlMs ?? Number.POSITIVE_INFINITY,
    idleMs: idleMs ?? (ttlMs === undefined ? DEFAULT_SESSION_IDLE_MS : Number.POSITIVE_INFINITY),
  };
  const held =
    (lease === null
      ? undefined
      : deps.leases.move(key, { from: lease, to, pinnedToo: params.strict === false }, now)) ??
    deps.leases.create(key, { ...to, ...terms, strict, client: client.name, session }, now);
  if (held === undefined && strict)
    throw new GatewayError('overloaded', { detail: 'there is no room for another session' });
  return held ?? null;
}

/** The epoch that a session's id is of: one of which at least half is left of the time that the session could have it. */
export function sessionEpoch(
  epochs: IdEpochs,
  slot: number,
  { rotation, ttlMs, now }: { readonly rotation: Rotation; readonly ttlMs: number | undefined; readonly now: number },
): number {
  const { lifetimeMs } = rotation;
  const leftMs = lifetimeMs === null ? 0 : Math.min(ttlMs ?? lifetimeMs, lifetimeMs) / 2;
  return epochs.use(slot, rotation, { now, leftMs });
}

/** What a lease says of its exit. */
function factsOf({ id, geo }: Exit): Pick<LeasedExit, 'exit' | 'country' | 'asn'> {
  return { exit: id, country: geo.country ?? '', asn: Number(geo.asn ?? 0) || 0 };
}

/** An exit where it was minted. */
export function asMinted(exit: Exit, { geo }: Minted): Exit {
  return exit.mint === null || exit.mint.open.size === 0 ? exit : { ...exit, geo: { ...exit.geo, ...geo } };
}

/** A strict session that nobody knows: after a crash from which not all came back it may have held an exit before. */
export function mayHaveLost(deps: Collaborators, { leaseKey, params }: Admission): boolean {
  return (
    leaseKey !== null &&
    params.strict === true &&
    deps.mayBeLost(params.ttlMs ?? params.idleMs ?? DEFAULT_SESSION_IDLE_MS)
  );
}

/** What the session's exit is minted from: unguessable, because the key is, and another at each move. */
export const mintKeyOf = (key: LeaseKey, { mint }: Pick<Hold, 'mint'>): string => `${key.join()},${mint}`;

/** Whether an operator froze the session's exit: everywhere, or at this site. */
function isFrozen({ exits }: Collaborators, { slot }: Lease, bar: SiteBar | null): boolean {
  return !exits.mayServe(slot) || bar?.mayServe(slot) === false;
}

/** Why a strict session can't go on with the exit of its lease. */
export function leaseLost(
  deps: Collaborators,
  lease: Lease,
  { bar, ttlMs, last }: Pick<Stay, 'bar' | 'ttlMs'> & { readonly last: GatewayError | null },
): GatewayError {
  if (last !== null) return sessionLost(last);
  const isThere = deps.registry.generationOf(lease.slot) === lease.generation;
  const exit = isThere ? deps.registry.exitAt(lease.slot) : undefined;
  if (exit === undefined)
    return cannotContinue(': its exit is gone, take another session name (or have it ended: roundabout session end)');
  if (isFrozen(deps, lease, bar)) return cannotContinue(' while its exit is frozen: it goes on once that is thawed');
  if (isSpent(deps, exit, { lease, ttlMs }))
    return cannotContinue(': its vendor gave the address for no longer, take another session name');
  const why = lease.failed ? 'has failed' : 'is none that this request asks for';
  return cannotContinue(`: its exit ${why}, take another session name`);
}

/** What a strict session ends with where another would move to the next exit. */
export function sessionLost(last: GatewayError): GatewayError {
  return cannotContinue(`: its exit failed with ${last.kind}`, last);
}

function cannotContinue(why: string, cause?: GatewayError): GatewayError {
  return new GatewayError('session_lost', { detail: `the strict session can't continue${why}`, cause });
}

/** The same for one that may have held an exit before a crash. */
export function sessionForgotten(): GatewayError {
  return new GatewayError('session_lost', {
    detail: 'a crash may have lost what the strict session held: take another session name',
  });
}
