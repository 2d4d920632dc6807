import { createServer } from 'node:http';
import { createServer as createTcpServer, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { readBytes } from '../support/byte-reader.ts';
import { forwardVia } from '../support/clients.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { keepPeers, listen, type Peer } from '../support/peers.ts';
import { answer, readSocks5, socks5Reply, startSocks5Exit } from '../support/socks-exits.ts';

// Exits that open tunnels for plain HTTP through which nothing comes, and origins that are silent.

const { keep, closeAll } = keepPeers();
let origin: Peer;

test.before(async () => {
  const serve = createServer((request, response) => {
    if (request.url !== '/silent') response.end('page');
  });
  origin = keep(await listen(serve, '0.0.0.0'));
});

test.after.always(closeAll);

interface Fading {
  readonly url: string;
  /** From now on it says success at once, and then nothing: everywhere, or to one host. */
  fallSilent(host?: string): void;
  /** How often it was silent. */
  silences: number;
}

/** A SOCKS5 exit that works until it is silent. */
async function startFading(): Promise<Fading> {
  const open = new Set<Socket>();
  let silentAt: string | null = null;
  const server = createTcpServer(async (socket) => {
    socket.on('error', () => {});
    const reader = readBytes(socket);
    const request = await readSocks5(socket, reader).catch(() => null);
    if (request === null) return;
    reader.release();
    open.add(socket);
    if (silentAt !== '' && silentAt !== request.host) return answer(socket, request, (ok) => socks5Reply(ok ? 0 : 5));
    fading.silences++;
    socket.write(socks5Reply(0));
  });
  const { port } = keep(await listen(server));
  const fallSilent = (host = '') => {
    silentAt = host;
    for (const socket of open) socket.destroy();
  };
  const fading: Fading = { url: `socks5://127.0.0.1:${port}`, fallSilent, silences: 0 };
  return fading;
}

async function startScene(t: ExecutionContext, urls: readonly string[], strategy = 'two-choices'): Promise<Gateway> {
  const gateway = await startGateway({
    config: { workers: 1, timeouts: { attempts: '2s' } },
    pools: { socks: { strategy, probe: { budget: 0 }, exits: urls.map((url) => ({ url })) } },
  });
  t.teardown(() => gateway.stop());
  return gateway;
}

const startGood = async () => keep(await startSocks5Exit()).url;

/** The status of a page of that site. */
async function visit(gateway: Gateway, site: number, path = '/'): Promise<number> {
  const url = `http://127.0.0.${site}:${origin.port}${path}`;
  return (await forwardVia(gateway.port(), url, { login: gateway.login() })).status;
}

for (const strategy of ['learned', 'two-choices', 'round-robin'])
  test.serial(`${strategy}: an exit that falls silent for pages which others bring draws no traffic`, async (t) => {
    const fading = await startFading();
    const gateway = await startScene(t, [fading.url, await startGood(), await startGood()], strategy);
    const crawl = async (first: number) => {
      for (let i = 0; i < 20; i++) t.is(await visit(gateway, 1 + ((first + i) % 10)), 200);
    };
    await Promise.all([0, 3, 6].map(crawl));
    fading.fallSilent();
    await Promise.all([0, 3, 6].map(crawl));
    t.log(`${fading.silences} of 60`);
    t.true(fading.silences <= 8);
  });

/** The failures in a row of each exit, by its endpoint. */
async function failuresOf(gateway: Gateway): Promise<Record<string, number>> {
  const { stdout } = await gateway.command('exit', 'list', '--json');
  const listed: { endpoint: string; live: { failuresInRow: number } }[] = JSON.parse(stdout);
  return Object.fromEntries(listed.map(({ endpoint, live }) => [endpoint, live.failuresInRow]));
}

test.serial('an exit to which one site closes itself by silence is charged for nothing', async (t) => {
  const fading = await startFading();
  const gateway = await startScene(t, [fading.url, await startGood()], 'round-robin');
  fading.fallSilent('127.0.0.9');
  for (let i = 0; i < 8; i++) t.is(await visit(gateway, 9, `/${i}`), 200);
  t.true(fading.silences >= 3);
  t.like(await failuresOf(gateway), { [fading.url]: 0 });
});

test.serial('where origins are silent over every exit, nobody is charged', async (t) => {
  const gateway = await startScene(t, [await startGood(), await startGood(), await startGood()], 'round-robin');
  await Promise.all([1, 2, 3, 4, 5].map((site) => visit(gateway, site, '/silent').then((status) => t.is(status, 504))));
  for (const site of [1, 2, 3, 4, 5]) t.is(await visit(gateway, site), 200);
  t.deepEqual(new Set(Object.values(await failuresOf(gateway))), new Set([0]));
});
