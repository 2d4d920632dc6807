import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { type Answer, basic, connectVia, forwardVia, open, socks5Via } from '../support/clients.ts';
import { startHttpExit } from '../support/exits.ts';
import { farFromMidnight } from '../support/far-from-midnight.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { startOrigin } from '../support/origin.ts';
import { startRawOrigin } from '../support/raw-origin.ts';
import { until } from '../support/until.ts';
import { type CountingOrigin, openToBoth, startCountingOrigin, unhurried } from './limit-scene.ts';

// Two threads carry the traffic; what they let through together is counted at the origin.

const CONNECTIONS = 200;
const MIB = 2 ** 20;

type Teardown = { teardown(end: () => unknown): void };

interface SceneOptions {
  readonly quotas?: readonly string[];
  readonly clients?: Readonly<Record<string, readonly string[]>>;
  readonly config?: object;
  readonly price?: object;
}

async function gatewayOf(t: Teardown, { quotas = [], clients, config, price }: SceneOptions): Promise<Gateway> {
  const exit = await startHttpExit();
  t.teardown(exit.close);
  const gateway = await startGateway({
    config: { workers: 2, limits: { quotas }, timeouts: unhurried, ...config },
    clients: clients ?? { acme: [], other: [] },
    pools: { one: { exits: [{ url: exit.url }], ...(price && { price }) } },
  });
  t.teardown(gateway.stop);
  return gateway;
}

interface Asked {
  readonly client?: string;
  readonly parameters?: string;
  readonly host?: string;
}

/** One request on each of 200 connections to both workers, all at once; each in turn asks for one of these. */
async function flood(gateway: Gateway, origin: CountingOrigin, ...asked: Asked[]): Promise<readonly Answer[]> {
  const sockets = await openToBoth(gateway, CONNECTIONS);
  return Promise.all(
    sockets.map((socket, index) => {
      const { client = 'acme', parameters = '', host = 'localhost' } = asked[index % asked.length] ?? {};
      const login = gateway.login(client, parameters);
      return forwardVia(gateway.port(), `http://${host}:${origin.port}/`, { login, socket });
    }),
  );
}

const count = (answers: readonly Answer[], reason: string) =>
  answers.filter((answer) => answer.reason === reason).length;

async function countingScene(t: Teardown, options: SceneOptions) {
  const origin = await startCountingOrigin();
  t.teardown(origin.close);
  return { origin, gateway: await gatewayOf(t, options) };
}

const PIECE = Buffer.alloc(4 * 1024, 'x');

/** Sends a piece and waits until it is back, `most` times or until the tunnel is cut. Returns how many came back. */
async function echoes(socket: Socket, most: number): Promise<number> {
  let [back, due] = [0, 0];
  socket.on('data', (octets) => {
    back += octets.length;
    if (back >= due) socket.emit('echoed');
  });
  socket.resume();
  const cut = new Promise<false>((resolve) => socket.once('close', () => resolve(false)));
  let count = 0;
  for (; count < most; count++) {
    due += PIECE.length;
    const echoed = new Promise<true>((resolve) => socket.once('echoed', () => resolve(true)));
    socket.write(PIECE);
    if (!(await Promise.race([echoed, cut]))) break;
    await sleep(10);
  }
  socket.pause().removeAllListeners('data');
  return count;
}

test.beforeEach(farFromMidnight);

test.serial('of 200 requests at once exactly as many come to the origin as the quota allows', async (t) => {
  const { origin, gateway } = await countingScene(t, { quotas: ['requests=37/day'] });
  const answers = await flood(gateway, origin);
  t.is(origin.seen, 37);
  t.is(count(answers, 'OK'), 37);
  t.is(count(answers, 'quota_exceeded'), CONNECTIONS - 37);
  const refused = answers.find(({ status }) => status === 402)!;
  t.is(refused.headers['ratelimit-policy'], '"requests/day";q=37;w=86400');
  t.regex(String(refused.headers['ratelimit']), /^"requests\/day";r=0;t=\d+$/);
  const wait = Number(refused.headers['retry-after']);
  t.true(wait > 0 && wait <= 86_400);
  t.regex(refused.content.toString(), /requests\/day: all of 37 requests is used up, until \d{4}-/);
  const url = `http://localhost:${origin.port}/`;
  t.is((await forwardVia(gateway.port(), url, { login: gateway.login('other') })).status, 200);
  const socks = await socks5Via(
    gateway.port(),
    { host: 'localhost', port: origin.port, asName: true },
    { login: gateway.login('acme') },
  );
  t.is(socks.reply, 2);
  const { head, reason } = await connectVia(gateway.port(), `localhost:${origin.port}`, {
    login: gateway.login('acme'),
  });
  t.is(reason, 'quota_exceeded', head);
  await until(() => gateway.output().includes('client acme has used up its quota requests/day of 37 requests'), 'told');
  t.is(gateway.output().split('client acme has used up').length - 1, 1, 'once');
});

