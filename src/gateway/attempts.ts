import { GatewayError } from '../errors.ts';
import { tellsOfOrigin } from '../selection/outcome.ts';
import { HOLD } from '../selection/request.ts';
import { type BookedAttempt, ExitFull } from './attempt-begin.ts';
import { bookSuccess } from './attempt-books.ts';
import { AttemptRun, type Work } from './attempt-run.ts';
import { type Chosen, choose, chooseLater, chooseRival, siteRowOf, type Tried } from './choosing/choosing.ts';
import { findLease, hasServedSession, sessionLost } from './choosing/session-exit.ts';
import type { Collaborators } from './collaborators.ts';
import { authorityKey, type Choice, type Exchange, NO_PLACE } from './exchange.ts';
import { isDoubtful, isFoundOut, mayLeave } from './exit-words.ts';
import { type Ended, raceAgainst } from './race.ts';

/** Less time than this is none, in ms: a timer fires early by as much as the event loop was late when it was set. */
const LEAST_MS = 5;

/** Lets the exchange in as far as its client's limits and its site's pace allow, and tries `work` over one exit after another until it
 *  succeeds, a failure can't be repeated, or attempts or time are used up. Each attempt that the site may see has a turn there.
 *  Between tries selection is asked again with the failed exits excluded: the only way back in an exchange. Where that was asked
 *  for and is safe, an attempt that is late is raced by another. The exit that succeeded stays in exchange.choice, counted in
 *  flight until endExchange(). Throws what its limits forbid, or the last failure; `deadline` where time ran out over several attempts. */
export async function runAttempts<T>(deps: Collaborators, exchange: Exchange, work: Work<T>): Promise<T> {
  // One look at the clock for all that need not wait.
  let now = deps.now();
  letIn(deps, exchange, now);
  const series = new AttemptSeries(deps, exchange, work);
  const turn = deps.pacing.enter(exchange, { now, endsAt: series.endsAt });
  if (turn !== null) {
    await turn;
    now = deps.now();
  }
  const paid = deps.flows.enter(exchange, now);
  if (paid !== null) {
    await paid;
    now = deps.now();
  }
  for (;;) {
    if (series.isLate(now)) throw outOfTime(series.last, series.tried.length);
    const chosen = choose(deps, exchange, series);
    const run = series.begin(chosen === HOLD ? await chooseLater(deps, exchange, series) : chosen);
    if (run === null) {
      now = deps.now();
      continue;
    }
    const delayMs = series.hedgeDelayMs(run);
    let winner = run;
    let result: Ended<T>;
    if (delayMs === null) result = await run.ended;
    else ({ runner: winner, result } = await series.race(run, delayMs));
    if (result.ok) {
      bookSuccess(deps, exchange, winner.booked, work.isProof?.(result.value));
      return result.value;
    }
    series.goOn(winner, result.fault);
    await series.turn();
    now = deps.now();
  }
}

/** The attempts of one exchange so far. An object rather than what an async function holds: that lives with all its
 *  intermediate values for as long as the function waits, once for each exchange. */
class AttemptSeries<T> implements Tried {
  readonly tried: number[] = [];
  last: GatewayError | null = null;
  readonly endsAt: number;
  readonly #deps: Collaborators;
  readonly #exchange: Exchange;
  readonly #work: Work<T>;
  readonly #most: number;
  /** Of the exit chosen last. */
  #others = 0;
  #pinned = false;
  #raced = false;
  /** The site may have seen what was tried since its last turn there. */
  #seen = false;
  /** The slot of the vendor that didn't let the last attempt in for its places; -1 for none. */
  #withoutPlaces = -1;
  /** What a rival under way holds at the site. */
  #rivalPlace = NO_PLACE;

  constructor(deps: Collaborators, exchange: Exchange, work: Work<T>) {
    this.#deps = deps;
    this.#exchange = exchange;
    this.#work = work;
    const params = exchange.admission?.params;
    const { timeouts, attempts } = deps.settings();
    this.#most = params?.retry === undefined ? attempts : params.retry + 1;
    this.endsAt = exchange.startedAt + Math.min(timeouts.attempts, params?.timeoutMs ?? Number.POSITIVE_INFINITY);
  }

