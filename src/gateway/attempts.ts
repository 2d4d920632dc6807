import { GatewayError } from '../errors.ts';
import { NO_ROOM } from '../memory/exchange-slots.ts';
import { chargesExit, isAmbiguous } from '../selection/outcome.ts';
import { HOLD, type SlotRef } from '../selection/request.ts';
import type { AbortView } from '../transport/abort.ts';
import {
  choose,
  chooseLater,
  filterRing,
  releaseFromSession,
  sessionLost,
  settleSession,
  siteRowOf,
} from './choosing.ts';
import type { Collaborators } from './collaborators.ts';
import { type Choice, ClientLeft, type Exchange } from './exchange.ts';
import { remember } from './site-signals.ts';

/** One try, as the exchange's kind of work sees it. */
export class Attempt {
  readonly choice: Choice;
  readonly signal: AbortView;
  readonly #now: () => number;
  readonly #until: number;

  /** `until` is when its time is over, by the clock `now`. */
  constructor(choice: Choice, { now, until, signal }: { now: () => number; until: number; signal: AbortView }) {
    this.choice = choice;
    this.signal = signal;
    this.#now = now;
    this.#until = until;
  }

  /** What is left now of this attempt's time, in ms, at least 1: at its beginning what was left for all attempts, or half of it
   *  where another may follow. Dial, handshake and response head share it. */
  get shareMs(): number {
    return Math.max(1, this.#until - this.#now());
  }
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
    if (endsAt - deps.now() < LEAST_MS) throw outOfTime(last, tried.length);
    const chosen = choose(deps, exchange, { tried, last, endsAt });
    const { choice, others, pinned } =
      chosen === HOLD ? await chooseLater(deps, exchange, { tried, last, endsAt }) : chosen;
    const begunAt = deps.now();
    const leftMs = endsAt - begunAt;
    tried.push(choice.slot);
    const another = tried.length < most && others > 0;
    const patience = another ? Math.min(leftMs / 2, patienceMs(deps, exchange, choice)) : leftMs;
    const attempt = new Attempt(choice, { now: deps.now, until: begunAt + patience, signal: exchange.abort });
    begin(deps, exchange, choice);
    try {
      const value = await options.work(attempt);
      deps.selection().ended({ slot: choice.slot, generation: exchange.inFlight ?? 0 }, deps.now());
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
  if (exchange.inFlight !== null) deps.places.giveBack(exchange.place);
  exchange.inFlight = null;
  exchange.place = NO_ROOM;
}

/** How long an attempt may take that another may follow, in ms, by what its exit and site are known to take. A page is waited for
 *  longer than a tunnel: pages of one site differ. */
function patienceMs(deps: Collaborators, exchange: Exchange, choice: Choice): number {
  const pool = deps.registry.pool(choice.exit.pool);
  if (pool?.strategy !== 'learned') return Number.POSITIVE_INFINITY;
  const asked = { site: siteRowOf(deps, exchange), now: deps.now() };
  return deps.selection().attemptTimeoutMs(choice.slot, { ...asked, forPage: exchange.mode === 'forward' });
}

function arrived(deps: Collaborators, exchange: Exchange, { choice, ms }: { choice: Choice; ms: number }): void {
  const rings = deps.rings.ringsOf(choice.exit, filterRing(deps, exchange));
  const errand = { site: siteRowOf(deps, exchange), rings, queued: exchange.queued };
  deps.selection().arrived(refOf(deps, choice.slot), ms, { ...errand, now: deps.now() });
}

/** The exit that stands in the slot now. */
function refOf(deps: Collaborators, slot: number): SlotRef {
  return { slot, generation: deps.exits.generationOf(slot) };
}

function begin(deps: Collaborators, exchange: Exchange, choice: Choice): void {
  exchange.choice = choice;
  exchange.inFlight = deps.exits.generationOf(choice.slot);
  exchange.place = deps.places.take(choice.slot, exchange.inFlight);
  if (exchange.place === NO_ROOM) throw new GatewayError('overloaded', { detail: 'no room for another exchange' });
  exchange.queued = deps.selection().begin(choice.slot, siteRowOf(deps, exchange), deps.now());
}

function succeed(deps: Collaborators, exchange: Exchange, begunAt: number): void {
  const now = deps.now();
  const { choice } = exchange;
  if (choice === null) return;
  exchange.confirmedAt = now;
  exchange.attempts.push({ exit: choice.exit.id, kind: 'ok', ms: now - begunAt });
  remember(deps, exchange);
  if (!stands(deps, choice)) return;
  arrived(deps, exchange, { choice, ms: now - begunAt });
  charge(deps, deps.rejections.succeeded(authorityKey(exchange), choice.slot, now), now);
  settleSession(deps, exchange);
}

/** Books a failed attempt where it belongs and returns it as the catalogue's error. */
function fail(deps: Collaborators, exchange: Exchange, attempt: { fault: unknown; begunAt: number }): GatewayError {
  const now = deps.now();
  const { choice } = exchange;
  if (choice !== null) deps.selection().ended({ slot: choice.slot, generation: exchange.inFlight ?? 0 }, now);
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
    deps.selection().failed(refOf(deps, choice.slot), how, { ms, now });
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
  for (const slot of slots) deps.selection().failed(refOf(deps, slot), 'refused', { ms: null, now });
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
