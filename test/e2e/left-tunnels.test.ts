import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { connectVia } from '../support/clients.ts';
import { farFromMidnight } from '../support/far-from-midnight.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { relayBinding } from '../support/native-relay.ts';
import { listen } from '../support/peers.ts';
import { until } from '../support/until.ts';

interface Row {
  readonly kind: string;
  readonly exchanges: number;
  readonly attempts: number;
  readonly requests: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

const mortal = new URL('../support/mortal-workers.ts', import.meta.url).href;

/** What is booked of a client. */
async function bookedOf(gateway: Gateway, client: string): Promise<readonly Row[]> {
  const { stdout } = await gateway.command('usage', '--client', client, '--by', 'kind', '--json');
  return JSON.parse(stdout).rows;
}

const sum = (rows: readonly Row[], figure: 'exchanges' | 'attempts' | 'sentBytes' | 'receivedBytes'): number =>
  rows.reduce((total, row) => total + row[figure], 0);

async function spentOf(gateway: Gateway, client: string): Promise<number> {
  const { stdout } = await gateway.command('quota', 'list', '--json');
  const views = JSON.parse(stdout) as { readonly client: string; readonly spent: number }[];
  return views.find((view) => view.client === client)?.spent ?? 0;
}

/** Sends so many octets and reads as many back. */
async function exchangeOver(socket: Socket, octets: number): Promise<void> {
  let left = octets;
  const done = new Promise<void>((resolve) => {
    const take = (chunk: Buffer) => {
      left -= chunk.length;
      if (left > 0) return;
      socket.off('data', take);
      resolve();
    };
    socket.on('data', take);
  });
  socket.write(Buffer.alloc(octets, 'x'));
  await done;
}

test.beforeEach(farFromMidnight);

// Without the addon tunnels end with their worker.
(relayBinding() === null ? test.skip : test)(
  'what tunnels move that have outlived their worker is booked to their client, and counted against its quota, once',
  async (t) => {
    const gateway = await startGateway({
      config: { workers: 1 },
      clients: { free: [], metered: ['--quota', 'bytes=1GB/day'] },
      pools: { direct: { exits: [{ direct: true }] } },
      env: { NODE_OPTIONS: `--import=${mortal}` },
    });
    t.teardown(() => gateway.stop());
    const echo = await listen(createServer((socket) => socket.on('error', () => {}).pipe(socket)));
    t.teardown(echo.close);
    const authority = `127.0.0.1:${echo.port}`;
    const [free, metered] = await Promise.all(
      ['free', 'metered'].map(async (client) => {
        const { socket } = await connectVia(gateway.port(), authority, { login: gateway.login(client) });
        socket.on('error', () => {});
        return socket.resume();
      }),
    );
    await exchangeOver(free!, 100_000);
    await exchangeOver(metered!, 100_000);
    await until(async () => {
      const booked = await Promise.all(['free', 'metered'].map((client) => bookedOf(gateway, client)));
      return booked.every((rows) => sum(rows, 'sentBytes') === 100_000 && sum(rows, 'receivedBytes') === 100_000);
    }, 'what runs is booked');
    await until(async () => (await spentOf(gateway, 'metered')) === 200_000, 'and counted');

    gateway.signal('SIGUSR2');
    await until(async () => {
      const { workers } = await gateway.health();
      return workers.replaced === 1 && workers.running === 1;
    });
    await exchangeOver(free!, 3_000_000);
    await exchangeOver(metered!, 50_000);
    for (const socket of [free!, metered!]) socket.end();
    await Promise.all([free!, metered!].map((socket) => once(socket, 'close')));
    await until(async () => sum(await bookedOf(gateway, 'free'), 'sentBytes') === 3_100_000, 'booked');
    await until(async () => (await spentOf(gateway, 'metered')) === 300_000, 'counted');
    // What is booked twice would come by then.
    await sleep(1_500);
    for (const [client, octets] of [
      ['free', 3_100_000],
      ['metered', 150_000],
    ] as const) {
      const rows = await bookedOf(gateway, client);
      t.deepEqual(
        [sum(rows, 'exchanges'), sum(rows, 'attempts'), sum(rows, 'sentBytes'), sum(rows, 'receivedBytes')],
        [1, 1, octets, octets],
        client,
      );
      t.deepEqual(
        rows.map(({ kind }) => kind),
        ['ok'],
      );
    }
    t.is(await spentOf(gateway, 'metered'), 300_000);
  },
);

(relayBinding() === null ? test.skip : test)('those that the end of a gateway cuts are booked as well', async (t) => {
  const gateway = await startGateway({
    config: { workers: 1, timeouts: { drain: '500ms' } },
    clients: { free: [] },
    pools: { direct: { exits: [{ direct: true }] } },
    env: { NODE_OPTIONS: `--import=${mortal}` },
  });
  t.teardown(() => gateway.stop());
  const echo = await listen(createServer((socket) => socket.on('error', () => {}).pipe(socket)));
  t.teardown(echo.close);
  const { socket } = await connectVia(gateway.port(), `127.0.0.1:${echo.port}`, { login: gateway.login('free') });
  socket.on('error', () => {}).resume();
  t.teardown(() => socket.destroy());
  await exchangeOver(socket, 1_000);
  await until(async () => sum(await bookedOf(gateway, 'free'), 'receivedBytes') === 1_000, 'what runs is booked');
  gateway.signal('SIGUSR2');
  await until(async () => {
    const { workers } = await gateway.health();
    return workers.replaced === 1 && workers.running === 1;
  });
  await exchangeOver(socket, 200_000);
  t.is(await gateway.terminate(), 0);
  const rows = await bookedOf(gateway, 'free');
  t.deepEqual([sum(rows, 'exchanges'), sum(rows, 'sentBytes'), sum(rows, 'receivedBytes')], [1, 201_000, 201_000]);
});
