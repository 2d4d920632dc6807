import { connect, createServer, type Socket } from 'node:net';
import tls from 'node:tls';
import type { ExecutionContext } from 'ava';
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

/** Over TLS. */
export async function tlsWire(t: ExecutionContext): Promise<Wire> {
  const pair = await testCertificate();
  const accepted = Promise.withResolvers<Socket>();
  const server = await listen(tls.createServer({ ...pair, allowHalfOpen: true }, accepted.resolve));
  t.teardown(() => server.close());
  const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
  const peer = tls.connect({ socket, host: 'localhost', ca: pair.cert });
  peer.on('error', () => {});
  const end = await accepted.promise;
  end.on('error', () => {});
  return { peer, end };
}
