import { GatewayError } from '../errors.ts';
import { chargesExit, isAmbiguous } from '../selection/outcome.ts';
import type { SlotRef } from '../selection/request.ts';
import type { AbortView } from '../transport/abort.ts';
import { choose, filterRing, releaseFromSession, sessionLost, settleSession, siteRowOf } from './choosing.ts';
import type { Collaborators } from './collaborators.ts';
import { type Choice, ClientLeft, type Exchange } from './exchange.ts';

/** One try, as the exchange's kind of work sees it. */
export interface Attempt {
  readonly choice: Choice;
  /** What is left now of this attempt's time, in ms, at least 1: at its beginning what was left for all attempts, or half of it
   *  where another may follow. Dial, handshake and response head share it. */
  readonly shareMs: number;
  /** What is left of the time for its way to the origin, or to an exit that forwards: no more than the share, and less where its
   *  exit is known to be quicker. */
  readonly wayMs: number;
  readonly signal: AbortView;
}

/** Less time than this is none, in ms: a timer fires early by as much as the event loop was late when it was set. */
const LEAST_MS = 5;

/** Tries `work` over one exit after another until it succeeds, a failure can't be repeated, or attempts or time are used up.
 *  Between tries selection is asked again with the failed exits excluded: the only way back in an exchange. The exit that
 *  succeeded stays in exchange.choice, counted in flight until endExchange(). Throws the last failure; `deadline` where time
 *  ran out over several attempts. `mayRepeat` tells whether the client's request can still be sent again. */
export async function runAttempts<T>(
  deps: Collaborators,
  exchange: Exchange,
  options: { work: (attempt: Attempt) => Promise<T>; mayRepeat: () => boolean },
): Promise<T> {
  const params = exchange.admission?.params;
  const { timeouts, attempts } = deps.settings();
  const most = params?.retry === undefined ? attempts : params.retry + 1;
  const endsAt = exchange.startedAt + Math.min(timeouts.attempts, params?.timeoutMs ?? Number.POSITIVE_INFINITY);
  const tried: number[] = [];
  let last: GatewayError | null = null;
  for (;;) {
    const leftMs = endsAt - deps.now();
    if (leftMs < LEAST_MS) throw outOfTime(last, tried.length);
    const { choice, others, pinned } = await choose(deps, exchange, { tried, last, endsAt });
    tried.push(choice.slot);
    const another = tried.length < most && others > 0;
    const begunAt = deps.now();
    begin(deps, exchange, choice);
    const until = begunAt + (another ? leftMs / 2 : leftMs);
    const wayUntil = another ? Math.min(until, begunAt + patienceMs(deps, exchange, choice)) : until;
    const attempt: Attempt = {
      choice,
      get shareMs() {
        return Math.max(1, until - deps.now());
      },
      get wayMs() {
        return Math.max(1, wayUntil - deps.now());
      },
      signal: exchange.abort,
    };
    try {
      const value = await options.work(attempt);
      deps.selection.ended({ slot: choice.slot, generation: exchange.inFlight ?? 0 }, deps.now());
      succeed(deps, exchange, begunAt);
      return value;
    } catch (fault) {
      const failure = fail(deps, exchange, { fault, begunAt });
      const repeatable = options.mayRepeat() && isRouteFailure(failure, choice) && !sameVerdict(failure, last);
      last = failure;
      if (repeatable && another) continue;
      if (repeatable && pinned) throw sessionLost(failure);
      throw endsAt - deps.now() < LEAST_MS ? outOfTime(failure, tried.length) : failure;
    }
  }
}

/** Gives back what the exchange holds: its place among the exchanges in flight over its exit. */
export function endExchange(deps: Collaborators, exchange: Exchange): void {
  if (exchange.choice !== null && exchange.inFlight !== null)
    deps.exits.giveBack(exchange.choice.slot, exchange.inFlight);
  exchange.inFlight = null;
}

/** How long the way over an exit may take where another attempt may follow, in ms, by what the exit and the site are known to take.
 *  Nothing is said of the page: pages of one site differ. */
function patienceMs(deps: Collaborators, exchange: Exchange, choice: Choice): number {
  const pool = deps.registry.pool(choice.exit.pool);
  if (pool?.strategy !== 'learned') return Number.POSITIVE_INFINITY;
  return deps.selection.attemptTimeoutMs(choice.slot, siteRowOf(deps, exchange), deps.now());
}

