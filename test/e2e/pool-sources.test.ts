import { chmod, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import type { PoolView } from '../../src/admin/pool-view.ts';
import type { PoolReload } from '../../src/admin/reload-command.ts';
import { askGateway } from '../../src/cli/control-client.ts';
import { connectVia, forwardVia } from '../support/clients.ts';
import { type Exit, startHttpExit } from '../support/exits.ts';
import { parseExposition, totalOf } from '../support/exposition.ts';
import { type Gateway, type GatewayOptions, startGateway } from '../support/gateway.ts';
import { type ListServer, startListServer, tagged } from '../support/list-server.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { until } from '../support/until.ts';

let origin: Origin;
let exit: Exit;

test.before(async () => {
  origin = await startOrigin();
  exit = await startHttpExit();
});

test.after.always(() => Promise.all([exit, origin].map((peer) => peer.close())));

/** What is asked of the running gateway. */
async function ask<Result>(gateway: Gateway, command: string, args: object = {}): Promise<Result> {
  const reply = await askGateway(join(gateway.folder, 'data', 'roundabout.sock'), { command, args }, 60_000);
  if (reply?.ok !== true) throw new Error(JSON.stringify(reply));
  return reply.result as Result;
}

const show = (gateway: Gateway, name = 'p') => ask<PoolView>(gateway, 'pool.show', { name });
const reload = (gateway: Gateway, ...pools: string[]) =>
  ask<PoolReload>(gateway, 'pool.reload', pools.length === 0 ? {} : { pools });

async function vendor(t: ExecutionContext, answer: ListServer['answer']): Promise<ListServer> {
  const server = await startListServer(answer);
  t.teardown(() => server.close());
  return server;
}

async function gatewayOf(t: ExecutionContext, exits: readonly object[], more: Partial<GatewayOptions> = {}) {
  const gateway = await startGateway({ pools: { p: { exits } }, ...more });
  t.teardown(() => gateway.stop());
  return gateway;
}

/** So many addresses that nobody listens at. */
const addresses = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => `127.0.0.9:${10_000 + from + i}\n`).join('');

test.serial('a list on this machine is read again when it has changed and rests', async (t) => {
  const gateway = await gatewayOf(t, [{ list: 'list.txt' }], { files: { 'list.txt': addresses(4) } });
  const list = join(gateway.folder, 'list.txt');
  const exits = async () => (await show(gateway)).exits;
  // Put in its place whole, as one should.
  await writeFile(`${list}.new`, addresses(6));
  await rename(`${list}.new`, list);
  await until(async () => (await exits()) === 6);
  // Emptied, and then written.
  await writeFile(list, '');
  await until(() => gateway.output().includes('list.txt is empty'));
  t.is(await exits(), 6);
  await writeFile(list, addresses(7));
  await until(async () => (await exits()) === 7);
  // Faulty, and gone.
  await writeFile(list, `${addresses(8)}this is no exit: hunter2\n`);
  await until(() => /pool p keeps its 7 exits:\n.*list\.txt:9:1 /.test(gateway.output()));
  t.notRegex(gateway.output(), /hunter2/);
  await rm(list);
  await until(() => /exits\[0\]\.list list\.txt cannot be read \(ENOENT\)/.test(gateway.output()));
  t.is(await exits(), 7);
  await writeFile(list, `127.0.0.1:${exit.port}\n`);
  await until(async () => (await exits()) === 1);
  const answer = await forwardVia(gateway.port(), `${origin.url}/bytes/3`, { login: gateway.login() });
  t.is(answer.status, 200);
});

