import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Gateway, startGateway } from '../../support/gateway.ts';
import { collector, exitLogin, type Login, type Running } from './peer.ts';
import type { Scene } from './scene.ts';

/** How a gateway differs from the usual one. */
export interface GatewaySettings {
  readonly name?: string;
  /** Data-plane threads; one per core unless told. */
  readonly workers?: number;
  /** Exits of the pool, the two of the bench among them; 10,000 unless told. */
  readonly exits?: number;
  /** What brings the exits beside those two. */
  readonly kind?: 'list' | 'template';
  /** What its config says besides. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** A gateway as a peer: with its TLS listener, too. */
export interface GatewayPeer extends Running {
  readonly tlsPort: number;
  /** The certificate of that listener and its key, as PEM. */
  readonly certificate: () => Promise<{ readonly cert: string; readonly key: string }>;
  /** The time that a start takes until the gateway serves, in s: stops it, and starts it again on the same files. */
  startAgain(): Promise<{ readonly seconds: number; readonly peer: GatewayPeer }>;
}

/** Limits and quotas of every kind, none of which is ever reached. */
const limits = {
  clients: [
    'requests=1000000/s burst=1000000 exchanges=100000 site-requests=1000000/s site-burst=1000000 site-exchanges=100000 bandwidth=100GB/s',
  ],
  sites: ['requests=1000000/s burst=1000000 exchanges=100000'],
  quotas: ['bytes=100TB/day requests=1000000000/day'],
};

/** What a config says for a gateway that limits and books nothing. */
export const unlimited = { limits: { overload: { enabled: true } }, ledger: { enabled: false } } as const;

/** The country that the two exits of the bench stand in, and no other. */
const country = 'de';

/** Starts a gateway as its users do: a config, a pool and a client made by the command; defaults but for ports, the access log's
 *  file, what is open to the pool, and limits, so that all of it works for each exchange. The two exits take the traffic by a
 *  parameter of the user name. */
export async function startGatewayPeer(scene: Scene, settings: GatewaySettings = {}): Promise<GatewayPeer> {
  const { workers, exits = 10_000, kind = 'list' } = settings;
  const listener = (name: string, protocols: readonly string[]) => ({ name, host: '127.0.0.1', port: 0, protocols });
  const config = {
    listeners: [listener('mixed', ['http', 'https', 'socks5']), listener('tls', ['https'])],
    admin: { host: '127.0.0.1', port: 0 },
    defaultPool: 'bench',
    // The port as well: some, by their numbers, are closed.
    rules: { allow: [{ cidr: '127.0.0.0/8', port: scene.originPort, pool: 'bench' }] },
    accessLog: { file: 'access.log' },
    selection: {},
    limits: { overload: { enabled: true }, ...limits },
    ...(workers === undefined ? {} : { workers }),
    ...settings.config,
  };
  const { username, password } = exitLogin;
  const own = scene.exitPorts.map((port) => ({ url: `http://${username}:${password}@127.0.0.1:${port}`, country }));
  const others = Math.max(0, exits - own.length);
  const template = 'http://customer-cc-{country}-sessid-{session}:secret@192.0.2.1:7777';
  const more = kind === 'list' ? { list: 'others.txt', country: 'us' } : { template, countries: ['us'], slots: others };
  const gateway = await startGateway({
    config,
    pools: { bench: { tier: 'res', exits: [...own, more] } },
    files: kind === 'list' ? { 'others.txt': listOf(others) } : {},
    clients: { bench: [] },
    env: { NODE_OPTIONS: `--import=${collector}` },
  });
  return peerOf(gateway, settings.name ?? 'gateway');
}

function peerOf(gateway: Gateway, name: string): GatewayPeer {
  const login: Login = gateway.login('bench', `country-${country}`);
  const certificateFile = (file: string) => readFile(join(gateway.folder, 'data', file), 'utf8');
  return {
    name,
    pid: gateway.pid,
    port: gateway.port('mixed'),
    tlsPort: gateway.port('tls'),
    login,
    certificate: async () => ({
      cert: await certificateFile('certificate.pem'),
      key: await certificateFile('key.pem'),
    }),
    collect: () => gateway.signal('SIGUSR2'),
    page: async () => (await fetch(`http://127.0.0.1:${gateway.port('admin')}/metrics`)).text(),
    stop: async () => void (await gateway.stop()),
    startAgain: async () => {
      await gateway.stop({ keepFolder: true });
      const begun = performance.now();
      const again = await gateway.startAgain();
      return { seconds: (performance.now() - begun) / 1_000, peer: peerOf(again, name) };
    },
  };
}

/** A list of addresses kept for benchmarks (RFC 2544), which nothing is sent to. */
function listOf(count: number): string {
  const line = (i: number) => {
    const address = `198.${18 + ((i >> 16) & 1)}.${(i >> 8) & 255}.${i & 255}`;
    return `${address}:${8_000 + (i >> 17)}:user${i % 1_000}:secret${i % 77}`;
  };
  return `${Array.from({ length: count }, (_, i) => line(i)).join('\n')}\n`;
}
