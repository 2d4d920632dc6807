import net, { type Socket } from 'node:net';
import type { GatewayError } from '../errors.ts';
import { Roster } from '../transport/roster.ts';
import { accept, type Served } from './accept.ts';
import type { ListenerContext } from './context.ts';

/** Connections waiting in the kernel to be accepted. */
const BACKLOG = 4096;

export interface ListenerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Whether other threads listen at the same address, each on a socket of its own: the system spreads connections over them. */
  readonly shared: boolean;
  /** The context for each new connection, so that a reload reaches the next one. */
  readonly context: () => ListenerContext;
  /** Called for each connection that the system brings, before anything is read of it: true where it was given to another thread. */
  readonly passOn?: (socket: Socket) => boolean;
  /** Called for each connection that is served here; a refusal ends it with that error, in its own protocol's words. */
  readonly admit: (socket: Socket) => GatewayError | null;
  /** Called once each of those has closed. */
  readonly released: () => void;
  /** The accepted sockets of all listeners, for limits and the drain. */
  readonly sockets: Roster<Socket>;
}

/** A bound listener. */
export interface Listener {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Serves a connection that another thread accepted at the same address; its descriptor is this listener's from now on. */
  take(descriptor: number): void;
  /** Stops accepting, and closes connections at rest; those with an exchange under way go on. */
  drain(): void;
  /** Resolves when the last connection has closed after drain(). */
  readonly closed: Promise<void>;
}

/** Binds a listener; resolves once it accepts. Rejects with the system's error where the address can't be bound. */
export function listen(options: ListenerOptions): Promise<Listener> {
  const { sockets } = options;
  const served = new Roster<Served>();
  /** Sockets that the server below knows nothing of. */
  let taken = 0;
  let onFewer = (): void => {};
  const serve = (socket: Socket): void => {
    // Refused connections are answered as well, but only as many as can be held at once.
    const refusal = options.admit(socket);
    const place = sockets.add(socket);
    let servedAt: number | null = null;
    socket.on('close', () => {
      options.released();
      sockets.remove(place);
      if (servedAt !== null) served.remove(servedAt);
    });
    const onServed = (by: Served): void => {
      servedAt = served.add(by);
    };
    accept(socket, { context: options.context(), refusal, onServed });
  };
  const take = (descriptor: number): void => {
    const socket = new net.Socket({ fd: descriptor, allowHalfOpen: true, readable: true, writable: true });
    taken++;
    socket.once('close', () => {
      taken--;
      onFewer();
    });
    serve(socket);
  };
  const server = net.createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: false }, (socket) => {
    if (options.passOn?.(socket) !== true) serve(socket);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const { host, port: wanted, shared } = options;
    server.listen({ host, port: wanted, reusePort: shared, backlog: BACKLOG }, () => {
      server.off('error', reject);
      // An accept that failed (no descriptor, a peer gone) concerns one connection, and must not end the process.
      server.on('error', () => {});
      const closed = new Promise<void>((done) => {
        server.once('close', () => {
          onFewer = () => taken === 0 && done();
          onFewer();
        });
      });
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : wanted;
      resolve({
        name: options.context().name,
        host,
        port,
        closed,
        take,
        drain: () => {
          server.close();
          for (const client of served.members()) client.closeIfIdle();
        },
      });
    });
  });
}
