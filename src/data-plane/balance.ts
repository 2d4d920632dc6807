import type { WorkerLoad } from '../memory/worker-load.ts';
import type { PassedConnection } from '../threads/worker-messages.ts';
import { descriptorOf } from '../transport/descriptor.ts';
import type { Parking } from '../transport/relay-binding.ts';
import type { Socket } from '../transport/socket.ts';

/** So many connections that it has just accepted a worker passes on at once, and so many a second: passing one on costs more than
 *  serving a short one, and the short ones even out by themselves. */
const MOST_AT_ONCE = 256;
const PER_SECOND = 20;

/** Of those that rest so many go on after each look: they have lasted, and are to go where there is less to do soon. */
const MOVES_PER_LOOK = 256;

/** They do only while less than this share of the places is taken. */
const FREE = 0.9;

export interface BalanceOptions {
  readonly load: WorkerLoad;
  /** The number of this worker. */
  readonly worker: number;
  readonly parking: Parking;
  /** How many connections all workers may have. */
  readonly most: number;
  /** The monotonic clock in ms. */
  readonly now: () => number;
  /** Sends the connection on its way. */
  readonly pass: (connection: PassedConnection) => void;
}

/** Evens out the workers' connections. The system spreads new ones over those in front by chance, which leaves a few that last long
 *  unevenly spread for as long. A worker that has clearly more than another one in front passes the next one on to that, whether it was
 *  just accepted or rests between two requests; and one that isn't in front passes on all that rest. */
export class Balance {
  readonly #options: BalanceOptions;
  #allowance = MOST_AT_ONCE;
  #grownAt: number;
  #moves = 0;

  constructor(options: BalanceOptions) {
    this.#options = options;
    this.#grownAt = options.now();
  }

  /** Looks whether some other worker had better have connections of this one's. To be called a few times a second. */
  look(): void {
    const { load, worker, now } = this.#options;
    this.#moves = load.lighterThan(worker, now()) < 0 ? 0 : MOVES_PER_LOOK;
  }

  /** Passes a connection on that was just accepted by the listener of this key, and of which nothing was read. False where it is to
   *  be served here. */
  passOn(socket: Socket, listener: string): boolean {
    const { load, worker } = this.#options;
    // What the system brings to one that isn't in front it brings because another has ended, or hangs.
    if (!load.inFront(worker) || !this.#mayPass() || !this.#pass(socket, listener, false)) return false;
    this.#allowance--;
    return true;
  }

  /** Passes a connection on that the listener of this key accepted, and that rests between two requests. False where it is to be served
   *  here. */
  moveOn(socket: Socket, listener: string): boolean {
    const { load, most } = this.#options;
    // Only a socket of ours is but a descriptor: over one of Node's there may be TLS.
    if (this.#moves === 0 || socket.descriptor === undefined) return false;
    // For a moment it counts in both threads, which must not cost another its place.
    const isGone = load.connections < most * FREE && this.#pass(socket, listener, true);
    this.#moves = isGone ? this.#moves - 1 : 0;
    return isGone;
  }

  #pass(socket: Socket, listener: string, atRest: boolean): boolean {
    const { load, worker, parking, pass, now } = this.#options;
    const to = load.lighterThan(worker, now());
    const descriptor = to < 0 ? -1 : descriptorOf(socket);
    const ticket = descriptor < 0 ? -1 : parking.park(descriptor, worker, to);
    if (ticket <= 0) return false;
    load.expect(to);
    pass({ to, ticket, listener, atRest });
    // Only the descriptor of this thread is closed; the connection is held by the other.
    socket.destroy();
    return true;
  }

  #mayPass(): boolean {
    const now = this.#options.now();
    this.#allowance = Math.min(MOST_AT_ONCE, this.#allowance + ((now - this.#grownAt) * PER_SECOND) / 1000);
    this.#grownAt = now;
    return this.#allowance >= 1;
  }
}
