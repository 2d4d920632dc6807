import { connect, createServer, type Socket } from 'node:net';
import test from 'ava';
import { type Answer, forwardVia, open } from '../support/clients.ts';
import { startHttpExit, startSocks5Exit } from '../support/exits.ts';
import { startFaultExit } from '../support/fault-exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { listen } from '../support/peers.ts';
import { until } from '../support/until.ts';
import { type CountingOrigin, openToBoth, startCountingOrigin, unhurried } from './limit-scene.ts';

// All clients together go to a site no faster than its rule says, over two threads, counted at the origin.

const CONNECTIONS = 200;

interface Scene {
  readonly gateway: Gateway;
  readonly origin: CountingOrigin;
  get(options?: { client?: string; parameters?: string; host?: string }): Promise<Answer>;
  /** One request on each of 200 connections, all at once, for `/0`, `/1` …: those given, or new ones. */
  flood(sockets?: readonly Socket[], parameters?: string): Promise<readonly Answer[]>;
  /** How many of them have been answered. */
  answered(): number;
}

async function scene(
  t: { teardown(end: () => unknown): void },
  limits: Readonly<Record<string, unknown>>,
  { exits = 1, urls = [], strategy = 'learned' }: { exits?: number; urls?: readonly string[]; strategy?: string } = {},
): Promise<Scene> {
  const origin = await startCountingOrigin();
  t.teardown(origin.close);
  const running = await Promise.all(Array.from({ length: exits }, () => startHttpExit()));
  t.teardown(() => Promise.all(running.map((exit) => exit.close())));
  const gateway = await startGateway({
    config: { workers: 2, limits, timeouts: unhurried },
    clients: { acme: [], other: [] },
    pools: {
      one: { strategy, exits: (urls.length > 0 ? urls : running.map(({ url }) => url)).map((url) => ({ url })) },
    },
  });
  t.teardown(gateway.stop);
  let answered = 0;
  const url = (host: string, path: number | string = '') => `http://${host}:${origin.port}/${path}`;
  return {
    gateway,
    origin,
    get: ({ client = 'acme', parameters = '', host = 'localhost' } = {}) =>
      forwardVia(gateway.port(), url(host), { login: gateway.login(client, parameters) }),
    answered: () => answered,
    flood: async (given, parameters = '') => {
      const login = gateway.login('acme', parameters);
      const sockets = given ?? (await openToBoth(gateway, CONNECTIONS));
      const send = (socket: (typeof sockets)[number], index: number) =>
        forwardVia(gateway.port(), url('localhost', index), { login, socket }).finally(() => answered++);
      return Promise.all(sockets.map(send));
    },
  };
}

const count = (answers: readonly Answer[], reason: string) => answers.filter((one) => one.reason === reason).length;

test.serial('a site gets no more than its pace, and those that are too early wait', async (t) => {
  const { gateway, origin, flood, get } = await scene(t, { sites: ['site=localhost requests=100/s burst=5'] });
  const sockets = await openToBoth(gateway, CONNECTIONS);
  const begun = performance.now();
  const answers = await flood(sockets);
  t.is(count(answers, 'OK'), CONNECTIONS);
  t.is(origin.seen, CONNECTIONS);
  // From the beginning on: never more than the burst and what the pace had brought.
  for (const [index, at] of origin.times.entries())
    t.true(index + 1 <= 5 + (at - begun) / 10 + 1e-6, `request ${index}`);
  t.true(performance.now() - begun >= (CONNECTIONS - 5) * 10);
  t.is((await get({ host: '127.0.0.1' })).status, 200, 'another site has no pace');
});

test.serial('a site has no more exchanges under way than its rule says, and all have their turn', async (t) => {
  const { origin, flood } = await scene(t, { sites: ['exchanges=7'] });
  origin.hold(true);
  const answers = flood();
  await until(() => origin.waiting === 7, '7 are under way');
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.is(origin.seen, 7);
  origin.hold(false);
  t.is(count(await answers, 'OK'), CONNECTIONS);
  t.is(origin.most, 7);
});

test.serial('beyond its queue a site refuses at once, and whoever has waited for too long as well', async (t) => {
  const rules = ['site=localhost exchanges=1 queue=3 wait=10m', 'site=127.0.0.1 exchanges=1 wait=1s'];
  const { gateway, origin, get } = await scene(t, { sites: rules });
  origin.hold(true);
  const first = ['localhost', '127.0.0.1'].map((host) => get({ host }));
  await until(() => origin.waiting === 2, 'one is under way to each');
  const begun = performance.now();
  const late = await get({ host: '127.0.0.1' });
  t.is(late.reason, 'rate_limited');
  const lateMs = performance.now() - begun;
  t.true(lateMs >= 990 && lateMs < 10 * 1_000, `${lateMs} ms`);
  const login = gateway.login('acme');
  const sockets = await openToBoth(gateway, 40);
  const url = `http://localhost:${origin.port}/`;
  const refused: Answer[] = [];
  const all = sockets.map(async (socket) => {
    const answer = await forwardVia(gateway.port(), url, { login, socket });
    if (answer.status !== 200) refused.push(answer);
    return answer;
  });
  await until(
    () => refused.length >= 40 - 2 * 3,
    'those beyond the queues of two threads are refused, and wait for nothing',
  );
  t.is(origin.seen, 2);
  origin.hold(false);
  const served = count(await Promise.all(all), 'OK');
  t.true(served >= 3 && served <= 6, `${served} had waited: three of each thread`);
  t.is(count(refused, 'rate_limited'), 40 - served);
  t.true(refused.every(({ headers }) => Number(headers['retry-after']) >= 1));
  for (const answer of first) t.is((await answer).status, 200);
  t.is((await get()).status, 200);
});

