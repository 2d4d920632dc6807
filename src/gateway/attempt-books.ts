import { GatewayError } from '../errors.ts';
import { OVERTAKEN } from '../ledger/booking.ts';
import { NO_ROOM } from '../memory/exchange-slots.ts';
import { chargesExit, isAmbiguous, isOriginsAnswer, tellsOfOrigin } from '../selection/outcome.ts';
import type { PathFailure } from '../selection/path-beliefs.ts';
import type { BookedAttempt, Spared } from './attempt-begin.ts';
import { forPlaces, refusedPlaces } from './choosing/asked-places.ts';
import { siteRowOf } from './choosing/choosing.ts';
import { bookToProvider } from './choosing/provider-books.ts';
import { releaseFromSession, settleSession } from './choosing/session-exit.ts';
import type { Collaborators } from './collaborators.ts';
import { authorityKey, type Choice, ClientLeft, type Exchange } from './exchange.ts';
import { bookReached, bookRejection } from './exit-blame.ts';
import { isBelieved, noteWord } from './exit-words.ts';
import { bookLate } from './late-octets.ts';
import { remember } from './site-signals.ts';

/** Books a success. From here on the exchange holds the attempt's exit, until endExchange(). `isProof`: whether it shows that the exit
 *  reaches origins. */
export function bookSuccess(deps: Collaborators, exchange: Exchange, attempt: BookedAttempt, isProof = true): void {
  const now = deps.now();
  const { choice, at, place, accountPlace, begunAt } = attempt;
  deps.selection().ended(at, now);
  const { providers } = deps.selection();
  if (isProof) providers.worked(choice.entry, exchange.siteRow, now);
  else providers.left(choice.entry);
  exchange.choice = choice;
  exchange.inFlight = at.generation;
  exchange.place = place;
  exchange.accountPlace = accountPlace;
  exchange.meter = attempt.meter;
  exchange.spending = attempt.spending;
  exchange.sending = null;
  deps.limits.carriedBy(exchange, choice.exit.pool);
  deps.quotas.carriedBy(exchange, choice.exit.pool);
  exchange.confirmedAt = now;
  exchange.attempted({ exit: choice.exit.id, kind: 'ok', ms: now - begunAt });
  remember(deps, exchange);
  if (!stands(deps, choice)) return;
  // Of a page the head has come, of a tunnel no more than the exit's word.
  if (exchange.mode === 'forward') deps.mute.heard(choice.slot);
  if (isProof) {
    bookAnswer(deps, exchange, { attempt, now });
    bookReached(deps, { choice, authority: authorityKey(exchange), now });
  }
  settleSession(deps, exchange, isProof);
}

/** The exchange lasts: what it moves is booked and looked at as it runs. */
export function bookAsItRuns(deps: Collaborators, exchange: Exchange): void {
  deps.ledger.opened(exchange);
  deps.flows.follow(exchange);
}

/** Gives an attempt's exit back, and books its failure where it belongs. Returns it as the catalogue's error; what is none is
 *  thrown again. */
export function bookFailure(deps: Collaborators, exchange: Exchange, failed: FailedAttempt): GatewayError {
  const { attempt } = failed;
  const { choice, at } = attempt;
  const now = deps.now();
  const ms = now - attempt.begunAt;
  const places = refusedPlaces(deps, exchange, { choice, fault: failed.fault, now });
  const spared = sparedBy(failed, places);
  attempt.lacksPlaces = places.length > 0;
  attempt.spared = spared;
  const fault =
    places.length > 0 && failed.fault instanceof GatewayError ? forPlaces(failed.fault, places) : failed.fault;
  if (fault instanceof GatewayError && stands(deps, choice))
    noteWord(deps, { choice, fault, authority: authorityKey(exchange), now });
  dropAttempt(deps, exchange, attempt);
  settle(deps, exchange, attempt, now);
  if (spared === 'nobody')
    bookToProvider(deps, { choice, fault, site: exchange.siteRow, authority: authorityKey(exchange) });
  else deps.selection().providers.left(choice.entry);
  const exit = choice.exit.id;
  const kind = fault instanceof GatewayError ? fault.kind : fault instanceof ClientLeft ? 'client_left' : 'internal';
  deps.ledger.failed(exchange, { ...attempt, kind, ms });
  followRest(deps, exchange, { attempt, kind });
  if (!(fault instanceof GatewayError)) {
    if (fault instanceof ClientLeft) exchange.attempted({ exit, kind: 'client_left', ms });
    throw fault;
  }
  exchange.attempted({ exit, kind: fault.kind, ms });
  deps.failures.note({ ...at, kind: fault.kind, site: exchange.site, at: now });
  if (!stands(deps, choice)) return fault;
  if (spared !== 'exit too')
    chargeFailure(deps, exchange, { attempt, fault, now, isShort: spared === 'provider' && attempt.meter.sent > 0 });
  if (fault.by === 'exit') releaseFromSession(deps, exchange);
  return fault;
}

/** Who is judged by no failure that a client may have brought about by what it asks for, or it would spoil exits, and what carries them,
 *  for all: it is less patient than they are quick, or wants `places` that its vendor doesn't know. */
function sparedBy({ fault, hurry }: FailedAttempt, places: readonly string[]): Spared {
  if (places.length > 0) return 'exit too';
  return fault instanceof GatewayError && (fault.kind === 'exit_timeout' || fault.isSilence) ? hurry() : 'nobody';
}

