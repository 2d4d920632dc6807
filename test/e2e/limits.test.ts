import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { type Answer, connectVia, forwardVia, socks5Via } from '../support/clients.ts';
import { startHttpExit } from '../support/exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { startRawOrigin } from '../support/raw-origin.ts';
import { until } from '../support/until.ts';
import { type CountingOrigin, openToBoth, startCountingOrigin, unhurried } from './limit-scene.ts';

// Two threads carry the traffic of 200 connections at once, and what they let in together is counted at the origin.

const CONNECTIONS = 200;

interface Asked {
  readonly client?: string;
  readonly parameters?: string;
  readonly host?: string;
}

interface Scene {
  readonly gateway: Gateway;
  readonly origin: CountingOrigin;
  get(asked?: Asked): Promise<Answer>;
  /** One request on each of 200 connections, all at once; each in turn asks for one of these. */
  flood(...asked: Asked[]): Promise<readonly Answer[]>;
  /** How many of them have been answered. */
  answered(): number;
}

type Teardown = { teardown(end: () => unknown): void };

async function scene(
  t: Teardown,
  options: { limits?: Readonly<Record<string, unknown>>; clients?: Readonly<Record<string, readonly string[]>> },
): Promise<Scene> {
  const origin = await startCountingOrigin();
  t.teardown(origin.close);
  const exit = await startHttpExit();
  t.teardown(exit.close);
  const gateway = await startGateway({
    config: { workers: 2, limits: options.limits ?? {}, timeouts: unhurried },
    clients: options.clients ?? { acme: [], other: [] },
    pools: { one: { exits: [{ url: exit.url }] }, two: { exits: [{ url: exit.url, country: 'de' }] } },
  });
  t.teardown(gateway.stop);
  let answered = 0;
  const get: Scene['get'] = ({ client = 'acme', parameters = '', host = 'localhost' } = {}) =>
    forwardVia(gateway.port(), `http://${host}:${origin.port}/`, { login: gateway.login(client, parameters) });
  const flood: Scene['flood'] = async (...asked) => {
    const sockets = await openToBoth(gateway, CONNECTIONS);
    const send = (socket: (typeof sockets)[number], index: number) => {
      const { client = 'acme', parameters = '', host = 'localhost' } = asked[index % asked.length] ?? {};
      const login = gateway.login(client, parameters);
      const url = `http://${host}:${origin.port}/`;
      return forwardVia(gateway.port(), url, { login, socket }).finally(() => answered++);
    };
    return Promise.all(sockets.map(send));
  };
  return { gateway, origin, get, flood, answered: () => answered };
}

const count = (answers: readonly Answer[], reason: string) =>
  answers.filter((answer) => answer.reason === reason).length;

test.serial('of a burst exactly as many come to the origin as the limit allows', async (t) => {
  const { origin, flood, get } = await scene(t, { limits: { clients: ['requests=1/h burst=37'] } });
  const answers = await flood();
  t.is(origin.seen, 37);
  t.is(count(answers, 'OK'), 37);
  t.is(count(answers, 'rate_limited'), CONNECTIONS - 37);
  const refused = answers.find(({ status }) => status === 429)!;
  t.is(refused.headers['ratelimit-policy'], '"requests";q=37;w=133200');
  const [, backIn] = /^"requests";r=0;t=(\d+)$/.exec(String(refused.headers['ratelimit'])) ?? [];
  t.true(Number(refused.headers['retry-after']) > 3_500);
  // They are told one after the other, with a minute at most between them on a machine that stalls.
  t.true(Math.abs(Number(backIn) - Number(refused.headers['retry-after'])) <= 60, 'as the draft asks');
  t.is((await get({ client: 'other' })).status, 200, 'another client has a limit of its own');
});

test.serial('each site has a limit of its own, and a refusal spends nothing', async (t) => {
  const limits = { clients: ['requests=1/h burst=60 site-requests=1/h site-burst=25'] };
  const { origin, flood } = await scene(t, { limits });
  t.is(count(await flood(), 'OK'), 25);
  t.is(count(await flood({ host: '127.0.0.1' }), 'OK'), 25);
  t.is(origin.seen, 50);
  const last = await flood({ host: '127.0.0.2' });
  t.is(count(last, 'OK'), 10, 'what the sites refused is left of the client’s limit');
});

