import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import Sqlite from 'better-sqlite3';
import { connectVia, forwardVia } from '../support/clients.ts';
import { startHttpExit } from '../support/exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { listen } from '../support/peers.ts';
import { startRawOrigin } from '../support/raw-origin.ts';
import { until } from '../support/until.ts';
import { startWireTap } from '../support/wire-tap.ts';

interface Row {
  readonly [key: string]: unknown;
  readonly exchanges: number;
  readonly attempts: number;
  readonly requests: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly cost: Record<string, string>;
  readonly spent: Record<string, { readonly bytes: number; readonly cost: Record<string, string> }>;
}

async function usage(gateway: Gateway, ...args: string[]): Promise<{ rows: Row[]; total: Row }> {
  const ended = await gateway.command('usage', ...args, '--json');
  if (ended.code !== 0) throw new Error(ended.stderr);
  return JSON.parse(ended.stdout);
}

test.serial(
  'what was used and what it cost, as the exits counted it, with and without a running gateway',
  async (t) => {
    const origin = await startRawOrigin({ reply: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', end: 'open' });
    const wall = await startRawOrigin({ reply: 'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno', end: 'open' });
    const exit = await startHttpExit();
    const good = await startWireTap(exit.port);
    const refusing = await startWireTap(exit.port, { cutAfter: () => 1 });
    const price = { perGB: 4.2, perRequest: 0.001, currency: 'EUR' };
    const gateway = await startGateway({
      config: { workers: 2, exchange: { attempts: 2 } },
      clients: { tester: [], other: [] },
      pools: {
        res: {
          tier: 'res',
          price,
          probe: { budget: 0 },
          country: 'de',
          exits: [{ url: `http://127.0.0.1:${good.port}` }],
        },
        bad: { price: { perRequest: 1 }, probe: { budget: 0 }, exits: [{ url: `http://127.0.0.1:${refusing.port}` }] },
      },
    });
    t.teardown(() => Promise.all([origin, wall, exit, good, refusing].map((peer) => peer.close())));
    const login = gateway.login('tester', 'tag-news');
    for (let i = 0; i < 3; i++) {
      await forwardVia(gateway.port(), `http://127.0.0.1:${origin.port}/secret-path`, { login });
      const { status, socket } = await connectVia(gateway.port(), `localhost:${origin.port}`, {
        login: gateway.login('other'),
      });
      t.is(status, 200);
      socket.destroy();
    }
    await forwardVia(gateway.port(), `http://127.0.0.1:${wall.port}/`, { login });
    const failed = await connectVia(gateway.port(), `127.0.0.1:${origin.port}`, {
      login: gateway.login('tester', 'pool-bad'),
    });
    t.is(failed.status, 502);
    await gateway.accessLog(8);

    const { rows, total } = await usage(gateway, '--by', 'pool');
    t.is(total.exchanges, 8);
    const [bad, res] = [rows.find(({ pool }) => pool === 'bad')!, rows.find(({ pool }) => pool === 'res')!];
    const counted = good.counts();
    t.like(res, { exchanges: 7, attempts: 7, requests: 7, sentBytes: counted.sent, receivedBytes: counted.received });
    t.is(Number(res.cost.EUR), Number(((4.2 * (counted.sent + counted.received)) / 1e9 + 0.007).toFixed(12)));
    t.like(bad, { exchanges: 1, attempts: 1, requests: 1, cost: { USD: '1.00' } });
    t.is(bad.spent.failed!.cost.USD, '1.00');
    t.true(res.spent.blocked!.bytes > 0);
    t.deepEqual(total.cost, { EUR: res.cost.EUR!, USD: '1.00' });

    const by = async (...args: string[]) =>
      Object.fromEntries(
        (await usage(gateway, ...args)).rows.map((row) => [
          args.at(-1)! in row ? row[args.at(-1)!] : '',
          row.exchanges,
        ]),
      );
    t.deepEqual(await by('--by', 'client'), { other: 3, tester: 5 });
    t.deepEqual(await by('--by', 'tag'), { '': 4, news: 4 });
    t.deepEqual(await by('--client', 'tester', '--by', 'site'), { '127.0.0.1': 5 });
    t.deepEqual(await by('--pool', 'res', '--by', 'country'), { de: 7 });
    t.deepEqual(await by('--site', 'localhost', '--by', 'tier'), { res: 3 });
    const top = (await usage(gateway, 'top', '--by', 'client', '--pool', 'res')).rows;
    t.deepEqual(
      top.map(({ client, exchanges }) => [client, exchanges]),
      [
        ['tester', 4],
        ['other', 3],
      ],
      'what costs most first',
    );
    t.deepEqual(
      (await usage(gateway, 'top', '--pool', 'res', '--limit', '1')).rows.map(({ site }) => site),
      ['127.0.0.1'],
    );
    const table = await gateway.command('usage');
    const blocks =
      /^0\.00\d+ EUR: [\d.]+ % for answers \(0\.00\d+ EUR\), ([\d.]+) % for blocked pages \((0\.00\d+) EUR\)/m;
    const [, share, amount] = blocks.exec(table.stdout) ?? [];
    const spentOnBlocks = Number(res.spent['blocked']!.cost['EUR']);
    t.true(Math.abs(Number(amount) - spentOnBlocks) < 1e-6, `${amount} ${spentOnBlocks}`);
    t.true(Math.abs(Number(share) - (100 * spentOnBlocks) / Number(res.cost['EUR'])) < 0.1, share);
    t.regex((await gateway.command('usage', '--csv')).stdout, /^client,exchanges,/);
    t.is(JSON.parse((await gateway.command('usage', '--csv', '--json')).stdout).rows.length, 2);
    const log = await gateway.command('usage', 'log', '--json');
    t.is(JSON.parse(log.stdout).length, 9);
    t.false((table.stdout + log.stdout).includes('secret-path'));

    // Without the hour that it ends with: another may have begun.
    const before = await usage(gateway, '--by', 'client', '--by', 'site');
    await gateway.stop({ keepFolder: true });
    const after = await usage(gateway, '--by', 'client', '--by', 'site');
    t.deepEqual([after.rows, after.total], [before.rows, before.total]);
    const again = await gateway.startAgain();
    await forwardVia(again.port(), `http://127.0.0.1:${origin.port}/`, { login: again.login() });
    await again.accessLog(1);
    t.is((await usage(again)).total.exchanges, 9);
    await again.stop();
  },
);

test.serial('a tunnel is booked while it runs, without being asked for it', async (t) => {
  const origin = await listen(
    createServer((socket) => {
      socket.write(Buffer.alloc(50_000));
      socket.on('data', () => socket.write(Buffer.alloc(50_000)));
    }),
  );
  const gateway = await startGateway({ pools: { direct: { exits: [{ direct: true }] } } });
  t.teardown(() => origin.close());
  const { socket } = await connectVia(gateway.port(), `127.0.0.1:${origin.port}`, { login: gateway.login() });
  socket.resume();
  // A report would have all of it written first.
  const written = () => {
    const database = new Sqlite(join(gateway.folder, 'data', 'ledger.db'), { readonly: true });
    const received = database.prepare('SELECT coalesce(sum(received), 0) FROM hour_total').pluck().get();
    database.close();
    return received;
  };
  await until(() => written() === 50_000, 'what came at first is written');
  socket.write('more');
  await until(() => written() === 100_000, 'what came since is written as well');
  t.like((await usage(gateway)).total, { exchanges: 0, receivedBytes: 100_000, sentBytes: 4 });
  socket.destroy();
  await gateway.accessLog(1);
  t.like((await usage(gateway)).total, { exchanges: 1, attempts: 1, receivedBytes: 100_000 });
  await gateway.stop();
});

test.serial('probes are booked as what they are', async (t) => {
  const exit = await startHttpExit();
  const tap = await startWireTap(exit.port);
  const gateway = await startGateway({
    pools: { p: { probe: { every: '2s' }, exits: [{ url: `http://127.0.0.1:${tap.port}` }] } },
  });
  t.teardown(() => Promise.all([exit.close(), tap.close()]));
  await until(async () => (await usage(gateway, '--by', 'kind')).rows.length > 0, 'a probe is booked');
  await gateway.stop({ keepFolder: true });
  const { rows } = await usage(gateway, '--by', 'kind', '--by', 'client');
  const { sent, received } = tap.counts();
  t.like(rows, [{ kind: 'probe', client: '', exchanges: 0, sentBytes: sent, receivedBytes: received }]);
  t.is(rows[0]!.spent.probes!.bytes, sent + received);
});

test.serial('without a ledger, and with bad arguments, it says so', async (t) => {
  const gateway = await startGateway({
    config: { ledger: { enabled: false } },
    pools: { direct: { exits: [{ direct: true }] } },
  });
  const none = await gateway.command('usage');
  t.is(none.code, 0);
  t.regex(none.stdout, /nothing was booked/);
  t.regex(none.stderr, /no ledger yet/);
  t.is((await gateway.command('usage', '--since', 'yesterday')).code, 2);
  t.is((await gateway.command('usage', '--by', 'colour')).code, 2);
  t.is((await gateway.command('usage', '--by', 'country', '--by', 'site')).code, 2);
  t.regex((await gateway.command('health')).stdout, /ledger +off/);
  await gateway.stop();
});
