import type { WorkerLoad } from '../memory/worker-load.ts';
import { watchLoopLag } from '../telemetry/loop-lag.ts';
import type { Front } from './front.ts';
import type { WorkerThread } from './worker-thread.ts';

/** A worker whose event loop hasn't come round at so many looks in a row, four a second, never will. Looks are counted rather than time:
 *  while the whole process stands still, or the control thread comes late, nobody is blamed. */
const HUNG_LOOKS = 40;

export interface WorkerWatchOptions {
  readonly load: WorkerLoad;
  readonly front: Pick<Front, 'order' | 'look'>;
  /** Tunnels that go on outside of JavaScript, of all threads. */
  readonly tunnelsOutside: () => number;
  readonly threads: { at(worker: number): Pick<WorkerThread, 'terminate'> | undefined };
  /** The monotonic clock that all threads share, in ms. */
  readonly now: () => number;
  readonly warn: (line: string) => void;
}

/** The control thread's looks at all workers, four times a second: which of them stand in front, and which hang for good. Those are ended,
 *  because the system would have connections wait for them for ever. */
export class WorkerWatch {
  readonly #options: WorkerWatchOptions;
  readonly #hangs = new WeakMap<Pick<WorkerThread, 'terminate'>, { readonly seen: number; readonly looks: number }>();
  readonly #unwatch: () => void;
  /** Tunnels that no worker counted when it was looked last. */
  #uncounted = 0;

  constructor(options: WorkerWatchOptions) {
    const { load, now } = options;
    this.#options = options;
    load.seenControl(now());
    this.#unwatch = watchLoopLag(now, () => this.look());
  }

  /** To be called by nobody else but tests. */
  look(): void {
    const { load, front, now } = this.#options;
    load.seenControl(now());
    front.look();
    // One that is handed over just now is counted a moment later, and not twice in a row.
    this.#countOrphans(this.#uncounted);
    // Those that have bound their listeners: one that is only starting has a deadline of its own.
    for (const worker of front.order) this.#lookAt(worker);
  }

  /** A worker has died, and gave back what it held: its tunnels outside of JavaScript go on. */
  died(): void {
    this.#countOrphans(Number.POSITIVE_INFINITY);
  }

  close(): void {
    this.#unwatch();
  }

  /** What no worker counts is an orphan, of which there are `most`: the relay's own figure can't drift as a count of their ends would. */
  #countOrphans(most: number): void {
    const { load, tunnelsOutside } = this.#options;
    this.#uncounted = Math.max(0, tunnelsOutside() - load.outside);
    load.orphans = Math.min(most, this.#uncounted);
  }

  #lookAt(worker: number): void {
    const { load, threads } = this.#options;
    const thread = threads.at(worker);
    if (thread === undefined) return;
    const seen = load.lastSeen(worker);
    const before = this.#hangs.get(thread);
    const looks = before?.seen === seen ? before.looks + 1 : 0;
    this.#hangs.set(thread, { seen, looks });
    if (looks === HUNG_LOOKS) void this.#end(worker, thread);
  }

  async #end(worker: number, thread: Pick<WorkerThread, 'terminate'>): Promise<void> {
    const { threads, warn } = this.#options;
    const name = `worker ${worker + 1}`;
    warn(`${name} hangs: its event loop has not come round at ${HUNG_LOOKS} looks in a row; it is ended`);
    await thread.terminate();
    if (threads.at(worker) === thread)
      warn(
        `${name} can't be ended while it waits for the system, and until then its share of new connections waits, too`,
      );
  }
}
