import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { startCountingFront, startFloodingExit } from '../support/counting-exits.ts';
import { startHttpExit, startHttpsExit, startSocks5Exit, startSocksv5Exit } from '../support/exits.ts';
import { startFaultExit } from '../support/fault-exits.ts';
import { freePort } from '../support/free-port.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { answerWhen } from '../support/until.ts';

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

/** A time zone in which it is between 22 and 23 o'clock: what can wait may use a quarter of a day's budget at once, and the rest as the
 *  day goes by. */
function lateZone(): string {
  const ahead = 22 - new Date().getUTCHours();
  const hours = ahead > 14 ? ahead - 24 : ahead;
  return hours > 0 ? `Etc/GMT-${hours}` : `Etc/GMT+${-hours}`;
}

/** A look is a command, and what is looked for may take some probes. */
const boundMs = 240_000;

test.serial('the budget for a day is held to the octet, as the exits count, over a kill too', async (t) => {
  t.timeout(600_000);
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
  let gateway = await startGateway({ config: { probe: { zone: lateZone() } }, pools: { main: { probe, exits } } });
  const half = await answerWhen(
    () => probingOf(gateway),
    ({ spent }) => spent > budget / 2,
    boundMs,
  );
  t.true(half.spent > budget / 2, JSON.stringify(half));
  await gateway.kill({ keepFolder: true });
  const atDeath = counted();
  gateway = await gateway.startAgain();
  t.teardown(() => gateway.stop());
  t.true((await probingOf(gateway)).spent >= atDeath, 'what was spent is known after a kill');
  const last = await answerWhen(
    () => probingOf(gateway),
    ({ left }) => left < budget / 8,
    boundMs,
  );
  await sleep(2_000);
  // What is spent is booked before it is.
  const seen = counted();
  const end = await probingOf(gateway);
  t.log({ budget, spent: end.spent, counted: seen, byKind: end.byKind });
  t.true(last.left < budget / 8, JSON.stringify(last));
  t.true(seen <= end.spent, `${seen} were counted, ${end.spent} booked`);
  t.true(end.spent <= budget);
});

test.serial('an exit that died and came back is found again without live traffic', async (t) => {
  t.timeout(180_000);
  const exit = await startSocks5Exit();
  t.teardown(() => exit.close());
  const port = await freePort();
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
  const dead = await answerWhen(state, ({ live }) => live.failuresInRow > 0, boundMs);
  t.like(dead, { seen: { kind: 'exit_refused', source: 'probe' } });
  const back = await startHttpExitAt(port);
  t.teardown(() => back.close());
  const alive = await answerWhen(state, ({ live, seen }) => live.failuresInRow === 0 && seen?.kind === 'ok', boundMs);
  t.like(alive, { live: { failuresInRow: 0 }, seen: { kind: 'ok' } });
  t.is((await gateway.accessLog()).length, 0, 'nobody asked for anything');
});

/** A front on a port that was known before. */
async function startHttpExitAt(port: number) {
  const exit = await startHttpExit();
  const front = await startCountingFront(exit.port, port);
  return { close: async () => void (await Promise.all([front.close(), exit.close()])) };
}
