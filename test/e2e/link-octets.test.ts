import test from 'ava';
import { forwardVia } from '../support/clients.ts';
import { startHttpsExit } from '../support/exits.ts';
import { startGateway } from '../support/gateway.ts';
import { startOrigin } from '../support/origin.ts';
import type { Peer } from '../support/peers.ts';
import { startRawOrigin } from '../support/raw-origin.ts';
import { until } from '../support/until.ts';
import { startWireTap } from '../support/wire-tap.ts';
import { exitAuthority } from './fault-pools.ts';

// What a link to an exit costs when it is closed without an exchange under way: over TLS each side tells its end.

/** A gateway with one TLS exit behind a tap. */
async function sceneWith(exit: Peer) {
  const tap = await startWireTap(exit.port);
  const gateway = await startGateway({
    config: { workers: 2, accessLog: { enabled: false } },
    pools: { https: { probe: { budget: 0 }, exits: [{ url: `https://127.0.0.1:${tap.port}`, ca: 'exit.pem' }] } },
    files: await exitAuthority(),
  });
  const close = async () => {
    await gateway.stop();
    await Promise.all([tap, exit].map((peer) => peer.close()));
  };
  /** What the ledger of the ended gateway has, and what its exit counted. */
  const books = async () => {
    const { rows } = JSON.parse((await gateway.command('usage', '--by', 'pool', '--json')).stdout);
    const [{ sentBytes, receivedBytes }] = rows;
    await until(() => tap.counts().sent >= sentBytes, 'all that was sent');
    return { booked: { sent: sentBytes, received: receivedBytes }, tap: tap.counts() };
  };
  return { gateway, tap, books, close };
}

test('links that are closed while idle: what the ledger has is what the exit counted', async (t) => {
  const origin = await startOrigin();
  t.teardown(origin.close);
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
  const { booked, tap: counts } = await books();
  t.like(counts, booked);
  t.true(counts.connections > 8);
});

test('an exit that keeps no connection tells the end of each', async (t) => {
  const exit = await startRawOrigin(
    { reply: 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello', end: 'open' },
    { tls: true },
  );
  const { gateway, books, close } = await sceneWith(exit);
  t.teardown(close);
  for (let round = 0; round < 5; round++)
    t.is((await forwardVia(gateway.port(), 'http://origin.test/', { login: gateway.login() })).status, 200);
  t.is(await gateway.terminate(), 0);
  const { booked, tap } = await books();
  t.like(tap, booked);
  t.is(tap.connections, 5);
});
