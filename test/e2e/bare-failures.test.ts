import { createServer, type OutgoingHttpHeaders, request as openRequest } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { basic, forwardVia } from '../support/clients.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { listen } from '../support/peers.ts';

// Exits that answer forwarded requests by a 502 or 504 of their own, and name no cause, or by 407: an origin answers like that as well, and
// with the fields of any proxy.

/** Pages that tell of a failure as exits do. */
const named: Readonly<Record<string, readonly [status: number, fields: OutgoingHttpHeaders]>> = {
  '/named-field': [404, { 'X-Error-Description': 'no such product' }],
  '/named-status': [403, { 'Proxy-Status': 'cdn; error=http_request_denied' }],
  '/named-server': [500, { Server: 'tinyproxy/1.11.1' }],
  '/named-407': [407, {}],
};

/** An origin that answers `/fails` by a 502 of its own, `/named-…` in the words of an exit, and all else by a page. */
const startOrigin = () =>
  listen(
    createServer(({ url = '' }, response) => {
      const [status, fields] = named[url] ?? [url.startsWith('/fails') ? 502 : 200, {}];
      response.writeHead(status, fields).end(`origin ${url}`);
    }),
    '0.0.0.0',
  );

/** An exit that forwards after `lateMs`, until it is told what to answer everybody at once. */
async function startTurning(lateMs: number) {
  const state: { status: number | null; answered: number; served: number } = { status: null, answered: 0, served: 0 };
  const server = createServer((request, response) => {
    if (state.status !== null) {
      state.answered++;
      return response.writeHead(state.status).end('the exit fails');
    }
    state.served++;
    const { method, headers } = request;
    setTimeout(() => {
      const onward = openRequest(request.url ?? '', { method, headers, agent: false }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      onward.on('error', () => response.destroy()).end();
    }, lateMs);
  });
  return { ...(await listen(server)), state };
}

interface Crowd {
  readonly gateway: Gateway;
  readonly exits: readonly Awaited<ReturnType<typeof startTurning>>[];
  readonly port: number;
}

async function startCrowd(t: ExecutionContext, { strategy = 'learned', exits = 6 }): Promise<Crowd> {
  const origin = await startOrigin();
  const crowd = await Promise.all(Array.from({ length: exits }, () => startTurning(60)));
  t.teardown(() => Promise.all([origin, ...crowd].map(({ close }) => close())));
  const urls = crowd.map(({ port }, at) => ({ url: `http://127.0.0.1:${port}`, country: at === 0 ? 'us' : 'de' }));
  const gateway = await startGateway({
    config: { workers: 1 },
    pools: { mixed: { strategy, probe: { budget: 0 }, exits: urls } },
  });
  t.teardown(() => gateway.stop());
  return { gateway, exits: crowd, port: origin.port };
}

/** One page; its status and content, and over which exit. */
async function visit({ gateway, port }: Crowd, { host = 1, path = '/', parameters = '' } = {}) {
  const fields = { 'Proxy-Authorization': basic(gateway.login('tester', parameters)) };
  const url = `http://127.0.0.${host}:${port}${path}`;
  const { status, content, headers } = await forwardVia(gateway.port(), url, { fields });
  return { status, text: content.toString(), exit: String(headers['roundabout-exit']).split(';')[0] };
}

/** How many of 240 pages of so many hosts came, asked for by six at once. */
async function crawl(crowd: Crowd, hosts: number): Promise<number> {
  let came = 0;
  const each = async () => {
    for (let i = 0; i < 40; i++) if ((await visit(crowd, { host: 1 + (i % hosts) })).status === 200) came++;
  };
  await Promise.all(Array.from({ length: 6 }, each));
  return came;
}

for (const [strategy, status, hosts] of [
  ['learned', 502, 1],
  ['learned', 502, 8],
  ['learned', 504, 8],
  ['two-choices', 502, 8],
  ['learned', 407, 8],
  ['two-choices', 407, 8],
] as const)
  test.serial(
    `${strategy}: an exit that begins to answer ${status} for ${hosts} origins draws no traffic`,
    async (t) => {
      const crowd = await startCrowd(t, { strategy });
      t.is(await crawl(crowd, hosts), 240);
      const turning = crowd.exits.toSorted((a, b) => b.state.served - a.state.served)[0];
      turning!.state.status = status;
      const came = await crawl(crowd, hosts);
      t.log(came, turning!.state.answered);
      t.true(came >= 230, `${240 - came} of 240 failed`);
      t.true(turning!.state.answered <= 60, `${turning!.state.answered} of 240 were tried over it`);
    },
  );

async function failuresOf({ gateway }: Crowd): Promise<readonly number[]> {
  const { stdout } = await gateway.command('exit', 'list', '--json');
  return JSON.parse(stdout).map(({ live }: { live: { failuresInRow: number } }) => live.failuresInRow);
}

test.serial('a failure of the origin comes as it was sent, and is charged to nobody', async (t) => {
  const crowd = await startCrowd(t, { exits: 3 });
  const failing = { status: 502, text: 'origin /fails' };
  t.is((await visit(crowd)).status, 200);
  for (const parameters of ['', 'retry-0', 'session-s', 'session-s-strict-1'])
    for (let i = 0; i < 5; i++) {
      const { status, text } = await visit(crowd, { path: '/fails', parameters });
      t.deepEqual({ status, text }, failing, parameters);
      t.is((await visit(crowd)).status, 200);
    }
  t.deepEqual(await failuresOf(crowd), [0, 0, 0]);
  const served = crowd.exits.reduce((sum, { state }) => sum + state.served, 0);
  // Another exit is asked where one may be: without a session, and in one that no page has come for yet.
  t.true(served <= 21 + 4 * 5 + 3 * 5, `${served} requests for 20 failures and 21 pages`);
});

test.serial('a page that speaks like an exit is charged to nobody', async (t) => {
  const crowd = await startCrowd(t, { exits: 3 });
  for (const path of Object.keys(named))
    for (const parameters of ['', 'retry-0', 'retry-1'])
      for (let i = 0; i < 2; i++) {
        t.is((await visit(crowd)).status, 200);
        t.is((await visit(crowd, { path, parameters })).status, 502, `${path} ${parameters}`);
        t.is((await visit(crowd)).status, 200);
        t.deepEqual(await failuresOf(crowd), [0, 0, 0], `${path} ${parameters}`);
      }
});

test.serial('a session that no page has come for yet is pinned to no exit by its failures', async (t) => {
  const crowd = await startCrowd(t, { exits: 2 });
  crowd.exits[0]!.state.status = 502;
  for (const name of ['a', 'b']) {
    // There is no other to be asked.
    t.is((await visit(crowd, { parameters: `session-${name}-strict-1-country-us` })).status, 502);
    const { status, exit } = await visit(crowd, { parameters: `session-${name}-strict-1-country-us.de` });
    t.is(status, 200);
    t.is((await visit(crowd, { parameters: `session-${name}-strict-1-country-us.de` })).exit, exit);
  }
});

test.serial('a session leaves an exit that was found out', async (t) => {
  const crowd = await startCrowd(t, { exits: 2 });
  const { exit } = await visit(crowd, { parameters: 'session-s-country-us.de' });
  const isFirst = (await visit(crowd, { parameters: 'country-us' })).exit === exit;
  crowd.exits[isFirst ? 0 : 1]!.state.status = 502;
  const came: number[] = [];
  for (let i = 0; i < 6; i++) {
    came.push((await visit(crowd, { path: `/page${i}`, parameters: 'session-s-country-us.de' })).status);
    // Others reach it meanwhile.
    t.is((await visit(crowd, { parameters: isFirst ? 'country-de' : 'country-us' })).status, 200);
  }
  t.log(came);
  t.is(came.at(-1), 200);
  t.not((await visit(crowd, { parameters: 'session-s-country-us.de' })).exit, exit);
});
