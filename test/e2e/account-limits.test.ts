import { rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { type Answer, connectVia, forwardVia } from '../support/clients.ts';
import { startFailingVendor } from '../support/failing-vendor.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { startOrigin } from '../support/origin.ts';
import { until } from '../support/until.ts';
import { startVendorGateway, type VendorGateway } from '../support/vendor-gateway.ts';
import { openToBoth, unhurried } from './limit-scene.ts';

// Two threads carry the traffic of 64 connections at once, and the vendors themselves count what comes to them of an account.

const CONNECTIONS = 64;

const peers: { close(): Promise<void> }[] = [];

test.after.always(() => Promise.all(peers.map((peer) => peer.close())));

async function startVendor(delayMs: number): Promise<VendorGateway> {
  const vendor = await startVendorGateway();
  peers.push(vendor);
  vendor.delayMs = delayMs;
  return vendor;
}

const account = ({ address }: VendorGateway, more: Readonly<Record<string, unknown>> = {}) => ({
  vendor: 'oxylabs',
  username: 'acme',
  password: 'secret',
  endpoint: address,
  ...more,
});

async function start(
  t: ExecutionContext,
  pools: Readonly<Record<string, readonly unknown[]>>,
  files: Readonly<Record<string, string>> = {},
): Promise<Gateway> {
  const gateway = await startGateway({
    config: {
      workers: 2,
      timeouts: { ...unhurried, attempts: '60s' },
      selection: { leastPatience: '60s', holdStep: '20ms' },
    },
    files,
    pools: Object.fromEntries(
      Object.entries(pools).map(([name, exits]) => [name, { strategy: 'random', probe: { budget: '0B' }, exits }]),
    ),
  });
  t.teardown(() => gateway.stop());
  return gateway;
}

/** `rounds` requests on each of 64 connections, which are open at once: those given, or new ones. */
async function flood(
  gateway: Gateway,
  { rounds = 1, pools = [''], sockets }: { rounds?: number; pools?: string[]; sockets?: readonly Socket[] } = {},
): Promise<readonly Answer[]> {
  const each = (sockets ?? (await openToBoth(gateway, CONNECTIONS))).map(async (socket, index) => {
    const login = gateway.login('tester', pools[index % pools.length]);
    const answers = [await forwardVia(gateway.port(), 'http://shop.example/', { login, socket })];
    while (answers.length < rounds) answers.push(await forwardVia(gateway.port(), 'http://shop.example/', { login }));
    return answers;
  });
  return (await Promise.all(each)).flat();
}

const count = (answers: readonly Answer[], reason: string) =>
  answers.filter((answer) => answer.reason === reason).length;

test.serial(
  'an account has no more exchanges at once than it may, whatever pool and place its exits are of',
  async (t) => {
    const vendor = await startVendor(30);
    const gateway = await start(t, {
      open: [account(vendor, { limits: { concurrency: 7 } })],
      slots: [account(vendor, { slots: 2_000 })],
      placed: [account(vendor, { countries: ['us', 'de'], limits: { concurrency: 50 } })],
    });
    const answers = await flood(gateway, { rounds: 3, pools: ['pool-open', 'pool-slots', 'pool-placed-country-de'] });
    t.is(count(answers, 'OK'), 3 * CONNECTIONS, 'those that found no room waited for it');
    t.is(vendor.load.most, 7, 'all that it may, and no more');
    t.is(vendor.understood.length, 3 * CONNECTIONS);
  },
);

test.serial('an account begins no more in a second than it may', async (t) => {
  const vendor = await startVendor(0);
  const gateway = await start(t, { open: [account(vendor, { limits: { perSecond: 40 } })] });
  const sockets = await openToBoth(gateway, CONNECTIONS);
  const begun = performance.now();
  const answers = await flood(gateway, { rounds: 2, sockets });
  t.is(count(answers, 'OK'), 2 * CONNECTIONS);
  // Never more than a burst of 4 and what the pace had brought: whatever is late comes later.
  for (const [index, at] of vendor.times.entries())
    t.true(index + 1 <= 4 + (at - begun) / 25 + 1e-6, `request ${index} after ${at - begun} ms`);
  const tookMs = (vendor.times.at(-1) ?? 0) - begun;
  t.true(tookMs < 10 * 25 * 2 * CONNECTIONS, `all came in ${tookMs} ms`);
});

test.serial('what an account has no room for goes to the other vendor of the pool at once', async (t) => {
  const [one, other] = [await startVendor(300), await startVendor(300)];
  const gateway = await start(t, {
    open: [account(one, { slots: 30, limits: { concurrency: 5 } }), account(other, { slots: 30 })],
  });
  const answers = await flood(gateway);
  t.is(count(answers, 'OK'), CONNECTIONS);
  t.is(one.load.most, 5);
  t.true(one.understood.length < CONNECTIONS / 2);
  t.is(other.understood.length, CONNECTIONS - one.understood.length);
});

test.serial('who waits in vain is told of the limit, and of nothing else', async (t) => {
  const vendor = await startVendor(10_000);
  const own =
    'vendor: mine\nusername: "customer-{username}-sessid-{session}"\nlimits: { concurrency: 2 }\nproducts: { residential: { endpoints: { http: "nowhere.invalid:1" } } }\n';
  const pools = { open: [account(vendor, { vendor: 'mine' })] };
  const gateway = await start(t, pools, { 'pools/vendors/mine.yaml': own });
  const held = [1, 2].map(() => forwardVia(gateway.port(), 'http://shop.example/', { login: gateway.login() }));
  await until(() => vendor.load.now === 2, 'two are under way');
  const login = gateway.login('tester', 'timeout-1s');
  const answer = await forwardVia(gateway.port(), 'http://shop.example/', { login });
  t.deepEqual([answer.status, answer.reason], [503, 'no_exit_for_target']);
  t.is(answer.headers['retry-after'], '1');
  t.is(
    JSON.parse(answer.content.toString()).detail,
    "every exit that could be taken is of a vendor's account that is at its limit",
  );
  await Promise.all(held);
  t.is(vendor.load.most, 2);
  vendor.delayMs = 0;
  t.is((await forwardVia(gateway.port(), 'http://shop.example/', { login: gateway.login() })).status, 200);
});

test.serial('a tunnel counts until it ends; a session waits for its own account, others go to another', async (t) => {
  const origin = await startOrigin();
  const [one, other] = [await startFailingVendor(), await startFailingVendor()];
  peers.push(origin, one, other);
  const entry = (name: string, { port }: { port: number }, limits?: object) => ({
    template: `http://${name}-{session}:hidden@127.0.0.1:${port}`,
    slots: 20,
    ...(limits && { limits }),
  });
  const gateway = await start(t, {
    alone: [entry('one', one, { concurrency: 2 })],
    both: [entry('one', one), entry('other', other)],
  });
  const tunnel = (parameters: string) =>
    connectVia(gateway.port(), `localhost:${origin.port}`, { login: gateway.login('tester', parameters) });
  const isOver = async (parameters: string) => {
    const { socket, status } = await tunnel(parameters);
    socket.destroy();
    return status === 200;
  };
  // A session that leaves by the limited account, of a pool that has another.
  let name = 0;
  for (const before = one.exchanges.length; one.exchanges.length === before; name += 1)
    t.true(await isOver(`pool-both-session-s${name}`));
  const session = `pool-both-session-s${name - 1}`;
  const held = [await tunnel('pool-alone'), await tunnel('pool-alone')];
  t.deepEqual(
    held.map(({ status }) => status),
    [200, 200],
  );
  const asked = one.exchanges.length;
  t.is((await tunnel('pool-alone-timeout-1s')).reason, 'no_exit_for_target');
  t.is((await tunnel(`${session}-timeout-1s`)).reason, 'no_exit_for_target');
  for (let i = 0; i < 10; i++) t.true(await isOver('pool-both'));
  t.is(one.exchanges.length, asked);
  held[0]?.socket.destroy();
  t.true(await isOver(session), 'its place is free again');
  t.is(one.exchanges.length, asked + 1);
  held[1]?.socket.destroy();
});

test.serial('checks of all exits keep to the limit, and wait for room', async (t) => {
  const vendor = await startVendor(30);
  const gateway = await start(t, { open: [account(vendor, { slots: 20, limits: { concurrency: 2 } })] });
  const check = () => gateway.command('pool', 'check', 'open', '--json');
  const { total, done } = JSON.parse((await check()).stdout);
  t.deepEqual([total, done, vendor.understood.length], [20, 20, 20]);
  t.is(vendor.load.most, 2);
  await gateway.stop({ keepFolder: true });
  t.teardown(() => rm(gateway.folder, { recursive: true, force: true }));
  t.is(JSON.parse((await check()).stdout).done, 20, 'without a gateway too');
  t.is(vendor.load.most, 2);
});
