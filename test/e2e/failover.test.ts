import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import test from 'ava';
import { readBytes } from '../support/byte-reader.ts';
import { basic, connectVia, forwardVia, open } from '../support/clients.ts';
import { type FaultProtocol, startFaultExit } from '../support/fault-exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { openTunnelsLate, startHttpExit } from '../support/http-exits.ts';
import { listen } from '../support/peers.ts';
import { type RawOrigin, startRawOrigin } from '../support/raw-origin.ts';
import { startSocks5Exit } from '../support/socks-exits.ts';
import { entriesOf, exitAuthority, faultCases, poolName, startBadExits, startGoodExits } from './fault-pools.ts';

const protocols: readonly FaultProtocol[] = ['http', 'https', 'socks5'];
const cases = protocols.flatMap(faultCases);
// So long that no good exit is given up with a hundred visits at once, however late a thread is; six silent ones in a row have time.
const timeouts = { dial: '6s', firstByte: '6s', attempts: '60s' };
const concurrency = 100;

const closing: (() => Promise<unknown>)[] = [];
let gateway: Gateway;
let origin: RawOrigin;

test.before(async () => {
  origin = await startRawOrigin({ reply: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', end: 'open' });
  const pools: Record<string, Record<string, unknown>> = {};
  for (const protocol of protocols) {
    const good = await startGoodExits(protocol, 9);
    for (const fault of faultCases(protocol)) {
      const bad = await startBadExits(fault, 9);
      pools[poolName('one', fault)] = { exits: entriesOf([...bad.slice(0, 1), ...good]) };
      pools[poolName('nine', fault)] = { exits: entriesOf([...bad, ...good.slice(0, 1)]) };
      closing.push(...bad.map(({ close }) => close));
    }
    closing.push(...good.map(({ close }) => close));
  }
  gateway = await startGateway({
    config: { timeouts, accessLog: { enabled: false } },
    pools,
    files: await exitAuthority(),
  });
});

test.after.always(async () => {
  await gateway?.stop();
  await Promise.all([origin?.close(), ...closing.map((close) => close())]);
});

test.serial(
  'one bad exit among ten, in each mode: 1,000 of 1,000 CONNECTs and idempotent requests succeed',
  async (t) => {
    const modes = Map.groupBy(cases, ({ mode }) => mode);
    const visits = [...modes.values()].flatMap((alike) =>
      Array.from({ length: 1_000 }, (_, i): Visit => {
        const fault = alike[i % alike.length]!;
        // Every third, so that each protocol gets its share of both.
        return { login: `pool-${poolName('one', fault)}`, forward: fault.forward && Math.floor(i / 3) % 2 === 1 };
      }),
    );
    t.deepEqual(failuresOf(await all(interleaved(visits, 1_000))), []);
  },
);

test.serial('nine bad exits among ten, in each mode: all after the first 50 succeed with retry-5', async (t) => {
  const visits = (count: number) =>
    cases.flatMap((fault) =>
      Array.from({ length: count }, (_, i): Visit => {
        return { login: `pool-${poolName('nine', fault)}-retry-5`, forward: fault.forward && i % 2 === 1 };
      }),
    );
  await all(interleaved(visits(50), 50));
  t.deepEqual(failuresOf(await all(interleaved(visits(60), 60))), []);
});

interface Visit {
  readonly login: string;
  readonly forward: boolean;
}

/** What came of a visit: `ok`, or the reason phrase. */
type Result = Visit & { readonly reason: string };

/** Rows of `length` visits, column by column, so that deadlines of different pools pass at the same time. */
function interleaved(visits: readonly Visit[], length: number): readonly Visit[] {
  const rows = visits.length / length;
  return visits.map((_, i) => visits[(i % rows) * length + Math.floor(i / rows)]!);
}

/** Makes all visits, some at once. */
async function all(visits: readonly Visit[]): Promise<Result[]> {
  const results: Result[] = [];
  const rest = visits.values();
  const work = async () => {
    for (const visit of rest) {
      const reason = await (visit.forward ? get(visit) : tunnel(visit));
      results.push({ ...visit, reason });
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return results;
}

/** A line for each pool, way and reason, with its number. */
function failuresOf(results: readonly Result[]): string[] {
  const failed = results.filter(({ reason }) => reason !== 'ok');
  const lines = Map.groupBy(
    failed,
    ({ login, forward, reason }) => `${login} ${forward ? 'GET' : 'CONNECT'} ${reason}`,
  );
  return [...lines].map(([line, { length }]) => `${length} × ${line}`);
}

async function get({ login }: Visit): Promise<string> {
  const socket = await open(gateway.port());
  const host = `127.0.0.1:${origin.port}`;
  const credential = basic(gateway.login('tester', login));
  return ask(socket, `GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\nProxy-Authorization: ${credential}\r\n\r\n`);
}

async function tunnel({ login }: Visit): Promise<string> {
  const { socket, status, reason } = await connectVia(gateway.port(), `127.0.0.1:${origin.port}`, {
    login: gateway.login('tester', login),
  });
  if (status === 200) return ask(socket, 'GET / HTTP/1.1\r\nHost: origin\r\n\r\n');
  socket.destroy();
  return reason;
}

async function ask(socket: Socket, request: string): Promise<string> {
  const reader = readBytes(socket);
  socket.write(request);
  socket.resume();
  try {
    const head = (await reader.until('\r\n\r\n')).toString('latin1');
    if (!head.startsWith('HTTP/1.1 200 ')) return head.split('\r\n')[0]!;
    return (await reader.take(2)).toString();
  } catch {
    return 'cut';
  } finally {
    socket.destroy();
  }
}

test.serial('an exit that tells at once of every origin that it refuses draws no traffic', async (t) => {
  const quick = await startFaultExit({ protocol: 'socks5', mode: 'rep-5' });
  const good = await Promise.all(Array.from({ length: 5 }, () => listen(openTunnelsLate(createServer(), 60))));
  const own = await startGateway({
    config: { workers: 1 },
    pools: {
      mixed: {
        probe: { budget: 0 },
        exits: [...entriesOf([quick]), ...good.map(({ port }) => ({ url: `http://127.0.0.1:${port}` }))],
      },
    },
  });
  t.teardown(async () => {
    await own.stop();
    await Promise.all([quick, ...good].map(({ close }) => close()));
  });
  const outcomes = new Map<string, number>();
  const visit = async () => {
    const { socket, reason } = await connectVia(own.port(), `localhost:${origin.port}`, { login: own.login() });
    socket.destroy();
    outcomes.set(reason, (outcomes.get(reason) ?? 0) + 1);
  };
  await Promise.all(
    Array.from({ length: 6 }, async () => {
      for (let i = 0; i < 60; i++) await visit();
    }),
  );
  t.deepEqual([...outcomes], [['Connection established', 360]]);
});

test.serial('a page by which tinyproxy says that it failed is its own, and another exit is asked', async (t) => {
  const page = 'HTTP/1.1 500 Unable to connect\r\nServer: tinyproxy/1.11.1\r\nContent-Type: text/html\r\n';
  const lost = await startRawOrigin({ reply: `${page}Content-Length: 4\r\n\r\nlost` });
  const good = await startHttpExit();
  const exitsOf = (...ports: number[]) => ({
    probe: { budget: 0 },
    strategy: 'round-robin',
    exits: ports.map((port) => ({ url: `http://127.0.0.1:${port}` })),
  });
  const own = await startGateway({ pools: { both: exitsOf(lost.port, good.port), lost: exitsOf(lost.port) } });
  t.teardown(async () => {
    await own.stop();
    await Promise.all([lost, good].map(({ close }) => close()));
  });
  const get = (pool: string) =>
    forwardVia(own.port(), `http://127.0.0.1:${origin.port}/`, { login: own.login('tester', `pool-${pool}`) });
  for (let i = 0; i < 4; i++) t.is((await get('both')).status, 200);
  t.true(lost.received.length > 0);
  const told = await get('lost');
  t.is(told.status, 502);
  t.regex(String(told.headers['roundabout-error']), /^exit_rejected; by=exit/);
});

test.serial('exits that say truly of an origin that it is gone are charged with nothing', async (t) => {
  const exits = await Promise.all([1, 2, 3].map(() => startSocks5Exit()));
  const passing = await startRawOrigin(() => ({ pieces: ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'] }));
  const own = await startGateway({
    pools: { res: { probe: { budget: 0 }, exits: exits.map(({ port }) => ({ url: `socks5://127.0.0.1:${port}` })) } },
  });
  t.teardown(async () => {
    await own.stop();
    await Promise.all(exits.map(({ close }) => close()));
  });
  const visit = async () => {
    const { socket, reason } = await connectVia(own.port(), `127.0.0.1:${passing.port}`, { login: own.login() });
    socket.destroy();
    return reason;
  };
  for (let i = 0; i < 12; i++) t.is(await visit(), 'Connection established');
  await passing.close();
  for (let i = 0; i < 12; i++) t.is(await visit(), 'origin_refused');
  const listed: { live: { failuresInRow: number } }[] = JSON.parse(
    (await own.command('exit', 'list', '--json')).stdout,
  );
  t.deepEqual(
    listed.map(({ live }) => live.failuresInRow),
    [0, 0, 0],
  );
});