test.serial('who leaves the queue gives its turn to others, and clients take turns', async (t) => {
  const { gateway, origin, get } = await scene(t, { sites: ['exchanges=1'] });
  origin.hold(true);
  const first = get();
  await until(() => origin.waiting === 1, 'one is under way');
  const request = (client: string) => {
    const { username, password } = gateway.login(client);
    const credential = Buffer.from(`${username}:${password}`).toString('base64');
    return `GET http://localhost:${origin.port}/ HTTP/1.1\r\nHost: localhost\r\nProxy-Authorization: Basic ${credential}\r\n\r\n`;
  };
  const underWay = async (count: number) => {
    await until(async () => (await gateway.health()).exchanges.open === count, `${count} are under way`);
  };
  const leaving = await Promise.all(Array.from({ length: 20 }, () => open(gateway.port())));
  for (const socket of leaving) socket.write(request('acme'));
  const greedy = Array.from({ length: 60 }, () => get());
  await underWay(1 + 20 + 60);
  for (const socket of leaving) socket.destroy();
  await underWay(1 + 60);
  const order: string[] = [];
  const modest = [0, 1, 2].map(() => get({ client: 'other' }).then(() => order.push('other')));
  for (const one of greedy) void one.then(() => order.push('acme'));
  await underWay(1 + 60 + 3);
  origin.hold(false);
  await Promise.all([first, ...greedy, ...modest]);
  t.is(origin.seen, 64, 'those that left were not sent');
  // A thread that is late lets the other serve all of its own, half of them.
  t.true(order.lastIndexOf('other') <= 50, `${order}`);
});

test.serial('an exit rests from a site between two of its requests, while others wait for it', async (t) => {
  const { origin, get } = await scene(t, { sites: ['site=localhost exit-interval=400ms'] }, { exits: 2 });
  const begun = performance.now();
  const answers = await Promise.all(Array.from({ length: 6 }, () => get()));
  t.is(count(answers, 'OK'), 6);
  const byExit = Map.groupBy(answers, ({ headers }) => String(headers['roundabout-exit']));
  t.is(byExit.size, 2);
  for (const [index, at] of origin.times.entries())
    t.true(index + 1 <= 2 * (1 + (at - begun) / 400) + 1e-6, `request ${index} after ${at - begun} ms`);
  const session = await Promise.all([1, 2].map(() => get({ parameters: 'session-a' })));
  t.is(
    new Set(session.map(({ headers }) => String(headers['roundabout-exit']))).size,
    1,
    'a session waits for its exit',
  );
});

test.serial('an exit rests from when a request went over it, however long it took to connect', async (t) => {
  const [restMs, slowMs] = [4_000, 3_500];
  const exit = await startSocks5Exit();
  t.teardown(exit.close);
  let connections = 0;
  const slow = await listen(
    createServer((near) => {
      const far = connect(exit.port, '127.0.0.1').on('error', () => {});
      near.on('close', () => far.destroy());
      far.pipe(near);
      setTimeout(() => near.pipe(far), connections++ === 0 ? slowMs : 0);
    }),
  );
  t.teardown(slow.close);
  const limits = { sites: [`site=localhost exit-interval=${restMs}ms`] };
  const { origin, get } = await scene(t, limits, { urls: [`socks5://127.0.0.1:${slow.port}`] });
  const answers = await Promise.all([1, 2].map(() => get()));
  t.is(count(answers, 'OK'), 2);
  const [first = 0, second = 0] = origin.times;
  t.log(`${Math.round(second - first)} ms`);
  // The origin may have been late to see the first, but not by what connecting took.
  t.true(second - first >= restMs - slowMs / 2, `${second - first} ms`);
});

test.serial('however many come, no exit goes to a site before its rest is over', async (t) => {
  const [exits, restMs] = [4, 100];
  const limits = { sites: [`site=localhost exit-interval=${restMs}ms`] };
  const { gateway, origin, flood } = await scene(t, limits, { exits });
  const sockets = await openToBoth(gateway, CONNECTIONS);
  const begun = performance.now();
  const answers = await flood(sockets);
  t.is(count(answers, 'OK'), CONNECTIONS);
  t.is(origin.seen, CONNECTIONS);
  const ofExit = Map.groupBy(origin.times.entries(), ([index]) => {
    const answer = answers[Number(origin.paths[index]?.slice(1))];
    return String(answer?.headers['roundabout-exit']);
  });
  t.is(ofExit.size, exits);
  for (const requests of ofExit.values())
    for (const [index, [, at]] of requests.entries())
      t.true(index * restMs <= at - begun + 1, `request ${index} of an exit after ${at - begun} ms`);
});

