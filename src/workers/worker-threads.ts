import { newestOf } from '../gateway/internal/recent-exchanges.ts';
import type { ExitFilter } from '../pool/exit-filter.ts';
import type { FilterList } from '../pool/filter-list.ts';
import type { PassedConnection, RecentAnswer, RecentQuestion, WorkerRequest } from '../threads/worker-messages.ts';
import type { Parking } from '../transport/relay-binding.ts';
import { WorkerEnded, type WorkerThread } from './worker-thread.ts';

/** How long a worker may take to carry out what it is asked, in ms. */
export const ANSWER_MS = 30_000;

/** Figures are for people who wait: a worker that is busy for so long is left out, in ms. */
const FIGURES_MS = 2_000;

/** A connection on its way waits so long for its worker, in ms, and then for each other that may take it; and for the last of them longer
 *  than most clients do. */
const TAKE_MS = 2_000;
const LAST_TAKE_MS = 30_000;

/** How long a worker may take to end, beyond its drain, in ms: well more than the 2 s that it may wait for its last bookings and its
 *  links. */
const STOP_MS = 5_000;

/** How often a drain looks whether the last tunnel outside of JavaScript has ended, in ms. */
const TUNNELS_LOOK_MS = 50;

/** Reports wait for those workers that answer within so many ms. */
const QUESTION_MS = 1_000;

export interface WorkerThreadsOptions {
  /** The list of a filter's exits, of the pools that stand. */
  readonly listOf: (filter: ExitFilter) => FilterList;
  /** Where connections are that go from one worker to another; null where none do. */
  readonly parking: Parking | null;
  /** Tunnels that go on outside of JavaScript, of all threads: those of a worker that has died as well. */
  readonly tunnelsOutside: () => number;
  /** A connection that was on its way to this worker is nobody's any more. */
  readonly dropped: (worker: number) => void;
}

/** The workers that live, and what is said to all of them or by one to the others. */
export class WorkerThreads {
  readonly #options: WorkerThreadsOptions;
  /** By number; a place is vacant while its worker is being replaced. */
  readonly #threads = new Map<number, WorkerThread>();
  /** Ends the wait for exchanges under way; null where nobody waits for them. */
  #hurry: (() => void) | null = null;

  constructor(options: WorkerThreadsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#threads.size;
  }

  all(): readonly WorkerThread[] {
    return [...this.#threads.values()];
  }

  numbers(): readonly number[] {
    return [...this.#threads.keys()];
  }

  /** Those that were to end, and go on. */
  get stuck(): readonly number[] {
    return [...this.#threads].filter(([, thread]) => thread.isStuck).map(([worker]) => worker);
  }

  at(worker: number): WorkerThread | undefined {
    return this.#threads.get(worker);
  }

  add(worker: number, thread: WorkerThread): void {
    this.#threads.set(worker, thread);
  }

  remove(worker: number): void {
    this.#threads.delete(worker);
  }

  /** Tells all workers; resolves when each has done it, or is gone. */
  async tell(request: WorkerRequest): Promise<void> {
    await Promise.all(this.all().map((thread) => this.askUnlessEnded(thread, request)));
  }

  /** Null where the worker ended: whoever takes its place begins by the newest state anyway. */
  async askUnlessEnded<Request extends WorkerRequest>(thread: WorkerThread, request: Request) {
    try {
      return await thread.ask(request, ANSWER_MS);
    } catch (fault) {
      if (request.kind === 'prepare' && !(fault instanceof WorkerEnded)) throw fault;
      // One that doesn't answer, or can't do what all others do, would go on by the former state.
      await thread.terminate();
      return null;
    }
  }

  /** Has all workers end once the exchanges of all have, and the tunnels that those which died have left behind, but no later than after
   *  `drainMs`. Those that won't end are there still when this resolves. */
  async end(drainMs: number): Promise<void> {
    const hurried = Promise.withResolvers<void>();
    this.#hurry = hurried.resolve;
    const stop = (thread: WorkerThread, ms: number) =>
      thread.ask({ kind: 'stop', drainMs: ms }, ms + STOP_MS).catch(() => {});
    const drained = this.all().map((thread) =>
      Promise.race([stop(thread, drainMs), hurried.promise.then(() => stop(thread, 0))]),
    );
    await Promise.all([...drained, Promise.race([this.#tunnelsEnded(drainMs), hurried.promise])]);
    this.#hurry = null;
    await Promise.all(this.all().map((thread) => thread.terminate()));
  }

  /** Cuts the exchanges that end() waits for. False where it waits for none. */
  hurry(): boolean {
    const waits = this.#hurry !== null;
    this.#hurry?.();
    return waits;
  }

  /** Resolves once no tunnel goes on outside of JavaScript, after `drainMs`, or when nobody waits any more. */
  async #tunnelsEnded(drainMs: number): Promise<void> {
    const end = performance.now() + drainMs;
    const waits = () => this.#hurry !== null && performance.now() < end && this.#options.tunnelsOutside() > 0;
    while (waits()) await new Promise((resolve) => setTimeout(resolve, TUNNELS_LOOK_MS));
  }

  /** For people: what doesn't answer in time is left out. */
  askAll<Request extends Extract<WorkerRequest, { kind: 'verdicts' | 'failures' }>>(request: Request) {
    return Promise.all(this.all().map((thread) => thread.ask(request, FIGURES_MS).catch(() => [])));
  }

  /** Has every worker post what it has booked; resolves when those that answer have. */
  async post(): Promise<void> {
    await Promise.all(this.all().map((thread) => thread.ask({ kind: 'post' }, FIGURES_MS).catch(() => {})));
  }

  /** Asks all workers what one of them wants to know. */
  async answer(thread: WorkerThread, question: number, about: RecentQuestion): Promise<void> {
    const asked = this.all().map((other) => other.ask(about, QUESTION_MS).catch(() => null));
    const answers = (await Promise.all(asked)).filter((answer) => answer !== null);
    const answer = joinAnswers(answers, about);
    await thread.ask({ kind: 'told', question, answer }, QUESTION_MS).catch(() => {});
  }

  /** Hands a list that one worker wants to all: others ask by the same filters. One that has moved on to other pools leaves it. */
  share(filter: ExitFilter): void {
    const list = this.#options.listOf(filter);
    for (const thread of this.#threads.values()) thread.ask({ kind: 'list', list }, ANSWER_MS).catch(() => {});
  }

  /** The worker that claims the connection has it: the one that it is for, or another where that has ended, hangs, or doesn't use
   *  the listener yet. Where none does it is dropped here: nobody else knows of it. Never rejects. */
  async pass(connection: PassedConnection): Promise<void> {
    const { parking, dropped } = this.#options;
    const { to, ticket } = connection;
    parking?.heard(ticket);
    const first = this.at(to);
    const others = this.all().filter((other) => other !== first);
    const all = first === undefined ? others : [first, ...others];
    for (const thread of all) {
      const waitMs = thread === all.at(-1) ? LAST_TAKE_MS : TAKE_MS;
      if (await thread.ask({ kind: 'take', connection }, waitMs).catch(() => false)) break;
    }
    if (parking?.drop(ticket)) dropped(to);
  }
}

function joinAnswers(answers: readonly RecentAnswer[], about: RecentQuestion): RecentAnswer {
  if (about.kind === 'claim') return answers.includes(true);
  const findings = answers.filter((answer) => typeof answer === 'object');
  return newestOf(findings, about.query);
}
