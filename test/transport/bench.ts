import { createServer, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import { GatewayError } from '../../src/errors.ts';
import { createDialler, type DialLimits, type Dialler, type DialTarget } from '../../src/transport/dial.ts';
import { ResolveFailure } from '../../src/transport/dns-query.ts';
import { NodeSockets } from '../../src/transport/node-sockets.ts';
import type { Resolver } from '../../src/transport/resolver.ts';
import { listen, type Peer } from '../support/peers.ts';

/** A resolver of the names in `names`; others are not found. A function answers each time anew. */
export function namesOf(names: Record<string, string[] | (() => Promise<string[]>)>): Resolver {
  return {
    resolve: async (name, family) => {
      const known = names[name];
      const addresses = typeof known === 'function' ? await known() : (known ?? []);
      const wanted = addresses.filter((address) => family === 0 || address.includes(':') === (family === 6));
      if (wanted.length === 0) throw new ResolveFailure('not_found');
      return wanted;
    },
    close: () => {},
  };
}

/** A dialler by Node's own sockets, every one that it has made, and when all of them are closed. */
export interface WatchedDialler extends Dialler {
  dial(target: DialTarget & DialLimits): Promise<Socket>;
  readonly sockets: Socket[];
  allClosed(): Promise<unknown>;
}

/** A dialler whose sockets end with the test. */
export function diallerFor(t: ExecutionContext, resolver: Resolver = namesOf({})): WatchedDialler {
  const sockets: Socket[] = [];
  const closings: Promise<void>[] = [];
  const onSocket = (socket: Socket): void => {
    sockets.push(socket);
    closings.push(closing(socket));
  };
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
  });
  const dialler = createDialler({
    resolver,
    sockets: new NodeSockets(),
    onSocket: (socket) => onSocket(socket as Socket),
  });
  return Object.assign(dialler, { sockets, allClosed: () => Promise.all(closings) }) as WatchedDialler;
}

/** A peer that does `meet` with each connection. */
export async function startPeer(t: ExecutionContext, meet: (socket: Socket) => void, host?: string): Promise<Peer> {
  const peer = await listen(createServer({ allowHalfOpen: true }, meet), host);
  t.teardown(() => peer.close());
  return peer;
}

/** The error that ends `promise`, which must be a GatewayError. */
export async function faultOf(t: ExecutionContext, promise: Promise<unknown>): Promise<GatewayError> {
  return t.throwsAsync(promise, { instanceOf: GatewayError });
}

/** Resolves when `socket` emits close, which must be yet to come: its `closed` is true too early to wait for. */
export function closing(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

/** Everything that comes on `socket` until the peer's FIN. Rejects where it is reset. */
export async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Names of what keeps the event loop alive on account of sockets, timers and queries, for counting leaks. */
export function activeHandles(): string[] {
  return process.getActiveResourcesInfo().filter((name) => /^(TCPSocketWrap|TLSWrap|Timeout|QueryWrap)$/.test(name));
}