test.serial('rates of a tag and of a pool are each exact beside the one that they override', async (t) => {
  const limits = {
    clients: [
      'requests=1/h burst=37',
      'tag=nightly requests=1/h burst=11',
      'pool=two requests=1/h burst=23',
      'pool=two tag=nightly requests=1/h burst=7',
    ],
  };
  const { origin, flood } = await scene(t, { limits });
  const asked = ['', 'tag-nightly', 'pool-two', 'pool-two-tag-nightly'];
  const answers = await flood(...asked.map((parameters) => ({ parameters })));
  const served = asked.map((_, which) =>
    count(
      answers.filter((_, index) => index % asked.length === which),
      'OK',
    ),
  );
  t.deepEqual(served, [37, 11, 23, 7]);
  t.is(origin.seen, 37 + 11 + 23 + 7);
  t.is(count(answers, 'rate_limited'), CONNECTIONS - origin.seen);
});

test.serial('a pool’s limits hold for who may leave by others as well, and for what leaves by it alone', async (t) => {
  const clients = {
    acme: ['--limit', 'pool=one requests=1/h burst=9', '--limit', 'pool=two requests=1/h burst=23'],
    held: ['--limit', 'exchanges=50', '--limit', 'pool=one exchanges=2', '--limit', 'pool=two exchanges=3'],
  };
  const { origin, flood, get } = await scene(t, { clients });
  // Of both pools two alone has an exit there.
  const parameters = 'tier-auto-country-de';
  const answers = await flood({ parameters });
  t.is(count(answers, 'OK'), 23);
  t.is(origin.seen, 23);
  t.is(count(answers, 'rate_limited'), CONNECTIONS - 23);
  const overOne = [];
  for (let i = 0; i < 10; i++) overOne.push(await get({ parameters: 'pool-one' }));
  t.is(count(overOne, 'OK'), 9, 'what went over two is not counted for one');
  origin.hold(true);
  const held = { client: 'held', parameters };
  const waiting = [1, 2, 3].map(() => get(held));
  await until(() => origin.waiting === 3, 'three are under way');
  t.is((await get(held)).reason, 'too_many_connections');
  const others = [1, 2].map(() => get({ client: 'held', parameters: 'pool-one' }));
  await until(() => origin.waiting === 5, 'the places of one are free');
  origin.hold(false);
  t.is(count(await Promise.all([...waiting, ...others]), 'OK'), 5);
});

test.serial('a pool’s quotas of requests are used up by what leaves by it, and by nothing else', async (t) => {
  const clients = { acme: ['--quota', 'pool=one requests=100/day', '--quota', 'pool=two requests=7/day'] };
  const { gateway, origin, flood } = await scene(t, { clients });
  const answers = await flood({ parameters: 'tier-auto-country-de' });
  t.is(count(answers, 'OK'), 7);
  t.is(origin.seen, 7);
  const { stdout } = await gateway.command('quota', 'list', '--json');
  const spent = JSON.parse(stdout).map(({ name, spent }: { name: string; spent: number }) => [name, spent]);
  t.deepEqual(spent, [
    ['requests/day pool=one', 0],
    ['requests/day pool=two', 7],
  ]);
});

test.serial('no more exchanges are under way than the limit allows, and each end makes room', async (t) => {
  const { gateway, origin, flood, answered, get } = await scene(t, { limits: { clients: ['exchanges=30'] } });
  origin.hold(true);
  const answers = flood();
  const all: Answer[] = [];
  void answers.then((ended) => all.push(...ended));
  await until(() => origin.waiting === 30 && answered() === CONNECTIONS - 30, '30 are under way');
  t.is((await get()).reason, 'too_many_connections');
  t.is(origin.seen, 30);
  origin.hold(false);
  await answers;
  t.is(count(all, 'OK'), 30);
  t.is(count(all, 'too_many_connections'), CONNECTIONS - 30);
  t.is(origin.most, 30);
  // A place is given back a moment after the answer.
  const login = gateway.login('acme');
  const echo = async () => (await forwardVia(gateway.port(), 'http://roundabout.internal/echo', { login })).content;
  await until(async () => JSON.parse(`${await echo()}`).limits.client[0].left === 30, 'every place is free');
  const next = await Promise.all(Array.from({ length: 30 }, () => get()));
  t.is(count(next, 'OK'), 30, 'every place was given back');
});

