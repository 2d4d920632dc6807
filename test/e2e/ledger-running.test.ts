import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { connectVia } from '../support/clients.ts';
import { startHttpExit } from '../support/exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { listen } from '../support/peers.ts';
import { until } from '../support/until.ts';

interface Row {
  readonly pool: string;
  readonly exchanges: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly cost: Record<string, string>;
}

async function usage<T = Row>(gateway: Gateway, ...args: string[]): Promise<T[]> {
  const { stdout } = await gateway.command('usage', ...args, '--json');
  return JSON.parse(stdout).rows;
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
  const log = JSON.parse((await gateway.command('usage', 'log', '--json')).stdout) as Row[];
  t.deepEqual(log.map(({ pool }) => pool).sort(), ['dearer', 'gone']);
  await gateway.stop();
});
