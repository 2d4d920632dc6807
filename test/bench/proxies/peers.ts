import { once } from 'node:events';
import { accessSync, constants, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startGatewayPeer } from './gateway-peer.ts';
import { collector, collectorOf, login, type Peer, type Running } from './peer.ts';
import { danteFiles, squidFiles, tinyproxyFiles } from './peer-configs.ts';
import { openFolder, type Scene, startListening } from './scene.ts';

const startBoundMs = 15_000;
const never = () => null;

/** The gateway itself, as a peer among the others. */
export const gateway: Peer = {
  name: 'gateway',
  speaks: ['connect', 'http', 'socks5'],
  about: 'login, learned selection over 10,000 exits of which two fit, access log',
  missing: never,
  start: startGatewayPeer,
};

/** The least that a proxy can do. `name` tells several apart. */
export function floorNamed(name: string): Peer {
  return {
    name,
    speaks: ['connect', 'socks5'],
    about: 'no login, no log, no exit: one thread in C, epoll and splice',
    missing: never,
    start: async ({ children, programs }) => {
      const { child, port } = await startListening(children, programs.floor);
      return { name, pid: child.pid, port, login: null, stop: child.stop };
    },
  };
}

const squid: Peer = {
  name: 'squid',
  speaks: ['connect', 'http'],
  about: 'login, the two exits in turn, access log, no cache, one process',
  missing: () => lacking('squid', 'squid'),
  start: (scene) =>
    startProgram(scene, 'squid', {
      command: find('squid') ?? '',
      files: squidFiles,
      args: (folder, port) => ['-N', '-n', `bench${port}`, '-f', join(folder, 'squid.conf')],
    }),
};

const tinyproxy: Peer = {
  name: 'tinyproxy',
  speaks: ['connect', 'http'],
  about: 'login, one exit, log; a thread per connection, which serves one request',
  missing: () => lacking('tinyproxy', 'tinyproxy'),
  start: (scene) =>
    startProgram(scene, 'tinyproxy', {
      command: find('tinyproxy') ?? '',
      files: tinyproxyFiles,
      args: (folder) => ['-d', '-c', join(folder, 'tinyproxy.conf')],
    }),
};

const dante: Peer = {
  name: 'dante',
  speaks: ['socks5'],
  about: 'no login (it would ask the system), no exit, log',
  missing: () => lacking('danted', 'dante-server'),
  start: async (scene) => ({
    ...(await startProgram(scene, 'dante', {
      command: find('danted') ?? '',
      files: danteFiles,
      args: (folder) => ['-f', join(folder, 'danted.conf'), '-p', join(folder, 'danted.pid')],
    })),
    login: null,
  }),
};

const microsocks: Peer = {
  name: 'microsocks',
  speaks: ['socks5'],
  about: 'login, no exit, log; a thread per connection',
  missing: () => lacking('microsocks', 'microsocks'),
  start: (scene) =>
    startProgram(scene, 'microsocks', {
      command: find('microsocks') ?? '',
      files: () => ({}),
      args: (_folder, port) => ['-i', '127.0.0.1', '-p', `${port}`, '-u', login.username, '-P', login.password],
    }),
};

const proxyChain: Peer = {
  name: 'proxy-chain',
  speaks: ['connect', 'http'],
  about: 'login, the two exits in turn, log; in Node',
  missing: never,
  start: async (scene) => {
    const program = fileURLToPath(new URL('programs/proxy-chain.ts', import.meta.url));
    const log = join(openFolder(scene, 'proxy-chain'), 'access.log');
    const args = ['--import', collector, program, login.username, login.password, log, ...scene.exitPorts.map(String)];
    const { child, port } = await startListening(scene.children, process.execPath, { args });
    return { name: 'proxy-chain', pid: child.pid, port, login, stop: child.stop, collect: collectorOf(child) };
  },
};

/** All that the gateway is set beside, the floor first. */
export const peers: readonly Peer[] = [floorNamed('floor'), squid, tinyproxy, proxyChain, dante, microsocks];

interface ProgramSpec {
  readonly command: string;
  readonly files: (scene: Scene, at: { folder: string; port: number }) => Readonly<Record<string, string>>;
  readonly args: (folder: string, port: number) => readonly string[];
}

async function startProgram(scene: Scene, name: string, { command, files, args }: ProgramSpec): Promise<Running> {
  const folder = openFolder(scene, name);
  const port = await freePort();
  for (const [file, text] of Object.entries(files(scene, { folder, port }))) writeFileSync(join(folder, file), text);
  const child = await scene.children.start(command, args(folder, port), { log: join(folder, 'output.log') });
  const giveUpAt = performance.now() + startBoundMs;
  while (!(await accepts(port))) {
    if (child.hasEnded() || performance.now() > giveUpAt) throw new Error(`${name}: ${child.complaint()}`);
    await pause(20);
  }
  return { name, pid: child.pid, port, login, stop: child.stop };
}

/** A port that was free a moment ago: these programs can't choose one. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

function lacking(program: string, name: string): string | null {
  return find(program) === null ? name : null;
}

/** Where a program is. Servers stand where a user's PATH doesn't always lead. */
function find(program: string): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, program)).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
