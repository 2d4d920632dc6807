import type { EventEmitter } from 'node:events';
import type net from 'node:net';

/** Told of octets as they come, which are its own only until it returns. False: no more before the socket is resumed. */
export type Borrower = (octets: Buffer) => boolean;

/** Octets both ways, over whatever they come: what a talk in turns needs of it. Its events are those of Node's streams. */
export interface OctetStream extends EventEmitter {
  readonly destroyed: boolean;
  readonly errored: Error | null;
  readonly readableEnded: boolean;
  pause(): this;
  resume(): this;
  /** False asks to wait for `drain`. */
  write(octets: Uint8Array | string, encoding?: BufferEncoding): boolean;
}

/** A TCP connection as the data plane uses it: what Node's own sockets and ours (native-socket.ts) have in common. Its events, and the
 *  order in which they come, are those of node:net with `allowHalfOpen`. */
export interface Socket extends OctetStream {
  readonly readableLength: number;
  readonly writableEnded: boolean;
  readonly writableLength: number;
  readonly writableNeedDrain: boolean;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** What had come over a connection outward, and nobody has read, when it was destroyed; 0 before. Absent where it isn't known. */
  readonly unread?: number;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  isPaused(): boolean;
  /** What waits here unread, one piece at a time; null where nothing does. */
  read(): Buffer | null;
  unshift(octets: Buffer): void;
  cork(): void;
  uncork(): void;
  // Two, because of the callbacks that Node's take in place of octets.
  end(): this;
  end(octets: Uint8Array): this;
  destroy(error?: Error): this;
  destroySoon(): void;
  /** Closes it by RST. */
  resetAndDestroy(): this;
  setKeepAlive(on: boolean, delayMs: number): this;

  /** From now on octets are lent to `borrower`, in place of `data`; those that wait here already still come by that, and first. */
  lendTo?(borrower: Borrower): void;

  /** Whether octets have come of which no event has told yet, or an end or a reset where that can be told: asks the system. One of ours
   *  that flows tells of them. Absent where it isn't known. */
  hasNews?(): boolean;

  // Of our own sockets alone:
  /** The descriptor; -1 once it is closed or released. */
  readonly descriptor?: number;
  /** Gives up the descriptor, which is the caller's from then on. The socket counts as destroyed, and emits `close` as after destroy(),
   *  but closes nothing. Only where nothing waits to be written. */
  release?(): number;
  /** Takes back what release() gave, in the same turn of the event loop: nothing has happened then. */
  reclaim?(descriptor: number): void;
  /** Gives the connection to a socket of Node's, for what only a stream of Node's can be used for: this one closes when that closes,
   *  and destroys it when destroyed. */
  toNodeSocket?(): net.Socket;
}

/** What a connection outward is made with. */
export interface ConnectOptions {
  readonly host: string;
  readonly port: number;
  /** The address of ours that it is made from. */
  readonly localAddress?: string;
  /** Whether TCP keep-alive is on from the start, with a first probe after so many ms of silence; 0 for off. */
  readonly keepAliveMs: number;
}

/** What opens and accepts connections in one thread. */
export interface Sockets {
  /** A socket that begins to connect to an address; `connect` or `error` follows. Half-open allowed, no delay. */
  connect(options: ConnectOptions): Socket;
  /** The socket of a connection that was accepted elsewhere, over its descriptor, which is its own from now on. */
  attach(descriptor: number): Socket;
  /** Binds, and calls `onConnection` for each connection that comes. Rejects with the system's error where the address can't be bound. */
  listen(options: ListenOptions, onConnection: (socket: Socket) => void): Promise<Acceptor>;
}

export interface ListenOptions {
  /** A name or an address. */
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Whether other threads listen at the same address, each on a socket of its own. */
  readonly reusePort: boolean;
  readonly backlog: number;
}

/** A bound port. */
export interface Acceptor {
  readonly port: number;
  /** Of its socket; -1 where that isn't known, or no longer open. */
  readonly descriptor: number;
  /** Accepts what has come by then, which the system would reset, and no more; resolves when that has been brought, and the socket is
   *  closed. Connections that were accepted go on. */
  close(): Promise<void>;
}
