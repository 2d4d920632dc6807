import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { ECHO_MS } from '../../src/startup/process-signals.ts';
import { connectVia, forwardVia, open, socks5Via, startTls } from '../support/clients.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { relayBinding } from '../support/native-relay.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { listen } from '../support/peers.ts';
import { until } from '../support/until.ts';

// How often it is told to stop, and a worker that can't.

const direct = { direct: { exits: [{ direct: true }] } };

/** Longer than any test waits. */
const timeouts = { drain: '10m' };

let origin: Origin;

test.before(async () => {
  origin = await startOrigin();
});

test.after.always(() => origin.close());

/** Resolves when another signal counts. */
async function signal(gateway: Gateway, said: string, name: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  gateway.signal(name);
  await until(() => gateway.output().includes(said));
  await sleep(2 * ECHO_MS);
}

const beginToStop = (gateway: Gateway) => signal(gateway, 'draining');

async function bookedRequests(gateway: Gateway): Promise<number> {
  const { stdout } = await gateway.command('usage', '--json');
  return JSON.parse(stdout).total.exchanges;
}

/** A gateway of which one worker waits for the system: a pipe that nobody writes to is its hosts file. It has tunnels as well. */
async function startStuck(t: ExecutionContext, { workers, tunnels }: { workers: number; tunnels: number }) {
  const folder = await mkdtemp(join(tmpdir(), 'stopping-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const hostsFile = join(folder, 'hosts');
  execFileSync('mkfifo', [hostsFile]);
  const gateway = await startGateway({ config: { workers, timeouts, resolver: { hostsFile } }, pools: direct });
  t.teardown(gateway.kill);
  const gate = await listen(createServer());
  t.teardown(gate.close);
  for (let i = 0; i < tunnels; i++) {
    const { status, socket } = await connectVia(gateway.port(), `127.0.0.1:${gate.port}`, { login: gateway.login() });
    t.is(status, 200);
    socket.on('error', () => {});
    t.teardown(() => socket.destroy());
  }
  void forwardVia(gateway.port(), 'http://stuck.test/', { login: gateway.login() }).catch(() => {});
  await until(async () => (await gateway.health()).exchanges.open === tunnels + 1);
  return gateway;
}

test('a second signal cuts what is under way, and it is booked', async (t) => {
  const gateway = await startGateway({ config: { workers: 2, timeouts }, pools: direct });
  t.teardown(gateway.kill);
  const gate = await listen(createServer());
  t.teardown(gate.close);
  const target = `127.0.0.1:${gate.port}`;
  const { status, socket } = await connectVia(gateway.port(), target, { login: gateway.login() });
  t.is(status, 200);
  await beginToStop(gateway);
  const cut = once(socket.resume(), 'error');
  t.is(await gateway.terminate(), 1);
  t.like(await cut, [{ code: 'ECONNRESET' }]);
  const again = await gateway.startAgain();
  t.teardown(again.stop);
  t.is(await bookedRequests(again), 1);
});

for (const [kind, listener] of [
  ['a listener', { name: 'mixed', host: '127.0.0.1', port: 0, protocols: ['http'] }],
  // By Node's own sockets.
  ['a listener of TLS', { name: 'mixed', host: '127.0.0.1', port: 0, protocols: ['https'], certificate: 'auto' }],
] as const) {
  test(`what has connected to ${kind} when a drain begins is answered`, async (t) => {
    const gateway = await startGateway({ config: { workers: 2, listeners: [listener] }, pools: direct });
    t.teardown(gateway.kill);
    // They stand in the system's queue, and the drain begins before all of them are accepted.
    gateway.signal('SIGSTOP');
    const clients = await Promise.all(Array.from({ length: 400 }, () => open(gateway.port())));
    const answers = clients.map(async (client) => {
      const socket = listener.protocols[0] === 'https' ? await startTls(client) : client;
      socket.write('GET http://roundabout.internal/echo HTTP/1.1\r\nHost: roundabout.internal\r\n\r\n');
      const [octets] = await once(socket, 'data');
      socket.destroy();
      return String(octets).slice(0, 12);
    });
    const told = Promise.allSettled(answers);
    const ended = gateway.terminate();
    gateway.signal('SIGCONT');
    const statuses = (await told).map((each) => (each.status === 'fulfilled' ? each.value : String(each.reason)));
    const kinds = [...new Set(statuses)].sort();
    // Those that came first may have been served before.
    t.is(kinds.at(-1), 'HTTP/1.1 503', kinds.join());
    t.true(
      kinds.every((status) => /^HTTP\/1.1 (407|503)$/.test(status)),
      kinds.join(),
    );
    t.is(await ended, 0);
  });
}

test('a drain closes what rests in a tunnel to the gateway’s own host, and lets an answer under way come', async (t) => {
  const gateway = await startGateway({ config: { workers: 1, timeouts }, pools: direct });
  t.teardown(gateway.kill);
  const login = gateway.login();
  const [resting, asking, bySocks] = [
    await connectVia(gateway.port(), 'roundabout.internal:80', { login }),
    await connectVia(gateway.port(), 'roundabout.internal:80', { login }),
    await socks5Via(gateway.port(), { host: 'roundabout.internal', port: 80, asName: true }, { login }),
  ];
  const said: Buffer[] = [];
  asking.socket.on('data', (octets: Buffer) => said.push(octets)).resume();
  asking.socket.write('GET /echo HTTP/1.1\r\nHost: roundabout.internal\r\n');
  await sleep(500);
  const ends = [resting.socket, bySocks.socket].map((socket) => once(socket.resume(), 'end'));
  const ended = gateway.terminate();
  await Promise.race([Promise.all(ends), sleep(10_000).then(() => t.fail('they are open still'))]);
  asking.socket.write('\r\n');
  await once(asking.socket, 'end');
  t.regex(String(Buffer.concat(said)), /^HTTP\/1.1 200 .*\r\nConnection: close\r\n/is);
  for (const { socket } of [resting, asking, bySocks]) socket.destroy();
  t.is(await ended, 0);
});

test('one press of Ctrl-C is one signal, though npm passes it on', async (t) => {
  const gateway = await startGateway({ config: { workers: 2, timeouts }, pools: direct });
  const gate = await listen(createServer((socket) => socket.pipe(socket)));
  t.teardown(gate.close);
  t.teardown(gateway.kill);
  const { socket } = await connectVia(gateway.port(), `127.0.0.1:${gate.port}`, { login: gateway.login() });
  // Two of one kind might be one already for the system.
  gateway.signal('SIGTERM');
  await signal(gateway, 'draining', 'SIGINT');
  t.notRegex(gateway.output(), /are cut/);
  socket.write('still here');
  t.is(String((await once(socket.resume(), 'data'))[0]), 'still here');
  socket.destroy();
});

test('a worker that is stuck keeps nobody from a stop, and what was booked is saved', async (t) => {
  const gateway = await startStuck(t, { workers: 2, tunnels: 16 });
  await beginToStop(gateway);
  t.is(await gateway.terminate(), null);
  t.regex(gateway.output(), /everything else is saved, but 1 of the workers won't end: the process is killed/);
  // Those of the other worker, which were booked as they were cut.
  t.true((await bookedRequests(gateway)) > 0);
});

test('a third signal waits for nothing', async (t) => {
  const gateway = await startStuck(t, { workers: 1, tunnels: 0 });
  await beginToStop(gateway);
  await signal(gateway, 'exchanges under way are cut');
  t.is(await gateway.terminate(), null);
  t.notRegex(gateway.output(), /everything is saved/);
});

test('it ends though the reader of its log reads nothing', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'stopping-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const pipe = join(folder, 'log');
  execFileSync('mkfifo', [pipe]);
  const reader = openSync(pipe, 'r+');
  t.teardown(() => closeSync(reader));
  const gateway = await startGateway({ config: { accessLog: { file: pipe } }, pools: direct });
  t.teardown(gateway.kill);
  const ask = () => forwardVia(gateway.port(), 'http://roundabout.internal/echo', { login: gateway.login() });
  for (let i = 0; i < 400; i++) await ask();
  await gateway.terminate();
  t.regex(gateway.output(), /everything else is saved, but the access log is not read: the process is killed/);
});

test('a reload tells of a log whose reader is gone that its lines are lost', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'stopping-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const pipe = join(folder, 'log');
  execFileSync('mkfifo', [pipe]);
  const reader = openSync(pipe, 'r+');
  const gateway = await startGateway({ config: { accessLog: { file: pipe } }, pools: direct });
  t.teardown(() => gateway.stop());
  closeSync(reader);
  const lines = () => gateway.output().match(/the access log .*/g) ?? [];
  await until(async () => {
    await forwardVia(gateway.port(), 'http://roundabout.internal/echo', { login: gateway.login() });
    gateway.signal('SIGHUP');
    return lines().some((line) => line.startsWith('the access log has no reader, and its lines are lost'));
  }, 'told');
  t.false(lines().some((line) => line.includes('goes on in its old file')));
});

const mortal = new URL('../support/mortal-workers.ts', import.meta.url).href;

// Without the addon tunnels end with their worker.
(relayBinding() === null ? test.skip : test)('a drain waits for tunnels whose workers have died', async (t) => {
  const gateway = await startGateway({
    config: { workers: 2, timeouts },
    pools: direct,
    env: { NODE_OPTIONS: `--import=${mortal}` },
  });
  t.teardown(gateway.kill);
  const gate = await listen(createServer());
  t.teardown(gate.close);
  const opened = await Promise.all(
    Array.from({ length: 8 }, () => connectVia(gateway.port(), `127.0.0.1:${gate.port}`, { login: gateway.login() })),
  );
  for (const { socket } of opened) t.teardown(() => socket.on('error', () => {}).destroy());
  for (const deaths of [1, 2]) {
    gateway.signal('SIGUSR2');
    await until(async () => {
      const { workers } = await gateway.health();
      return workers.replaced === deaths && workers.running === 2;
    });
  }
  t.is((await gateway.health()).connections, 8);
  const ended = gateway.terminate();
  await until(() => gateway.output().includes('draining'));
  await sleep(2 * ECHO_MS);
  t.true(opened.every(({ socket }) => !socket.closed));
  for (const { socket } of opened) socket.destroy();
  t.is(await ended, 0);
});