test.serial('to each site no more exchanges are under way than the limit allows', async (t) => {
  const limits = { clients: ['exchanges=190 site-exchanges=30'] };
  const { origin, flood, answered, get } = await scene(t, { limits });
  const hosts = ['localhost', '127.0.0.1'];
  origin.hold(true);
  const answers = flood(...hosts.map((host) => ({ host })));
  await until(() => origin.waiting === 60 && answered() === CONNECTIONS - 60, '30 are under way to each of two sites');
  for (const host of hosts) t.is((await get({ host })).reason, 'too_many_connections');
  const third = get({ host: '127.0.0.2' });
  await until(() => origin.waiting === 61, 'another site has places of its own');
  origin.hold(false);
  t.is((await third).status, 200);
  const all = await answers;
  for (const [which] of hosts.entries())
    t.is(
      count(
        all.filter((_, index) => index % hosts.length === which),
        'OK',
      ),
      30,
    );
  for (const host of hosts) await until(async () => (await get({ host })).status === 200, `${host} has a place again`);
});

test.serial('tunnels of every kind hold a place until they end', async (t) => {
  const { gateway, origin, get } = await scene(t, {
    limits: { clients: ['exchanges=2', 'site=127.0.0.1 exchanges=1'] },
  });
  const login = gateway.login('acme');
  const first = await connectVia(gateway.port(), `localhost:${origin.port}`, { login });
  t.is(first.status, 200);
  t.regex(first.head, /RateLimit-Policy: "exchanges";q=2;qu="concurrent-requests"\r\n/);
  t.regex(first.head, /RateLimit: "exchanges";r=1\r\n/);
  const second = await socks5Via(gateway.port(), { host: 'localhost', port: origin.port, asName: true }, { login });
  t.is(second.reply, 0);
  const third = await socks5Via(gateway.port(), { host: 'localhost', port: origin.port, asName: true }, { login });
  t.is(third.reply, 1);
  t.is((await connectVia(gateway.port(), `localhost:${origin.port}`, { login })).reason, 'too_many_connections');
  t.is((await get({ host: '127.0.0.1' })).status, 200, 'the rule of a site counts by itself');
  first.socket.destroy();
  second.socket.destroy();
  await until(async () => (await get()).status === 200, 'the places of the tunnels are free');
});

test.serial('a place that a thread keeps of a large limit, and doesn’t use, is free for others', async (t) => {
  const { gateway, origin } = await scene(t, { limits: { clients: ['exchanges=640'] } });
  const login = gateway.login('acme');
  const open = () => connectVia(gateway.port(), `localhost:${origin.port}`, { login });
  const tunnels = await Promise.all(Array.from({ length: 12 }, open));
  for (const { socket } of tunnels.slice(0, 4)) socket.destroy();
  await until(async () => {
    const { content } = await forwardVia(gateway.port(), 'http://roundabout.internal/echo', { login });
    return JSON.parse(content.toString()).limits.client[0].left === 640 - 8;
  }, 'eight are under way');
  t.true(tunnels.every(({ status }) => status === 200));
  for (const { socket } of tunnels) socket.destroy();
});

