import type { GatewayError } from '../errors.ts';
import { findLease, hasServedSession } from './choosing/session-exit.ts';
import type { Collaborators } from './collaborators.ts';
import type { Choice, Exchange } from './exchange.ts';
import { takesAbsoluteForm } from './forwarding/exit-link.ts';

/** How long an exit that worked is believed in what it says of an origin, and an origin that was reached isn't believed to be gone by the
 *  word of one, in ms. */
const BELIEVED_MS = 60_000;

/** An attempt that failed `now`, to an origin. */
interface Failed {
  readonly choice: Choice;
  readonly fault: GatewayError;
  readonly authority: string;
  readonly now: number;
}

/** Remembers what the exit itself told of the origin, if it did: it is believed by that from now on. What an answer tells that it passed
 *  on may be the origin's word. */
export function noteWord(deps: Collaborators, { choice, fault, authority, now }: Failed): void {
  if (!fault.isExitsWord || fault.by !== 'origin') return;
  const { slot } = choice;
  const workedAt = now - deps.exits.workedAgoMs(slot, now);
  const othersWorkedAt = deps.rejections.workedAt(authority, slot);
  deps.told.note({ slot, authority, othersWorkedAt, workedAt, at: now });
}

/** Whether an exit is believed `now` in what it tells of an origin, because it has worked lately, and not told too much since. */
export function isBelieved(deps: Collaborators, { slot }: Choice, now: number): boolean {
  const workedAgoMs = deps.exits.workedAgoMs(slot, now);
  return workedAgoMs < BELIEVED_MS && !deps.told.areTooMany(slot, now - workedAgoMs);
}

/** Whether the exit has worked lately; where its slot stands for many, any of them. */
export function hasWorked(deps: Collaborators, { slot }: Choice, now: number): boolean {
  return deps.exits.workedAgoMs(slot, now) < BELIEVED_MS;
}

/** Whether what an attempt goes over is known to work `now`, so that silence behind it is the origin's. What was minted for a session is
 *  one peer of many that share its slot, or one that its slot had before, and is known by that session alone. */
export function isKnownGood(deps: Collaborators, { admission }: Exchange, choice: Choice, now: number): boolean {
  const { exit, hold, isFormer } = choice;
  if (hold === null || admission === null || (exit.mint === null && isFormer !== true))
    return hasWorked(deps, choice, now);
  const lease = findLease(deps, admission);
  return lease?.confirmed === true && lease.mint === hold.mint && lease.restedMs < BELIEVED_MS;
}

/** Whether another exit had better be asked after what one told of an origin: who tells it isn't believed, or the origin was reached
 *  lately. Of one that is gone since, two that agree are enough. */
export function isDoubtful(
  deps: Collaborators,
  { choice, authority, now }: Pick<Failed, 'choice' | 'authority' | 'now'>,
): boolean {
  const reachedAt = deps.rejections.workedAt(authority);
  return !isBelieved(deps, choice, now) || (reachedAt !== null && now - reachedAt < BELIEVED_MS);
}

/** Whether silence over its exit lets an exchange go on by another: a session that was served keeps its exit while that is known to work.
 *  Through a tunnel the silence is the origin's. */
export function leavesOnSilence(deps: Collaborators, exchange: Exchange, choice: Choice): boolean {
  if (mayLeave(deps, exchange, choice)) return true;
  return takesAbsoluteForm(exchange, { choice }) && !isKnownGood(deps, exchange, choice, deps.now());
}

/** Whether an exchange may go on by another exit for what may be the origin's: a session that was served keeps its exit for as long as that
 *  is believed. */
export function mayLeave(deps: Collaborators, exchange: Exchange, choice: Choice): boolean {
  return !hasServedSession(deps, exchange) || !isBelieved(deps, choice, deps.now());
}

/** Whether it was found out that an exit tells untruths: it has told too much since it last worked, and of that what others have reached.
 *  That it hasn't worked for a while is no proof, nor is another failure. */
export function isFoundOut(deps: Collaborators, { slot }: Choice, now: number): boolean {
  return deps.told.isFoundOut(slot, now - deps.exits.workedAgoMs(slot, now));
}