test.serial(
  'a soft quota that warns before a hard one of the same has its count, and each request counts once',
  async (t) => {
    const { origin, gateway } = await countingScene(t, { quotas: ['requests=10/day', 'requests=8/day kind=soft'] });
    const [url, login] = [`http://localhost:${origin.port}/`, gateway.login('acme')];
    const answers: Answer[] = [];
    for (let i = 0; i < 12; i++) answers.push(await forwardVia(gateway.port(), url, { login }));
    t.deepEqual(
      answers.map(({ status }) => status),
      [...Array<number>(10).fill(200), 402, 402],
    );
    t.is(origin.seen, 10);
    t.deepEqual(
      answers.slice(7, 10).map(({ headers }) => headers['roundabout-quota']),
      [undefined, ...[8, 9].map((used) => `requests/day; soft; used ${used} requests of 8 requests`)],
    );
    const echo = await forwardVia(gateway.port(), 'http://roundabout.internal/echo', { login });
    const { quotas } = JSON.parse(echo.content.toString()).limits;
    t.deepEqual(
      quotas.map(({ kind, spent }: { kind: string; spent: number }) => [kind, spent]),
      [
        ['hard', 10],
        ['soft', 10],
      ],
    );
    await until(() => gateway.output().includes('because the quota is soft'), 'told');
  },
);

test.serial('money for requests is exact as well, and another limit that refuses takes nothing', async (t) => {
  const { origin, gateway } = await countingScene(t, {
    quotas: ['money=0.5USD/month'],
    price: { perRequest: 0.01 },
    config: { limits: { quotas: ['money=0.5USD/month', 'requests=1000/day'], clients: ['requests=1/h burst=190'] } },
  });
  const answers = await flood(gateway, origin);
  t.is(origin.seen, 50);
  t.is(count(answers, 'OK'), 50);
  const echo = await forwardVia(gateway.port(), 'http://roundabout.internal/echo', { login: gateway.login('acme') });
  const { quotas } = JSON.parse(echo.content.toString()).limits;
  t.deepEqual(
    quotas.map(({ name, spent, left, quota }: Record<string, unknown>) => [name, spent, left, quota]),
    [
      ['money USD/month', '0.50', '0.00', '0.50'],
      ['requests/day', quotas[1].spent, quotas[1].left, 1000],
    ],
  );
  t.true(quotas[1].spent <= 190, `${quotas[1].spent}: what the rate refused took no request`);
});

test.serial('quotas of a site and of a tag are each exact beside the one that they override', async (t) => {
  const { origin, gateway } = await countingScene(t, {
    quotas: ['requests=37/day', 'tag=nightly requests=11/day', 'site=127.0.0.1 requests=23/day'],
  });
  const asked = [{}, { parameters: 'tag-nightly' }, { host: '127.0.0.1' }];
  const answers = await flood(gateway, origin, ...asked);
  const served = asked.map((_, which) =>
    count(
      answers.filter((_, index) => index % asked.length === which),
      'OK',
    ),
  );
  t.deepEqual(served, [37, 11, 23]);
  t.is(origin.seen, 37 + 11 + 23);
  t.is(count(answers, 'quota_exceeded'), CONNECTIONS - origin.seen);
});

test.serial('of 200 requests at once a soft quota refuses none, and two threads warn once', async (t) => {
  const { origin, gateway } = await countingScene(t, { quotas: ['requests=50/day kind=soft'] });
  const answers = await flood(gateway, origin);
  t.is(count(answers, 'OK'), CONNECTIONS);
  t.is(origin.seen, CONNECTIONS);
  const warned = answers.filter(({ headers }) => headers['roundabout-quota'] !== undefined).length;
  // Of two threads that look at once neither may see the other's.
  t.true(warned <= CONNECTIONS - 50 && warned >= CONNECTIONS - 50 - 2, `${warned}`);
  await until(() => gateway.output().includes('because the quota is soft'), 'told');
  const echo = await forwardVia(gateway.port(), 'http://roundabout.internal/echo', { login: gateway.login('acme') });
  t.is(JSON.parse(echo.content.toString()).limits.quotas[0].spent, CONNECTIONS);
  t.is(gateway.output().split('because the quota is soft').length - 1, 1);
});

