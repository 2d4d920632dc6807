import { EVENT_FIELDS, type PollerBinding, pollBit } from '../../src/transport/poller-binding.ts';

/** Octets that reads of peers go to. */
const ROOM = 8192;

const octets = Buffer.from(Array.from({ length: 256 + ROOM }, (_, at) => (at * 7) & 255));

/** What peers say, which repeats after 256 octets: up to 8 KiB of it from a position on. */
export function pattern(position: number, count: number): Buffer {
  return octets.subarray(position % 256, (position % 256) + count);
}

/** Two handles of the poller whose sockets are connected to each other. */
export interface Pair {
  readonly peer: number;
  readonly end: number;
}

/** Connected pairs over loopback, made by the poller alone: all but waiting for a connection is done in calls that return at once. One
 *  per process. */
export class PollerPairs {
  readonly room = Buffer.alloc(ROOM);
  readonly #binding: PollerBinding;
  readonly #listener: number;
  readonly #port: number;
  readonly #ready: Pair[] = [];
  /** Halves by the port that the dialling one got. */
  readonly #dialled = new Map<number, number>();
  readonly #accepted = new Map<number, number>();
  #awaited = 0;
  readonly #made: number[] = [];
  #isClosed = false;

  constructor(binding: PollerBinding) {
    this.#binding = binding;
    const events = new Float64Array(64 * EVENT_FIELDS);
    binding.pollOpen((count) => this.#take(events.subarray(0, count * EVENT_FIELDS)), events, this.room);
    this.#listener = binding.pollListen('127.0.0.1', 0, false, 128);
    this.#port = this.#portAt(this.#listener, 1);
  }

  /** Has more made until `count` are ready or on their way. */
  prepare(count: number): void {
    for (; this.#ready.length + this.#awaited < count; this.#awaited++)
      this.#made.push(this.#binding.pollConnect('127.0.0.1', this.#port, undefined));
  }

  /** One that is ready, or undefined. */
  take(): Pair | undefined {
    return this.#ready.pop();
  }

  /** How many are on their way. */
  get awaited(): number {
    return this.#awaited;
  }

  /** Closes the listener and all that was ever made here, so that nothing keeps the process. */
  close(): void {
    this.#isClosed = true;
    for (const handle of [this.#listener, ...this.#made.splice(0)]) this.#binding.pollClose(handle, false);
  }

  #take(events: Float64Array): void {
    for (let at = 0; at < events.length; at += EVENT_FIELDS) {
      const [handle = 0, bits = 0, value = 0] = events.subarray(at);
      if (this.#isClosed) return;
      if ((bits & pollBit.failed) !== 0) throw new Error(`no connection: errno ${value}`);
      if ((bits & pollBit.accepted) !== 0) {
        this.#made.push(value);
        this.#meet(this.#accepted, this.#portAt(value, 3), value);
      }
      if ((bits & pollBit.connected) !== 0) this.#meet(this.#dialled, this.#portAt(handle, 1), handle);
    }
  }

  #meet(halves: Map<number, number>, port: number, handle: number): void {
    halves.set(port, handle);
    const [peer, end] = [this.#dialled.get(port), this.#accepted.get(port)];
    if (peer === undefined || end === undefined) return;
    this.#dialled.delete(port);
    this.#accepted.delete(port);
    this.#awaited--;
    this.#ready.push({ peer, end });
  }

  #portAt(handle: number, word: number): number {
    return Number(this.#binding.pollEnds(handle).split(' ')[word]);
  }
}
