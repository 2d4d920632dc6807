import type { WorkerLoad } from '../memory/worker-load.ts';
import type { Spreading } from '../transport/relay-binding.ts';

/** An event loop that comes so late to a timer has more to do than it gets to, whatever it has of a core; in ms. */
const LATE_MS = 100;

/** By so long after a change, or the end of a worker, what was decided holds everywhere, in ms. */
const SETTLED_MS = 3_000;
/** Connections that come further apart are no stream of them, in ms. */
const APART_MS = 1_000;

export interface FrontWorkerOptions {
  readonly load: WorkerLoad;
  /** The number of this worker. */
  readonly worker: number;
  readonly spreading: Spreading;
  /** The monotonic clock in ms. */
  readonly now: () => number;
  /** The descriptors of the listeners that it has to do with. */
  readonly listeners: () => readonly number[];
}

/** A worker's part in which of them stand in front (see Front): it tells how busy it is, and has the system spread new connections as
 *  was decided. Each worker does that for all of them: so one that hangs holds up nobody. */
export class FrontWorker {
  readonly #options: FrontWorkerOptions;
  #spread = 0;
  /** Since when connections have come that shouldn't, and when the last one did. */
  #straysSince = Number.NEGATIVE_INFINITY;
  #strayedAt = Number.NEGATIVE_INFINITY;
  #cpuMs: number;
  #lookedAt: number;
  #lastShare = 0;

  constructor(options: FrontWorkerOptions) {
    this.#options = options;
    this.#cpuMs = options.spreading.cpuTime();
    this.#lookedAt = options.now();
  }

  /** To be called a few times a second, with how late that is, in ms. */
  look(lateMs: number): void {
    const { load, worker, spreading, now, listeners } = this.#options;
    const [cpuMs, at] = [spreading.cpuTime(), now()];
    const share = lateMs >= LATE_MS ? 1 : (cpuMs - this.#cpuMs) / Math.max(1, at - this.#lookedAt);
    // A burst between two looks says nothing.
    load.worked(worker, Math.min(share, this.#lastShare));
    this.#lastShare = share;
    this.#cpuMs = cpuMs;
    this.#lookedAt = at;
    if (load.spread === this.#spread) return;
    this.#spread = load.spread;
    this.#strayedAt = Number.NEGATIVE_INFINITY;
    for (const descriptor of listeners()) this.#tell(descriptor);
  }

  /** A listener is in use from now on. */
  bound(descriptor: number): void {
    if (this.#spread > 0) this.#tell(descriptor);
  }

  /** The system has brought a connection. To one that isn't in front it brings none for long, unless it counts in another way than we
   *  do: then all had better stand there. */
  met(): void {
    const { load, worker, now } = this.#options;
    if (load.spread === 0 || load.inFront(worker)) return;
    const at = now();
    if (at - this.#strayedAt > APART_MS) this.#straysSince = at;
    this.#strayedAt = at;
    if (at - this.#straysSince > SETTLED_MS) load.loseOrder();
  }

  #tell(descriptor: number): void {
    const { load, spreading } = this.#options;
    if (descriptor >= 0 && spreading.spread(descriptor, this.#spread) < 0) load.loseOrder();
  }
}
