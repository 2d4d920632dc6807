import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { forwardVia, open } from '../support/clients.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { until } from '../support/until.ts';
import { startDnsServer } from '../transport/dns-server.ts';
import { cells, openFrom } from './error-clients.ts';
import { type ErrorPeers, startErrorPeers } from './error-peers.ts';

/** Greatest number of connections to the gateway. */
const connectionLimit = 24;
/** Failed logins that a source has. */
export const failuresPerSource = 3;

/** One gateway with every peer that the table of errors needs, and the hands to bring it into the states that it names. */
export interface World {
  readonly gateway: Gateway;
  /** Another one, that soon gives up clients who don't go on. */
  readonly hasty: Gateway;
  readonly origin: Origin;
  readonly peers: ErrorPeers;
  /** Serves one request over a pool, which must succeed; `parameters` of the user name. */
  succeed(parameters: string, path?: string): Promise<void>;
  /** Writes pools, has the gateway read them, and waits until it has. */
  reload(pools: Readonly<Record<string, readonly object[]>>): Promise<void>;
  /** Occupies every connection that the gateway allows; `vacate` lets go of them. */
  fill(): Promise<void>;
  vacate(): Promise<void>;
  /** Leaves the gateway without a free descriptor, after it has accepted every connection made so far; `feed` gives them back. */
  starve(): Promise<void>;
  feed(): Promise<void>;
  /** Waits until one connection of each cell waits here; then sends SIGTERM, and resolves once the gateway drains. */
  drain(): Promise<void>;
  /** Stops everything, once; resolves with the gateway's exit code. */
  stop(): Promise<number | null>;
}

const addresses: ReadonlyMap<string, string> = new Map([
  ['self.test', '127.0.0.1'],
  ['private.test', '10.1.2.3'],
]);

export async function startWorld(): Promise<World> {
  const dns = await startDnsServer((name, family) => {
    if (name === 'unanswered.test') return 'silence';
    const address = addresses.get(name);
    if (address === undefined) return { rcode: 3 };
    return { addresses: family === 4 ? [address] : [] };
  });
  const [origin, peers] = await Promise.all([startOrigin(), startErrorPeers()]);
  const [gateway, hasty] = await Promise.all([
    startGateway({ config: configWith(dns.address, patient), pools: { ...peers.pools, empty: { exits: [] } } }),
    startGateway({
      config: configWith(dns.address, { ...patient, handshake: '4s', head: '4s', stall: '4s' }),
      pools: { direct: { exits: [{ direct: true }] } },
    }),
  ]);
  const port = gateway.port();
  const reload = reloader(gateway);
  await reload({
    'loop.http': [{ url: `http://127.0.0.1:${port}` }],
    'loop.socks5': [{ url: `socks5://127.0.0.1:${port}` }],
    'loop.name': [{ url: `http://self.test:${port}` }],
  });
  let stopped: Promise<number | null> | null = null;
  const stop = () => {
    stopped ??= gateway.stop().finally(() => Promise.all([hasty.stop(), origin.close(), peers.close(), dns.close()]));
    return stopped;
  };
  return {
    gateway,
    hasty,
    origin,
    peers,
    reload,
    succeed: async (parameters, path = '/') => {
      const login = gateway.login('tester', parameters);
      const { status, reason } = await forwardVia(port, `${origin.url}${path}`, { login });
      if (status !== 200) throw new Error(`${parameters}: ${status} ${reason}`);
    },
    ...filler(gateway),
    ...starver(gateway),
    drain: drainer(gateway, stop),
    stop,
  };
}

/** Whoever answers does so in time, however late a thread is. What is to end by silence has a time of its own: by a parameter of the
 *  user name, or at the hasty gateway. */
const patient = {
  handshake: '20s',
  head: '20s',
  dial: '10s',
  attempts: '20s',
  firstByte: '10s',
  stall: '10s',
  drain: '10s',
};

const configWith = (dnsServer: string, timeouts: object) => ({
  // Connections are accepted in their order by one worker alone, which fill, starve and drain rely on.
  workers: 1,
  defaultPool: 'direct',
  resolver: { servers: [dnsServer] },
  rules: {
    allow: [{ cidr: '127.0.0.0/8' }],
    deny: [{ suffix: 'denied.test' }],
  },
  // So long that no failed login comes back meanwhile.
  limits: { connections: connectionLimit, logins: { perSource: failuresPerSource, window: '1h' } },
  exitErrors: [{ field: 'X-Vendor-Says', match: 'no such host', kind: 'origin_dns' }],
  timeouts,
});

/** A reload has happened when /echo lists the pool that was new in it. */
function reloader(gateway: Gateway): World['reload'] {
  let count = 0;
  return async (pools) => {
    const marker = `reload.${++count}`;
    const write = (file: string, pool: string, exits: readonly object[]) =>
      writeFile(join(gateway.folder, 'pools', `${file}.yaml`), JSON.stringify({ pool, exits }));
    for (const [name, exits] of Object.entries(pools)) await write(name, name, exits);
    await write('reload', marker, [{ direct: true }]);
    gateway.signal('SIGHUP');
    const echo = () => forwardVia(gateway.port(), 'http://roundabout.internal/echo', { login: gateway.login() });
    await until(async () => (await echo()).content.includes(`"${marker}"`), `${marker} is a pool`);
  };
}

function filler(gateway: Gateway): Pick<World, 'fill' | 'vacate'> {
  const port = gateway.port();
  let sockets: Socket[] = [];
  const serves = async () => (await forwardVia(port, 'http://roundabout.internal/echo')).status === 407;
  return {
    fill: async () => {
      // Until all ends are noticed there is more room than there seems to be.
      await until(async () => (await gateway.health()).connections === 0, 'nobody is connected');
      sockets = await Promise.all(Array.from({ length: connectionLimit }, () => open(port)));
    },
    vacate: async () => {
      for (const socket of sockets) socket.destroy();
      // Until their ends are noticed others are refused, or reset.
      await until(() => serves().catch(() => false), 'others are served');
    },
  };
}

const execute = promisify(execFile);

/** A limit below what is open refuses every new descriptor, and touches none of the old ones. */
function starver(gateway: Gateway): Pick<World, 'starve' | 'feed'> {
  const of = ['--pid', String(gateway.pid)];
  const limitTo = (soft: string) => execute('prlimit', [...of, `--nofile=${soft}:`]);
  let usual = '';
  return {
    starve: async () => {
      await acceptsAll(gateway);
      const { stdout } = await execute('prlimit', [...of, '--nofile', '--output', 'SOFT', '--noheadings', '--raw']);
      usual = stdout.trim();
      await limitTo('8');
    },
    feed: async () => {
      if (usual !== '') await limitTo(usual);
      usual = '';
    },
  };
}

/** Connections are accepted in their order: when this one has been served, all made before it have been accepted. */
async function acceptsAll(gateway: Gateway): Promise<void> {
  await forwardVia(gateway.port(), 'http://roundabout.internal/echo');
}

function drainer(gateway: Gateway, stop: () => Promise<unknown>): World['drain'] {
  const port = gateway.port();
  let waiting = 0;
  let everybodyWaits: () => void = () => {};
  const draining = new Promise<void>((resolve) => {
    everybodyWaits = resolve;
  }).then(async () => {
    await acceptsAll(gateway);
    void stop();
    for (;;) {
      const socket = await openFrom('127.0.0.1', port).catch(() => null);
      if (socket === null) return;
      socket.destroy();
    }
  });
  return () => {
    if (++waiting === cells.length) everybodyWaits();
    return draining;
  };
}
