import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { type Answer, forwardVia } from '../support/clients.ts';
import { startGateway } from '../support/gateway.ts';
import { until } from '../support/until.ts';
import { openToBoth, startCountingOrigin, unhurried } from './limit-scene.ts';

// A worker dies while 200 connections press against limits: what it held is given back, and no more than that.

const CONNECTIONS = 200;
const BURST = 400;
const mortal = new URL('../support/mortal-workers.ts', import.meta.url).href;

test('limits neither leak places nor let in too many when workers die under load', async (t) => {
  t.timeout(300_000);
  const [free, counted] = await Promise.all([startCountingOrigin(), startCountingOrigin()]);
  t.teardown(() => Promise.all([free.close(), counted.close()]));
  const gateway = await startGateway({
    config: { workers: 2, limits: { sites: ['site=127.0.0.1 exchanges=20 queue=1000 wait=60s'] }, timeouts: unhurried },
    clients: { held: ['--limit', 'exchanges=30'], rated: ['--limit', `requests=1/h burst=${BURST}`], paced: [] },
    pools: { direct: { exits: [{ direct: true }] } },
    env: { NODE_OPTIONS: `--import=${mortal}` },
  });
  t.teardown(gateway.stop);
  const get = (client: string, url: string): Promise<Answer | null> =>
    forwardVia(gateway.port(), url, { login: gateway.login(client) }).catch(() => null);
  const urls = {
    held: `http://localhost:${free.port}/`,
    paced: `http://127.0.0.1:${free.port}/`,
    rated: `http://localhost:${counted.port}/`,
  };
  const replaced = async () => (await gateway.health()).workers;

  for (const death of [1, 2, 3]) {
    let pressing = true;
    const load = Array.from({ length: CONNECTIONS }, async (_, i) => {
      const client = (['held', 'paced', 'rated'] as const)[i % 3] ?? 'held';
      while (pressing) {
        const answer = await get(client, urls[client]);
        // Those who are refused come back, but let others use the machine.
        if (answer?.status !== 200) await sleep(20);
      }
    });
    free.hold(true);
    await until(() => free.waiting >= 50, 'places are held');
    gateway.signal('SIGUSR2');
    await until(async () => (await replaced()).replaced === death, 'the worker is replaced');
    free.hold(false);
    await until(async () => (await replaced()).running === 2, 'two are running');
    await sleep(200);
    pressing = false;
    await Promise.all(load);

    // Every place is there again, and none more than there were.
    await until(() => free.waiting === 0, 'all have ended');
    free.hold(true);
    const sockets = await openToBoth(gateway, CONNECTIONS);
    const answers = sockets.map((socket, i) => {
      const client = i % 2 === 0 ? 'held' : 'paced';
      return forwardVia(gateway.port(), urls[client], { login: gateway.login(client), socket });
    });
    let refused = 0;
    for (const answer of answers) void answer.then(({ status }) => (refused += Number(status === 429)));
    await until(() => refused === CONNECTIONS / 2 - 30 && free.waiting === 50, `30 and 20 are under way, ${death}`);
    await sleep(200);
    t.is(free.waiting, 50);
    free.hold(false);
    await Promise.all(answers);
    for (const socket of sockets) socket.destroy();
  }
  while ((await get('rated', urls.rated))?.status === 200);
  t.true(counted.seen <= BURST, `${counted.seen}`);
  // What a dead worker had let in and not sent yet is spent: of each connection one request at most.
  t.true(counted.seen >= BURST - 3 * Math.ceil(CONNECTIONS / 3), `${counted.seen}`);
  t.log(`${counted.seen} of ${BURST}`);
  const login = gateway.login('held');
  const echo = async () => (await forwardVia(gateway.port(), 'http://roundabout.internal/echo', { login })).content;
  // A place is given back a moment after the answer.
  await until(async () => JSON.parse(`${await echo()}`).limits.client[0].left === 30, 'every place is free');
});
