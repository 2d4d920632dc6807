import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import tls from 'node:tls';
import type { ExecutionContext } from 'ava';
import { DialledSocket, readingRoom } from '../../src/transport/dialled-socket.ts';
import { speaksOver } from '../../src/transport/reset-socket.ts';
import { testCertificate } from '../support/certificate.ts';
import { listen } from '../support/peers.ts';

/** Two ends of one connection: the peer's, and the one that a relay gets. */
export interface Wire {
  readonly peer: Socket;
  readonly end: Socket;
}

/** Over TCP. */
export async function plainWire(t: ExecutionContext): Promise<Wire> {
  const accepted = Promise.withResolvers<Socket>();
  const server = await listen(createServer({ allowHalfOpen: true }, accepted.resolve));
  t.teardown(() => server.close());
  const peer = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
  peer.on('error', () => {});
  return { peer, end: await accepted.promise };
}

const room = readingRoom();

/** Over TCP, by a socket that reads into a room which all of this kind share. */
export async function dialledWire(t: ExecutionContext): Promise<Wire> {
  const accepted = Promise.withResolvers<Socket>();
  const server = await listen(createServer({ allowHalfOpen: true }, accepted.resolve));
  t.teardown(() => server.close());
  const end = new DialledSocket(room, { allowHalfOpen: true }).connect({ port: server.port, host: '127.0.0.1' });
  const peer = await accepted.promise;
  for (const socket of [end, peer]) socket.on('error', () => {});
  return { peer, end };
}

/** Over TLS, as it is accepted from a client. */
export async function tlsWire(t: ExecutionContext): Promise<Wire> {
  const pair = await testCertificate();
  const wire = await plainWire(t);
  const end = new tls.TLSSocket(wire.end, { isServer: true, secureContext: tls.createSecureContext(pair) });
  speaksOver(end, wire.end);
  end.on('error', () => {});
  const peer = tls.connect({ socket: wire.peer, host: 'localhost', ca: pair.cert });
  peer.on('error', () => {});
  await once(end, 'secure');
  return { peer, end };
}
