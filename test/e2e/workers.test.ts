import { X509Certificate } from 'node:crypto';
import { renameSync } from 'node:fs';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { ensureSelfSigned } from '../../src/listener/certificate.ts';
import { connectVia, forwardVia, open, socks5Via, startTls } from '../support/clients.ts';
import { freePort } from '../support/free-port.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { listen } from '../support/peers.ts';
import { until } from '../support/until.ts';

// One gateway, two threads that carry its traffic: nobody outside can tell.

const direct = { direct: { exits: [{ direct: true }] } };

let origin: Origin;

test.before(async () => {
  origin = await startOrigin();
});

test.after.always(() => origin.close());

const many = <Value>(count: number, make: (i: number) => Promise<Value>) =>
  Promise.all(Array.from({ length: count }, (_, i) => make(i)));
const statusOf = async (gateway: Gateway, client?: string) =>
  (await forwardVia(gateway.port(), `${origin.url}/`, { login: gateway.login(client) })).status;
const statuses = async (gateway: Gateway, count: number, client?: string) =>
  [...new Set(await many(count, () => statusOf(gateway, client)))].join();

test.serial('a change of clients holds in every thread as soon as the command has ended', async (t) => {
  const gateway = await startGateway({ config: { workers: 2 }, pools: direct, clients: { tester: [], other: [] } });
  t.teardown(gateway.stop);
  t.is(await statuses(gateway, 24, 'other'), '200');
  await gateway.command('client', 'disable', 'other');
  t.is(await statuses(gateway, 16, 'other'), '407');
  await gateway.command('client', 'enable', 'other');
  t.is(await statuses(gateway, 24, 'other'), '200');
});

test.serial(
  'a thread that takes a dead one’s place goes by what a reload left for the next start, as before',
  async (t) => {
    const preload = new URL('../support/mortal-workers.ts', import.meta.url).href;
    const gateway = await startGateway({
      config: { workers: 1 },
      pools: direct,
      env: { NODE_OPTIONS: `--import=${preload}` },
    });
    t.teardown(gateway.stop);
    const file = join(gateway.folder, 'roundabout.yaml');
    const config = JSON.parse(await readFile(file, 'utf8'));
    const off = { enabled: false };
    await writeFile(file, JSON.stringify({ ...config, accessLog: { ...config.accessLog, ...off }, ledger: off }));
    gateway.signal('SIGHUP');
    await until(() => gateway.output().includes('are read again'), 'the reload');
    t.regex(gateway.output(), /accessLog: the change takes effect at the next start/);
    t.is(await statusOf(gateway), 200);
    gateway.signal('SIGUSR2');
    const isServed = () =>
      open(gateway.port()).then(
        (socket) => socket.destroy() !== undefined,
        () => false,
      );
    await until(async () => (await gateway.health()).workers.replaced === 1 && (await isServed()), 'another serves');
    for (let i = 0; i < 3; i++) await statusOf(gateway);
    t.is((await gateway.accessLog(4)).length, 4);
    // The command goes by the file.
    await writeFile(file, JSON.stringify(config));
    await until(async () => {
      const { stdout } = await gateway.command('usage', '--by', 'kind', '--json');
      const { rows }: { rows: { kind: string; exchanges: number }[] } = JSON.parse(stdout);
      return (rows.find(({ kind }) => kind === 'ok')?.exchanges ?? 0) >= 3;
    }, 'those that it carried are in the ledger');
  },
);

test.serial('health and lists show all threads together', async (t) => {
  const gateway = await startGateway({ config: { workers: 2 }, pools: direct });
  t.teardown(gateway.stop);
  const gate = await listen(createServer());
  t.teardown(gate.close);
  const tunnels = await many(24, () =>
    connectVia(gateway.port(), `127.0.0.1:${gate.port}`, { login: gateway.login() }),
  );
  t.true(tunnels.every(({ status }) => status === 200));
  const health = await gateway.health();
  t.like(health, { status: 'ok', connections: 24, exchanges: { open: 24 }, workers: { running: 2, replaced: 0 } });
  t.is(
    health.workers.connections.reduce((sum, count) => sum + count),
    24,
  );
  const [exit] = JSON.parse((await gateway.command('exit', 'list', '--json')).stdout);
  t.is(exit.live.inFlight, 24);
  for (const { socket } of tunnels) socket.destroy();
});

