import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A peer that listens on a loopback address at a port of its own. */
export interface Peer {
  readonly port: number;
  /** Connections accepted so far. */
  readonly accepted: () => number;
  /** Connections open now. */
  readonly open: () => number;
  /** Resets what is still connected, and stops listening. */
  close(): Promise<void>;
}

/** Peers of a file of tests: `keep` hands back the one that it is given, and `closeAll` closes all that were kept. */
export function keepPeers() {
  const peers: { close(): Promise<unknown> }[] = [];
  return {
    keep: <T extends { close(): Promise<unknown> }>(peer: T): T => {
      peers.push(peer);
      return peer;
    },
    closeAll: () => Promise.all(peers.map((peer) => peer.close())),
  };
}

/** Lets `server` listen at a port of `host`, an ephemeral one unless told. */
export async function listen(server: Server, host = '127.0.0.1', at = 0): Promise<Peer> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  server.on('connection', (socket: Socket) => {
    accepted++;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // Peers that leave rudely are what the tests are about.
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(at, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    accepted: () => accepted,
    open: () => sockets.size,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** A port that refuses and that nobody else can be given: the near end of a connection that is kept open. */
export async function startRefusing(): Promise<Peer> {
  const far = await listen(createServer());
  const near = connect(far.port, '127.0.0.1');
  await new Promise((resolve) => near.once('connect', resolve));
  near.on('error', () => {});
  return { port: (near.address() as AddressInfo).port, accepted: () => 0, open: () => 0, close: far.close };
}

/** Copies both directions; the end of one side ends the other, a reset resets it. */
export function join(a: Socket, b: Socket): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.on('error', () => reset(to));
    from.once('close', () => to.destroySoon());
    from.pipe(to);
  }
}

/** Ends a connection with RST where it is plain TCP, and TLS by a close without close_notify. */
export function reset(socket: Socket): void {
  if (socket.destroyed) return;
  if ('encrypted' in socket) socket.destroy();
  else socket.resetAndDestroy();
}