test.serial('a client’s own limits go before those of everyone, rules that are about less before others', async (t) => {
  const { gateway, origin, get } = await scene(t, {
    limits: { clients: ['requests=1/h burst=3'] },
    clients: { acme: ['--limit', 'requests=1/h burst=5', '--limit', 'tag=nightly requests=1/h burst=2'], other: [] },
  });
  const served = async (times: number, options: Parameters<typeof get>[0]) => {
    const answers = await Promise.all(Array.from({ length: times }, () => get(options)));
    return answers.filter(({ status }) => status === 200).length;
  };
  t.is(await served(9, { client: 'other' }), 3);
  t.is(await served(9, { parameters: 'tag-nightly' }), 2);
  t.is(await served(4, {}), 4);
  const login = gateway.login('acme');
  const echo = JSON.parse(
    (await forwardVia(gateway.port(), 'http://roundabout.internal/echo', { login })).content.toString(),
  );
  t.deepEqual(
    echo.limits.client.map(({ name, quota, left }: Record<string, unknown>) => [name, quota, left]),
    [
      ['requests tag=nightly', 2, 0],
      ['requests', 5, 1],
    ],
    'and none of everyone’s that own ones stand before',
  );
  const shown = await gateway.command('client', 'show', 'acme');
  t.regex(shown.stdout, /limits +requests=1\/h burst=5; tag=nightly requests=1\/h burst=2/);
  t.regex(shown.stdout, /left of requests tag=nightly +0 of 2/);
  t.regex(shown.stdout, /left of requests +1 of 5/);
  t.is((await gateway.command('client', 'set', 'acme', '--limit', 'requests=1/h burst=6')).code, 0);
  t.is(await served(9, {}), 6, 'another limit begins whole, at once');
  t.is((await gateway.command('client', 'set', 'acme', '--clear', 'limit')).code, 0);
  t.is(await served(9, {}), 3);
  t.is(origin.seen, 3 + 2 + 4 + 6 + 3);
});

test.serial('a forwarded response keeps its origin’s word on limits; one of our own has ours', async (t) => {
  const { gateway, get } = await scene(t, { limits: { clients: ['requests=10/s'] } });
  const bare = await get();
  t.is(bare.headers['ratelimit'], undefined);
  t.is(bare.headers['ratelimit-policy'], undefined);
  const said = ['RateLimit-Policy: "site";q=9;w=60', 'ratelimit:  "site";r=3;t=7', 'Retry-After: 11'];
  const origin = await startRawOrigin({
    reply: ['HTTP/1.1 200 OK', ...said, 'Content-Length: 2', '', 'ok'].join('\r\n'),
    end: 'open',
  });
  t.teardown(origin.close);
  const login = gateway.login('acme');
  const { rawHeaders } = await forwardVia(gateway.port(), `http://localhost:${origin.port}/`, { login });
  const pairs = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${rawHeaders[i + 1]}`] : []));
  t.deepEqual(
    pairs.filter((pair) => /^(ratelimit|retry-after)/i.test(pair)),
    said.map((field) => field.replace(':  ', ': ')),
  );
  const { status, reason, headers } = await get({ parameters: 'country-xx' });
  t.is(`${status} ${reason}`, '503 no_exit_for_target');
  t.is(headers['ratelimit-policy'], '"requests";q=10;w=1');
  t.regex(String(headers['ratelimit']), /^"requests";r=(\d|10);t=1$/);
  t.regex(String(headers['retry-after']), /^\d+$/);
});

test.serial('echo tells what is left at a site: to the client, of its pace, and of the session’s exit', async (t) => {
  const { gateway, origin, get } = await scene(t, {
    limits: {
      clients: ['requests=1/h burst=9', 'site=localhost requests=1/h burst=5 site-exchanges=4'],
      sites: ['site=localhost requests=1/h burst=8 exchanges=7 exit-interval=1h'],
      exits: ['exchanges=6', 'pool=two exchanges=5'],
    },
    clients: { acme: ['--pool', 'one'] },
  });
  const echo = async (query: string) => {
    const login = gateway.login('acme', 'session-a');
    const { status, content } = await forwardVia(gateway.port(), `http://roundabout.internal/echo${query}`, { login });
    return { status, ...JSON.parse(content.toString()) };
  };
  origin.hold(true);
  const running = get({ parameters: 'session-a' });
  await until(() => origin.waiting === 1, 'one is under way');
  const { limits, exit } = await echo('?site=localhost');
  const figures = (lines: Record<string, unknown>[]) => lines.map(({ name, quota, left }) => [name, quota, left]);
  t.deepEqual(figures(limits.client), [
    ['requests site=localhost', 5, 4],
    ['requests', 9, 9],
  ]);
  t.deepEqual(limits.exits, [{ exchanges: 6 }]);
  t.is(limits.site.name, 'localhost');
  t.deepEqual(figures(limits.site.client), [
    ['site-exchanges site=localhost', 4, 3],
    ['requests site=localhost', 5, 4],
  ]);
  t.like(limits.site.pace, { site: 'localhost', exitIntervalS: 3_600, queue: 1_000, waiting: 0, waitS: 30 });
  t.deepEqual(figures(limits.site.pace.limits), [
    ['paced-requests site=localhost', 8, 7],
    ['paced-exchanges site=localhost', 7, 6],
  ]);
  t.deepEqual(exit.exchanges, { quota: 6, left: 5 });
  t.true(exit.restS > 3_000 && exit.restS <= 3_600, `${exit.restS}`);
  origin.hold(false);
  t.is((await running).status, 200);
  const elsewhere = await echo('?site=shop.example');
  t.deepEqual(figures(elsewhere.limits.site.client), [['requests', 9, 9]]);
  t.is(elsewhere.limits.site.pace, null);
  const whole = await echo('');
  t.deepEqual([whole.limits.site, whole.exit.restS], [undefined, undefined]);
  t.is((await echo('?site=no%20host')).status, 400);
});

