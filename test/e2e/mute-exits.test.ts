import { createServer } from 'node:http';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { connectVia } from '../support/clients.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { openTunnelsLate } from '../support/http-exits.ts';
import { listen, type Peer } from '../support/peers.ts';
import { startRawOrigin } from '../support/raw-origin.ts';

// Exits that tell success, and then nothing comes through; and origins through which nothing comes.

/** What begins a ClientHello, and an answer to it. */
const hello = Buffer.concat([Buffer.from([22, 3, 1, 0, 4, 1, 0, 0, 0])]);
const answer = Buffer.concat([Buffer.from([22, 3, 3, 0, 4, 2, 0, 0, 0]), Buffer.alloc(20_000, 23)]);

/** An attempt may take so long where its exit is known to be quicker, in ms; clients wait longer. */
const PATIENCE_MS = 1_000;
const CLIENT_MS = 1_500;

const state = { isSilent: false };
let origin: Peer;

test.before(async () => {
  const meet = (socket: Socket) => void socket.once('data', () => state.isSilent || socket.end(answer));
  origin = await startRawOrigin(meet, { host: '0.0.0.0' });
});

test.after.always(() => origin?.close());

const startGood = (lateMs = 60) => listen(openTunnelsLate(createServer(), lateMs));

/** An HTTP exit that says 200 at once, and then nothing, or resets whoever speaks. */
function startLiar(how: 'silent' | 'reset') {
  return listen(
    createTcpServer((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        socket.once('data', () => how === 'reset' && socket.resetAndDestroy());
      });
    }),
  );
}

async function startScene(t: ExecutionContext, exits: readonly Peer[], strategy = 'learned'): Promise<Gateway> {
  const gateway = await startGateway({
    config: { workers: 1, selection: { leastPatience: `${PATIENCE_MS}ms` } },
    pools: {
      mixed: { strategy, probe: { budget: 0 }, exits: exits.map(({ port }) => ({ url: `http://127.0.0.1:${port}` })) },
    },
  });
  t.teardown(async () => {
    await gateway.stop();
    await Promise.all(exits.map((exit) => exit.close()));
  });
  return gateway;
}

/** One tunnel in which a hello is said; whether it was answered. */
async function visit(gateway: Gateway, host = '127.0.0.1', parameters = ''): Promise<boolean> {
  const login = gateway.login('tester', parameters);
  const { socket } = await connectVia(gateway.port(), `${host}:${origin.port}`, { login });
  const answered = new Promise<boolean>((resolve) => {
    socket.once('data', () => resolve(true));
    socket.once('close', () => resolve(false));
  });
  socket.write(hello);
  socket.resume();
  const isAnswered = await Promise.race([answered, pause(CLIENT_MS, false)]);
  socket.destroy();
  return isAnswered;
}

for (const [strategy, how, hosts] of [
  ['learned', 'silent', 1],
  ['learned', 'silent', 10],
  ['learned', 'reset', 10],
  ['two-choices', 'silent', 1],
] as const)
  test.serial(
    `${strategy}: an exit that is ${how} behind its success draws no traffic to ${hosts} hosts`,
    async (t) => {
      const good = await Promise.all(Array.from({ length: 9 }, () => startGood()));
      const gateway = await startScene(t, [await startLiar(how), ...good], strategy);
      let lost = 0;
      const crawl = async () => {
        for (let i = 0; i < 40; i++) if (!(await visit(gateway, `127.0.0.${1 + (i % hosts)}`))) lost++;
      };
      await Promise.all(Array.from({ length: 6 }, crawl));
      t.log(`${lost} of 240 were lost`);
      t.true(lost <= 30);
    },
  );

test.serial('an origin that is silent for a time makes no exit mute', async (t) => {
  const gateway = await startScene(t, await Promise.all([1, 2, 3].map(() => startGood(5))));
  const round = () => Promise.all(Array.from({ length: 6 }, () => visit(gateway)));
  t.deepEqual(new Set(await round()), new Set([true]));
  state.isSilent = true;
  for (let i = 0; i < 3; i++) t.deepEqual(new Set(await round()), new Set([false]));
  state.isSilent = false;
  for (let i = 0; i < 3; i++) t.deepEqual(new Set(await round()), new Set([true]));
  const listed: { live: { failuresInRow: number } }[] = JSON.parse(
    (await gateway.command('exit', 'list', '--json')).stdout,
  );
  t.deepEqual(
    listed.map(({ live }) => live.failuresInRow),
    [0, 0, 0],
  );
});

test.serial('a session leaves an exit that is mute', async (t) => {
  const gateway = await startScene(t, [await startLiar('reset'), await startGood(300)], 'round-robin');
  const names = ['s', 't'];
  const first = [await visit(gateway, undefined, 'session-s'), await visit(gateway, undefined, 'session-t')];
  t.is(first.filter((ok) => ok).length, 1, 'one of them is over it');
  const lost = names[first.indexOf(false)]!;
  const served = names[first.indexOf(true)]!;
  const later: boolean[] = [];
  for (let i = 0; i < 3; i++) {
    later.push(await visit(gateway, undefined, `session-${lost}`));
    t.true(await visit(gateway, undefined, `session-${served}`));
  }
  t.is(later.at(-1), true, String(later));
});
