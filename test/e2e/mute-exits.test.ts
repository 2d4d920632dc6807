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

const state = { isSilent: false, isClosing: false };
let origin: Peer;

test.before(async () => {
  const meet = (socket: Socket) =>
    void socket.once('data', () => {
      if (state.isClosing) socket.end();
      else if (!state.isSilent) socket.end(answer);
    });
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

async function startScene(
  t: ExecutionContext,
  exits: readonly Peer[],
  strategy = 'learned',
  clients: Record<string, string[]> = { tester: [] },
): Promise<Gateway> {
  const gateway = await startGateway({
    clients,
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
async function visit(gateway: Gateway, host = '127.0.0.1', parameters = '', client = 'tester'): Promise<boolean> {
  const login = gateway.login(client, parameters);
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

/** It is found out by what others are answered where it was silent: who comes to ten hosts in turn, and asks for none again, loses the
 *  first of all. */
for (const [strategy, how, hosts, asks, most] of [
  ['learned', 'silent', 1, 'once', 30],
  ['learned', 'silent', 10, 'once', 75],
  ['learned', 'silent', 10, 'again', 30],
  ['learned', 'reset', 10, 'once', 30],
  ['two-choices', 'silent', 1, 'once', 30],
] as const)
  test.serial(
    `${strategy}: an exit that is ${how} behind its success draws no traffic to ${hosts} hosts, asked ${asks}`,
    async (t) => {
      const good = await Promise.all(Array.from({ length: 9 }, () => startGood()));
      const gateway = await startScene(t, [await startLiar(how), ...good], strategy);
      let lost = 0;
      const crawl = async () => {
        for (let i = 0; i < 40; i++) {
          const host = `127.0.0.${1 + (i % hosts)}`;
          for (let isLost = true, times = 0; isLost && times < (asks === 'again' ? 2 : 1); times++) {
            isLost = !(await visit(gateway, host));
            if (isLost) lost++;
          }
        }
      };
      await Promise.all(Array.from({ length: 6 }, crawl));
      t.log(`${lost} of 240 were lost`);
      t.true(lost <= most);
    },
  );

test.serial('origins that are silent for a time, to an odd number of tunnels, cost no exit anything', async (t) => {
  const exits = await Promise.all([1, 2].map(() => startGood(5)));
  const gateway = await startScene(t, exits, 'round-robin');
  const hosts = ['127.0.0.1', '127.0.0.2'];
  state.isSilent = true;
  for (let i = 0; i < 3; i++) t.false(await visit(gateway, hosts[0]));
  for (let i = 0; i < 3; i++) t.false(await visit(gateway, hosts[1]));
  state.isSilent = false;
  t.true(await visit(gateway, hosts[0]));
  const listed: { live: { failuresInRow: number } }[] = JSON.parse(
    (await gateway.command('exit', 'list', '--json')).stdout,
  );
  t.deepEqual(
    listed.map(({ live }) => live.failuresInRow),
    [0, 0],
  );
  for (let i = 0; i < 4; i++) t.true(await visit(gateway, hosts[i % 2]));
  const last = (await gateway.accessLog(11)).slice(-4);
  t.is(new Set(last.map(({ exit }) => exit)).size, 2, 'both serve');
});

test.serial('no client makes an exit mute to others, nor moves a session', async (t) => {
  const exits = await Promise.all([1, 2].map(() => startGood(5)));
  const gateway = await startScene(t, exits, 'round-robin', { tester: [], other: [] });
  for (const name of ['a', 'b']) t.true(await visit(gateway, '127.0.0.9', `session-${name}`));
  const hosts = ['127.0.0.1', '127.0.0.2'];
  state.isClosing = true;
  for (const host of hosts) for (let i = 0; i < 2; i++) t.false(await visit(gateway, host, 'session-a'));
  state.isClosing = false;
  for (const host of hosts) t.true(await visit(gateway, host, 'session-b'));
  const before = (await gateway.accessLog(8)).length;
  for (let i = 0; i < 4; i++) t.true(await visit(gateway, hosts[i % 2], '', 'other'));
  t.true(await visit(gateway, '127.0.0.9', 'session-a'));
  const lines = await gateway.accessLog(before + 5);
  t.is(new Set(lines.slice(before, before + 4).map(({ exit }) => exit)).size, 2, 'both serve the other client');
  t.is(lines.at(-1)?.exit, lines[0]?.exit, 'the session stays');
});