test.serial('a list by URL is fetched, asked for by its tag, and kept over whatever its server says', async (t) => {
  const server = await vendor(t, tagged(addresses(10), '"one"'));
  const url = `${server.url.replace('//', '//me:s3cret@')}/token-in-path?key=hidden`;
  const gateway = await gatewayOf(t, [{ list: url, refresh: '24h', timeout: '5s', headers: { 'X-Key': 'also' } }]);
  await until(async () => (await show(gateway)).exits === 10);
  const [first] = server.requests;
  t.is(first?.headers.authorization, `Basic ${Buffer.from('me:s3cret').toString('base64')}`);
  t.is(first?.headers['x-key'], 'also');
  t.is(first?.url, '/token-in-path?key=hidden');

  // Nothing new costs nothing.
  await reload(gateway);
  t.is(server.requests.at(-1)?.headers['if-none-match'], '"one"');
  t.is((await show(gateway)).sources?.[0]?.failure, null);

  const cases: readonly [answer: ListServer['answer'], said: RegExp][] = [
    [(_, response) => response.writeHead(500).end('oops'), /it answered 500/],
    [(_, response) => response.writeHead(429, { 'Retry-After': '3600' }).end(), /it answered 429/],
    ['<html><body>Your account is suspended</body></html>', /it names no exits/],
    ['', /it names no exits/],
    [addresses(3), /it names 3 exits where it named 10/],
    [
      (_, response) =>
        response.writeHead(200, { 'Content-Length': 5000 }).write('127.0.0.1:1\n', () => response.destroy()),
      /it could not be had/,
    ],
    [() => {}, /it took too long/],
    [(_, response) => response.writeHead(302, { Location: 'ftp://127.0.0.1/x' }).end(), /it redirects to nowhere/],
    // Neither a neighbour of ours nor the metadata of a cloud.
    [
      (_, response) => response.writeHead(302, { Location: `http://localhost:${new URL(server.url).port}/` }).end(),
      /it redirects to an address that is closed/,
    ],
    [
      (_, response) => response.writeHead(302, { Location: 'http://169.254.169.254/latest' }).end(),
      /it redirects to an address that is closed/,
    ],
    [
      (request, response) => response.writeHead(302, { Location: `${request.url}a` }).end(),
      /redirects more than 5 times/,
    ],
    [(_, response) => response.writeHead(304).end(), /^$/],
  ];
  for (const [answer, said] of cases) {
    server.answer = answer;
    const changed = await reload(gateway);
    t.is(changed.pools[0]?.exits, 10);
    const [source] = (await show(gateway)).sources ?? [];
    t.regex(source?.failure ?? '', said);
    t.is(source?.exits, 10);
    t.true(source !== undefined && source.ageMs !== null && source.nextMs > 0);
  }
  // What is compressed, and told by another of its paths.
  server.answer = (request, response) => {
    if (request.url !== '/moved') response.writeHead(307, { Location: '/moved' }).end();
    else response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync(addresses(12)));
  };
  const moved = await reload(gateway);
  t.like(moved.pools[0], { exits: 12, added: 2, kept: 10 });
  t.is(server.requests.at(-1)?.headers['x-key'], 'also');
  t.notRegex(gateway.output(), /s3cret|token-in-path|hidden|also/);
  const said = JSON.stringify(await show(gateway)) + (await gateway.command('pool', 'show', 'p')).stdout;
  t.notRegex(said, /s3cret|token-in-path|hidden|also/);
});

test.serial('a reload tells what could not be fetched, and fails where that is all of a pool', async (t) => {
  let status = 500;
  const server = await vendor(t, (_, response) => response.writeHead(status).end(addresses(2)));
  const gateway = await gatewayOf(t, [{ list: `${server.url}/list` }]);
  const failed = await gateway.command('pool', 'reload', 'p');
  t.is(failed.code, 1);
  t.regex(failed.stderr, /^pool p: list .*: .*500/);
  t.regex((await gateway.command('pool', 'list')).stdout, /^p +failing /m);
  status = 200;
  const had = await gateway.command('pool', 'reload', 'p', '--json');
  t.is(had.code, 0, had.stderr);
  t.like(JSON.parse(had.stdout), { pools: [{ pool: 'p', exits: 2 }], failures: [] });
  t.regex((await gateway.command('pool', 'list')).stdout, /^p +ok /m);
});

