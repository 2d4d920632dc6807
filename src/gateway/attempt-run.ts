import type { GatewayError } from '../errors.ts';
import { Abort, type AbortView } from '../transport/abort.ts';
import { type BookedAttempt, beginAttempt, type Spared } from './attempt-begin.ts';
import { bookFailure, bookLoser } from './attempt-books.ts';
import type { AttemptMeter } from './attempt-meter.ts';
import type { Collaborators } from './collaborators.ts';
import type { Choice, CountedAttempt, Exchange } from './exchange.ts';
import { leavesOnSilence } from './exit-words.ts';
import type { Ended, Runner } from './race.ts';

/** One try, as the exchange's kind of work sees it. */
export interface Attempt {
  readonly choice: Choice;
  /** What is left now of this attempt's time, in ms, at least 1: at its beginning what was left for all attempts, or half of it
   *  where another may follow whatever becomes of it. Dial, handshake and response head share it. */
  readonly shareMs: number;
  /** What is left of the time for its way to the origin, or to an exit that forwards: no more than the share, and less where its
   *  exit is known to be quicker. */
  readonly wayMs: number;
  readonly signal: AbortView;
  /** Whether another attempt may follow. */
  readonly mayFollow: boolean;
  /** Counts its octets: told of every connection that it makes or takes. */
  readonly meter: AttemptMeter;
  readonly booked: CountedAttempt;
}

/** What an exchange's kind of work is. */
export interface Work<T> {
  run(attempt: Attempt): Promise<T>;
  /** Whether the client's request can still be sent again. */
  mayRepeat(): boolean;
  /** Whether it can be sent twice at once; absent where it never can. */
  mayHedge?(): boolean;
  /** Whether what an attempt brought shows that its exit reaches origins; absent where it always does. */
  isProof?(value: T): boolean;
  /** Takes note of a failed attempt, whose failure another exit is asked about where `isAsked`. */
  failed?(attempt: Attempt, fault: GatewayError, isAsked: boolean): void;
  /** Throws away what an attempt brought after another had won. */
  discard?(value: T): void;
}

export interface RunOptions<T> {
  readonly choice: Choice;
  readonly work: Work<T>;
  /** When the time for all attempts is over. */
  readonly endsAt: number;
  /** Whether another attempt may follow. */
  readonly another: boolean;
  /** Whether another may be run against it, so that it may have to be called off. */
  readonly raced: boolean;
}

/** The reason for which the loser of a race stops. */
class Overtaken extends Error {
  constructor() {
    super('another attempt has won');
    this.name = 'Overtaken';
  }
}

/** Calls off one attempt. The exchange's end is the attempt's: of one that has won too, whose answer is still being relayed. */
class Call extends Abort {
  readonly #exchange: AbortView;
  readonly #follow = (): void => this.abort(this.#exchange.reason);

  constructor(exchange: AbortView) {
    super();
    this.#exchange = exchange;
    if (exchange.aborted) this.#follow();
    exchange.addEventListener('abort', this.#follow);
  }

  unfollow(): void {
    this.#exchange.removeEventListener('abort', this.#follow);
  }
}

/** One attempt under way. It is booked when it fails; its success is the caller's to book, or to call off. */
export class AttemptRun<T> implements Attempt, Runner<T> {
  readonly choice: Choice;
  readonly ended: Promise<Ended<T>>;
  readonly booked: BookedAttempt;
  readonly mayFollow: boolean;
  readonly #deps: Collaborators;
  readonly #exchange: Exchange;
  readonly #work: Work<T>;
  /** When its time is over, and that for its way. */
  readonly #endsAt: number;
  readonly #wayEndsAt: number;
  /** What calls it off alone; null where nothing can but the exchange's end. */
  readonly #call: Call | null;
  #calledOff = false;
  #won: { readonly value: T } | null = null;

  constructor(deps: Collaborators, exchange: Exchange, options: RunOptions<T>) {
    const { choice, endsAt, another } = options;
    this.#deps = deps;
    this.#exchange = exchange;
    this.#work = options.work;
    this.choice = choice;
    this.mayFollow = another;
    this.booked = beginAttempt(deps, exchange, choice);
    const now = this.booked.begunAt;
    const half = now + (endsAt - now) / 2;
    // Another may follow on its way, but not on silence behind it, where its session stays.
    this.#endsAt = another && leavesOnSilence(deps, exchange, choice) ? half : endsAt;
    this.#wayEndsAt = another ? Math.min(half, now + patienceMs(deps, exchange, this.booked)) : endsAt;
    this.#call = options.raced ? new Call(exchange.abort) : null;
    this.ended = this.#run();
  }

  get shareMs(): number {
    return Math.max(1, this.#endsAt - this.#deps.now());
  }

  get wayMs(): number {
    return Math.max(1, this.#wayEndsAt - this.#deps.now());
  }

  get meter(): AttemptMeter {
    return this.booked.meter;
  }

  get signal(): AbortView {
    return this.#call ?? this.#exchange.abort;
  }

  callOff(): void {
    if (this.#calledOff) return;
    this.#calledOff = true;
    if (this.#won !== null) this.#throwAway(this.#won.value);
    else this.#call?.abort(new Overtaken());
  }

  async #run(): Promise<Ended<T>> {
    try {
      const value = await this.#work.run(this);
      this.#won = { value };
      if (this.#calledOff) this.#throwAway(value);
      return { ok: true, value };
    } catch (fault) {
      this.#call?.unfollow();
      return { ok: false, fault: this.#fail(fault) };
    }
  }

  #fail(fault: unknown): unknown {
    const [deps, exchange] = [this.#deps, this.#exchange];
    const attempt = this.booked;
    if (!this.#calledOff) return bookFailure(deps, exchange, { attempt, fault, hurry: () => this.#sparedByHurry() });
    bookLoser(deps, exchange, attempt);
    return fault;
  }

  /** Whom a time-out says nothing of, because the client left it too little time: its provider where that is less than its exit is given
   *  by itself, and the exit as well where it is less than that takes when it is late. */
  #sparedByHurry(): Spared {
    const [deps, exchange] = [this.#deps, this.#exchange];
    const { timeouts } = deps.settings();
    const { timeoutMs = Number.POSITIVE_INFINITY } = exchange.admission?.params ?? {};
    if (timeoutMs >= timeouts.attempts) return 'nobody';
    const { choice, begunAt } = this.booked;
    const givenMs = this.#endsAt - begunAt;
    if (givenMs >= Math.min(timeouts.dial, patienceMs(deps, exchange, this.booked))) return 'nobody';
    // Those that wait over an exit which answers nobody are no reason for its silence.
    const now = deps.now();
    const queued = deps.exits.workedAgoMs(choice.slot, now) < now - begunAt ? this.booked.queued : 0;
    const lateAfterMs = deps.selection().lateAfterMs(choice.slot, exchange.siteRow, begunAt, queued);
    return givenMs < lateAfterMs ? 'exit too' : 'provider';
  }

  #throwAway(value: T): void {
    this.#call?.unfollow();
    this.#work.discard?.(value);
    bookLoser(this.#deps, this.#exchange, this.booked);
  }
}

/** How long the way over an exit may take where another attempt may follow, in ms, by what the exit and the site are known to take.
 *  Nothing is said of the page: pages of one site differ. */
function patienceMs(deps: Collaborators, exchange: Exchange, { choice, begunAt }: BookedAttempt): number {
  const pool = deps.registry.pool(choice.exit.pool);
  if (pool?.strategy !== 'learned') return Number.POSITIVE_INFINITY;
  return deps.selection().attemptTimeoutMs(choice.slot, exchange.siteRow, begunAt);
}