/** Octets at the exits' sockets, by the ledger, once they are more than `beyond`: an exchange is booked a moment after its end. */
async function bookedOctets(gateway: Gateway, client: string, beyond: number): Promise<number> {
  let octets = 0;
  await until(async () => {
    const { stdout } = await gateway.command('usage', '--client', client, '--json');
    const { sentBytes, receivedBytes } = JSON.parse(stdout).total;
    octets = sentBytes + receivedBytes;
    return octets > beyond;
  }, `more than ${beyond} octets are booked`);
  return octets;
}

/** Reads until the connection ends; how many octets came, and whether it was cut. */
async function drain(socket: Socket): Promise<{ octets: number; cut: boolean }> {
  let octets = 0;
  let cut = false;
  socket.on('data', (chunk: Buffer) => {
    octets += chunk.length;
  });
  socket.on('error', () => {
    cut = true;
  });
  socket.resume();
  await once(socket, 'close').catch(() => {});
  return { octets, cut };
}

for (const [name, threads] of [
  ['native', 1],
  ['in TypeScript', 0],
] as const) {
  test.serial(`running tunnels are cut where their quota ends, relayed ${name}`, async (t) => {
    const origin = await startOrigin();
    t.teardown(origin.close);
    const limit = 20 * MIB;
    const gateway = await gatewayOf(t, {
      clients: { acme: ['--quota', 'bytes=20MiB/day'], other: [] },
      config: { relay: { threads } },
    });
    const login = gateway.login('acme');
    const authority = `localhost:${origin.port}`;
    const sockets = await openToBoth(gateway, 8);
    const tunnels = await Promise.all(sockets.map((socket) => connectVia(socket, authority, { login })));
    t.regex(tunnels[0]!.head, /RateLimit-Policy: "bytes\/day";q=20971520;w=86400;qu="content-bytes"\r\n/);
    const [idle, ...busy] = tunnels as [(typeof tunnels)[number], ...typeof tunnels];
    const idleEnd = drain(idle.socket);
    for (const { socket } of busy) socket.write(`GET /bytes/100000000 HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    const ends = await Promise.all(busy.map(({ socket }) => drain(socket)));
    const sum = ends.reduce((all, { octets }) => all + octets, 0);
    t.true(sum <= limit + tunnels.length * MIB);
    // A reset takes away what a client has not read.
    t.is((await idleEnd).octets, 0, 'one that moves nothing ends as well');
    const octets = await bookedOctets(gateway, 'acme', limit);
    t.log(`${(octets / MIB).toFixed(2)} MiB of ${limit / MIB}; ${(sum / MIB).toFixed(2)} were read`);
    t.true(octets > limit, 'no tunnel is cut before');
    t.true(octets <= limit + tunnels.length * MIB);
    t.is((await connectVia(gateway.port(), authority, { login })).reason, 'quota_exceeded');
    const lines = await gateway.accessLog(9);
    const cut = lines.filter(({ cut }) => cut === true);
    t.is(cut.length, 8);
    t.true(cut.every(({ why, by }) => why === 'quota bytes/day is used up' && by === 'gateway'));
    const shown = await gateway.command('client', 'show', 'acme');
    t.regex(shown.stdout, /bytes\/day/);
  });
}

test.serial('a request that costs more than what is left is told so, and none hears that all is used up', async (t) => {
  const { origin, gateway } = await countingScene(t, {
    clients: { acme: ['--quota', 'money=1USD/day'], exact: ['--quota', 'money=0.8USD/day'] },
    price: { perRequest: 0.4 },
  });
  const url = `http://localhost:${origin.port}/`;
  const get = (client: string) => forwardVia(gateway.port(), url, { login: gateway.login(client) });
  for (let i = 0; i < 2; i++) t.is((await get('acme')).status, 200);
  const refused = await get('acme');
  t.is(refused.status, 402);
  t.regex(String(refused.headers['ratelimit']), /;r=200000;/);
  const told = refused.content.toString();
  t.regex(told, /a request costs 0\.40 USD, and 0\.20 USD of 1\.00 USD is left, until \d{4}-/);
  t.notRegex(told, /used up/);
  t.is(origin.seen, 2);
  for (let i = 0; i < 2; i++) t.is((await get('exact')).status, 200);
  t.regex((await get('exact')).content.toString(), /all of 0\.80 USD is used up/);
  await until(() => gateway.output().includes('client exact has used up its quota'), 'told');
  t.false(gateway.output().includes('client acme has used up'));
});

test.serial('over 200 tunnels and two threads octets, and the money for them, end at their quotas', async (t) => {
  const origin = await startRawOrigin((socket) => {
    const piece = Buffer.alloc(64 * 1024);
    const more = () => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.on('drain', more);
    more();
  });
  t.teardown(origin.close);
  const each = CONNECTIONS / 2;
  // As much again as may be beyond it: what each thread let pass by itself would be more.
  const limit = 150 * MIB;
  const clients = { octets: ['--quota', 'bytes=150MiB/day'], money: ['--quota', 'money=0.157286400USD/day'] };
  const gateway = await gatewayOf(t, { clients, price: { perGB: 1 } });
  const names = Object.keys(clients);
  const sockets = await openToBoth(gateway, CONNECTIONS);
  const read = await Promise.all(
    sockets.map(async (one, index) => {
      const client = names[index % 2]!;
      const { socket } = await connectVia(one, `localhost:${origin.port}`, { login: gateway.login(client) });
      const { octets } = await drain(socket);
      return { client, octets };
    }),
  );
  for (const client of names) {
    const ofClient = read.filter((one) => one.client === client);
    const sum = ofClient.reduce((all, { octets }) => all + octets, 0);
    const octets = await bookedOctets(gateway, client, limit);
    t.log(`${client}: ${(octets / MIB).toFixed(2)} MiB of ${limit / MIB}; ${(sum / MIB).toFixed(2)} were read`);
    t.true(octets > limit && octets <= limit + each * MIB, `${octets}`);
    t.true(sum <= octets);
  }
});

test.serial('a quota that a client is given later holds for what it has under way', async (t) => {
  const origin = await startRawOrigin((socket) => socket.pipe(socket));
  t.teardown(origin.close);
  let sent = 0;
  const page = await startRawOrigin((socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n');
      const drip = setInterval(() => {
        socket.write(PIECE);
        sent += PIECE.length;
      }, 10);
      socket.once('close', () => clearInterval(drip));
    });
  });
  t.teardown(page.close);
  const sink = await startRawOrigin((socket) => socket.resume());
  t.teardown(sink.close);
  const gateway = await gatewayOf(t, {
    clients: { acme: [], paced: ['--limit', 'bandwidth=1GB/s'], page: [], upload: [] },
  });
  const content = forwardVia(gateway.port(), `http://localhost:${page.port}/`, { login: gateway.login('page') }).then(
    (answer) => answer.content.length,
    () => 0,
  );
  const upload = await open(gateway.port());
  t.teardown(() => void upload.destroy());
  let answer = '';
  upload.on('data', (octets) => {
    answer += octets;
  });
  const left = new Promise((resolve) => upload.once('close', resolve));
  upload.write(
    `POST http://localhost:${sink.port}/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n` +
      `Proxy-Authorization: ${basic(gateway.login('upload'))}\r\n\r\n`,
  );
  const drip = setInterval(() => upload.write(PIECE), 10);
  t.teardown(() => clearInterval(drip));
  const tunnels = await Promise.all(
    ['acme', 'paced'].map(async (client) => {
      const { socket } = await connectVia(gateway.port(), `localhost:${origin.port}`, { login: gateway.login(client) });
      socket.on('error', () => {});
      return { client, socket, before: await echoes(socket, 100) };
    }),
  );
  t.deepEqual(
    tunnels.map(({ before }) => before),
    [100, 100],
  );
  const limit = 1_600_000;
  const before = await bookedOctets(gateway, 'upload', limit / 2);
  for (const client of ['upload', 'acme', 'paced', 'page'])
    t.is((await gateway.command('client', 'set', client, '--quota', 'bytes=1600kB/day')).code, 0);
  const sentBefore = sent;
  for (const { client, socket } of tunnels) {
    // What passed before counts for nothing.
    const passed = (await echoes(socket, 10_000)) * 2 * PIECE.length;
    t.true(passed > limit / 2 && passed <= limit + MIB, `${client}: ${passed} of ${limit}`);
    const refused = await connectVia(gateway.port(), `localhost:${origin.port}`, { login: gateway.login(client) });
    t.is(refused.reason, 'quota_exceeded', client);
  }
  const received = await content;
  t.true(received > 0 && received <= sent, `cut: ${received} of ${sent}`);
  t.true(sent - sentBefore < limit + 8 * MIB, `${sent - sentBefore} of ${limit}`);
  await left;
  t.regex(answer, /^HTTP\/1\.1 402 quota_exceeded\r\n/);
  const counted = (await bookedOctets(gateway, 'upload', before + limit)) - before;
  t.true(counted < limit + 32 * MIB, `${counted}`);
});