test.serial(
  'health and metrics tell of a source that fails, which degrades nothing while its copy serves',
  async (t) => {
    let status = 500;
    const server = await vendor(t, (_, response) => response.writeHead(status).end(addresses(4)));
    const gateway = await gatewayOf(t, [{ list: `${server.url}/token-in-path?key=hidden`, refresh: '24h' }]);
    const metrics = async () =>
      parseExposition(await (await fetch(`http://127.0.0.1:${gateway.port('admin')}/metrics`)).text());
    const labels = { pool: 'p', source: `list ${server.url}/…` };
    await until(async () => (await show(gateway)).sources?.[0]?.failure !== null);
    // Exits that the pool names are missing.
    const missing = await gateway.command('health');
    t.is(missing.code, 0);
    t.regex(missing.stdout, /^status +degraded$/m);
    t.regex(missing.stderr, /pool p: list http:\S+ fails since \S+: it answered 500; there is no copy of it yet/);
    t.false((await metrics()).has('roundabout_source_last_success_time_seconds'));

    status = 200;
    await reload(gateway);
    const well = await gateway.command('health');
    t.regex(well.stdout, /^status +ok$/m);
    t.notRegex(well.stdout, /^sources /m);
    t.is(well.stderr, '');
    t.is(totalOf(await metrics(), 'roundabout_source_up', labels), 1);
    const hadAt = totalOf(await metrics(), 'roundabout_source_last_success_time_seconds', labels);
    t.true(Math.abs(hadAt - Date.now() / 1e3) < 60);

    status = 429;
    const before = Date.now();
    await reload(gateway);
    const failing = await gateway.command('health');
    t.regex(failing.stdout, /^status +ok$/m);
    t.regex(failing.stdout, /^sources +1 of 1 failing$/m);
    t.regex(
      failing.stderr,
      /^pool p: list \S+ fails since \S+Z: it answered 429; its copy of .* ago \(4 exits\) serves$/m,
    );
    t.notRegex(failing.stderr, /token-in-path|hidden/);
    const { sources } = JSON.parse((await gateway.command('health', '--json')).stdout);
    t.like(sources[0], { pool: 'p', exits: 4, failure: 'it answered 429' });
    t.true(Date.parse(sources[0].failingSince) >= before);
    const page = await metrics();
    t.is(totalOf(page, 'roundabout_source_up', labels), 0);
    t.true(totalOf(page, 'roundabout_source_failures_total', labels) >= 2);
    t.is(totalOf(page, 'roundabout_source_last_success_time_seconds', labels), hadAt);
    t.is((await fetch(`http://127.0.0.1:${gateway.port('admin')}/readyz`)).status, 200);
  },
);

test.serial('a reload that waited for its source goes by what pool files say then, not before', async (t) => {
  const held: ServerResponse[] = [];
  const server = await vendor(t, addresses(10));
  const gateway = await gatewayOf(t, [{ list: server.url, refresh: '24h', timeout: '30s' }]);
  await until(async () => (await show(gateway)).exits === 10);
  server.answer = (_, response) => held.push(response);
  const waiting = reload(gateway);
  await until(() => held.length > 0);
  const newer = {
    pool: 'p',
    tier: 'dc',
    exits: [{ list: server.url, refresh: '24h', timeout: '30s' }, { url: exit.url }],
  };
  await writeFile(join(gateway.folder, 'pools', 'p.yaml'), JSON.stringify(newer));
  gateway.signal('SIGHUP');
  await until(async () => (await show(gateway)).exits === 11);
  for (const response of held) response.end(addresses(10));
  const [pool] = (await waiting).pools;
  t.like(pool, { exits: 11, kept: 11, removed: 0 });
});

test.serial('fields and credentials stay with whom they are for', async (t) => {
  const other = await vendor(t, addresses(2));
  const server = await vendor(t, (_, response) => response.writeHead(302, { Location: `${other.url}/list` }).end());
  const url = `${server.url.replace('//', '//me:s3cret@')}/`;
  const gateway = await gatewayOf(t, [{ list: url, headers: { 'X-Key': 'k' } }]);
  await until(async () => (await show(gateway)).exits === 2);
  t.is(other.requests[0]?.headers['x-key'], undefined);
  t.is(other.requests[0]?.headers.authorization, undefined);
});