function arrived(deps: Collaborators, exchange: Exchange, { choice, ms }: { choice: Choice; ms: number }): void {
  const rings = deps.rings.ringsOf(choice.exit, filterRing(deps, exchange));
  const errand = { site: siteRowOf(deps, exchange), rings, queued: exchange.queued };
  deps.selection.arrived(refOf(deps, choice.slot), ms, { ...errand, now: deps.now() });
}

/** The exit that stands in the slot now. */
function refOf(deps: Collaborators, slot: number): SlotRef {
  return { slot, generation: deps.exits.generationOf(slot) };
}

function begin(deps: Collaborators, exchange: Exchange, choice: Choice): void {
  exchange.choice = choice;
  exchange.inFlight = deps.exits.take(choice.slot);
  exchange.queued = deps.selection.begin(choice.slot, siteRowOf(deps, exchange), deps.now());
}

function succeed(deps: Collaborators, exchange: Exchange, begunAt: number): void {
  const now = deps.now();
  const { choice } = exchange;
  if (choice === null) return;
  exchange.confirmedAt = now;
  exchange.attempts.push({ exit: choice.exit.id, kind: 'ok', ms: now - begunAt });
  if (!stands(deps, choice)) return;
  arrived(deps, exchange, { choice, ms: now - begunAt });
  charge(deps, deps.rejections.succeeded(authorityKey(exchange), choice.slot, now), now);
  settleSession(deps, exchange);
}

/** Books a failed attempt where it belongs and returns it as the catalogue's error. */
function fail(deps: Collaborators, exchange: Exchange, attempt: { fault: unknown; begunAt: number }): GatewayError {
  const now = deps.now();
  const { choice } = exchange;
  if (choice !== null) deps.selection.ended({ slot: choice.slot, generation: exchange.inFlight ?? 0 }, now);
  endExchange(deps, exchange);
  const exit = choice?.exit.id ?? '';
  const ms = now - attempt.begunAt;
  if (!(attempt.fault instanceof GatewayError)) {
    if (attempt.fault instanceof ClientLeft) exchange.attempts.push({ exit, kind: 'client_left', ms });
    throw attempt.fault;
  }
  const failure = attempt.fault;
  exchange.attempts.push({ exit, kind: failure.kind, ms });
  if (choice === null || !stands(deps, choice)) return failure;
  if (isAmbiguous(failure.kind)) {
    const endpoint = `${choice.endpoint.host}:${choice.endpoint.port}`;
    charge(deps, deps.rejections.rejected(authorityKey(exchange), { slot: choice.slot, endpoint }, now), now);
  } else if (chargesExit(failure.kind)) {
    const how = failure.kind === 'exit_timeout' ? 'timed_out' : failure.kind === 'exit_refused' ? 'refused' : 'broke';
    deps.selection.failed(refOf(deps, choice.slot), how, { ms, now });
  }
  // An exit that tells what the origin did has done its own part.
  else if (failure.kind === 'origin_refused' || failure.kind === 'origin_dns') arrived(deps, exchange, { choice, ms });
  if (failure.by === 'exit') releaseFromSession(deps, exchange);
  return failure;
}

/** Whether its slot still holds the exit: a reload may have given it to another, of which nothing was learned here. */
function stands(deps: Collaborators, { slot, exit }: Choice): boolean {
  return deps.registry.exitAt(slot)?.id === exit.id;
}

function charge(deps: Collaborators, slots: readonly number[], now: number): void {
  for (const slot of slots) deps.selection.failed(refOf(deps, slot), 'refused', { ms: null, now });
}

/** Whether another exit may do better: the exit failed, or says that it can't reach the origin. What the origin itself answered
 *  (a refusal, a name that doesn't exist), or did when dialled from here, another attempt would only repeat. */
function isRouteFailure(failure: GatewayError, choice: Choice): boolean {
  if (failure.by === 'exit') return failure.kind !== 'session_lost';
  const relayed = choice.endpoint.scheme !== 'direct';
  return relayed && (failure.kind === 'origin_unreachable' || failure.kind === 'origin_timeout');
}

/** Two exits that tell the same of the origin are believed. */
function sameVerdict(failure: GatewayError, last: GatewayError | null): boolean {
  return failure.by === 'origin' && last?.kind === failure.kind;
}

function outOfTime(last: GatewayError | null, attempts: number): GatewayError {
  if (last !== null && attempts < 2) return last;
  return new GatewayError('deadline', {
    detail: `${attempts} attempts used up the time; the last ended with ${last?.kind ?? 'no answer'}`,
    by: last?.by ?? 'exit',
    proxyStatus: last?.proxyStatus,
    cause: last,
  });
}

const authorityKey = (exchange: Exchange): string => `${exchange.authority?.host}:${exchange.authority?.port}`;
