import type { GatewayError } from '../errors.ts';
import type { ConnectionsByAge } from '../transport/connections-by-age.ts';
import { NodeSockets } from '../transport/node-sockets.ts';
import { Roster } from '../transport/roster.ts';
import type { Socket, Sockets } from '../transport/socket.ts';
import { accept, goOn, type Served } from './accept.ts';
import type { ListenerContext } from './context.ts';

/** Connections waiting in the kernel to be accepted. */
const BACKLOG = 4096;

export interface ListenerOptions {
  /** What it listens by; Node's own sockets unless told. */
  readonly network?: Sockets;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Whether others may listen at the same address, each on a socket of its own, as other threads do: the system spreads connections over
   *  them. */
  readonly shared: boolean;
  /** The context for each new connection, so that a reload reaches the next one. */
  readonly context: () => ListenerContext;
  /** Called for each connection that the system brings, before anything is read of it: true where it was given to another thread. */
  readonly passOn?: (socket: Socket) => boolean;
  /** Called for each connection that is served here; a refusal ends it with that error, in its own protocol's words. `atRest` is one
   *  that has served in another thread, and rests between two requests. */
  readonly admit: (socket: Socket, atRest: boolean) => GatewayError | null;
  /** Called once each of those has closed. */
  readonly released: () => void;
  /** The accepted sockets of all listeners, for limits and the drain. */
  readonly sockets: Roster<Socket>;
  /** Those of them that have shown no login yet, for who needs room. Refused ones aren't among them. */
  readonly unproved: ConnectionsByAge;
}

/** A bound listener. */
export interface Listener {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Of its socket; -1 where that isn't known, or no longer open. */
  readonly descriptor: number;
  /** Serves a connection that another thread accepted at the same address; its descriptor is this listener's from now on. `atRest`
   *  is one between two requests. */
  take(descriptor: number, atRest: boolean): void;
  /** Accepts what has come by then, and no more, and closes connections at rest; those with an exchange under way go on. Resolves once
   *  its address is free. */
  drain(): Promise<void>;
  /** Resolves when the last connection has closed after drain(). */
  readonly closed: Promise<void>;
}

/** Binds a listener; resolves once it accepts. Rejects with the system's error where the address can't be bound. */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const { sockets, unproved, host, shared, network = new NodeSockets() } = options;
  const served = new Roster<Served>();
  const { promise: closed, resolve: allClosed } = Promise.withResolvers<void>();
  let open = 0;
  let isDraining = false;
  let isClosed = false;
  const serve = (socket: Socket, atRest: boolean): void => {
    // Refused connections are answered as well, but only as many as can be held at once.
    const refusal = options.admit(socket, atRest);
    const place = sockets.add(socket);
    // One at rest isn't moved here before it has shown a login.
    const entry = refusal === null && !atRest ? unproved.add(socket) : null;
    let servedAt: number | null = null;
    open++;
    const onProved = (): void => {
      if (entry !== null) unproved.remove(entry);
    };
    socket.on('close', () => {
      options.released();
      sockets.remove(place);
      onProved();
      if (servedAt !== null) served.remove(servedAt);
      open--;
      if (isClosed && open === 0) allClosed();
    });
    const onServed = (by: Served): void => {
      servedAt = served.add(by);
      if (isDraining) by.closeIfIdle();
    };
    (atRest ? goOn : accept)(socket, { context: options.context(), refusal, onServed, onProved });
  };
  const met = (socket: Socket): void => {
    // The others drain as well, or leave the address.
    if (isDraining || options.passOn?.(socket) !== true) serve(socket, false);
  };
  const acceptor = await network.listen({ host, port: options.port, reusePort: shared, backlog: BACKLOG }, met);
  return {
    name: options.context().name,
    host,
    port: acceptor.port,
    get descriptor() {
      return acceptor.descriptor;
    },
    closed,
    take: (descriptor, atRest) => serve(network.attach(descriptor), atRest),
    drain: () => {
      isDraining = true;
      const left = acceptor.close();
      void left.then(() => {
        isClosed = true;
        if (open === 0) allClosed();
      });
      for (const client of served.members()) client.closeIfIdle();
      return left;
    },
  };
}