test.serial('a start without network works with the copy of before, and says how old it is', async (t) => {
  const server = await vendor(t, addresses(5));
  const gateway = await startGateway({ pools: { p: { exits: [{ list: `${server.url}/a`, refresh: '10s' }] } } });
  await until(async () => (await show(gateway)).exits === 5);
  await server.close();
  await gateway.kill({ keepFolder: true });
  const folder = join(gateway.folder, 'data', 'sources');
  const names = await readdir(folder);
  for (const name of names) t.is((await stat(join(folder, name))).mode & 0o777, 0o600);
  const facts = join(folder, names.find((name) => name.endsWith('.json'))!);
  const known = JSON.parse(await readFile(facts, 'utf8'));
  await writeFile(facts, JSON.stringify({ ...known, confirmedAt: known.confirmedAt - 3 * 3_600_000 }));
  // A fetch that was cut by the kill.
  await writeFile(join(folder, `${names[0]?.split('.')[0]}.1.new`), 'half');
  const again = await gateway.startAgain();
  t.teardown(() => again.stop());
  t.is((await show(again)).exits, 5);
  await until(async () => (await show(again)).sources?.[0]?.failure !== null);
  await until(() => again.output().includes('begins with its copy of 3.0 h ago'), 'told at the start');
  await until(() => again.output().includes('its copy of 3.0 h ago stays'), 'told of the failure');
  t.is((await show(again)).exits, 5);
  t.false((await readdir(folder)).some((name) => name.endsWith('.new')));
  const list = await again.command('pool', 'list');
  t.regex(list.stdout, /3\.0 h ago, failing/);
});

test.serial('a kill while a list comes leaves the copy of before, and nothing else', async (t) => {
  const server = await vendor(t, addresses(5));
  const gateway = await startGateway({ pools: { p: { exits: [{ list: `${server.url}/a`, refresh: '24h' }] } } });
  await until(async () => (await show(gateway)).exits === 5);
  server.answer = (_, response) => response.write(addresses(3));
  const folder = join(gateway.folder, 'data', 'sources');
  const isDraft = (name: string) => name.endsWith('.new');
  const asked = reload(gateway).catch(() => null);
  await until(async () => (await readdir(folder)).some(isDraft));
  await gateway.kill({ keepFolder: true });
  await asked;
  server.answer = addresses(7);
  const again = await gateway.startAgain();
  t.teardown(() => again.stop());
  t.like(await show(again), { exits: 5 });
  t.false((await readdir(folder)).some(isDraft));
  await reload(again);
  t.like(await show(again), { exits: 7 });
});

test.serial('an API is read page by page, and its items are mapped to exits', async (t) => {
  const item = (i: number) => ({
    proxy_address: '127.0.0.9',
    port: 20_000 + i,
    login: { user: `u${i}`, pass: `p:|#@ä${i}` },
    country_code: i % 2 === 0 ? 'DE' : 'United States',
    city_name: 'São | Paulo #1',
  });
  const server = await vendor(t, (request, response) => {
    const page = Number(new URL(request.url ?? '', 'http://a').searchParams.get('page') ?? 1);
    const results = [item(page * 2), item(page * 2 + 1), ...(page === 1 ? [{ port: 1 }] : [])];
    const next = page < 4 ? `/list?page=${page + 1}` : null;
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ results, next }));
  });
  const api = {
    url: `${server.url}/list?token=hidden`,
    headers: { Authorization: 'Token hidden' },
    items: '$.results[*]',
    exit: {
      host: '$.proxy_address',
      port: '$.port',
      username: '$.login.user',
      password: "$['login']['pass']",
      country: '$.country_code',
      city: '$.city_name',
    },
    next: '$.next',
    pace: { perSecond: 100 },
    scheme: 'socks5',
  };
  const gateway = await gatewayOf(t, [{ api }]);
  await until(async () => (await show(gateway)).exits === 8);
  t.is(server.requests.length, 4);
  t.true(server.requests.every(({ headers }) => headers.authorization === 'Token hidden'));
  const { exits } = await ask<{ exits: { endpoint: string; country: string; city: string }[] }>(gateway, 'exit.list');
  t.deepEqual(
    exits.map(({ endpoint }) => endpoint).toSorted(),
    Array.from({ length: 8 }, (_, i) => `socks5://127.0.0.9:${20_002 + i}`),
  );
  t.deepEqual(new Set(exits.map(({ country }) => country)), new Set(['de', 'us']));
  t.is(exits[0]?.city, 'São | Paulo #1');
  await until(() => gateway.output().includes('8 exits, and 1 entries that are none'), 'told');
  t.notRegex(gateway.output(), /hidden/);

  for (const [answer, said] of [
    ['<html>', /something else than JSON/],
    [JSON.stringify({ results: [item(1)], next: 'http://127.0.0.1:1/steal' }), /somebody else for the next page/],
    [JSON.stringify({ results: [item(1)], next: '/list?token=hidden' }), /one before as the next/],
    [JSON.stringify({ detail: 'no such thing' }), /it names no exits/],
  ] as const) {
    server.answer = answer;
    await reload(gateway);
    const view = await show(gateway);
    t.is(view.exits, 8);
    t.regex(view.sources?.[0]?.failure ?? '', said);
  }
});

