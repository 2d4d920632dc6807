import { Buffer } from 'node:buffer';
import { TLSSocket } from 'node:tls';
import { descriptorOf } from './descriptor.ts';
import { Expiry } from './expiry.ts';
import { guard } from './guard.ts';
import { type Ground, NativeTunnel, small } from './native-tunnel.ts';
import type { FirstOctets, Relay, RelayCounts, RelayHandle, RelayOptions, RelayOutcome } from './relay.ts';
import { RECORD_FIELDS, type RelayBinding, recordKind } from './relay-binding.ts';
import { Roster } from './roster.ts';
import { scriptRelay } from './script-relay.ts';
import type { Socket } from './socket.ts';

/** Which descriptors adopt() gets for its own. */
const OWNS_CLIENT = 1;
const OWNS_EXIT = 2;

/** Tunnels are known by their handles. */
const NO_TAG = 0;

/** Records taken at once. */
const BATCH = 64;

const endings = ['closed', 'reset', 'idle', 'cut'] as const;

export interface NativeRelayOptions {
  readonly binding: RelayBinding;
  /** Whether records of threads that have ended come here: true in the main thread. */
  readonly isHeir: boolean;
  /** Relay threads of the process. */
  readonly threads: number;
  /** Pipes of the process at most, two descriptors each. */
  readonly pipes: number;
}

/** Figures of all tunnels of the process that are relayed natively. */
export interface NativeRelayStats {
  readonly tunnels: number;
  readonly pipes: number;
  readonly mostPipes: number;
  readonly descriptors: number;
}

/** Relays outside of JavaScript: a thread of the process moves the octets in the kernel. One per thread of JavaScript. */
export class NativeRelay {
  /** False where the system has given it no descriptors or threads: then it can't be used. */
  readonly isOpen: boolean;
  readonly #binding: RelayBinding;
  readonly #running = new Roster<NativeTunnel>();
  readonly #records = new Float64Array(BATCH * RECORD_FIELDS);
  readonly #ground: Ground;
  readonly #figures = new Float64Array(4);
  readonly #expiry = new Expiry(() => this.#running.members());
  #settled: (() => void)[] = [];
  #onOrphan: (handle: number, outcome: RelayOutcome) => void = () => {};

  /** Throws where this thread has one already. */
  constructor(options: NativeRelayOptions) {
    this.#binding = options.binding;
    this.#ground = { binding: options.binding, counts: new Float64Array(2) };
    this.isOpen = this.#binding.open(() => this.#drain(), options.isHeir, options.threads, options.pipes);
  }

  /** Tunnels of this thread that are under way here. Their sockets in JavaScript are destroyed, but each holds two descriptors. */
  get size(): number {
    return this.#running.size;
  }