test.serial('the gateway itself is no exit and no target, whichever thread answers', async (t) => {
  const port = await freePort();
  const gateway = await startGateway({
    config: { workers: 2, listeners: [{ name: 'mixed', host: '127.0.0.1', port, protocols: ['http', 'socks5'] }] },
    pools: {
      loop: { exits: [{ url: `http://127.0.0.1:${port}` }] },
      either: { strategy: 'random', exits: [{ url: `http://127.0.0.1:${port}` }, { direct: true }] },
      ...direct,
    },
  });
  t.teardown(gateway.stop);
  const login = (pool: string) => gateway.login('tester', `pool-${pool}`);
  const answers = await many(12, () => forwardVia(port, `${origin.url}/`, { login: login('loop') }));
  t.deepEqual([...new Set(answers.map(({ reason }) => reason))], ['loop']);
  const [looping] = JSON.parse((await gateway.command('exit', 'list', '--pool', 'loop', '--json')).stdout);
  t.true(looping.live.failuresInRow > 0, 'it is learned');
  const others = await many(24, () => forwardVia(port, `${origin.url}/`, { login: login('either') }));
  t.deepEqual([...new Set(others.map(({ status }) => status))], [200], 'another exit serves in its place');
  const tunnels = await many(12, () => connectVia(port, `127.0.0.1:${port}`, { login: login('direct') }));
  t.deepEqual([...new Set(tunnels.map(({ reason }) => reason))], ['loop']);
  const replies = await many(12, () => socks5Via(port, { host: '127.0.0.1', port }, { login: login('direct') }));
  t.deepEqual([...new Set(replies.map(({ reply }) => reply))], [1]);
});

test.serial(
  'the log has one line for each exchange of each thread, over a rotation and a stop under load',
  async (t) => {
    const gateway = await startGateway({ config: { workers: 2, accessLog: { file: './access.log' } }, pools: direct });
    t.teardown(gateway.stop);
    const [file, rotated] = ['access.log', 'access.log.1'].map((name) => join(gateway.folder, name));
    const linesOf = async (path: string) =>
      (await readFile(path, 'utf8'))
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line));
    await statuses(gateway, 100);
    await rename(file!, rotated!);
    const reloaded = saying(gateway, 'are read again');
    gateway.signal('SIGHUP');
    await statuses(gateway, 100);
    await reloaded;
    const waiting: Socket[] = [];
    const gate = await listen(createServer((socket) => void waiting.push(socket)));
    const answers = many(20, () =>
      forwardVia(gateway.port(), `http://127.0.0.1:${gate.port}/`, { login: gateway.login() }),
    );
    await until(() => waiting.length === 20);
    const draining = saying(gateway, 'draining');
    const stopped = gateway.stop({ keepFolder: true });
    await draining;
    for (const socket of waiting) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    t.true((await answers).every(({ status }) => status === 200));
    t.is(await stopped, 0);
    await gate.close();
    const lines = (await Promise.all([rotated!, file!].map(linesOf))).flat();
    t.is(lines.length, 220);
    t.is(new Set(lines.map(({ id }) => id)).size, 220);
  },
);

test.serial(
  'a certificate that changes serves in every thread; one that is no good is said once, and the old one stays',
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'workers-'));
    t.teardown(() => rm(folder, { recursive: true }));
    const pairs = await Promise.all(
      ['a', 'b', 'c'].map((name) => ensureSelfSigned(join(folder, name), [], Date.now())),
    );
    const [one, other, third] = pairs.map(({ cert, key }) => ({
      cert,
      key,
      print: printOf(new X509Certificate(cert)),
    }));
    const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    const write = async ({ cert, key }: { cert: string; key: string }) => {
      await Promise.all([writeFile(`${files.key}.new`, key), writeFile(`${files.cert}.new`, cert)]);
      // Whoever looks between the two sees a pair that doesn't fit: let that be no time at all.
      for (const file of [files.key, files.cert]) renameSync(`${file}.new`, file);
    };
    await write(one!);
    const listener = { name: 'mixed', host: '127.0.0.1', port: 0, protocols: ['https'], certificate: files };
    const gateway = await startGateway({ config: { workers: 2, listeners: [listener] }, pools: direct });
    t.teardown(gateway.stop);
    const shown = async () => [...new Set(await many(16, () => certificateShown(gateway.port())))];
    t.deepEqual(await shown(), [one!.print]);

    await write(other!);
    gateway.signal('SIGHUP');
    await saying(gateway, 'are read again');
    t.deepEqual(await shown(), [other!.print]);

    await write({ ...third!, key: one!.key });
    await saying(gateway, 'the former certificate stays');
    t.deepEqual(await shown(), [other!.print]);
    await write(third!);
    await until(async () => (await shown()).join() === third!.print, 'the new one is shown by all');
    t.is(gateway.output().split('the former certificate stays').length, 2);
  },
);

/** The certificate that a handshake shows. */
async function certificateShown(port: number): Promise<string> {
  const socket = await startTls(await open(port));
  const shown = printOf(socket.getPeerX509Certificate());
  socket.destroy();
  return shown;
}

const printOf = (certificate: X509Certificate | undefined) => certificate?.fingerprint256 ?? 'none';

/** Resolves when the gateway has said it. */
const saying = (gateway: Gateway, words: string) => until(() => gateway.output().includes(words), words);
