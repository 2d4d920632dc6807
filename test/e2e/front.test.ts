import type { Socket } from 'node:net';
import { availableParallelism } from 'node:os';
import test from 'ava';
import { readBytes } from '../support/byte-reader.ts';
import { basic, open } from '../support/clients.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { relayBinding } from '../support/native-relay.ts';
import { startOrigin } from '../support/origin.ts';
import { until } from '../support/until.ts';

/** As few threads as will do have all new connections, and connections that last go where there is less to do. Skipped without the addon:
 *  then chance spreads them, and there they stay. */

const frontTest = relayBinding() === null ? test.skip : test.serial;
const pools = { direct: { exits: [{ direct: true }] } };
const preload = new URL('../support/mortal-workers.ts', import.meta.url).href;
/** Two workers at least, which `auto` makes of as many cores. */
const severalTest = availableParallelism() > 1 ? frontTest : test.skip;

/** Attempts of several steps are made anew where a busy machine kept a thread from its turns. */
const LONG_MS = 240_000;

const countsOf = async (gateway: Gateway) => (await gateway.health()).workers.connections;
const settled = async (gateway: Gateway, count: number) => {
  let counts: readonly number[] = [];
  await until(async () => {
    counts = await countsOf(gateway);
    return counts.reduce((sum, one) => sum + one) === count;
  }, `${count} connections`);
  return counts;
};

severalTest('where there is little to do one thread has all connections; when it ends another has', async (t) => {
  t.timeout(600_000);
  const gateway = await startGateway({
    config: { timeouts: { handshake: '10m' } },
    pools,
    env: { NODE_OPTIONS: `--import=${preload}` },
  });
  t.teardown(gateway.stop);
  const oneStands = () =>
    until(
      async () => {
        const { inFront, running } = (await gateway.health()).workers;
        return inFront === 1 && running > 1;
      },
      'one of several stands in front',
      LONG_MS,
    );
  // What is decided is carried out with the next look; a thread that a busy machine keeps from its turns has them all take part.
  const concentrated = () =>
    until(
      async () => {
        await oneStands();
        const before = await countsOf(gateway);
        const sockets = await Promise.all(Array.from({ length: 20 }, () => open(gateway.port())));
        const after = await settled(gateway, before.reduce((sum, one) => sum + one) + 20);
        const grown = after.filter((count, worker) => count !== before[worker]).length;
        for (const socket of sockets) socket.destroy();
        await settled(
          gateway,
          before.reduce((sum, one) => sum + one),
        );
        return grown === 1;
      },
      'all at one thread',
      LONG_MS,
    );
  await concentrated();
  const { running } = (await gateway.health()).workers;
  for (let ended = 1; ended <= 2; ended++) {
    gateway.signal('SIGUSR2');
    await until(
      async () => {
        const { workers } = await gateway.health();
        return workers.replaced === ended && workers.running === running;
      },
      `worker ${ended} replaced`,
      LONG_MS,
    );
    await concentrated();
  }
  t.pass();
});

frontTest('who says how many threads there are has all of them take connections', async (t) => {
  const gateway = await startGateway({ config: { workers: 2 }, pools });
  t.teardown(gateway.stop);
  t.like((await gateway.health()).workers, { running: 2, inFront: 2 });
});

frontTest('connections that rest go on in the thread that has fewer, and lose nothing', async (t) => {
  t.timeout(600_000);
  const gateway = await startGateway({
    config: { workers: 2, timeouts: { handshake: '10m', keepAlive: '10m', drain: '10m' } },
    pools,
  });
  const origin = await startOrigin();
  t.teardown(async () => {
    await gateway.stop();
    await origin.close();
  });
  const login = gateway.login();
  // Each is made alone, so that it shows whose it is.
  const sockets: Socket[][] = [[], []];
  let counts: readonly number[] = [0, 0];
  for (let made = 1; made <= 60; made++) {
    const socket = await open(gateway.port());
    const now = await settled(gateway, made);
    sockets[now[0] === counts[0] ? 1 : 0]!.push(socket);
    counts = now;
  }
  const lasting = sockets[0]!;
  for (const socket of sockets[1]!) socket.destroy();
  await settled(gateway, lasting.length);
  let ended = 0;
  for (const socket of lasting) socket.once('end', () => ended++);
  const ask = async (socket: Socket, round: number) => {
    const content = `${'x'.repeat(100 * (round % 7))}${round}`;
    const head = [
      `POST ${origin.url}/echo?${round} HTTP/1.1`,
      'Host: a',
      `Proxy-Authorization: ${basic(login)}`,
      `Content-Length: ${content.length}`,
    ];
    const reader = readBytes(socket);
    socket.resume().write(`${head.join('\r\n')}\r\n\r\n${content}`);
    const answer = (await reader.until('\r\n\r\n')).toString('latin1');
    const echo = await reader.take(Number(/content-length: (\d+)/i.exec(answer)?.[1]));
    reader.release();
    const { url, length } = JSON.parse(echo.toString());
    t.deepEqual([answer.slice(9, 12), url, length], ['200', `/echo?${round}`, content.length]);
  };
  let round = 0;
  await until(
    async () => {
      for (let i = 0; i < 5; i++, round++) await Promise.all(lasting.map((socket) => ask(socket, round)));
      counts = await countsOf(gateway);
      return Math.max(...counts) <= Math.min(...counts) * 1.125 + 3;
    },
    'evenly spread',
    LONG_MS,
  );
  t.log(`${lasting.length} at one thread, then ${counts.join(' + ')} after ${round} requests each`);
  for (let i = 0; i < 5; i++, round++) await Promise.all(lasting.map((socket) => ask(socket, round)));
  t.is(ended, 0);
  for (const socket of lasting) socket.resume();
  // They rest as those do that have never moved: a drain closes them at once.
  t.is(await gateway.stop(), 0);
  await until(() => ended === lasting.length, 'all closed');
});