test.serial('content that is forwarded is cut as well, both ways, and what fits exactly is whole', async (t) => {
  const origin = await startOrigin();
  t.teardown(origin.close);
  const gateway = await gatewayOf(t, {
    clients: { acme: ['--quota', 'bytes=4MB/day'], up: ['--quota', 'bytes=4MB/day'] },
  });
  const url = (path: string) => `http://localhost:${origin.port}${path}`;
  const login = gateway.login('acme');
  t.is((await forwardVia(gateway.port(), url('/bytes/1000000'), { login })).content.length, 1_000_000);
  const cut = await forwardVia(gateway.port(), url('/bytes/50000000'), { login }).catch(() => null);
  t.true((cut?.content.length ?? 0) < 4_000_000);
  t.is((await forwardVia(gateway.port(), url('/bytes/1'), { login })).reason, 'quota_exceeded');
  const content = Buffer.alloc(30_000_000, 'x');
  const sent = await forwardVia(gateway.port(), url('/echo'), {
    login: gateway.login('up'),
    method: 'POST',
    content,
  }).then(
    ({ reason }) => reason,
    () => 'cut',
  );
  t.true(sent === 'quota_exceeded' || sent === 'cut', sent);
  for (const client of ['acme', 'up']) {
    const octets = await bookedOctets(gateway, client, 4_000_000);
    t.log(`${client}: ${octets}`);
    t.true(octets > 4_000_000 && octets <= 4_000_000 + MIB);
  }
});