test.serial('of more limits than fit a head echo’s content tells all, and its fields as many as fit', async (t) => {
  const clients = Array.from({ length: 400 }, (_, i) => `site=shop-number-${i}.example requests=${i + 1}/s`);
  const { gateway } = await scene(t, { limits: { clients } });
  // Node's own client, which takes heads of 16 KiB.
  const echo = await forwardVia(gateway.port(), 'http://roundabout.internal/echo', { login: gateway.login('acme') });
  t.is(echo.status, 200);
  t.is(JSON.parse(echo.content.toString()).limits.client.length, 400);
  const [policies, rests] = ['ratelimit-policy', 'ratelimit'].map((name) => String(echo.headers[name]).split(', '));
  t.true(policies!.length > 20);
  t.is(policies!.length, rests!.length);
});

test.serial('a limit that makes no sense is refused with its place', async (t) => {
  const { gateway } = await scene(t, {});
  for (const [limit, told] of [
    ['requests=0/s', /requests: expected at least 1/],
    ['requests=10/0s', /the window is at least 1ms/],
    ['requests=10/s burst=0', /burst: expected a whole number from 1/],
    ['burst=5', /there is no requests=/],
    ['exchanges=-1', /exchanges: expected a whole number/],
    ['pool=one', /nothing is limited/],
    ['pool=three requests=1/s', /there is no pool "three": pools are one, two/],
    ['speed=3', /a part is none of/],
    ['requests=1/s requests=2/s', /stands twice/],
  ] as const) {
    const { code, stderr } = await gateway.command('client', 'set', 'acme', '--limit', limit);
    t.not(code, 0, limit);
    t.regex(stderr, told);
    t.regex(stderr, /--limit/);
  }
});

test.serial('a limit of a pool that is gone is told, and what was stored for a client holds nobody up', async (t) => {
  const { gateway, get } = await scene(t, {
    limits: { clients: ['pool=two requests=1/h burst=7'] },
    clients: { acme: ['--limit', 'pool=two requests=1/h burst=5'] },
  });
  await rm(join(gateway.folder, 'pools', 'two.yaml'));
  t.is((await gateway.command('pool', 'reload')).code, 0);
  t.regex(gateway.output(), /limits\.clients\[0\] there is no pool "two": pools are one/);
  t.is((await get()).status, 200);
  const checked = await gateway.command('check-config');
  t.not(checked.code, 0);
  t.regex(checked.stdout + checked.stderr, /limits\.clients\[0\] there is no pool "two": pools are one/);
  const file = join(gateway.folder, 'roundabout.yaml');
  await writeFile(file, (await readFile(file, 'utf8')).replace('pool=two requests', 'requests'));
  gateway.signal('SIGHUP');
  await until(() => gateway.output().includes('are read again'), 'reloaded');
  t.is((await get()).status, 200);
});
