import { lookup } from 'node:dns/promises';
import { closeSync } from 'node:fs';
import { isIP } from 'node:net';
import { constants } from 'node:os';
import { readingRoom } from './dialled-socket.ts';
import { guard, raise } from './guard.ts';
import type { NativeReadable, SocketHome } from './native-readable.ts';
import { NativeSocket } from './native-socket.ts';
import { EVENT_FIELDS, type PollerBinding, pollBit } from './poller-binding.ts';
import type { Acceptor, ConnectOptions, ListenOptions, Socket, Sockets } from './socket.ts';
import { systemError } from './system-error.ts';

/** Events taken at once. */
const BATCH = 256;

/** The part of a handle that is the descriptor's number; below 2^20 (native/poller.h). */
const DESCRIPTOR_MASK = (1 << 20) - 1;

/** The sockets of one thread over its own epoll: what Node spends on each of its own, most of all its objects outside of the heap, is
 *  more than all that the gateway does with a short tunnel. */
export class NativeSockets implements Sockets, SocketHome {
  readonly binding: PollerBinding;
  readonly room = readingRoom();
  readonly #events = new Float64Array(BATCH * EVENT_FIELDS);
  /** By descriptor. */
  readonly #sockets: (NativeSocket | undefined)[] = [];
  readonly #acceptors = new Map<number, (handle: number) => void>();
  #later: NativeReadable[] = [];
  #closing: NativeSocket[] = [];

  /** Null where this thread can't have them. */
  static over(binding: PollerBinding): NativeSockets | null {
    const sockets = new NativeSockets(binding);
    return binding.pollOpen((count) => sockets.#dispatch(count), sockets.#events, sockets.room) ? sockets : null;
  }

  private constructor(binding: PollerBinding) {
    this.binding = binding;
  }

  connect({ host, port, localAddress, keepAliveMs }: ConnectOptions): Socket {
    const handle = this.binding.pollConnect(host, port, localAddress);
    const socket = new NativeSocket(this, handle, 'connecting');
    if (handle < 0) return socket.destroy(systemError('connect', handle));
    if (keepAliveMs > 0) socket.setKeepAlive(true, keepAliveMs);
    return socket;
  }

  attach(descriptor: number): Socket {
    const handle = this.binding.pollAttach(descriptor);
    const socket = new NativeSocket(this, handle, 'accepted');
    if (handle > 0) return socket;
    closeSync(descriptor);
    return socket.destroy(systemError('attach', handle));
  }

  async listen(options: ListenOptions, onConnection: (socket: Socket) => void): Promise<Acceptor> {
    const { host, port, reusePort, backlog } = options;
    const address = isIP(host) === 0 ? (await lookup(host)).address : host;
    const handle = this.binding.pollListen(address, port, reusePort, backlog);
    if (handle < 0) throw systemError('listen', handle);
    this.#acceptors.set(handle, (accepted) => onConnection(new NativeSocket(this, accepted, 'accepted')));
    const [, bound] = this.binding.pollEnds(handle).split(' ');
    const acceptors = this.#acceptors;
    let closed: Promise<void> | null = null;
    return {
      port: Number(bound),
      get descriptor() {
        return acceptors.has(handle) ? handle & DESCRIPTOR_MASK : -1;
      },
      close: () => {
        closed ??= this.#closeAcceptor(handle, backlog);
        return closed;
      },
    };
  }

  /** Behind the events under way, of which some may tell of connections. */
  async #closeAcceptor(handle: number, backlog: number): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    // The queue holds one more than its bound, and what comes meanwhile came too late.
    for (let left = backlog + 1; left > 0; left--) {
      const accepted = this.binding.pollAccept(handle);
      if (accepted === -constants.errno.EAGAIN) break;
      if (accepted > 0) guard(() => this.#accept(handle, accepted));
    }
    this.#acceptors.delete(handle);
    this.binding.pollClose(handle, false);
  }

  enter(handle: number, socket: NativeSocket): void {
    if (handle > 0) this.#sockets[handle & DESCRIPTOR_MASK] = socket;
  }

  strike(handle: number): void {
    if (this.#sockets[handle & DESCRIPTOR_MASK]?.handle === handle) this.#sockets[handle & DESCRIPTOR_MASK] = undefined;
  }

  unread(handle: number): number {
    return handle > 0 ? this.binding.unread(handle & DESCRIPTOR_MASK) : 0;
  }

  later(socket: NativeReadable): void {
    if (this.#later.push(socket) === 1) setImmediate(this.#giveTurns);
  }

  closing(socket: NativeSocket): void {
    if (this.#closing.push(socket) === 1) setImmediate(this.#tellClosed);
  }

  #dispatch(count: number): void {
    const events = this.#events;
    for (let at = 0; at < count * EVENT_FIELDS; at += EVENT_FIELDS) {
      const handle = events[at] ?? 0;
      const bits = events[at + 1] ?? 0;
      const value = events[at + 2] ?? 0;
      try {
        if ((bits & pollBit.accepted) !== 0) this.#accept(handle, value);
        else {
          const socket = this.#sockets[handle & DESCRIPTOR_MASK];
          if (socket !== undefined && socket.handle === handle) socket.happened(bits, value);
        }
      } catch (fault) {
        raise(fault);
      }
    }
  }

  #accept(listener: number, accepted: number): void {
    const acceptor = this.#acceptors.get(listener);
    if (acceptor === undefined) this.binding.pollClose(accepted, false);
    else acceptor(accepted);
  }

  readonly #giveTurns = (): void => {
    const sockets = this.#later;
    this.#later = [];
    for (const socket of sockets) guard(() => socket.laterTurn());
  };

  readonly #tellClosed = (): void => {
    const sockets = this.#closing;
    this.#closing = [];
    for (const socket of sockets) guard(() => socket.closed());
  };
}