  /** Whether the time for all attempts is over `now`. */
  isLate(now: number): boolean {
    return this.endsAt - now < LEAST_MS;
  }

  /** Whether another attempt may follow those that were begun. */
  #another(): boolean {
    return this.tried.length < this.#most && this.#others > 0;
  }

  /** Begins an attempt; null where others were faster to the last place of its exit. */
  begin({ choice, others, pinned }: Chosen): AttemptRun<T> | null {
    this.#others = others;
    this.#pinned = pinned;
    this.tried.push(choice.slot);
    this.#raced = this.#another() && mayBeRaced(this.#deps, this.#exchange, { choice, work: this.#work });
    const run = this.#runOver(choice);
    if (run === null) this.tried.pop();
    else this.#deps.limits.carriedBy(this.#exchange, choice.exit.pool);
    return run;
  }

  /** After how long the attempt is raced by another, in ms; null where it isn't, or more would be raced than the budget allows. */
  hedgeDelayMs({ choice }: AttemptRun<T>): number | null {
    if (!this.#raced) return null;
    const { selection, now } = this.#deps;
    const delayMs = selection().hedgeDelayMs(choice.slot, this.#exchange.siteRow, now());
    return delayMs > 0 ? delayMs : null;
  }

  /** Waits for an attempt, that is raced by another once it has taken so long. */
  async race(run: AttemptRun<T>, delayMs: number): Promise<Raced<T>> {
    try {
      return await raceAgainst(run, delayMs, () => this.#rival());
    } finally {
      this.#deps.pacing.giveBack(this.#exchange, this.#rivalPlace);
      this.#rivalPlace = NO_PLACE;
    }
  }

  /** An attempt has failed: returns where another may follow, and throws what the exchange ends with otherwise. */
  goOn(run: AttemptRun<T>, failure: unknown): void {
    if (!(failure instanceof GatewayError)) throw failure;
    const { booked } = run;
    const agree = sameVerdict(failure, this.last) || this.#lacksPlacesAgain(booked);
    if (agree && tellsOfOrigin(failure)) this.#deps.rejections.agreed(authorityKey(this.#exchange));
    // A session that was served isn't moved for what may be the origin's, nor is a strict one lost by it.
    const mayMove = failure.by === 'exit' || (!this.#pinned && mayLeave(this.#deps, this.#exchange, booked.choice));
    const repeatable =
      this.#work.mayRepeat() &&
      !agree &&
      ((mayMove && isRouteFailure(failure, booked.choice)) ||
        this.#isDoubtful(failure, booked.choice) ||
        this.#isShortHere(failure));
    this.last = failure;
    this.#seen ||= booked.meter.sent > 0;
    const goesOn = repeatable && this.#another();
    // An exit is none the worse for a place that its vendor doesn't know, or a client that is in a hurry.
    if (booked.spared !== 'exit too') this.#work.failed?.(run, failure, goesOn);
    if (goesOn) return;
    if (repeatable && this.#pinned) throw sessionLost(failure);
    throw this.isLate(this.#deps.now()) ? outOfTime(failure, this.tried.length) : failure;
  }

  /** Whether a vendor has refused what is asked for once more, in a row: another session of it won't know the place either. */
  #lacksPlacesAgain({ lacksPlaces, choice }: BookedAttempt): boolean {
    const isSame = lacksPlaces && this.#withoutPlaces === choice.slot;
    this.#withoutPlaces = lacksPlaces ? choice.slot : -1;
    return isSame;
  }

  /** Whether the exit couldn't be dialled for want of something here, of which there may be enough toward another endpoint (ports), or for a
   *  link that is kept (descriptors). A session that was served isn't moved for that. */
  #isShortHere({ kind }: GatewayError): boolean {
    return kind === 'overloaded' && !hasServedSession(this.#deps, this.#exchange);
  }

  /** Whether what an exit tells of the origin is better asked of another. From an exit that has served the exchange's session it takes
   *  more, because that moves, or is lost. */
  #isDoubtful(failure: GatewayError, choice: Choice): boolean {
    if (!tellsOfOrigin(failure)) return false;
    const [deps, exchange] = [this.#deps, this.#exchange];
    const now = deps.now();
    if (hasServedSession(deps, exchange)) return isFoundOut(deps, choice, now);
    return isDoubtful(deps, { choice, authority: authorityKey(exchange), now });
  }

  /** Resolves when the next attempt may go to the site. Rejects with the last failure where its turn doesn't come in time. */
  async turn(): Promise<void> {
    if (!this.#seen) return;
    this.#seen = false;
    const [deps, exchange] = [this.#deps, this.#exchange];
    try {
      await deps.pacing.enterAgain(exchange, { now: deps.now(), endsAt: this.endsAt });
    } catch (fault) {
      throw exchange.abort.aborted ? fault : this.last;
    }
  }

  /** Begins an attempt against the one under way; null where it may not begin, which is no reason to end that one. */
  #rival(): AttemptRun<T> | null {
    const [deps, exchange] = [this.#deps, this.#exchange];
    // Others that were late as well may have spent the budget since.
    const may = this.#work.mayHedge?.() === true && deps.selection().mayHedge;
    const place = may ? deps.pacing.takeRival(exchange, deps.now()) : null;
    if (place === null) return null;
    const run = this.#rivalOver(chooseRival(deps, exchange, this.tried));
    if (run === null) deps.pacing.leaveRival(exchange, place);
    else {
      this.#rivalPlace = place;
      this.#seen = true;
    }
    return run;
  }

  #rivalOver(choice: Choice | null): AttemptRun<T> | null {
    if (choice === null) return null;
    const [deps, exchange] = [this.#deps, this.#exchange];
    this.tried.push(choice.slot);
    try {
      const run = this.#runOver(choice);
      if (run !== null) deps.selection().hedged(siteRowOf(deps, exchange, deps.now()));
      return run;
    } catch (fault) {
      if (fault instanceof GatewayError) return null;
      throw fault;
    }
  }

  #runOver(choice: Choice): AttemptRun<T> | null {
    try {
      return new AttemptRun(this.#deps, this.#exchange, {
        choice,
        work: this.#work,
        endsAt: this.endsAt,
        another: this.#another(),
        raced: this.#raced,
      });
    } catch (fault) {
      if (fault instanceof ExitFull) return null;
      throw fault;
    }
  }
}

/** Takes what its client's quotas and limits let it have: all of it, or nothing. */
function letIn(deps: Collaborators, exchange: Exchange, now: number): void {
  deps.quotas.take(exchange, now);
  try {
    deps.limits.take(exchange, now, poolHeld(deps, exchange));
  } catch (fault) {
    deps.quotas.ended(exchange);
    throw fault;
  }
}

/** The pool of the exit that its session holds, where it may leave by several; else null. */
function poolHeld(deps: Collaborators, { admission }: Exchange): string | null {
  if (admission === null || admission.leaseKey === null || admission.pools.length === 1) return null;
  const lease = findLease(deps, admission);
  return lease === null ? null : (deps.registry.exitAt(lease.slot)?.pool ?? null);
}

/** The attempt that decided, and how it ended. */
interface Raced<T> {
  readonly runner: AttemptRun<T>;
  readonly result: Ended<T>;
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

/** Whether another exit may do better: the exit failed, or says that it can't reach the origin. What the origin itself answered
 *  (a refusal, a name that doesn't exist), or did when dialled from here, another attempt would only repeat. */
function isRouteFailure(failure: GatewayError, choice: Choice): boolean {
  if (failure.by === 'exit') return failure.kind !== 'session_lost';
  const relayed = choice.endpoint.scheme !== 'direct';
  return relayed && (failure.kind === 'origin_unreachable' || failure.kind === 'origin_timeout');
}

/** Two exits that tell the same of the origin are believed, and so is silence over two. */
function sameVerdict(failure: GatewayError, last: GatewayError | null): boolean {
  return failure.by === 'origin' && (last?.kind === failure.kind || (failure.isSilence && last?.isSilence === true));
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
