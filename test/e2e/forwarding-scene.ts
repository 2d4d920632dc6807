import type { Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import { readBytes } from '../support/byte-reader.ts';
import { basic, type Login, open } from '../support/clients.ts';
import { type Exit, startHttpExit, startHttpsExit, startSocks5Exit } from '../support/exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import type { Peer } from '../support/peers.ts';
import { entriesOf, exitAuthority } from './fault-pools.ts';

/** The credential of every exit of the scene. */
export const exitCredential = { username: 'exit.user', password: 'exit.secret' };

/** A pool for each way to an origin, with one exit each. */
export const pools = ['direct', 'http', 'https', 'socks'] as const;
export type PoolName = (typeof pools)[number];

const listening = { host: '127.0.0.1', port: 0, protocols: ['http'] };

/** One gateway, one origin, and an exit of each kind in a pool of its own. Beside `mixed` the gateway listens on `quiet`, without
 *  reply fields, and `named`, with Via. */
export interface Scene {
  readonly gateway: Gateway;
  readonly origin: Origin;
  readonly exits: Readonly<Record<Exclude<PoolName, 'direct'>, Exit>>;
  login(pool: PoolName): Login;
  /** A request's head to `peer`, by `pool` (`direct` unless told), with Host and credential. */
  headFor(peer: Peer, method: string, options?: HeadOptions): string;
  /** Opens a connection to the gateway for the length of the test. */
  converse(t: ExecutionContext): Promise<Conversation>;
  close(): Promise<void>;
}

export interface HeadOptions {
  readonly pool?: PoolName;
  readonly path?: string;
  readonly version?: string;
  readonly fields?: readonly string[];
}

/** A connection on which requests are written, and answers with a Content-Length are read. */
export interface Conversation {
  send(octets: string | Buffer): void;
  /** `method` tells whether content follows. */
  answer(method?: string): Promise<{ head: string; content: string }>;
}

/** Starts it all. */
export async function startScene(): Promise<Scene> {
  const origin = await startOrigin();
  const exits = {
    http: await startHttpExit(exitCredential),
    https: await startHttpsExit(exitCredential),
    socks: await startSocks5Exit(exitCredential),
  };
  const listeners = [
    { ...listening, name: 'mixed' },
    { ...listening, name: 'quiet', replyFields: 'off' },
    { ...listening, name: 'named', via: 'on' },
  ];
  // What comes to an exit comes of the exchanges that a test makes.
  const probe = { budget: 0 };
  const gateway = await startGateway({
    config: { listeners },
    pools: {
      direct: { exits: [{ direct: true }] },
      ...Object.fromEntries(Object.entries(exits).map(([name, exit]) => [name, { probe, exits: entriesOf([exit]) }])),
    },
    files: await exitAuthority(),
  });
  const login = (pool: PoolName) => gateway.login('tester', `pool-${pool}`);
  return {
    gateway,
    origin,
    exits,
    login,
    headFor: (peer, method, { pool = 'direct', path = '/', version = '1.1', fields = [] } = {}) => {
      const host = `127.0.0.1:${peer.port}`;
      const lines = [`${method} http://${host}${path} HTTP/${version}`, `Host: ${host}`, ...fields];
      return [...lines, `Proxy-Authorization: ${basic(login(pool))}`, '', ''].join('\r\n');
    },
    converse: async (t) => {
      const socket = await open(gateway.port());
      t.teardown(() => void socket.destroy());
      return conversationOn(socket);
    },
    close: async () => {
      await gateway.stop();
      await Promise.all([origin, ...Object.values(exits)].map((peer) => peer.close()));
    },
  };
}

function conversationOn(socket: Socket): Conversation {
  const reader = readBytes(socket);
  return {
    send: (octets) => void socket.write(octets),
    answer: async (method) => {
      const head = (await reader.until('\r\n\r\n')).toString('latin1');
      const bare = method === 'HEAD' || head.startsWith('HTTP/1.1 304');
      const length = bare ? 0 : Number(/^Content-Length: (\d+)\r$/im.exec(head)?.[1] ?? 0);
      return { head, content: (await reader.take(length)).toString() };
    },
  };
}