test.serial('the output of a program is a list', async (t) => {
  const gateway = await gatewayOf(t, [{ command: ['./list.sh', '3 $(id)'], timeout: '5s' }], {
    files: {
      'list.sh':
        '#!/bin/sh\n[ "$1" = \'3 $(id)\' ] && echo "127.0.0.9:1" && env | grep -c SECRET_OF_OURS\nsleep 0.1\n[ -e slow ] && sleep 100\n[ ! -e broken ]\n',
    },
    env: { SECRET_OF_OURS: 'x' },
  });
  const program = join(gateway.folder, 'list.sh');
  await until(() => /cannot be run \(EACCES\)/.test(gateway.output()));
  await chmod(program, 0o700);
  await reload(gateway);
  t.is((await show(gateway)).exits, 1);
  await until(() => gateway.output().includes('could be had again'), 'told');
  t.regex(await copyOf(gateway), /^127\.0\.0\.9:1\n0\n$/);
  await writeFile(join(gateway.folder, 'broken'), '');
  await reload(gateway);
  t.regex((await show(gateway)).sources?.[0]?.failure ?? '', /ended with code 1/);
  await writeFile(join(gateway.folder, 'slow'), '');
  await reload(gateway);
  t.regex((await show(gateway)).sources?.[0]?.failure ?? '', /took too long/);
  t.is((await show(gateway)).exits, 1);
});

test.serial('a program gets the variables that it is given, and goes with a gateway that drains', async (t) => {
  const program = '#!/bin/sh\n[ "$KEY" = "$1-hidden" ] && echo $$ > pid.new && mv pid.new pid && sleep 300\n';
  const gateway = await startGateway({
    pools: {
      p: {
        exits: [
          { url: exit.url },
          { command: ['/bin/sh', './hang.sh', 'arg'], env: { KEY: ['$', '{HANG_KEY}'].join('') } },
        ],
      },
    },
    files: { 'hang.sh': program },
    env: { HANG_KEY: 'arg-hidden' },
  });
  t.teardown(() => gateway.stop());
  const pidFile = join(gateway.folder, 'pid');
  await until(() =>
    stat(pidFile).then(
      () => true,
      () => false,
    ),
  );
  const pid = Number(await readFile(pidFile, 'utf8'));
  t.notRegex(await readFile(`/proc/${pid}/cmdline`, 'utf8'), /hidden/);
  const { socket } = await connectVia(gateway.port(), `127.0.0.1:${origin.port}`, { login: gateway.login() });
  gateway.signal('SIGTERM');
  await until(() => !isAlive(pid));
  t.notRegex(gateway.output(), /called off|hidden/);
  socket.destroy();
});

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

async function copyOf(gateway: Gateway): Promise<string> {
  const folder = join(gateway.folder, 'data', 'sources');
  const name = (await readdir(folder)).find((one) => one.endsWith('.list'))!;
  return readFile(join(folder, name), 'utf8');
}

test.serial('a reload with another data folder keeps what was fetched to the one that holds', async (t) => {
  const server = await vendor(t, tagged(addresses(10), '"one"'));
  const gateway = await gatewayOf(t, [{ list: server.url, refresh: '24h', timeout: '5s' }]);
  await until(async () => (await show(gateway)).exits === 10);
  const file = join(gateway.folder, 'roundabout.yaml');
  const text = await readFile(file, 'utf8');
  t.true(text.includes('"./data"'));
  await writeFile(file, text.replace('"./data"', '"./elsewhere"'));
  gateway.signal('SIGHUP');
  await until(() => gateway.output().includes('config, pools and certificates are read again'));
  t.true(gateway.output().includes('data: the change takes effect at the next start'));
  t.is((await show(gateway)).exits, 10);
  await reload(gateway);
  t.is((await show(gateway)).exits, 10);
});
