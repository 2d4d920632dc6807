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
    const server = net.createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: false }, onConnection);
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
          close: () => void server.close(),
        });
      });
    });
  }
}

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
