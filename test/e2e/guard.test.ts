import test from 'ava';
import { type Answer, connectVia, forwardVia } from '../support/clients.ts';
import { startHttpExit } from '../support/exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { keepPeers } from '../support/peers.ts';
import { until } from '../support/until.ts';

// Exits that are used sparingly on a site.

const { keep, closeAll } = keepPeers();
let origin: Origin;

test.before(async () => {
  origin = keep(await startOrigin());
});

test.after.always(closeAll);

/** A gateway with three exits and this guard over `localhost`. */
async function guarded(guard: Readonly<Record<string, unknown>>): Promise<Gateway> {
  const exits = await Promise.all([1, 2, 3].map(async () => keep(await startHttpExit())));
  const gateway = await startGateway({
    config: { guards: [{ site: 'localhost', ...guard }] },
    clients: { acme: [], other: [], third: [] },
    pools: { three: { exits: exits.map(({ url }) => ({ url })) } },
  });
  gateways.push(gateway);
  return gateway;
}

const gateways: Gateway[] = [];
test.after.always(() => Promise.all(gateways.map((gateway) => gateway.stop())));

const get = (gateway: Gateway, { client = 'acme', parameters = '', host = 'localhost' } = {}): Promise<Answer> =>
  forwardVia(gateway.port(), `http://${host}:${origin.port}/`, { login: gateway.login(client, parameters) });

const exitOf = ({ headers }: Answer) => String(headers['roundabout-exit']).split(';')[0];

test('each exit touches the site once, then there is none left', async (t) => {
  const gateway = await guarded({ reuseAfter: '1h' });
  const answers = [await get(gateway), ...(await Promise.all([get(gateway), get(gateway)]))];
  t.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200],
  );
  t.is(new Set(answers.map(exitOf)).size, 3);
  const refused = await get(gateway);
  t.is(refused.reason, 'no_exit_for_target');
  t.regex(refused.content.toString(), /rests from this site/);
  const { reason } = await connectVia(gateway.port(), `localhost:${origin.port}`, { login: gateway.login('other') });
  t.is(reason, 'no_exit_for_target', 'a tunnel is no way around');
  t.is((await get(gateway, { host: '127.0.0.1' })).status, 200, 'another site');
});

test('a session stays on its exit while others may not use it', async (t) => {
  const gateway = await guarded({ sessionsPerExit: 1, reuseAfter: '1h' });
  const exits = new Map<string, Set<string | undefined>>();
  for (const parameters of ['session-a', 'session-b', 'session-a', 'session-c', 'session-b', 'session-a-strict-1']) {
    const answer = await get(gateway, { parameters });
    t.is(answer.status, 200, parameters);
    const session = parameters.slice(0, 9);
    exits.set(session, (exits.get(session) ?? new Set()).add(exitOf(answer)));
  }
  t.deepEqual(
    [...exits.values()].map(({ size }) => size),
    [1, 1, 1],
  );
  t.is(new Set([...exits.values()].flatMap((set) => [...set])).size, 3);
  t.is((await get(gateway, { parameters: 'session-d' })).reason, 'no_exit_for_target');
});

test('an exit serves so many clients on the site', async (t) => {
  const gateway = await guarded({ clientsPerExit: 1 });
  const exits: (string | undefined)[] = [];
  for (const client of ['acme', 'other', 'third']) exits.push(exitOf(await get(gateway, { client })));
  t.is(new Set(exits).size, 3);
  for (let i = 0; i < 5; i++) t.is(exitOf(await get(gateway, { client: 'acme' })), exits[0]);
});

/** A gateway with a vendor whose exits are minted. */
async function vending(entry: object, config: Readonly<Record<string, unknown>>) {
  const vendor = keep(await startHttpExit());
  const template = `http://c-{session}:p@127.0.0.1:${vendor.port}`;
  const pools = { minted: { exits: [{ template, ...entry }] } };
  const gateway = await startGateway({ config, clients: { acme: [] }, pools });
  gateways.push(gateway);
  return { gateway, minted: () => new Set(vendor.requests.map(({ username }) => username)).size };
}

test('an exit that is minted for one attempt or session has touched no site before', async (t) => {
  const { gateway, minted } = await vending(
    {},
    {
      guards: [{ site: 'localhost', reuseAfter: '1h', clientsPerExit: 1, sessionsPerExit: 1 }],
      limits: { exits: ['exchanges=1'], sites: ['site=localhost exit-interval=1h'] },
    },
  );
  const tunnels = await Promise.all(
    ['', 'session-t'].map((parameters) =>
      connectVia(gateway.port(), `localhost:${origin.port}`, { login: gateway.login('acme', parameters) }),
    ),
  );
  t.deepEqual(
    tunnels.map(({ status }) => status),
    [200, 200],
  );
  for (const parameters of ['', '', 'session-a', 'session-b'])
    t.is((await get(gateway, { parameters })).status, 200, parameters);
  t.is(minted(), 6);
  t.is((await get(gateway, { parameters: 'session-a-timeout-2s' })).reason, 'rate_limited', 'that one rests');
  for (const { socket } of tunnels) socket.destroy();
});

test('an exit whose id has turned is another one, which has touched no site', async (t) => {
  const { gateway, minted } = await vending(
    { slots: 1, lifetime: '6s' },
    { guards: [{ site: 'localhost', reuseAfter: '1h' }] },
  );
  t.is((await get(gateway)).status, 200);
  t.is((await get(gateway)).reason, 'no_exit_for_target');
  await until(async () => (await get(gateway)).status === 200, 'another one');
  t.is(minted(), 2);
});
