import { createServer } from 'node:http';
import { createServer as createTcpServer, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { readBytes } from '../support/byte-reader.ts';
import { connectVia } from '../support/clients.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { openTunnelsLate } from '../support/http-exits.ts';
import { listen, startRefusing } from '../support/peers.ts';
import { type RawOrigin, startRawOrigin } from '../support/raw-origin.ts';
import { answer, readSocks5, socks5Reply } from '../support/socks-exits.ts';

// What exits tell of origins: an exit that works, and then says at once of each that it refuses or can't be reached; and those that say so
// because it is true.

let origin: RawOrigin;

test.before(async () => {
  origin = await startRawOrigin({ reply: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok' }, { host: '0.0.0.0' });
});

test.after.always(() => origin?.close());

/** A SOCKS5 exit that works until it is told what to reply to everybody. */
async function startTurning() {
  const state: { reply: number | null; refused: number } = { reply: null, refused: 0 };
  const meet = async (socket: Socket) => {
    const reader = readBytes(socket);
    const request = await readSocks5(socket, reader);
    if (request === null) return;
    if (state.reply !== null) {
      state.refused++;
      socket.end(socks5Reply(state.reply));
      return;
    }
    reader.release();
    answer(socket, request, (ok) => socks5Reply(ok ? 0 : 5));
  };
  const peer = await listen(createTcpServer((socket) => void meet(socket).catch(() => socket.destroy())));
  return { ...peer, state };
}

async function startScene(
  t: ExecutionContext,
  exits: readonly { url: string; country?: string }[],
  strategy = 'learned',
) {
  const gateway = await startGateway({
    config: { workers: 1 },
    pools: { mixed: { strategy, probe: { budget: 0 }, exits } },
  });
  t.teardown(() => gateway.stop());
  return gateway;
}

const socksUrl = ({ port }: { port: number }) => ({ url: `socks5://127.0.0.1:${port}` });

/** One tunnel; what it came to, and over which exit. */
async function visit(gateway: Gateway, authority: string, parameters = '') {
  const login = gateway.login('tester', parameters);
  const { socket, reason, head } = await connectVia(gateway.port(), authority, { login });
  socket.destroy();
  return { reason, exit: /\r\nRoundabout-Exit: ([^\s;]+)/i.exec(head)?.[1] };
}

async function failuresOf(gateway: Gateway): Promise<readonly number[]> {
  const { stdout } = await gateway.command('exit', 'list', '--json');
  return JSON.parse(stdout).map(({ live }: { live: { failuresInRow: number } }) => live.failuresInRow);
}

for (const [strategy, reply, hosts] of [
  ['learned', 5, 1],
  ['learned', 5, 8],
  ['learned', 6, 8],
  ['two-choices', 4, 1],
] as const)
  test.serial(`${strategy}: an exit that begins to tell reply ${reply} of ${hosts} origins is found out`, async (t) => {
    const turning = await startTurning();
    const good = await Promise.all(Array.from({ length: 5 }, () => listen(openTunnelsLate(createServer(), 60))));
    t.teardown(() => Promise.all([turning, ...good].map(({ close }) => close())));
    const gateway = await startScene(
      t,
      [socksUrl(turning), ...good.map(({ port }) => ({ url: `http://127.0.0.1:${port}` }))],
      strategy,
    );
    const crawl = async () => {
      const outcomes = new Map<string, number>();
      const each = async () => {
        for (let i = 0; i < 40; i++) {
          const { reason } = await visit(gateway, `127.0.0.${1 + (i % hosts)}:${origin.port}`);
          outcomes.set(reason, (outcomes.get(reason) ?? 0) + 1);
        }
      };
      await Promise.all(Array.from({ length: 6 }, each));
      return outcomes;
    };
    t.deepEqual([...(await crawl())], [['Connection established', 240]]);
    turning.state.reply = reply;
    const outcomes = await crawl();
    t.log(outcomes, turning.state.refused);
    const failed = 240 - (outcomes.get('Connection established') ?? 0);
    t.true(failed <= 3, `${failed} of 240 failed`);
    t.true(turning.state.refused <= 60, `${turning.state.refused} of 240 were tried over it`);
  });

test.serial('a client that asks for many origins that are gone makes no exit less believed for others', async (t) => {
  const exits = await Promise.all([1, 2, 3].map(() => startTurning()));
  const gone = await Promise.all(Array.from({ length: 6 }, () => startRefusing()));
  t.teardown(() => Promise.all([...exits, ...gone].map(({ close }) => close())));
  const gateway = await startScene(t, exits.map(socksUrl));
  const there = `127.0.0.1:${origin.port}`;
  const { exit } = await visit(gateway, there, 'session-s');
  for (const parameters of ['session-s', '', '', '', ''])
    for (const { port } of gone) t.is((await visit(gateway, `127.0.0.1:${port}`, parameters)).reason, 'origin_refused');
  t.deepEqual(await failuresOf(gateway), [0, 0, 0]);
  t.deepEqual(await visit(gateway, there, 'session-s'), { reason: 'Connection established', exit }, 'it stays');
});

test.serial('an origin that can’t be reached moves no session that was served', async (t) => {
  const exits = await Promise.all([1, 2].map(() => startTurning()));
  t.teardown(() => Promise.all(exits.map(({ close }) => close())));
  const gateway = await startScene(t, exits.map(socksUrl));
  const there = `127.0.0.1:${origin.port}`;
  for (const parameters of ['session-s', 'session-t-strict-1']) {
    const { exit } = await visit(gateway, there, parameters);
    for (const { state } of exits) state.reply = 4;
    t.is((await visit(gateway, `127.0.0.2:${origin.port}`, parameters)).reason, 'origin_unreachable', parameters);
    for (const { state } of exits) state.reply = null;
    t.deepEqual(await visit(gateway, there, parameters), { reason: 'Connection established', exit }, parameters);
  }
});

test.serial('a session leaves an exit that was found out', async (t) => {
  const exits = await Promise.all([1, 2].map(() => startTurning()));
  t.teardown(() => Promise.all(exits.map(({ close }) => close())));
  const gateway = await startScene(
    t,
    exits.map((exit, index) => ({ ...socksUrl(exit), country: index === 0 ? 'us' : 'de' })),
  );
  const there = `127.0.0.1:${origin.port}`;
  const { exit } = await visit(gateway, there, 'session-s-country-us.de');
  const onFirst = (await visit(gateway, there, 'country-us')).exit === exit;
  exits[onFirst ? 0 : 1]!.state.reply = 5;
  const reasons: string[] = [];
  for (let i = 0; i < 5; i++) {
    reasons.push((await visit(gateway, there, 'session-s-country-us.de')).reason);
    // Others reach it meanwhile.
    await visit(gateway, there, onFirst ? 'country-de' : 'country-us');
  }
  t.log(reasons);
  t.is(reasons.at(-1), 'Connection established');
  t.not((await visit(gateway, there, 'session-s-country-us.de')).exit, exit);
});
