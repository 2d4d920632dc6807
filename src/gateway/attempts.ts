import { GatewayError } from '../errors.ts';
import { HOLD } from '../selection/request.ts';
import { bookSuccess, ExitFull } from './attempt-books.ts';
import { AttemptRun, type RunOptions, type Work } from './attempt-run.ts';
import { choose, chooseLater, chooseRival, siteRowOf } from './choosing.ts';
import type { Collaborators } from './collaborators.ts';
import type { Choice, Exchange } from './exchange.ts';
import { type Ended, raceAgainst } from './race.ts';
import { sessionLost } from './session-exit.ts';

/** Less time than this is none, in ms: a timer fires early by as much as the event loop was late when it was set. */
const LEAST_MS = 5;

/** Lets the exchange in as far as its client's limits and its site's pace allow, and tries `work` over one exit after another until it succeeds, a failure can't be repeated, or attempts or time are used up.
 *  Between tries selection is asked again with the failed exits excluded: the only way back in an exchange. Where that was asked
 *  for and is safe, an attempt that is late is raced by another. The exit that succeeded stays in exchange.choice, counted in
 *  flight until endExchange(). Throws what its limits forbid, or the last failure; `deadline` where time ran out over several attempts. */
export async function runAttempts<T>(deps: Collaborators, exchange: Exchange, work: Work<T>): Promise<T> {
  letIn(deps, exchange);
  const { most, endsAt } = termsOf(deps, exchange);
  const turn = deps.pacing.enter(exchange, endsAt);
  if (turn !== null) await turn;
  const paid = deps.flows.enter(exchange);
  if (paid !== null) await paid;
  const tried: number[] = [];
  let last: GatewayError | null = null;
  for (;;) {
    if (endsAt - deps.now() < LEAST_MS) throw outOfTime(last, tried.length);
    const chosen = choose(deps, exchange, { tried, last, endsAt });
    const { choice, others, pinned } =
      chosen === HOLD ? await chooseLater(deps, exchange, { tried, last, endsAt }) : chosen;
    tried.push(choice.slot);
    const another = () => tried.length < most && others > 0;
    const raced = another() && mayBeRaced(deps, exchange, { choice, work });
    const first = runOver(deps, exchange, { choice, work, endsAt, another: another(), raced });
    if (first === null) {
      tried.pop();
      continue;
    }
    const delayMs = raced ? hedgeDelayMs(deps, exchange, choice) : null;
    const rival = () => {
      // Others that were late as well may have spent the budget since.
      const may = work.mayHedge?.() === true && deps.selection().mayHedge;
      const other = may ? chooseRival(deps, exchange, tried) : null;
      if (other === null) return null;
      tried.push(other.slot);
      const run = runRival(deps, exchange, { choice: other, work, endsAt, another: another(), raced });
      if (run !== null) deps.selection().hedged(siteRowOf(deps, exchange));
      return run;
    };
    const { runner, result }: Raced<T> =
      delayMs === null ? { runner: first, result: await first.ended } : await raceAgainst(first, delayMs, rival);
    if (result.ok) {
      bookSuccess(deps, exchange, runner.booked);
      return result.value;
    }
    const failure: unknown = result.fault;
    if (!(failure instanceof GatewayError)) throw failure;
    const repeatable = work.mayRepeat() && isRouteFailure(failure, runner.booked.choice) && !sameVerdict(failure, last);
    last = failure;
    if (repeatable && another()) continue;
    if (repeatable && pinned) throw sessionLost(failure);
    throw endsAt - deps.now() < LEAST_MS ? outOfTime(failure, tried.length) : failure;
  }
}

/** Takes what its client's quotas and limits let it have: all of it, or nothing. */
function letIn(deps: Collaborators, exchange: Exchange): void {
  deps.quotas.take(exchange);
  try {
    deps.limits.take(exchange);
  } catch (fault) {
    deps.quotas.ended(exchange);
    throw fault;
  }
}

/** Begins an attempt against the one under way; null where it may not begin, which is no reason to end that one. */
function runRival<T>(deps: Collaborators, exchange: Exchange, options: RunOptions<T>): AttemptRun<T> | null {
  try {
    return runOver(deps, exchange, options);
  } catch (fault) {
    if (fault instanceof GatewayError) return null;
    throw fault;
  }
}

/** Begins an attempt; null where others were faster to the last place of its exit. */
function runOver<T>(deps: Collaborators, exchange: Exchange, options: RunOptions<T>): AttemptRun<T> | null {
  try {
    return new AttemptRun(deps, exchange, options);
  } catch (fault) {
    if (fault instanceof ExitFull) return null;
    throw fault;
  }
}

/** The attempt that decided, and how it ended. */
interface Raced<T> {
  readonly runner: AttemptRun<T>;
  readonly result: Ended<T>;
}

/** How many attempts the exchange may have, and when the time for all of them is over. */
function termsOf(deps: Collaborators, { admission, startedAt }: Exchange): { most: number; endsAt: number } {
  const params = admission?.params;
  const { timeouts, attempts } = deps.settings();
  return {
    most: params?.retry === undefined ? attempts : params.retry + 1,
    endsAt: startedAt + Math.min(timeouts.attempts, params?.timeoutMs ?? Number.POSITIVE_INFINITY),
  };
}

/** Whether another attempt may be run against that one: somebody asked for it, and the exchange belongs to no session. */
function mayBeRaced<T>(
  deps: Collaborators,
  { admission }: Exchange,
  { choice, work }: { choice: Choice; work: Work<T> },
): boolean {
  if (admission === null || admission.leaseKey !== null || work.mayHedge === undefined) return false;
  return admission.params.hedge ?? deps.registry.pool(choice.exit.pool)?.hedge ?? false;
}

/** After how long the attempt that begins now is raced by another, in ms; null where more would be raced than the budget allows. */
function hedgeDelayMs(deps: Collaborators, { siteRow }: Exchange, { slot }: Choice): number | null {
  const delayMs = deps.selection().hedgeDelayMs(slot, siteRow, deps.now());
  return delayMs > 0 ? delayMs : null;
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
