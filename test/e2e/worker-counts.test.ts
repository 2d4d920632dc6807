import { createServer, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import test from 'ava';
import { connectVia, forwardVia, open } from '../support/clients.ts';
import { startHttpExit } from '../support/exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { listen, type Peer } from '../support/peers.ts';
import { until } from '../support/until.ts';
import { openToBoth, unhurried } from './limit-scene.ts';

// Two threads carry the traffic, and what they count and learn together is what exits and sites have seen.

interface ListedExit {
  readonly id: string;
  readonly endpoint: string;
  readonly live: { readonly inFlight: number; readonly refused: number };
}

interface ListedSession {
  readonly session: string;
  readonly exit: string;
  readonly moves: number;
}

/** No probe may be among what exits and sites have counted. */
const probe = { budget: 0 };

const many = <Value>(count: number, make: (i: number) => Promise<Value>) =>
  Promise.all(Array.from({ length: count }, (_, i) => make(i)));

async function exitsOf(gateway: Gateway): Promise<readonly ListedExit[]> {
  return JSON.parse((await gateway.command('exit', 'list', '--json')).stdout);
}

async function sessionsOf(gateway: Gateway): Promise<readonly ListedSession[]> {
  return JSON.parse((await gateway.command('session', 'list', '--json')).stdout).sessions;
}

/** A server that answers nothing until told. */
async function startGate(): Promise<Peer & { readonly waiting: readonly ServerResponse[]; release(): void }> {
  const waiting: ServerResponse[] = [];
  const peer = await listen(createServer((_, response) => void waiting.push(response)));
  return { ...peer, waiting, release: () => waiting.forEach((response) => void response.end('done')) };
}

const sessionCount = 50;
const perSession = 4;
const loose = 40;

test.serial('what is in flight over each exit, and who holds it, is what the exits count', async (t) => {
  const gate = await startGate();
  t.teardown(gate.close);
  const exits = await many(4, () => startHttpExit());
  t.teardown(() => Promise.all(exits.map((exit) => exit.close())));
  const gateway = await startGateway({
    config: { workers: 2, timeouts: unhurried },
    pools: { four: { probe, exits: exits.map(({ url }) => ({ url })) } },
  });
  t.teardown(gateway.stop);
  const total = sessionCount * perSession + loose;
  const sockets = await openToBoth(gateway, total);
  const nameOf = (i: number) => (i < sessionCount * perSession ? `s${i % sessionCount}` : '');
  const loginOf = (i: number) => gateway.login('tester', nameOf(i) && `session-${nameOf(i)}`);
  const isTunnel = (i: number) => Math.floor(i / sessionCount) % 2 === 0;
  const urlOf = (i: number) => `http://127.0.0.1:${gate.port}/${nameOf(i)}`;

  // All begin at once: of each session two tunnels and two requests.
  const tunnels = sockets.flatMap((socket, i) =>
    isTunnel(i)
      ? connectVia(socket, `127.0.0.1:${gate.port}`, { login: loginOf(i) }).then((answer) => ({ ...answer, i }))
      : [],
  );
  const answers = sockets.flatMap((socket, i) =>
    isTunnel(i) ? [] : forwardVia(gateway.port(), urlOf(i), { login: loginOf(i), socket }),
  );
  const opened = await Promise.all(tunnels);
  t.true(opened.every(({ status }) => status === 200));
  await until(() => gate.waiting.length === answers.length, 'every request is held');

  const listed = await exitsOf(gateway);
  const idOf = ({ url }: { readonly url: string }) => listed.find(({ endpoint }) => endpoint === url)?.id ?? url;
  const byExit = (count: (exit: (typeof exits)[number]) => number) =>
    Object.fromEntries(exits.map((exit) => [idOf(exit), count(exit)]));
  t.deepEqual(
    Object.fromEntries(listed.map(({ id, live }) => [id, live.inFlight])),
    byExit((exit) => exit.open()),
  );
  t.is(
    exits.reduce((sum, exit) => sum + exit.requests.length, 0),
    total,
  );
  t.true(exits.filter((exit) => exit.open() > 0).length > 1);

  const used = [
    ...opened.map(({ i, head }) => ({ session: nameOf(i), exit: /Roundabout-Exit: (\w+)/.exec(head)?.[1] ?? '' })),
    ...exits.flatMap((exit) =>
      exit.requests
        .filter(({ kind }) => kind === 'forward')
        .map(({ target }) => ({ session: new URL(target).pathname.slice(1), exit: idOf(exit) })),
    ),
  ].filter(({ session }) => session !== '');
  const held = Map.groupBy(used, ({ session }) => session);
  t.is(held.size, sessionCount);
  for (const uses of held.values()) {
    t.is(uses.length, perSession);
    t.is(new Set(uses.map(({ exit }) => exit)).size, 1);
  }
  const sessions = await sessionsOf(gateway);
  t.deepEqual(
    sessions.map(({ session, exit, moves }) => `${session} ${exit} ${moves}`).sort(),
    [...held].map(([session, [use]]) => `${session} ${use!.exit} 0`).sort(),
  );

  gate.release();
  for (const { socket } of opened) socket.destroy();
  t.true((await Promise.all(answers)).every(({ status }) => status === 200));
  for (const socket of sockets) socket.destroy();
  const isIdle = async () => (await exitsOf(gateway)).every(({ live }) => live.inFlight === 0);
  await until(isIdle, 'nothing is in flight');
  t.true(await isIdle());
  const after = await sessionsOf(gateway);
  t.deepEqual(after.map(({ session }) => session).sort(), [...held.keys()].sort());
});

/** An exit over which the site serves everyone, or, where it is `banned`, refuses all once `together` requests have come. */
async function startSite(banned: boolean, together: number) {
  const waiting: ServerResponse[] = [];
  let requests = 0;
  const server = createServer((_, response) => {
    requests++;
    if (!banned) return void response.end('page');
    waiting.push(response);
    if (requests < together) return;
    for (const refused of waiting.splice(0)) refused.writeHead(403).end('no');
  });
  const peer = await listen(server);
  return { ...peer, url: `http://127.0.0.1:${peer.port}`, requests: () => requests };
}

for (const [who, refusals] of [
  ['both workers', 16],
  ['one worker', 1],
] as const) {
  test.serial(`an exit that a site has refused through ${who} is left alone by both`, async (t) => {
    const exits = await many(4, (i) => startSite(i === 0, refusals));
    t.teardown(() => Promise.all(exits.map((exit) => exit.close())));
    const gateway = await startGateway({
      config: {
        workers: 2,
        timeouts: unhurried,
        // A 403 without more is believed six times in ten; this one always.
        blocks: [{ name: 'ban', status: [403], verdict: 'refused' }],
        // Longer than the test takes, however slow the machine.
        selection: { leastPatience: '60s', firstPause: '10m' },
      },
      pools: { four: { probe, exits: exits.map(({ url }) => ({ url })) } },
    });
    t.teardown(gateway.stop);
    const banned = (await exitsOf(gateway)).find(({ endpoint }) => endpoint === exits[0]!.url)!;
    const ask = async (socket: Socket, parameters?: string) =>
      (await forwardVia(gateway.port(), 'http://127.0.0.1:80/', { socket, login: gateway.login('tester', parameters) }))
        .status;

    const first = refusals > 1 ? await openToBoth(gateway, refusals) : [await open(gateway.port())];
    const refused = await Promise.all(first.map((socket) => ask(socket, `exit-${banned.id}`)));
    t.deepEqual(refused, Array(refusals).fill(403));
    for (const socket of first) socket.destroy();

    // Verdicts are booked a moment after the answer.
    await until(async () => {
      const [listed] = (await exitsOf(gateway)).filter(({ id }) => id === banned.id);
      return listed?.live.inFlight === 0 && listed.live.refused === refusals;
    }, 'the refusals are booked');
    const fresh = await openToBoth(gateway, 48);
    const statuses: number[] = [];
    for (const socket of fresh) statuses.push(await ask(socket));
    t.deepEqual(statuses, Array(48).fill(200));
    t.is(exits[0]!.requests(), refusals);
    t.is(
      exits.reduce((sum, exit) => sum + exit.requests(), 0),
      refusals + 48,
    );
    for (const socket of fresh) socket.destroy();
  });
}