/** Books what a failure says of the exit, where it still stands. */
function chargeFailure(deps: Collaborators, exchange: Exchange, { attempt, fault, now, isShort }: Charge): void {
  const { choice, at } = attempt;
  // Nobody knows whether it is the exit's or the page's: what another exit makes of that page will tell (PageFailures).
  if (fault.isHearsay || fault.isSilence) return;
  const isTold = tellsOfOrigin(fault);
  if (isTold && isBelieved(deps, choice, now)) return;
  // Its word alone is no proof that it works: one that refuses everything, at once, would be taken for the best of all.
  // Nor is silence for a short time proof that it doesn't: that may be the origin's.
  if (isAmbiguous(fault) || isTold || isShort)
    bookRejection(deps, { choice, authority: authorityKey(exchange), now, mayBeNew: isTold || isShort });
  else if (chargesExit(fault.kind, fault.by))
    deps.selection().failed(at, howOf(fault), { ms: now - attempt.begunAt, now, ofMany: isMany(choice) });
  // The origin was dialled from here: the exit has done its own part.
  else if (isOriginsAnswer(fault.kind) && choice.endpoint.scheme === 'direct')
    bookAnswer(deps, exchange, { attempt, now });
}

interface Charge {
  readonly attempt: BookedAttempt;
  readonly fault: GatewayError;
  readonly now: number;
  /** Its client gave it less time than its exit is given by itself, and something was asked of the exit. */
  readonly isShort: boolean;
}

interface FailedAttempt {
  readonly attempt: BookedAttempt;
  readonly fault: unknown;
  /** Who is not judged by a time-out, because its client gave it too little time. */
  readonly hurry: () => Spared;
}

/** Gives back the exit of an attempt that another has overtaken, once its connection is closed: nothing was learned of it. */
export function bookLoser(deps: Collaborators, exchange: Exchange, attempt: BookedAttempt): void {
  dropAttempt(deps, exchange, attempt);
  deps.selection().providers.left(attempt.choice.entry);
  const now = deps.now();
  settle(deps, exchange, attempt, now);
  deps.ledger.failed(exchange, { ...attempt, kind: OVERTAKEN, ms: now - attempt.begunAt });
}

function settle(
  deps: Collaborators,
  exchange: Exchange,
  { meter, spending }: Pick<BookedAttempt, 'meter' | 'spending'>,
  now: number,
): void {
  meter.settle();
  exchange.sentBytes += meter.sent;
  exchange.receivedBytes += meter.received;
  deps.quotas.end(exchange, spending, now);
}

/** What an exit still says behind the answer by which an attempt has failed is that attempt's. */
function followRest(deps: Collaborators, exchange: Exchange, failed: { attempt: BookedAttempt; kind: string }): void {
  const { attempt, kind } = failed;
  const { choice, meter } = attempt;
  const { wire } = meter;
  if (wire?.isOpen !== true) return;
  const payer = {
    booking: deps.ledger.payerOf(exchange, { choice, kind }),
    quota: exchange.quota,
    choice,
  };
  wire.onceClosed(() => bookLate(deps, payer, wire));
}

/** Gives back an attempt's exit. */
function dropAttempt(deps: Collaborators, exchange: Exchange, attempt: BookedAttempt): void {
  const { at, place, accountPlace } = attempt;
  if (exchange.sending === attempt) exchange.sending = null;
  deps.selection().ended(at, deps.now());
  deps.places.giveBack(place);
  deps.accounts.giveBack(accountPlace);
}

/** Gives back what the exchange holds `now`: its place among the exchanges in flight over its exit. */
export function endExchange(deps: Collaborators, exchange: Exchange, now: number): void {
  const { meter, spending } = exchange;
  if (exchange.inFlight !== null) {
    deps.places.giveBack(exchange.place);
    deps.accounts.giveBack(exchange.accountPlace);
    deps.selection().carried(siteRowOf(deps, exchange, now), exchange.clientBytes + exchange.originBytes);
    exchange.inFlight = null;
    exchange.place = NO_ROOM;
    exchange.accountPlace = NO_ROOM;
  }
  if (meter !== null) settle(deps, exchange, { meter, spending }, now);
}

function howOf({ kind }: GatewayError): PathFailure {
  return kind === 'exit_timeout' ? 'timed_out' : kind === 'exit_refused' ? 'refused' : 'broke';
}

/** The way through the exit worked, as is known `now`. */
function bookAnswer(
  deps: Collaborators,
  exchange: Exchange,
  { attempt, now }: { readonly attempt: BookedAttempt; readonly now: number },
): void {
  const { choice, at, queued, begunAt } = attempt;
  const rings = deps.rings.ringsOf(choice.exit, exchange.ring);
  deps.selection().arrived(at, now - begunAt, { site: siteRowOf(deps, exchange, now), rings, queued, now });
}

/** Whether its slot stands for all that a gateway carries: each attempt or session has an exit of its own there. */
const isMany = ({ exit }: Choice): boolean => exit.mint !== null;

/** Whether its slot still holds the exit: a reload may have given it to another, of which nothing was learned here. */
function stands(deps: Collaborators, { slot, exit }: Choice): boolean {
  return deps.registry.exitAt(slot)?.id === exit.id;
}