test.serial('what a quota counts is what the ledger books, of attempts that failed too', async (t) => {
  const origin = await startOrigin();
  t.teardown(origin.close);
  const exit = await startHttpExit();
  t.teardown(exit.close);
  const gateway = await startGateway({
    config: {
      workers: 2,
      limits: {
        quotas: [
          'bytes=1GB/day',
          'money=100USD/day',
          'requests=1000/day',
          // They have the counts of those, in which nothing may count twice.
          'bytes=1MB/day money=1USD/day requests=100/day kind=soft',
        ],
      },
    },
    clients: { acme: [] },
    pools: {
      one: {
        price: { perGB: 4.2, perRequest: 0.001 },
        strategy: 'round-robin',
        exits: [{ url: exit.url }, { url: `http://x:y@127.0.0.1:${origin.port}` }],
      },
    },
  });
  t.teardown(gateway.stop);
  const login = gateway.login('acme');
  for (let i = 0; i < 10; i++) {
    await forwardVia(gateway.port(), `http://localhost:${origin.port}/bytes/${i * 20_000}`, { login }).catch(
      () => null,
    );
    const { socket } = await connectVia(gateway.port(), `localhost:${origin.port}`, { login });
    socket.destroy();
  }
  const read = async () => {
    const usage = JSON.parse((await gateway.command('usage', '--by', 'client', '--json')).stdout).total;
    const echo = await forwardVia(gateway.port(), 'http://roundabout.internal/echo', { login });
    return { usage, quotas: JSON.parse(echo.content.toString()).limits.quotas as { spent: number | string }[] };
  };
  // The last of it is booked a moment after its end.
  let { usage, quotas } = await read();
  await until(async () => {
    ({ usage, quotas } = await read());
    return usage.exchanges >= 20 && quotas[0]!.spent === usage.sentBytes + usage.receivedBytes;
  }, 'the quota of octets is what the ledger has');
  t.true(Math.abs(Number(quotas[1]!.spent) - Number(usage.cost.USD)) < 1e-6, `${quotas[1]!.spent} ${usage.cost.USD}`);
  t.is(quotas[2]!.spent, 20);
  t.true(usage.attempts > 20, 'some attempts failed');
});

