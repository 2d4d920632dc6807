import { Abort, type AbortView } from '../transport/abort.ts';
import { type BookedAttempt, beginAttempt, bookFailure, dropAttempt } from './attempt-books.ts';
import { siteRowOf } from './choosing.ts';
import type { Collaborators } from './collaborators.ts';
import type { Choice, Exchange } from './exchange.ts';
import type { Ended, Runner } from './race.ts';

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

/** What an exchange's kind of work is. */
export interface Work<T> {
  readonly run: (attempt: Attempt) => Promise<T>;
  /** Whether the client's request can still be sent again. */
  readonly mayRepeat: () => boolean;
  /** Whether it can be sent twice at once; absent where it never can. */
  readonly mayHedge?: () => boolean;
  /** Throws away what an attempt brought after another had won. */
  readonly discard?: (value: T) => void;
}

export interface RunOptions<T> {
  readonly choice: Choice;
  readonly work: Work<T>;
  /** When the time for all attempts is over. */
  readonly endsAt: number;
  /** Whether another attempt may follow. */
  readonly another: boolean;
}

/** The reason for which the loser of a race stops. */
class Overtaken extends Error {
  constructor() {
    super('another attempt has won');
    this.name = 'Overtaken';
  }
}

/** One attempt under way. It is booked when it fails; its success is the caller's to book, or to call off. */
export class AttemptRun<T> implements Runner<T> {
  readonly ended: Promise<Ended<T>>;
  readonly booked: BookedAttempt;
  readonly #deps: Collaborators;
  readonly #exchange: Exchange;
  readonly #work: Work<T>;
  readonly #call = new Abort();
  #calledOff = false;
  #won: { readonly value: T } | null = null;
  /** The exchange's end is the attempt's: of one that has won too, whose answer is still being relayed. */
  readonly #follow = (): void => this.#call.abort(this.#exchange.abort.reason);

  constructor(deps: Collaborators, exchange: Exchange, options: RunOptions<T>) {
    this.#deps = deps;
    this.#exchange = exchange;
    this.#work = options.work;
    this.booked = beginAttempt(deps, exchange, options.choice);
    this.ended = this.#run(attemptOf(deps, exchange, { ...options, call: this.#call }));
  }

  callOff(): void {
    if (this.#calledOff) return;
    this.#calledOff = true;
    if (this.#won !== null) this.#throwAway(this.#won.value);
    else this.#call.abort(new Overtaken());
  }

  async #run(attempt: Attempt): Promise<Ended<T>> {
    const { abort } = this.#exchange;
    if (abort.aborted) this.#follow();
    abort.addEventListener('abort', this.#follow);
    try {
      const value = await this.#work.run(attempt);
      this.#won = { value };
      if (this.#calledOff) this.#throwAway(value);
      return { ok: true, value };
    } catch (fault) {
      abort.removeEventListener('abort', this.#follow);
      return { ok: false, fault: this.#fail(fault) };
    }
  }

  #fail(fault: unknown): unknown {
    if (!this.#calledOff) return bookFailure(this.#deps, this.#exchange, { attempt: this.booked, fault });
    dropAttempt(this.#deps, this.booked);
    return fault;
  }

  #throwAway(value: T): void {
    this.#exchange.abort.removeEventListener('abort', this.#follow);
    dropAttempt(this.#deps, this.booked);
    this.#work.discard?.(value);
  }
}

function attemptOf<T>(deps: Collaborators, exchange: Exchange, options: RunOptions<T> & { call: Abort }): Attempt {
  const { choice, another, endsAt, call } = options;
  const now = deps.now();
  const until = another ? now + (endsAt - now) / 2 : endsAt;
  const wayUntil = another ? Math.min(until, now + patienceMs(deps, exchange, choice)) : until;
  return {
    choice,
    get shareMs() {
      return Math.max(1, until - deps.now());
    },
    get wayMs() {
      return Math.max(1, wayUntil - deps.now());
    },
    signal: call,
  };
}

/** How long the way over an exit may take where another attempt may follow, in ms, by what the exit and the site are known to take.
 *  Nothing is said of the page: pages of one site differ. */
function patienceMs(deps: Collaborators, exchange: Exchange, choice: Choice): number {
  const pool = deps.registry.pool(choice.exit.pool);
  if (pool?.strategy !== 'learned') return Number.POSITIVE_INFINITY;
  return deps.selection().attemptTimeoutMs(choice.slot, siteRowOf(deps, exchange), deps.now());
}