test.serial('over two threads every exit goes to a resting site once, and no more', async (t) => {
  const { gateway, origin, flood } = await scene(t, { sites: ['site=localhost exit-interval=1h'] }, { exits: 5 });
  const answers = await flood(await openToBoth(gateway, CONNECTIONS), 'timeout-10s');
  t.is(origin.seen, 5);
  t.is(count(answers, 'OK'), 5);
  t.is(count(answers, 'rate_limited'), CONNECTIONS - 5);
  const served = answers.filter(({ status }) => status === 200).map(({ headers }) => headers['roundabout-exit']);
  t.is(new Set(served).size, 5);
});

test.serial('what has no turn in time is told so, in its own time', async (t) => {
  const { get } = await scene(t, {
    sites: ['site=localhost exit-interval=1h', 'site=127.0.0.1 requests=1/h wait=1m'],
  });
  for (const host of ['localhost', '127.0.0.1']) {
    t.is((await get({ host })).status, 200);
    const begun = performance.now();
    t.is((await get({ host, parameters: 'timeout-1s' })).reason, 'rate_limited');
    const ms = performance.now() - begun;
    t.true(ms < 10 * 1_000, `${ms} ms`);
  }
});

test.serial('an exit carries no more exchanges than its rule says', async (t) => {
  // By chance none would have as many as the others.
  const three = { exits: 3, strategy: 'random' };
  const { origin, flood, answered, get } = await scene(t, { exits: ['exchanges=9'] }, three);
  origin.hold(true);
  const answers = flood();
  await until(() => origin.waiting === 27 && answered() === CONNECTIONS - 27, '27 are under way');
  t.is((await get()).reason, 'too_many_connections');
  origin.hold(false);
  const served = (await answers).filter(({ status }) => status === 200);
  const ofExit = Map.groupBy(served, ({ headers }) => String(headers['roundabout-exit']));
  t.deepEqual(
    [...ofExit.values()].map(({ length }) => length),
    [9, 9, 9],
    'all of them were under way at once',
  );
  t.is(origin.most, 27);
  t.is((await get()).status, 200);
});

test.serial('threads take turns, and in each its clients: a crowd on both doesn’t keep a few waiting', async (t) => {
  const crowd = 2 * CONNECTIONS;
  const { gateway, origin } = await scene(t, { sites: ['exchanges=1 wait=1m'] });
  const ask = (client: string, path: string, socket?: Socket) =>
    forwardVia(gateway.port(), `http://localhost:${origin.port}/${path}`, { login: gateway.login(client), socket });
  const queued = (open: number) =>
    until(async () => (await gateway.health()).exchanges.open === open, `${open} are under way`);
  origin.hold(true);
  const all = (await openToBoth(gateway, crowd)).map((socket) => ask('acme', 'crowd', socket));
  await queued(crowd);
  all.push(...Array.from({ length: 5 }, () => ask('other', 'few')));
  await queued(crowd + 5);
  origin.hold(false);
  t.is(count(await Promise.all(all), 'OK'), crowd + 5);
  // One of four turns where all of them came to one thread. While that is late the other may serve all of its own, which is half.
  const last = origin.paths.lastIndexOf('/few');
  t.log(`the last of five: ${last}`);
  t.true(last < (crowd * 3) / 4, `${last}`);
});

test.serial('every attempt that a site may have seen has its turn there', async (t) => {
  const cutting = await Promise.all(
    Array.from({ length: 3 }, () => startFaultExit({ protocol: 'http', mode: 'cut', afterOctets: 5 })),
  );
  t.teardown(() => Promise.all(cutting.map((exit) => exit.close())));
  const urls = cutting.map(({ url }) => url);
  const { origin, get } = await scene(t, { sites: ['site=localhost requests=10/s exchanges=1 wait=1m'] }, { urls });
  const begun = performance.now();
  const answers = await Promise.all(Array.from({ length: 4 }, () => get()));
  t.is(count(answers, 'OK'), 0);
  t.true(origin.seen > 4, `${origin.seen}: some were tried again`);
  t.is(origin.most, 1);
  for (const [index, at] of origin.times.entries()) t.true(index <= (at - begun) / 100 + 1e-6, `attempt ${index}`);
});

test.serial('whose turn for another attempt doesn’t come in time is told how the last one failed', async (t) => {
  const cutting = await startFaultExit({ protocol: 'http', mode: 'cut', afterOctets: 5 });
  const refusing = await startFaultExit({ protocol: 'http', mode: 'refuse' });
  t.teardown(() => Promise.all([cutting.close(), refusing.close()]));
  const rules = { sites: ['site=localhost requests=1/h wait=1s'] };
  const { origin, get } = await scene(t, rules, { urls: [refusing.url, cutting.url, cutting.url] });
  const answer = await get();
  t.is(answer.status, 502);
  t.is(answer.headers['roundabout-error-by'] ?? 'exit', 'exit');
  t.not(answer.reason, 'rate_limited');
  t.is(origin.seen, 1, 'what never reached the site took no turn');
});
