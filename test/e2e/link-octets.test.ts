import test, { type ExecutionContext } from 'ava';
import { connectVia, forwardVia } from '../support/clients.ts';
import { startHttpsExit } from '../support/exits.ts';
import { startGateway } from '../support/gateway.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import type { Peer } from '../support/peers.ts';
import { startRawOrigin } from '../support/raw-origin.ts';
import { until } from '../support/until.ts';
import { startWireTap } from '../support/wire-tap.ts';
import { exitAuthority } from './fault-pools.ts';

// What a link to an exit costs when it is closed without an exchange under way: over TLS each side tells its end.

/** A gateway with one exit behind a tap. */
async function sceneWith(exit: Peer, scheme: 'http' | 'https' = 'https') {
  const tap = await startWireTap(exit.port);
  const gateway = await startGateway({
    config: { workers: 2, accessLog: { enabled: false } },
    pools: {
      one: {
        probe: { budget: 0 },
        exits: [{ url: `${scheme}://127.0.0.1:${tap.port}`, ...(scheme === 'https' && { ca: 'exit.pem' }) }],
      },
    },
    files: await exitAuthority(),
  });
  const close = async () => {
    await gateway.stop();
    await Promise.all([tap, exit].map((peer) => peer.close()));
  };
  /** What the ledger of the ended gateway has, and what its exit counted. */
  const books = async () => {
    const { rows } = JSON.parse((await gateway.command('usage', '--by', 'pool', '--json')).stdout);
    const [{ sentBytes, receivedBytes, attempts }] = rows;
    await until(() => tap.counts().sent >= sentBytes, 'all that was sent');
    return { booked: { sent: sentBytes, received: receivedBytes }, attempts, tap: tap.counts() };
  };
  return { gateway, tap, books, close };
}

/** The end of a gateway waits only a second for what exits tell then. Where a thread is later than that, it is tried again. */
const TRIALS = 3;

test('links that are closed while idle: what the ledger has is what the exit counted', async (t) => {
  const origin = await startOrigin();
  t.teardown(origin.close);
  let found = await closeIdle(t, origin);
  for (let trial = 1; trial < TRIALS && found.booked.received !== found.tap.received; trial++)
    found = await closeIdle(t, origin);
  t.like(found.tap, found.booked);
  t.true(found.tap.connections > 8);
});

/** The books of a gateway that has closed some links while it ran, and some at its end. */
async function closeIdle(t: ExecutionContext, origin: Origin) {
  const { gateway, tap, books, close } = await sceneWith(await startHttpsExit());
  t.teardown(close);
  const burst = () =>
    Promise.all(
      Array.from({ length: 8 }, () => forwardVia(gateway.port(), `${origin.url}/echo`, { login: gateway.login() })),
    );
  for (const { status } of await burst()) t.is(status, 200);
  // Links that stand were judged by the rules of former clients.
  t.is((await gateway.command('client', 'add', 'other')).code, 0);
  await until(() => tap.open() === 0, 'links are closed');
  for (const { status } of await burst()) t.is(status, 200);
  t.is(await gateway.terminate(), 0);
  return books();
}

test('an exit that keeps no connection tells the end of each', async (t) => {
  const exit = await startRawOrigin(
    { reply: 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello', end: 'open' },
    { tls: true },
  );
  const { gateway, tap, books, close } = await sceneWith(exit);
  t.teardown(close);
  for (let round = 0; round < 5; round++)
    t.is((await forwardVia(gateway.port(), 'http://origin.test/', { login: gateway.login() })).status, 200);
  await until(() => tap.open() === 0, 'each has told its end');
  t.is(await gateway.terminate(), 0);
  const { booked, tap: counts } = await books();
  t.like(counts, booked);
  t.is(counts.connections, 5);
});

/** Says no, and the rest of its page once the gateway has nothing more to say: by then the attempt has failed. */
const refusing = (tls: boolean) =>
  startRawOrigin(
    (socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 503 No\r\nX-Squid-Error: ERR_CANNOT_FORWARD 0\r\nContent-Length: 20000\r\n\r\n');
      });
      socket.once('end', () => socket.end(Buffer.alloc(20_000)));
    },
    { tls, allowHalfOpen: true },
  );

for (const scheme of ['http', 'https'] as const) {
  test(`what an ${scheme} exit says behind its refusal is its attempt's`, async (t) => {
    const { gateway, tap, books, close } = await sceneWith(await refusing(scheme === 'https'), scheme);
    t.teardown(close);
    const login = gateway.login();
    for (let round = 0; round < 3; round++) {
      t.is((await connectVia(gateway.port(), 'origin.test:443', { login })).status, 502);
      t.is((await forwardVia(gateway.port(), 'http://origin.test/', { login })).status, 502);
    }
    await until(() => tap.open() === 0, 'all is said');
    t.is(await gateway.terminate(), 0);
    const { booked, attempts, tap: counts } = await books();
    t.like(counts, booked);
    t.true(counts.received > counts.connections * 20_000);
    t.is(attempts, counts.connections);
  });
}
