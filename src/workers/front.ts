import type { WorkerLoad, WorkerShare } from '../memory/worker-load.ts';

/** One that has so much of a core is full. */
const FULL = 0.85;
/** As many will do as would have so much of a core each. They will have less: the fewer they are, the less each exchange costs. */
const SPARE = 0.75;
/** How much a look counts for what all workers have of late. */
const WEIGHT = 1 / 8;
/** For so long fewer must have been enough before any is let off, in ms. */
const CALM_MS = 5_000;
/** So long it takes for new ones in front to show, in ms. */
const RAISED_MS = 1_000;

export interface FrontOptions {
  readonly load: WorkerLoad;
  /** How many workers there are. */
  readonly workers: number;
  /** Whether as few as will do stand in front; otherwise all do. */
  readonly concentrate: boolean;
  /** The monotonic clock in ms. */
  readonly now: () => number;
}

/** Decides which workers stand in front and have all new connections: as few as the traffic needs. One that has much to do gets more done
 *  at each turn of its event loop, keeps its compiled code in use, and finds the links to exits that it has kept; two with half of it
 *  each take a fifth more for a short tunnel. */
export class Front {
  readonly #options: FrontOptions;
  /** The living ones, as the system numbers their sockets. */
  readonly #order: number[] = [];
  #count = 1;
  #busy = 0;
  /** When all of them were needed last, and when they became more. */
  #neededAt: number;
  #raisedAt = Number.NEGATIVE_INFINITY;

  constructor(options: FrontOptions) {
    this.#options = options;
    this.#neededAt = options.now();
  }

  /** The living workers, in the order in which they are to bind what is new. */
  get order(): readonly number[] {
    return [...this.#order];
  }

  /** How many workers stand in front. */
  get count(): number {
    const { front } = this.#options.load;
    return front === 0 ? this.#order.length : Math.min(front, this.#order.length);
  }

  /** The worker has bound its listeners. */
  joined(worker: number): void {
    this.#order.push(worker);
    this.#rank();
  }

  /** The worker's listeners are gone: the system has put its last one in each one's place. */
  left(worker: number): void {
    const at = this.#order.indexOf(worker);
    if (at < 0) return;
    const last = this.#order.pop() ?? worker;
    if (last !== worker) this.#order[at] = last;
    this.#rank();
  }

  /** Decides anew. To be called four times a second. */
  look(): void {
    const { load, concentrate, workers, now } = this.#options;
    if (!concentrate || this.#order.length === 0) return;
    const shares = this.#order.map((worker) => load.share(worker, now()));
    this.#weigh(shares);
    load.front = load.orderLost || this.#count >= workers ? 0 : this.#count;
    // Nobody would look at what is sent to one that hangs.
    load.spread = shares.slice(0, this.#count).every(({ alive }) => alive) ? load.front : 0;
  }

  #weigh(shares: readonly WorkerShare[]): void {
    const { workers, now } = this.#options;
    this.#busy += (shares.reduce((sum, { busy }) => sum + busy, 0) - this.#busy) * WEIGHT;
    const isFull = shares.some(({ busy, alive }) => alive && busy >= FULL);
    const needed = isFull ? this.#count : Math.max(1, Math.ceil(this.#busy / SPARE));
    if (needed >= this.#count) this.#neededAt = now();
    if (isFull && now() - this.#raisedAt >= RAISED_MS) {
      this.#count = Math.min(workers, this.#count * 2);
      this.#raisedAt = now();
    } else if (now() - this.#neededAt >= CALM_MS) this.#count = needed;
  }

  #rank(): void {
    for (const [rank, worker] of this.#order.entries()) this.#options.load.setRank(worker, rank);
  }
}
