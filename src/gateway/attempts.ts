import { GatewayError } from '../errors.ts';
import { chargesExit, isAmbiguous } from '../selection/outcome.ts';
import type { AbortView } from '../transport/abort.ts';
import { choose, releaseFromSession, sessionLost, settleSession } from './choosing.ts';
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
    const begunAt = deps.now();
    const leftMs = endsAt - begunAt;
    if (leftMs < LEAST_MS) throw outOfTime(last, tried.length);
    const { choice, others, pinned } = choose(deps, exchange, { tried, last });
    tried.push(choice.slot);
    const another = tried.length < most && others > 0;
    const until = begunAt + (another ? leftMs / 2 : leftMs);
    const attempt = new Attempt(choice, { now: deps.now, until, signal: exchange.abort });
    begin(deps, exchange, { choice, now: begunAt });
    try {
      const value = await options.work(attempt);
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
  if (exchange.choice !== null && exchange.inFlight !== null) deps.exits.end(exchange.choice.slot, exchange.inFlight);
  exchange.inFlight = null;
}

function begin(deps: Collaborators, exchange: Exchange, { choice, now }: { choice: Choice; now: number }): void {
  exchange.choice = choice;
  exchange.inFlight = deps.exits.begin(choice.slot, now);
}

function succeed(deps: Collaborators, exchange: Exchange, begunAt: number): void {
  const now = deps.now();
  const { choice } = exchange;
  if (choice === null) return;
  exchange.confirmedAt = now;
  exchange.attempts.push({ exit: choice.exit.id, kind: 'ok', ms: now - begunAt });
  remember(deps, exchange);
  if (!stands(deps, choice)) return;
  deps.exits.succeeded(choice.slot, now - begunAt, now);
  charge(deps, deps.rejections.succeeded(authorityKey(exchange), choice.slot, now), now);
  settleSession(deps, exchange);
}

/** Books a failed attempt where it belongs and returns it as the catalogue's error. */
function fail(deps: Collaborators, exchange: Exchange, attempt: { fault: unknown; begunAt: number }): GatewayError {
  const now = deps.now();
  endExchange(deps, exchange);
  const { choice } = exchange;
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
  } else if (chargesExit(failure.kind)) deps.exits.failed(choice.slot, now);
  // An exit that tells what the origin did has done its own part.
  else if (failure.kind === 'origin_refused' || failure.kind === 'origin_dns')
    deps.exits.succeeded(choice.slot, ms, now);
  if (failure.by === 'exit') releaseFromSession(deps, exchange);
  return failure;
}

/** Whether its slot still holds the exit: a reload may have given it to another, of which nothing was learned here. */
function stands(deps: Collaborators, { slot, exit }: Choice): boolean {
  return deps.registry.exitAt(slot)?.id === exit.id;
}

function charge(deps: Collaborators, slots: readonly number[], now: number): void {
  for (const slot of slots) deps.exits.failed(slot, now);
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
