import net from 'node:net';
import { CountedSocket, type UnreadOf } from './counted-socket.ts';
import { handleDescriptor } from './descriptor.ts';
import { DialledSocket, readingRoom } from './dialled-socket.ts';
import type { Acceptor, ConnectOptions, ListenOptions, Socket, Sockets } from './socket.ts';

/** TCP by the sockets of Node. Those that it connects read into one room of the thread's. */
export class NodeSockets implements Sockets {
  readonly #room = readingRoom();

  connect(options: ConnectOptions): net.Socket {
    return connected(new DialledSocket(this.#room, socketOptions(options)), options);
  }

  attach(descriptor: number): net.Socket {
    return new net.Socket({ fd: descriptor, allowHalfOpen: true, readable: true, writable: true });
  }

  listen(
    { host, port, reusePort, backlog }: ListenOptions,
    onConnection: (socket: net.Socket) => void,
  ): Promise<Acceptor> {
    let accepted = 0;
    const server = net.createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: false }, (socket) => {
      accepted++;
      onConnection(socket);
    });
    let closed: Promise<void> | null = null;
    const close = async (): Promise<void> => {
      // The queue holds one more than its bound, and what comes meanwhile came too late.
      for (const most = accepted + backlog + 1; accepted < most; ) {
        const before = accepted;
        await turnOfLoop();
        if (accepted === before) break;
      }
      server.close();
    };
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port, reusePort, backlog }, () => {
        server.off('error', reject);
        // An accept that failed (no descriptor, a peer gone) concerns one connection, and must not end the process.
        server.on('error', () => {});
        const address = server.address();
        const bound = typeof address === 'object' && address !== null ? address.port : port;
        resolve({
          port: bound,
          get descriptor() {
            return handleDescriptor(server);
          },
          close: () => {
            closed ??= close();
            return closed;
          },
        });
      });
    });
  }
}

/** Resolves behind a whole look at events, in which Node accepts one of the connections that wait: the turn under way may have had its
 *  look already. */
const turnOfLoop = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

/** Makes sockets that TLS can be made over: it reads for itself. */
export class NodeStreams {
  readonly #unreadOf: UnreadOf | undefined;

  constructor(unreadOf: UnreadOf | undefined) {
    this.#unreadOf = unreadOf;
  }

  /** As Sockets.connect. */
  connect(options: ConnectOptions): net.Socket {
    return connected(new CountedSocket({ ...socketOptions(options), unreadOf: this.#unreadOf }), options);
  }
}

/** The connection as a socket of Node's, which has it from now on where it was ours. */
export function toNodeSocket(socket: Socket): net.Socket {
  if (socket instanceof net.Socket) return socket;
  if (socket.toNodeSocket === undefined) throw new Error('no stream of Node can be had over this socket');
  return socket.toNodeSocket();
}

const socketOptions = ({ keepAliveMs }: ConnectOptions): net.SocketConstructorOpts => ({
  allowHalfOpen: true,
  noDelay: true,
  keepAlive: keepAliveMs > 0,
  keepAliveInitialDelay: keepAliveMs,
});

function connected(socket: net.Socket, { host, port, localAddress }: ConnectOptions): net.Socket {
  return socket.connect({ host, port, ...(localAddress !== undefined && { localAddress }) });
}
