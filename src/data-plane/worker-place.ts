import type { RelayBinding } from '../transport/relay-binding.ts';
import type { Socket } from '../transport/socket.ts';
import { Balance, type BalanceOptions } from './balance.ts';
import { FrontWorker } from './front-worker.ts';

export interface WorkerPlaceOptions extends Pick<BalanceOptions, 'load' | 'worker' | 'most' | 'now' | 'pass'> {
  readonly workers: number;
  /** Null without it: then the system spreads connections over all workers, and there they stay. */
  readonly addon: RelayBinding | null;
  /** The descriptors of this worker's listeners, but for those that speak TLS alone: what they accept stays where it is. */
  readonly listeners: () => readonly number[];
  /** How many idle links to exits all workers may keep. */
  readonly keptLinks: number;
}

/** A worker beside the others: which connections it passes on to them, whether it stands in front, and what it may keep. */
export class WorkerPlace {
  readonly #options: WorkerPlaceOptions;
  readonly #balance: Balance | null;
  readonly #front: FrontWorker | null;

  constructor(options: WorkerPlaceOptions) {
    this.#options = options;
    const addon = options.workers > 1 ? options.addon : null;
    this.#balance = addon && new Balance({ ...options, parking: addon });
    this.#front = addon && new FrontWorker({ ...options, spreading: addon });
  }

  /** To be called a few times a second, with how late that is, in ms. */
  look(lateMs: number): void {
    this.#front?.look(lateMs);
    this.#balance?.look();
  }

  /** A listener of this worker's is in use from now on. */
  bound(descriptor: number): void {
    this.#front?.bound(descriptor);
  }

  /** The system has brought a connection to one of those listeners. */
  met(): void {
    this.#front?.met();
  }

  /** See Balance. */
  passOn(socket: Socket, listener: string): boolean {
    return this.#balance?.passOn(socket, listener) ?? false;
  }

  /** See Balance. */
  moveOn(socket: Socket, listener: string): boolean {
    return this.#balance?.moveOn(socket, listener) ?? false;
  }

  /** How many idle links this worker may keep: one that isn't in front has few exchanges. */
  get keptShare(): number {
    const { keptLinks, load, worker, workers } = this.#options;
    const { front } = load;
    if (front === 0) return Math.max(1, Math.floor(keptLinks / workers));
    const behind = Math.floor(keptLinks / 8);
    return Math.max(1, Math.floor(load.inFront(worker) ? (keptLinks - behind) / front : behind / workers));
  }
}
