import type { WorkerLoad } from '../memory/worker-load.ts';
import { descriptorOf } from '../transport/descriptor.ts';
import type { Parking } from '../transport/relay-binding.ts';
import type { Socket } from '../transport/socket.ts';
import type { PassedConnection } from './worker-messages.ts';

/** So many connections a worker passes on at once, and so many a second: passing one on costs more than serving a short one, and the
 *  short ones even out by themselves. */
const MOST_AT_ONCE = 256;
const PER_SECOND = 20;

export interface BalanceOptions {
  readonly load: WorkerLoad;
  /** The number of this worker. */
  readonly worker: number;
  readonly parking: Parking;
  /** The monotonic clock in ms. */
  readonly now: () => number;
  /** Sends the connection on its way. */
  readonly pass: (connection: PassedConnection) => void;
}

/** Evens out the workers' connections. The system spreads new ones over the workers by chance, which leaves a few that last long
 *  unevenly spread for as long. A worker that has clearly more than another passes the next one on to that. */
export class Balance {
  readonly #options: BalanceOptions;
  #allowance = MOST_AT_ONCE;
  #grownAt: number;

  constructor(options: BalanceOptions) {
    this.#options = options;
    this.#grownAt = options.now();
  }

  /** Passes a connection on that was just accepted by the listener of this key, and of which nothing was read. False where it is to
   *  be served here. */
  passOn(socket: Socket, listener: string): boolean {
    const { load, worker, parking, pass } = this.#options;
    const to = load.lighterThan(worker, this.#options.now());
    if (to < 0 || !this.#mayPass()) return false;
    const descriptor = descriptorOf(socket);
    const ticket = descriptor < 0 ? -1 : parking.park(descriptor);
    if (ticket <= 0) return false;
    // Only the descriptor of this thread is closed; the connection is held by the other.
    socket.destroy();
    load.expect(to);
    this.#allowance--;
    pass({ to, ticket, listener });
    return true;
  }

  #mayPass(): boolean {
    const now = this.#options.now();
    this.#allowance = Math.min(MOST_AT_ONCE, this.#allowance + ((now - this.#grownAt) * PER_SECOND) / 1000);
    this.#grownAt = now;
    return this.#allowance >= 1;
  }
}
