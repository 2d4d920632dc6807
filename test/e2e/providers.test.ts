import { createServer, request as openRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { connectVia, forwardVia } from '../support/clients.ts';
import { startHttpExit } from '../support/exits.ts';
import { type FailingVendor, startFailingVendor, type VendorMode } from '../support/failing-vendor.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { openTunnelsLate } from '../support/http-exits.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { keepPeers, listen } from '../support/peers.ts';
import { until } from '../support/until.ts';

// Two vendors in one pool, each a gateway that carries many sessions over one port. What one session of them does, and what the whole
// of one does.

const SLOTS = 30;

const { keep, closeAll } = keepPeers();
let origin: Origin;

test.before(async () => {
  origin = keep(await startOrigin());
});

test.after.always(closeAll);

const entry = (name: string, { port }: FailingVendor, slots: number | undefined = SLOTS) => ({
  template: `http://${name}-{session}:hidden@127.0.0.1:${port}`,
  ...(slots === undefined ? {} : { slots }),
});

async function startScene(t: ExecutionContext, { strategy = 'random' } = {}) {
  const [one, other] = [keep(await startFailingVendor()), keep(await startFailingVendor())];
  const gateway = await startGateway({
    config: {
      workers: 2,
      timeouts: { dial: '5s', attempts: '60s' },
      selection: { leastPatience: '5s' },
    },
    pools: {
      res: { strategy, exits: [entry('one', one), entry('other', other)] },
      alone: { strategy, exits: [entry('alone', one)] },
    },
  });
  t.teardown(() => gateway.stop());
  return { gateway, one, other };
}

/** One tunnel; what it came to. */
async function tunnel(gateway: Gateway, parameters = ''): Promise<string> {
  const login = gateway.login('tester', parameters);
  const { socket, status, reason } = await connectVia(gateway.port(), `localhost:${origin.port}`, { login });
  socket.destroy();
  return status === 200 ? 'ok' : reason;
}

/** Clients that come again and again until they are stopped; each outcome and how often it was. */
function crawl(gateway: Gateway, { clients = 12 } = {}) {
  const outcomes = new Map<string, number>();
  let isOver = false;
  const all = Array.from({ length: clients }, async () => {
    while (!isOver) {
      const outcome = await tunnel(gateway).catch(() => 'no answer');
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
  });
  const stop = async () => {
    isOver = true;
    await Promise.all(all);
    return Object.fromEntries(outcomes);
  };
  return { outcomes, stop };
}

interface Shown {
  readonly pool: string;
  readonly standing: string;
  readonly why: string | null;
}

async function providersOf(gateway: Gateway): Promise<readonly Shown[]> {
  return JSON.parse((await gateway.command('health', '--json')).stdout).providers;
}

const saidDown = (gateway: Gateway, pool = 'res') => new RegExp(`of pool ${pool} is down`).test(gateway.output());
const saysUp = (gateway: Gateway, pool = 'res') => new RegExp(`of pool ${pool} serves again`).test(gateway.output());

test.serial('one dead session of a vendor is left alone, and nothing else is', async (t) => {
  const { gateway, one, other } = await startScene(t);
  for (let i = 0; i < 40; i++) t.is(await tunnel(gateway), 'ok');
  const used = one.exchanges.map(({ session }) => session);
  const last = used.at(-1) ?? '';
  one.dead.add(last);
  await one.setMode('good');
  for (let i = 0; i < 120; i++) t.is(await tunnel(gateway), 'ok');
  const asked = one.exchanges.filter(({ session }) => session === last).length;
  t.true(asked <= 12, `${asked} of 120 went to the dead session first`);
  t.true(one.exchanges.length + other.exchanges.length > 120);
  t.true(new Set(one.exchanges.map(({ session }) => session)).size > 1, 'others of the vendor go on');
  t.deepEqual(await providersOf(gateway), []);
  t.notRegex(gateway.output(), /is down/);
});

test.serial('an origin that speaks like a vendor takes none down', async (t) => {
  const words: readonly [number, Record<string, string>][] = [
    [407, { 'Proxy-Authenticate': 'Basic realm="vendor"' }],
    [403, { 'X-Squid-Error': 'ERR_CACHE_ACCESS_DENIED 0' }],
    [502, { 'Proxy-Status': 'vendor; error=proxy_internal_error' }],
  ];
  let answer = words[0]!;
  const hostile = keep(await listen(createServer((_, response) => response.writeHead(...answer).end())));
  const vendor = keep(await startHttpExit());
  const template = `http://one-{session}:hidden@127.0.0.1:${vendor.port}`;
  const gateway = await startGateway({
    config: { workers: 1 },
    pools: { res: { probe: { budget: 0 }, exits: [{ template, slots: SLOTS }] } },
  });
  t.teardown(() => gateway.stop());
  const ask = async (port: number) =>
    (await forwardVia(gateway.port(), `http://127.0.0.1:${port}/`, { login: gateway.login() })).status;
  for (answer of words) for (let i = 0; i < 4; i++) t.is(await ask(hostile.port), 502);
  t.is(await ask(origin.port), 200);
  t.deepEqual(await providersOf(gateway), []);
  const [stats] = JSON.parse((await gateway.command('pool', 'stats', 'res', '--json')).stdout);
  t.is(stats.byStatus.ok, SLOTS, 'nor is any exit of it charged');
});

test.serial('a site that fails one vendor and serves another takes none down that serves other sites', async (t) => {
  const closed = keep(await startOrigin());
  const picky = createServer();
  picky.on('connect', (request, socket: Socket) => {
    socket.on('error', () => {});
    const [, port = ''] = (request.url ?? '').split(':');
    // What the site does to the vendor's addresses, it tells as many do.
    if (port === String(closed.port)) return void socket.end('HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n');
    const onward = connect(Number(port), '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    onward.on('error', () => socket.destroy()).pipe(socket);
    socket.pipe(onward);
  });
  const [one, other] = [keep(await listen(picky)), keep(await startFailingVendor())];
  const gateway = await startGateway({
    config: { workers: 1 },
    pools: {
      res: {
        strategy: 'random',
        probe: { budget: 0 },
        exits: [one, other].map(({ port }, index) => ({
          template: `http://v${index}-{session}:hidden@127.0.0.1:${port}`,
          slots: SLOTS,
        })),
      },
    },
  });
  t.teardown(() => gateway.stop());
  const visit = async (authority: string) => {
    const { socket, reason } = await connectVia(gateway.port(), authority, { login: gateway.login() });
    socket.destroy();
    return reason;
  };
  const reasons = new Set<string>();
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 6; j++) reasons.add(await visit(`localhost:${origin.port}`));
    // The site has nearly all of the traffic.
    const each = async () => {
      for (let j = 0; j < 10; j++) reasons.add(await visit(`127.0.0.1:${closed.port}`));
    };
    await Promise.all(Array.from({ length: 8 }, each));
  }
  t.deepEqual([...reasons], ['Connection established']);
  t.notRegex(gateway.output(), /is down/);
});

test.serial('a client that asks for a place that its vendor does not know takes it down for nobody', async (t) => {
  const knowing = createServer();
  let asked = 0;
  knowing.on('connect', (request, socket: Socket) => {
    asked++;
    socket.on('error', () => {});
    const [, credential = ''] = (request.headers['proxy-authorization'] ?? '').split(' ');
    if (!Buffer.from(credential, 'base64').toString().includes('-cc-us-')) {
      socket.end('HTTP/1.1 407 Auth failed (wrong country)\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    const [host, port] = (request.url ?? '').split(':');
    const onward = connect(Number(port), host, () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    onward.on('error', () => socket.destroy()).pipe(socket);
    socket.pipe(onward);
  });
  const vendor = keep(await listen(knowing));
  const template = `http://one[-cc-{country}]-s-{session}:hidden@127.0.0.1:${vendor.port}`;
  const gateway = await startGateway({
    config: { workers: 1 },
    pools: { res: { probe: { budget: 0 }, exits: [{ template }] } },
  });
  t.teardown(() => gateway.stop());
  t.is(await tunnel(gateway, 'country-us'), 'ok');
  for (let i = 0; i < 6; i++) t.is(await tunnel(gateway, 'country-uk-retry-5'), 'exit_auth_failed');
  t.is(asked, 1 + 6 * 2, 'twice, and no more');
  const login = gateway.login('tester', 'country-uk');
  const refused = await connectVia(gateway.port(), `localhost:${origin.port}`, { login });
  refused.socket.destroy();
  t.regex(refused.head, /Proxy-Status: .*asked for country-uk, it may not know that/i, 'it is told what may be wrong');
  t.is(await tunnel(gateway, 'country-us'), 'ok');
  t.deepEqual(await providersOf(gateway), []);
  // What refuses whoever asks for nothing refuses everybody.
  for (let i = 0; i < 3; i++) await tunnel(gateway);
  t.is((await providersOf(gateway))[0]?.why, 'exit_auth_failed');
});

test.serial('a client in a hurry takes no vendor down', async (t) => {
  // As residential ones are: what it is asked for takes longer than that client waits.
  const slow = createServer((request, response) => {
    const onward = openRequest(request.url ?? '', (answer) => answer.pipe(response));
    onward.on('error', () => response.destroy()).end();
  });
  const vendor = keep(await listen(openTunnelsLate(slow, 700)));
  const template = `http://one-{session}:hidden@127.0.0.1:${vendor.port}`;
  const gateway = await startGateway({
    config: { workers: 1, selection: { leastPatience: '2s' } },
    pools: {
      res: { probe: { budget: 0 }, exits: [{ template, slots: SLOTS }] },
      other: { exits: [{ direct: true }] },
    },
  });
  t.teardown(() => gateway.stop());
  const hasty = 'pool-res-timeout-1s-retry-5';
  const page = `http://localhost:${origin.port}/slow-head?ms=1500`;
  const get = async (parameters: string) =>
    (await forwardVia(gateway.port(), page, { login: gateway.login('tester', parameters) })).status;
  for (let i = 0; i < 3; i++) {
    // Others reach the same origin meanwhile, by other ways.
    const tries = Array.from({ length: 8 }, () => Promise.all([tunnel(gateway, hasty), get(hasty)]));
    t.is(await tunnel(gateway, 'pool-other'), 'ok');
    t.is(await get('pool-other'), 200);
    for (const [outcome, status] of await Promise.all(tries)) t.deepEqual([outcome === 'ok', status], [false, 504]);
    t.is(await tunnel(gateway, 'pool-other'), 'ok');
  }
  t.deepEqual(await providersOf(gateway), []);
  t.is(await tunnel(gateway, 'pool-res'), 'ok');
  t.is(await get('pool-res'), 200);
  const [stats] = JSON.parse((await gateway.command('pool', 'stats', 'res', '--json')).stdout);
  t.is(stats.byStatus.ok, SLOTS, 'nor is any exit of it charged');
});

const modes: readonly VendorMode[] = ['closed', 'status502', 'status407', 'silent'];
const kinds: Readonly<Partial<Record<VendorMode, readonly string[]>>> = {
  // What is under way when it closes is reset.
  closed: ['exit_refused', 'exit_failed'],
  status502: ['exit_rejected'],
  status407: ['exit_auth_failed'],
  silent: ['exit_timeout'],
};

for (const mode of modes)
  test.serial(`${mode}: a vendor's outage moves its traffic, and it comes back step by step`, async (t) => {
    const { gateway, one } = await startScene(t);
    const crawling = crawl(gateway);
    await until(() => one.exchanges.length > 50, 'both serve');
    await one.setMode(mode);
    const begun = performance.now();
    await until(() => saidDown(gateway), 'it is down');
    t.log(`moved after ${Math.round(performance.now() - begun)} ms`);
    const [shown] = (await providersOf(gateway)).filter(({ pool }) => pool === 'res');
    t.true(kinds[mode]?.includes(shown?.why ?? ''), `${shown?.why}`);
    const lines = (await gateway.command('pool', 'show', 'res')).stdout;
    t.regex(lines, /provider .*http:\/\/127\.0\.0\.1:\d+ \(account \w+, 30 exits\): (down|recovering)/);
    t.notRegex(lines + gateway.output(), /hidden/);
    if (mode !== 'closed') {
      await pause(300);
      const before = one.exchanges.length;
      const [steps] = [gateway.output().match(/answers again/g)?.length ?? 0];
      await pause(500);
      const relapses = (gateway.output().match(/answers again/g)?.length ?? 0) - steps;
      t.true(one.exchanges.length - before <= 8 * (1 + relapses), 'nothing goes there while it is down');
    }
    await one.setMode('good');
    await until(() => saysUp(gateway), 'it serves again');
    const ramp = one.exchanges.filter(({ answered }) => answered < 127);
    t.true(ramp.length >= 127);
    for (const { atOnce, answered } of ramp) {
      const most = 2 ** Math.floor(Math.log2(answered + 1));
      if (atOnce > most) t.fail(`${atOnce} at once when ${answered} had been answered`);
    }
    const outcomes = await crawling.stop();
    t.deepEqual(Object.keys(outcomes), ['ok'], JSON.stringify(outcomes));
  });

test.serial(
  'a pool whose only vendor is down says so at once; strict sessions are told how, others move',
  async (t) => {
    const { gateway, one } = await startScene(t);
    const crawling = crawl(gateway);
    // Sessions of the vendor that will fail: of the pool that has no other.
    t.is(await tunnel(gateway, 'pool-alone-session-s-strict-1'), 'ok');
    t.is(await tunnel(gateway, 'pool-alone-session-m'), 'ok');
    await one.setMode('closed');
    const outcomes = new Set<string>();
    await until(async () => {
      outcomes.add(await tunnel(gateway, 'pool-alone'));
      return saidDown(gateway, 'alone');
    }, 'the lone vendor is down');
    const begun = performance.now();
    const login = gateway.login('tester', 'pool-alone');
    const { socket, status, reason, head } = await connectVia(gateway.port(), `localhost:${origin.port}`, { login });
    socket.destroy();
    t.log(`answered after ${Math.round(performance.now() - begun)} ms`);
    t.deepEqual([status, reason], [503, 'no_exit']);
    t.regex(head, /\r\nRetry-After: 2\r\n/i);
    t.is(await tunnel(gateway, 'pool-alone-session-m'), 'no_exit');
    t.is(await tunnel(gateway, 'pool-alone-session-s-strict-1'), 'session_lost');
    const shown = JSON.parse((await gateway.command('pool', 'show', 'alone', '--json')).stdout);
    const [stats] = JSON.parse((await gateway.command('pool', 'stats', 'alone', '--json')).stdout);
    t.deepEqual([shown.usable, stats.usable], [0, 0], 'all commands say so');
    await one.setMode('good');
    await until(async () => (await tunnel(gateway, 'pool-alone-session-s-strict-1')) === 'ok', 'it lets in again');
    t.deepEqual(Object.keys(await crawling.stop()), ['ok']);
  },
);
