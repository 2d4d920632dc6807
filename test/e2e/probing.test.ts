import { createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { startCountingFront, startFloodingExit } from '../support/counting-exits.ts';
import { startHttpExit, startHttpsExit, startSocks5Exit, startSocksv5Exit } from '../support/exits.ts';
import { startFaultExit } from '../support/fault-exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';

interface Probing {
  readonly budget: number;
  readonly spent: number;
  readonly left: number;
  readonly byKind: Readonly<Record<string, number>>;
}

async function probingOf(gateway: Gateway, pool = 'main'): Promise<Probing> {
  const { stdout, stderr } = await gateway.command('pool', 'show', pool, '--json');
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout).probing;
}

/** Polls until `holds`, for as long as the test's own bound. */
async function until<T>(ask: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  for (let tries = 0; ; tries++) {
    const value = await ask();
    if (holds(value) || tries > 150) return value;
    await sleep(200);
  }
}

test.serial('the budget for a day is held to the octet, as the exits count, over a kill too', async (t) => {
  t.timeout(180_000);
  const budget = 3_000_000;
  const [http, https, socks, hanging, garbage] = await Promise.all([
    startHttpExit(),
    startHttpsExit(),
    startSocksv5Exit(),
    startFaultExit({ protocol: 'http', mode: 'blackhole' }),
    startFaultExit({ protocol: 'http', mode: 'garbage' }),
  ]);
  const fronts = await Promise.all([http, https, socks, hanging, garbage].map(({ port }) => startCountingFront(port)));
  const floods = await Promise.all((['accept', 'data', 'end'] as const).map((when) => startFloodingExit(when)));
  const peers = [http, https, socks, hanging, garbage, ...fronts, ...floods];
  t.teardown(() => Promise.all(peers.map((peer) => peer.close())));
  const counted = () => [...fronts, ...floods].reduce((sum, peer) => sum + peer.counted(), 0);
  const [plain, secure, proxy, silent, noisy] = fronts.map(({ port }) => port);
  const exits = [
    `http://127.0.0.1:${plain}`,
    `https://127.0.0.1:${secure}`,
    `socks5://127.0.0.1:${proxy}`,
    `http://127.0.0.1:${silent}`,
    `http://127.0.0.1:${noisy}`,
    ...floods.map(({ port }, index) => `${['http', 'https', 'socks5'][index]}://127.0.0.1:${port}`),
  ].map((url) => ({ url, verify: false }));
  const probe = { every: '100ms', idleAfter: '100ms', budget, concurrency: 3 };
  let gateway = await startGateway({ pools: { main: { probe, exits } } });
  const half = await until(
    () => probingOf(gateway),
    ({ spent }) => spent > budget / 2,
  );
  t.true(half.spent > budget / 2, JSON.stringify(half));
  await gateway.kill({ keepFolder: true });
  const atDeath = counted();
  gateway = await gateway.startAgain();
  t.teardown(() => gateway.stop());
  t.true((await probingOf(gateway)).spent >= atDeath, 'what was spent is known after a kill');
  const last = await until(
    () => probingOf(gateway),
    ({ left }) => left < 200_000,
  );
  await sleep(2_000);
  const end = await probingOf(gateway);
  t.log({ budget, spent: end.spent, counted: counted(), byKind: end.byKind });
  t.true(last.left < 200_000, JSON.stringify(last));
  t.true(counted() <= end.spent, `${counted()} were counted, ${end.spent} booked`);
  t.true(end.spent <= budget);
});

test.serial('an exit that died and came back is found again without live traffic', async (t) => {
  t.timeout(180_000);
  const exit = await startSocks5Exit();
  t.teardown(() => exit.close());
  const gate = createServer();
  const { port } = await opened(gate, 0);
  await closed(gate);
  const exits = [{ url: `http://127.0.0.1:${port}` }];
  const gateway = await startGateway({ pools: { main: { probe: { every: '300ms', idleAfter: '600ms' }, exits } } });
  t.teardown(() => gateway.stop());
  const state = async () => {
    const [view] = JSON.parse((await gateway.command('exit', 'list', '--json')).stdout);
    return view as {
      live: { failuresInRow: number; ejectedForMs: number };
      seen: { kind: string; source: string } | null;
    };
  };
  const dead = await until(state, ({ live }) => live.failuresInRow > 0);
  t.like(dead, { seen: { kind: 'exit_refused', source: 'probe' } });
  const back = await startHttpExitAt(port);
  t.teardown(() => back.close());
  const alive = await until(state, ({ live, seen }) => live.failuresInRow === 0 && seen?.kind === 'ok');
  t.like(alive, { live: { failuresInRow: 0 }, seen: { kind: 'ok' } });
  t.is((await gateway.accessLog()).length, 0, 'nobody asked for anything');
});

function opened(server: Server, port: number): Promise<{ port: number }> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server.address() as { port: number }));
  });
}

const closed = (server: Server) => new Promise((resolve) => server.close(resolve));

/** A front on a port that was known before. */
async function startHttpExitAt(port: number) {
  const exit = await startHttpExit();
  const front = await startCountingFront(exit.port, port);
  return { close: async () => void (await Promise.all([front.close(), exit.close()])) };
}
