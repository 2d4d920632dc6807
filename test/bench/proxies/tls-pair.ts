import { fileURLToPath } from 'node:url';
import type { Child } from './children.ts';
import { type GatewayPeer, startGatewayPeer } from './gateway-peer.ts';
import { basicOf } from './load.ts';
import { collector, collectorOf, type Running } from './peer.ts';
import { type Scene, startListening } from './scene.ts';

/** Who takes connections by TLS: its `port` is that of the TLS listener. */
export interface TlsTarget extends Running {
  /** What a client says to get a tunnel to the origin; empty where it has one from the start. */
  readonly tunnel: string;
}

/** What the clients of a TLS listener are to do; without `ask` they hold their connections. */
export interface TlsLoad {
  readonly count: number;
  readonly seconds?: number;
  readonly ask?: string;
}

const programFile = (name: string) => fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url));

/** Starts the gateway and the least that Node can do, by the same certificate; stops both in the end. */
export async function withTlsPair<T>(scene: Scene, use: (pair: readonly TlsTarget[]) => Promise<T>): Promise<T> {
  const gateway = await startGatewayPeer(scene, {});
  try {
    const pipe = await startPipe(scene, gateway);
    try {
      return await use([targetOf(scene, gateway), pipe]);
    } finally {
      await pipe.stop();
    }
  } finally {
    await gateway.stop();
  }
}

function targetOf({ originPort }: Scene, gateway: GatewayPeer): TlsTarget {
  const credentials = basicOf(gateway.login ?? { username: '', password: '' });
  const host = `127.0.0.1:${originPort}`;
  const tunnel = `CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\nProxy-Authorization: Basic ${credentials}\r\n\r\n`;
  return { ...gateway, port: gateway.tlsPort, tunnel };
}

async function startPipe({ children, originPort }: Scene, gateway: GatewayPeer): Promise<TlsTarget> {
  const args = ['--import', collector, programFile('tls-pipe'), `${originPort}`];
  const input = JSON.stringify(await gateway.certificate());
  const { child, port } = await startListening(children, process.execPath, { args, input });
  return {
    name: 'bare pipe',
    pid: child.pid,
    port,
    login: null,
    tunnel: '',
    stop: child.stop,
    collect: collectorOf(child),
  };
}

/** Starts clients; their first line comes when all are connected. */
export async function startTlsClients({ children }: Scene, on: TlsTarget, load: TlsLoad): Promise<Child> {
  const { count, seconds = 0, ask = '' } = load;
  const args = [programFile('tls-clients'), `${on.port}`, `${count}`, `${seconds}`];
  const clients = await children.start(process.execPath, args);
  clients.say(JSON.stringify({ tunnel: on.tunnel, ask }));
  return clients;
}
