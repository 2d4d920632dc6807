import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { basic, connectVia, forwardVia, open } from '../support/clients.ts';
import { startHttpExit } from '../support/exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { listen } from '../support/peers.ts';
import { until } from '../support/until.ts';

interface Row {
  readonly pool: string;
  readonly kind: string;
  readonly attempts: number;
  readonly exchanges: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly cost: Record<string, string>;
}

async function usage(gateway: Gateway, ...args: string[]): Promise<Row[]> {
  const { stdout } = await gateway.command('usage', ...args, '--json');
  return JSON.parse(stdout).rows;
}

const usageLog = async (gateway: Gateway): Promise<Row[]> =>
  JSON.parse((await gateway.command('usage', 'log', '--json')).stdout);

/** Octets by kind. */
function octetsBy(rows: readonly Row[]): Record<string, number> {
  const octets: Record<string, number> = {};
  for (const { kind, sentBytes, receivedBytes } of rows) octets[kind] = (octets[kind] ?? 0) + sentBytes + receivedBytes;
  return octets;
}

test.serial('what runs is booked to its pool, at its price, whatever a reload makes of that', async (t) => {
  const [sink, exit] = [await listen(createServer((socket) => socket.resume())), await startHttpExit()];
  const exits = [{ url: exit.url }];
  const gateway = await startGateway({
    config: { workers: 1 },
    pools: { dearer: { price: { perGB: 1 }, exits }, gone: { price: { perGB: 100 }, exits } },
  });
  t.teardown(() => Promise.all([sink.close(), exit.close()]));
  const tunnels = await Promise.all(
    ['gone', 'dearer'].map((pool) =>
      connectVia(gateway.port(), `127.0.0.1:${sink.port}`, { login: gateway.login('tester', `pool-${pool}`) }),
    ),
  );
  const sentOver = async (pool: string) => (await usage(gateway, '--pool', pool))[0]?.sentBytes ?? 0;
  const sendAll = () => tunnels.map(({ socket }) => socket.write(Buffer.alloc(1_000_000)));
  sendAll();
  await until(
    async () => (await sentOver('gone')) > 1e6 && (await sentOver('dearer')) > 1e6,
    'the first half is booked',
  );

  await rm(join(gateway.folder, 'pools', 'gone.yaml'));
  const dearer = { pool: 'dearer', tier: 'dc', price: { perGB: 50 }, exits };
  await writeFile(join(gateway.folder, 'pools', 'dearer.yaml'), JSON.stringify(dearer));
  t.is((await gateway.command('pool', 'reload')).code, 0);
  sendAll();
  await until(async () => (await sentOver('dearer')) > 2e6, 'the second half is booked');
  for (const { socket } of tunnels) socket.destroy();
  await gateway.accessLog(2);

  const rows = await usage(gateway, '--by', 'pool');
  t.deepEqual(rows.map(({ pool, exchanges }) => [pool, exchanges]).sort(), [
    ['dearer', 1],
    ['gone', 1],
  ]);
  for (const { pool, sentBytes, receivedBytes, cost } of rows) {
    t.true(sentBytes > 2e6);
    const price = pool === 'gone' ? 100 : 1;
    t.is(Number(cost.USD), Number(((price * (sentBytes + receivedBytes)) / 1e9).toFixed(12)), pool);
  }
  t.deepEqual((await usageLog(gateway)).map(({ pool }) => pool).sort(), ['dearer', 'gone']);
  await gateway.stop();
});

/** Longer than it takes until what runs is booked. */
const LONG_MS = 2_500;

test.serial(
  'a page that blocks is booked as that while it comes, and an upload that fails as a failure behind it',
  async (t) => {
    const head = 'HTTP/1.1 403 Forbidden\r\nContent-Length: 400000\r\n\r\n';
    const wall = await listen(
      createServer((socket) => {
        socket.once('data', async () => {
          socket.write(head);
          for (let part = 0; part < 4; part += 1) {
            socket.write(Buffer.alloc(100_000));
            await sleep(LONG_MS / 4);
          }
        });
      }),
    );
    const exit = await startHttpExit();
    const dying = await listen(
      createServer((socket) => {
        socket.resume().on('error', () => {});
        setTimeout(() => socket.destroy(), LONG_MS);
      }),
    );
    const price = { perGB: 100 };
    const gateway = await startGateway({
      config: { workers: 1 },
      pools: {
        up: { price, exits: [{ url: exit.url }] },
        dying: { price, probe: { budget: 0 }, exits: [{ url: `http://127.0.0.1:${dying.port}` }] },
      },
    });
    t.teardown(() => Promise.all([wall, exit, dying].map((peer) => peer.close())));
    const page = await forwardVia(gateway.port(), `http://127.0.0.1:${wall.port}/`, { login: gateway.login() });
    t.is(page.content.length, 400_000);
    await gateway.accessLog(1);
    const blocked = await usage(gateway, '--by', 'kind');
    t.deepEqual(
      blocked.map(({ kind, exchanges }) => [kind, exchanges]),
      [['blocked', 1]],
    );

    const client = await open(gateway.port());
    client.resume().on('error', () => {});
    const credential = basic(gateway.login('tester', 'pool-dying'));
    const origin = `127.0.0.1:${wall.port}`;
    client.write(`POST http://${origin}/ HTTP/1.1\r\nHost: ${origin}\r\nProxy-Authorization: ${credential}\r\n`);
    client.write('Content-Length: 4000000\r\n\r\n');
    client.write(Buffer.alloc(1_000_000));
    await until(async () => ((await usage(gateway, '--pool', 'dying'))[0]?.sentBytes ?? 0) > 1e6, 'it is booked');
    await gateway.accessLog(2);
    const rows = await usage(gateway, '--by', 'kind');
    t.is(rows.length, 2);
    t.true(rows.every(({ exchanges, attempts }) => exchanges === 1 && attempts === 1));
    t.deepEqual(octetsBy(rows), octetsBy(await usageLog(gateway)));
    client.destroy();
    await gateway.stop();
  },
);
