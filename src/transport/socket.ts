import type { EventEmitter } from 'node:events';

/** A TCP connection as the data plane uses it: what Node's own sockets and ours (native-socket.ts) have in common. Its events, and the
 *  order in which they come, are those of node:net with `allowHalfOpen`. */
export interface Socket extends EventEmitter {
  readonly destroyed: boolean;
  readonly errored: Error | null;
  readonly readableEnded: boolean;
  readonly readableLength: number;
  readonly writableEnded: boolean;
  readonly writableLength: number;
  readonly writableNeedDrain: boolean;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  isPaused(): boolean;
  pause(): this;
  resume(): this;
  /** What waits here unread, one piece at a time; null where nothing does. */
  read(): Buffer | null;
  unshift(octets: Buffer): void;
  /** False asks to wait for `drain`. */
  write(octets: Uint8Array | string, encoding?: BufferEncoding): boolean;
  cork(): void;
  uncork(): void;
  end(octets?: Uint8Array): this;
  destroy(error?: Error): this;
  destroySoon(): void;
  /** Closes it by RST. */
  resetAndDestroy(): this;
  setKeepAlive(on: boolean, delayMs: number): this;
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
  /** A socket over a connected descriptor, which is its own from now on. */
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
  /** Accepts no more; connections that were accepted go on. */
  close(): void;
}
