import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { BookingBatch } from '../ledger/booking.ts';
import type { AccountName } from '../policy/quota-counts.ts';
import type { ExitFilter } from '../pool/exit-filter.ts';
import { StartFault } from '../threads/start-fault.ts';
import type {
  FromWorker,
  PassedConnection,
  RecentQuestion,
  ToWorker,
  WorkerAnswers,
  WorkerRequest,
  WorkerStart,
} from '../threads/worker-messages.ts';
import { setEngineFlags } from './engine-flags.ts';
import type { LoopTime } from './loop-times.ts';

/** The worker ended before it answered. */
export class WorkerEnded extends Error {
  constructor(why: string, options?: { cause: unknown }) {
    super(why, options);
    this.name = 'WorkerEnded';
  }
}

export interface WorkerThreadOptions {
  readonly start: WorkerStart;
  /** Lines wait for the access log. */
  readonly onLog: () => void;
  readonly onBookings: (batch: BookingBatch) => void;
  /** A count of a quota that the disk may know. */
  readonly onQuota: (account: AccountName) => void;
  /** Something that operators should know. */
  readonly onNotice: (line: string) => void;
  /** A fault of our own in the exchange of this id. */
  readonly onFault: (exchange: string, text: string) => void;
  /** A question of the worker's, to be answered by `told`. */
  readonly onQuestion: (question: number, about: RecentQuestion) => void;
  /** The worker wants a filter's list, by `list`. */
  readonly onWant: (filter: ExitFilter) => void;
  /** The worker passes a connection on. */
  readonly onPass: (connection: PassedConnection) => void;
  /** The thread is gone, and why; after this nothing comes of it. */
  readonly onEnd: (why: string) => void;
  /** Makes the thread; the real one unless told. */
  readonly spawn?: typeof spawnWorker;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (fault: Error) => void;
  readonly deadline: NodeJS.Timeout;
}

/** Memory for objects that are new, of one worker, in MB. V8 takes four times as much, which tunnels that are opened by the thousand
 *  leave behind them as garbage: 8 KiB each. Less than this makes forwarded requests dearer. */
const YOUNG_MB = 12;

/** How long a thread may take to end, in ms: then nobody waits for it any more. */
const END_MS = 10_000;

/** Starts the thread. */
export function spawnWorker(start: WorkerStart): Worker {
  setEngineFlags();
  // The published files end in .js, those of a checkout in .ts.
  return new Worker(new URL(`../worker${extname(import.meta.url)}`, import.meta.url), {
    workerData: start,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
  });
}

/** The control thread's hold on one worker. */
export class WorkerThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;
  #why: string | null = null;
  #isStuck = false;
  #cause: unknown;

  constructor(options: WorkerThreadOptions) {
    const { start, onLog, onBookings, onQuota, onNotice, onFault, onQuestion } = options;
    const { onWant, onPass, onEnd, spawn = spawnWorker } = options;
    this.#worker = spawn(start);
    this.#worker.on('message', (message: FromWorker) => {
      if (message.kind === 'log') onLog();
      else if (message.kind === 'bookings') onBookings(message.batch);
      else if (message.kind === 'quota') onQuota(message.account);
      else if (message.kind === 'notice') onNotice(message.line);
      else if (message.kind === 'fault') onFault(message.exchange, message.text);
      else if (message.kind === 'question') onQuestion(message.question, message.about);
      else if (message.kind === 'want') onWant(message.filter);
      else if (message.kind === 'pass') onPass(message.connection);
      else this.#settle(message);
    });
    this.#worker.on('error', (cause: unknown) => {
      this.#cause = cause;
    });
    this.#worker.on('exit', (code) => {
      this.#why = this.#cause instanceof Error ? this.#cause.message : `exit code ${code}`;
      const ended = new WorkerEnded(this.#why, { cause: this.#cause });
      for (const id of [...this.#waiting.keys()]) this.#take(id)?.reject(ended);
      onEnd(this.#why);
    });
  }

  /** Asks, and waits for the answer. Rejects with StartFault where the worker can't, and with WorkerEnded where it is gone, or
   *  doesn't answer within `deadlineMs`. */
  async ask<Request extends WorkerRequest>(
    request: Request,
    deadlineMs: number,
  ): Promise<WorkerAnswers[Request['kind']]> {
    if (this.#why !== null) throw new WorkerEnded(this.#why);
    const id = this.#asked++;
    this.#worker.postMessage({ id, request } satisfies ToWorker);
    return new Promise((resolve, reject) => {
      const late = new WorkerEnded(`no answer to "${request.kind}" within ${deadlineMs / 1000} s`);
      const deadline = setTimeout(() => this.#take(id)?.reject(late), deadlineMs);
      this.#waiting.set(id, { resolve: resolve as Waiting['resolve'], reject, deadline });
    });
  }

  /** Its event loop so far, seen from outside. */
  get loop(): LoopTime {
    return this.#worker.performance.eventLoopUtilization();
  }

  /** Ends the thread at once, but waits no longer than 10 s for its end: one that is in a call of the system, or whose loop Node can't
   *  get to its end, goes on until that is over. */
  async terminate(): Promise<void> {
    let deadline: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      deadline = setTimeout(() => {
        this.#isStuck = this.#why === null;
        resolve();
      }, END_MS);
    });
    await Promise.race([this.#worker.terminate(), late]);
    clearTimeout(deadline);
  }

  /** Whether it was to end, and didn't in time. */
  get isStuck(): boolean {
    return this.#isStuck && this.#why === null;
  }

  #settle(message: Extract<FromWorker, { kind: 'answer' | 'failure' }>): void {
    const waiting = this.#take(message.id);
    if (message.kind === 'answer') waiting?.resolve(message.value);
    else waiting?.reject(new StartFault(message.fault.exitCode, message.fault.lines));
  }

  /** Whoever waits for the answer with this id, once. */
  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    clearTimeout(waiting?.deadline);
    return waiting;
  }
}