  /** Leaves to scriptRelay what can't leave JavaScript: TLS on a side, a socket with octets still to be written, or no descriptor
   *  left to duplicate. */
  readonly relay: Relay = (a, b, options) => {
    if (!mayLeave(a) || !mayLeave(b)) return this.#inScript(a, b, options);
    // In one go, so that nothing is read between the last read() here and the first one there.
    const earlyA = drain(a, options.earlyA);
    const earlyB = drain(b, options.earlyB);
    const tunnel = new NativeTunnel(this.#ground, options);
    const place = this.#running.add(tunnel);
    tunnel.handle = this.#adopt({ a, b, earlyA, earlyB }, options, place);
    if (tunnel.handle <= 0) {
      this.#running.remove(place);
      return this.#inScript(a, b, { ...options, earlyA, earlyB });
    }
    // Never end() or a reset: they act on the connection, and destroy() only closes our descriptor of it, or does nothing where that
    // was given away.
    a.destroy();
    b.destroy();
    if (this.#running.size === 1) this.#binding.hold(true);
    options.outside?.begun();
    if (options.expiresAt !== undefined) this.#expiry.watch(options.expiresAt, options.now);
    return tunnel;
  };

  /** Here; see RelayOptions.mostUnreadB. */
  #inScript(a: Socket, b: Socket, options: RelayOptions): RelayHandle {
    if (options.mostUnreadB !== undefined) this.#binding.bound(descriptorOf(b), options.mostUnreadB);
    return scriptRelay(a, b, options);
  }

  /** Resolves once no tunnel of this thread is under way here. */
  settled(): Promise<void> {
    if (this.#running.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#settled.push(resolve));
  }

  cutAll(): void {
    for (const tunnel of this.#running.members()) tunnel.cut();
  }

  /** Has `told` be told how a tunnel of a thread that has ended went, by the handle that it had there. */
  inherit(told: (handle: number, outcome: RelayOutcome) => void): void {
    this.#onOrphan = told;
  }

  /** What a tunnel of any thread has passed so far; null where it has ended. */
  countsOf(handle: number): RelayCounts | null {
    if (!this.#binding.counts(handle, this.#ground.counts)) return null;
    const [bytesAtoB = 0, bytesBtoA = 0] = this.#ground.counts;
    return { bytesAtoB, bytesBtoA };
  }

  stats(): NativeRelayStats {
    this.#binding.stats(this.#figures);
    const [tunnels = 0, pipes = 0, mostPipes = 0, descriptors = 0] = this.#figures;
    return { tunnels, pipes, mostPipes, descriptors };
  }

  #adopt({ a, b, earlyA, earlyB }: Sides, options: RelayOptions, place: number): number {
    const { reply, idleMs, octetsPerSecond = 0, allowance = -1, watchesA = false, mostUnreadB = 0 } = options;
    const limits = [idleMs, octetsPerSecond, allowance] as const;
    // What can be given away is; of the others the relay makes duplicates.
    const [isOwnedA, isOwnedB] = [a.release !== undefined, b.release !== undefined];
    const owned = (isOwnedA ? OWNS_CLIENT : 0) | (isOwnedB ? OWNS_EXIT : 0);
    const [fdA, fdB] = [a.release?.() ?? descriptorOf(a), b.release?.() ?? descriptorOf(b)];
    const sides = [fdA, fdB, reply, earlyA, earlyB, place, NO_TAG] as const;
    const handle = this.#binding.adopt(...sides, ...limits, watchesA, owned, mostUnreadB);
    if (handle > 0) return handle;
    if (isOwnedA) a.reclaim?.(fdA);
    if (isOwnedB) b.reclaim?.(fdB);
    return handle;
  }

  #drain(): void {
    let count: number;
    do {
      count = this.#binding.drain(this.#records);
      // What has been drained comes no second time.
      for (let at = 0; at < count * RECORD_FIELDS; at += RECORD_FIELDS) guard(() => this.#take(at));
    } while (count === BATCH);
  }

  /** Takes the record whose fields begin at `at`. */
  #take(at: number): void {
    const place = this.#field(at + 1);
    const kind = this.#field(at + 3);
    const tunnel = this.#running.at(place);
    const isOurs = tunnel !== null && tunnel.handle === this.#field(at);
    if (kind === recordKind.spent) {
      if (isOurs) tunnel.owner.onSpent?.();
      // Whoever would have let more of it pass is gone with its thread.
      else this.#binding.cut(this.#field(at));
      return;
    }
    const outcome = this.#outcome(at, endings[kind] ?? 'cut');
    if (!isOurs) return this.#onOrphan(this.#field(at), outcome);
    this.#running.remove(place);
    if (this.#running.size === 0) {
      this.#binding.hold(false);
      for (const resolve of this.#settled.splice(0)) resolve();
    }
    try {
      const beginning = tunnel.watchesA ? this.#binding.beginning(at / RECORD_FIELDS) : undefined;
      if (beginning !== undefined) tunnel.owner.sees?.(beginning);
    } finally {
      tunnel.end(outcome);
    }
  }

  #outcome(at: number, ended: RelayOutcome['ended']): RelayOutcome {
    return {
      bytesAtoB: small(this.#field(at + 5)),
      bytesBtoA: small(this.#field(at + 6)),
      ended,
      by: sideOf(this.#field(at + 4)),
      firstFromA: this.#first(at + 7),
      firstFromB: this.#first(at + 10),
      endedFirst: sideOf(this.#field(at + 13)),
      unreadB: small(this.#field(at + 14)),
    };
  }

  #first(at: number): FirstOctets | null {
    const [afterMs, type, length] = [this.#field(at), this.#field(at + 1), this.#field(at + 2)];
    return afterMs < 0 ? null : { afterMs, tlsRecord: type < 0 ? null : { type, length } };
  }

  #field(at: number): number {
    return this.#records[at] ?? 0;
  }
}

/** Two sockets that leave JavaScript, and what was read from each. */
interface Sides {
  readonly a: Socket;
  readonly b: Socket;
  readonly earlyA: Buffer | undefined;
  readonly earlyB: Buffer | undefined;
}

const sideOf = (side: number): 'a' | 'b' | null => (side === 0 ? 'a' : side === 1 ? 'b' : null);

/** Whether nothing keeps the socket in JavaScript: it is plain TCP, and all that was written has left. */
function mayLeave(socket: Socket): boolean {
  if (socket instanceof TLSSocket || socket.destroyed) return false;
  return socket.writableLength === 0 && !socket.writableEnded && descriptorOf(socket) >= 0;
}

/** `early` and all that waits in the socket behind it: read() returns one piece at a time. */
function drain(socket: Socket, early: Buffer | undefined): Buffer | undefined {
  socket.pause();
  let octets = early;
  for (let more: Buffer | null = socket.read(); more !== null; more = socket.read()) {
    octets = octets === undefined || octets.length === 0 ? more : Buffer.concat([octets, more]);
  }
  return octets;
}