test.serial('a soft quota warns once, in a field of every answer behind it, and refuses nothing', async (t) => {
  const { origin, gateway } = await countingScene(t, { quotas: ['requests=2/month kind=soft zone=Asia/Kolkata'] });
  const url = `http://localhost:${origin.port}/`;
  const answers: Answer[] = [];
  for (let i = 0; i < 5; i++) answers.push(await forwardVia(gateway.port(), url, { login: gateway.login('acme') }));
  t.true(answers.every(({ status }) => status === 200));
  t.deepEqual(
    answers.map(({ headers }) => headers['roundabout-quota']),
    [undefined, undefined, ...[2, 3, 4].map((used) => `requests/month; soft; used ${used} requests of 2 requests`)],
  );
  await until(() => gateway.output().includes('because the quota is soft'), 'told');
  t.is(gateway.output().split('because the quota is soft').length, 2);
  const connected = await connectVia(gateway.port(), `localhost:${origin.port}`, { login: gateway.login('acme') });
  t.regex(connected.head, /Roundabout-Quota: requests\/month; soft; used 5/);
  connected.socket.destroy();
});

test.serial(
  'a pool whose quota is used up is left for others, and what never left the gateway counts for nothing',
  async (t) => {
    const origin = await startOrigin();
    t.teardown(origin.close);
    const exit = await startHttpExit();
    t.teardown(exit.close);
    const gateway = await startGateway({
      config: { workers: 2, limits: { quotas: ['pool=dear money=0.03USD/day', 'pool=cheap requests=5/day'] } },
      clients: { acme: [] },
      pools: {
        dear: { tier: 'res', price: { perRequest: 0.01 }, exits: [{ url: exit.url }] },
        cheap: { tier: 'dc', exits: [{ url: exit.url }] },
        empty: { tier: 'isp', exits: [] },
      },
    });
    t.teardown(gateway.stop);
    const get = (parameters: string) =>
      forwardVia(gateway.port(), `http://localhost:${origin.port}/bytes/10`, {
        login: gateway.login('acme', parameters),
      });
    for (let i = 0; i < 3; i++) t.is((await get('pool-dear')).status, 200);
    t.is((await get('pool-dear')).reason, 'quota_exceeded');
    const both = await get('tier-auto');
    t.is(both.status, 200);
    // Each worker hands its lines over by itself.
    const lines = await gateway.accessLog(5);
    t.is(lines.find(({ id }) => id === both.headers['roundabout-request-id'])?.pool, 'cheap');
    for (let i = 0; i < 3; i++) t.regex((await get('pool-cheap-country-xx')).reason, /^no_exit/);
    for (let i = 0; i < 4; i++) t.is((await get('pool-cheap')).status, 200, `${i}`);
    t.is((await get('pool-cheap')).reason, 'quota_exceeded');
    t.regex((await get('tier-auto')).reason, /^no_exit/, 'the pool that is left has no exit');
    t.regex((await get('pool-empty')).reason, /^no_exit/);
  },
);

test.serial('replies of the gateway’s own host tell what is left', async (t) => {
  const { gateway } = await countingScene(t, {
    clients: {
      acme: ['--quota', 'bytes=5GB/total', '--quota', 'requests=10/week', '--quota', 'bytes=1GB/day kind=soft'],
    },
  });
  const echo = await forwardVia(gateway.port(), 'http://roundabout.internal/echo', { login: gateway.login('acme') });
  t.is(
    echo.headers['ratelimit-policy'],
    '"bytes/total";q=5000000000;qu="content-bytes", "requests/week";q=10;w=604800',
  );
  t.regex(String(echo.headers['ratelimit']), /^"bytes\/total";r=5000000000, "requests\/week";r=10;t=\d+$/);
  const shown = await gateway.command('client', 'show', 'acme');
  t.regex(shown.stdout, /left of bytes\/total\s+5\.00 GB of 5\.00 GB\n/);
  t.regex(shown.stdout, /left of bytes\/day \(soft\)\s+1\.00 GB of 1\.00 GB, until \d{4}-/);
});

test.serial('what a client is given must make sense', async (t) => {
  const { gateway } = await countingScene(t, {});
  for (const [quota, message] of [
    ['bytes=0GB/day', /a quota of nothing/],
    ['requests=5/year', /expected a period: hour, day, week, month, total/],
    ['bytes=5GB/day zone=Europe/Atlantis', /expected a time zone/],
    ['money=5EUR/day', /no pool has a price/],
    ['pool=nowhere bytes=5GB/day', /there is no pool "nowhere": pools are one/],
  ] as const) {
    const { code, stderr } = await gateway.command('client', 'set', 'acme', '--quota', quota);
    t.is(code, 2, stderr);
    t.regex(stderr, message);
    t.regex(stderr, /write a quota as bytes=SIZE\/PERIOD/);
  }
});
