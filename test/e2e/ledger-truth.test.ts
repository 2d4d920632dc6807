import type { Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { readBytes } from '../support/byte-reader.ts';
import { connectVia, forwardVia, patternOf } from '../support/clients.ts';
import { startHttpExit, startHttpsExit, startSocks5Exit } from '../support/exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { startRawOrigin } from '../support/raw-origin.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { until } from '../support/until.ts';
import { startWireTap } from '../support/wire-tap.ts';
import { exitAuthority } from './fault-pools.ts';

/** Ten thousand are asked for by hand. */
const EXCHANGES = Number(process.env.LEDGER_EXCHANGES ?? 1_000);
const AT_ONCE = 20;

/** More than lies in the buffers of a socket when it is reset early. */
const SOCKET_BUFFER = 64 * 1_024;

/** The alert and what it is wrapped in (RFC 8446 §5.2), with room. */
const TLS_END = 32;

interface Line {
  readonly pool: string;
  readonly kind: string;
  readonly attempts: number;
  readonly exchanges: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

async function bookedBy(gateway: Gateway): Promise<Line[]> {
  const ended = await gateway.command('usage', '--by', 'pool', '--by', 'kind', '--json');
  return JSON.parse(ended.stdout).rows;
}

const sumOf = (lines: readonly Line[], member: 'attempts' | 'exchanges' | 'sentBytes' | 'receivedBytes') =>
  lines.reduce((sum, line) => sum + line[member], 0);

const kinds = ['http', 'https', 'socks5'] as const;

interface Truth {
  readonly lines: readonly Line[];
  /** Exchanges that were cut before their clients. */
  readonly broken: number;
  /** What exits of a kind have counted, over connections that were to be cut, or not. */
  readonly countsOf: (kind: string, cut?: boolean) => { sent: number; received: number; connections: number };
}

/** Makes `EXCHANGES` of them over exits whose connections are cut once so many octets have come from them. */
async function exchangeAll(
  t: ExecutionContext,
  { contentOctets, cutAfter }: { contentOctets: number; cutAfter: () => number },
): Promise<Truth> {
  t.timeout(600_000);
  const content = patternOf(contentOctets);
  const origin = await startRawOrigin({
    reply: Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${content.length}\r\n\r\n`), content]),
    end: 'open',
  });
  const exits = { http: await startHttpExit(), https: await startHttpsExit(), socks5: await startSocks5Exit() };
  const taps = Object.fromEntries(
    await Promise.all(
      kinds.map(async (kind) => {
        const some = await Promise.all(Array.from({ length: 8 }, () => startWireTap(exits[kind].port, { cutAfter })));
        return [kind, some] as const;
      }),
    ),
  );
  const countsOf = (kind: string, cut?: boolean) => {
    const all = taps[kind]!.map((tap) => tap.counts(cut));
    const sum = (member: 'sent' | 'received' | 'connections') => all.reduce((total, one) => total + one[member], 0);
    return { sent: sum('sent'), received: sum('received'), connections: sum('connections') };
  };
  const entry = (kind: string, port: number) => ({
    url: `${kind}://127.0.0.1:${port}`,
    ...(kind === 'https' && { ca: 'exit.pem' }),
  });
  const gateway = await startGateway({
    config: { workers: 2, accessLog: { enabled: false }, exchange: { attempts: 6 } },
    pools: Object.fromEntries(
      kinds.map((kind) => [
        kind,
        { strategy: 'random', probe: { budget: 0 }, exits: taps[kind]!.map(({ port }) => entry(kind, port)) },
      ]),
    ),
    files: await exitAuthority(),
  });
  t.teardown(async () => {
    await gateway.stop();
    await Promise.all([origin, ...Object.values(exits), ...Object.values(taps).flat()].map((peer) => peer.close()));
  });

  let next = 0;
  let broken = 0;
  const worker = async () => {
    for (let number = next++; number < EXCHANGES; number = next++) {
      const kind = kinds[number % 3]!;
      const login = gateway.login('tester', `pool-${kind}`);
      if (number % 2 === 0) {
        const url = `http://127.0.0.1:${origin.port}/`;
        const answer = await forwardVia(gateway.port(), url, { login }).catch(() => null);
        if (answer === null || (answer.status === 200 && answer.content.length < content.length)) broken++;
        else if (answer.status === 200) t.is(answer.content.length, content.length);
        else t.is(answer.status, 502);
      } else {
        const { status, socket } = await connectVia(gateway.port(), `127.0.0.1:${origin.port}`, { login });
        // Of all its attempts each may have been cut.
        if (status !== 200) t.is(status, 502);
        else if (!(await ask(socket, content.length))) broken++;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));

  // With the last octets of kept links, which are closed beforehand: the end of a gateway waits only a second for what exits tell then.
  t.is((await gateway.command('client', 'add', 'other')).code, 0);
  await until(
    () =>
      Object.values(taps)
        .flat()
        .every((tap) => tap.open() === 0),
    'links are closed',
  );
  t.is(await gateway.terminate(), 0);
  const lines = await bookedBy(gateway);
  t.is(sumOf(lines, 'exchanges'), EXCHANGES);
  t.log(
    lines
      .map(
        ({ pool, kind, attempts, sentBytes, receivedBytes }) =>
          `${pool} ${kind}: ${attempts} attempts, ${sentBytes} + ${receivedBytes}`,
      )
      .join('\n'),
  );
  return { lines, countsOf, broken };
}

test(`${EXCHANGES} exchanges of known size over failing exits: the ledger against what exits counted`, async (t) => {
  const random = seededRandom(7);
  // A third of all connections are reset before an answer, after the first octet from the exit.
  const cutAfter = () => (random() < 1 / 3 ? 1 : Number.POSITIVE_INFINITY);
  const { lines, countsOf, broken } = await exchangeAll(t, { contentOctets: 3_000, cutAfter });
  t.is(broken, 0);
  for (const kind of kinds) {
    const ours = lines.filter(({ pool }) => pool === kind);
    const [served, failed] = [ours.filter((line) => line.kind === 'ok'), ours.filter((line) => line.kind !== 'ok')];
    // The last of it, an end of TLS say, comes when it is booked already.
    await until(() => countsOf(kind, false).sent >= sumOf(served, 'sentBytes'), `what went to ${kind} exits`);
    const [orderly, reset] = [countsOf(kind, false), countsOf(kind, true)];
    t.is(sumOf(served, 'attempts'), sumOf(served, 'exchanges'));
    t.deepEqual([sumOf(served, 'sentBytes'), sumOf(served, 'receivedBytes')], [orderly.sent, orderly.received], kind);
    // Each attempt that failed had a connection of its own: none is missing, none is there twice.
    t.is(sumOf(failed, 'attempts'), reset.connections, kind);
    t.is(sumOf(failed, 'receivedBytes'), reset.received, kind);
    const beyond = sumOf(failed, 'sentBytes') - reset.sent;
    t.true(beyond >= 0 && beyond <= reset.connections * SOCKET_BUFFER, `${kind}: ${beyond}`);
  }
  t.true(
    sumOf(
      lines.filter(({ kind }) => kind !== 'ok'),
      'attempts',
    ) >
      EXCHANGES / 10,
  );
});

test(`${EXCHANGES} exchanges over exits that cut anywhere: nothing that came is missing`, async (t) => {
  const random = seededRandom(8);
  const contentOctets = 30_000;
  const cutAfter = () => (random() < 1 / 3 ? 1 + Math.floor(random() * 2 * contentOctets) : Number.POSITIVE_INFINITY);
  const { lines, countsOf, broken } = await exchangeAll(t, { contentOctets, cutAfter });
  t.true(broken > EXCHANGES / 50);
  for (const kind of kinds) {
    const ours = lines.filter(({ pool }) => pool === kind);
    const all = countsOf(kind);
    // A peer tells its end of TLS also to one that has left: that never arrives.
    const missing = all.received - sumOf(ours, 'receivedBytes');
    t.true(missing >= 0 && missing <= (kind === 'https' ? all.connections * TLS_END : 0), `${kind}: ${missing}`);
    // What was on its way when it was cut.
    const beyond = sumOf(ours, 'sentBytes') - all.sent;
    t.true(beyond >= 0 && beyond <= countsOf(kind, true).connections * SOCKET_BUFFER, `${kind}: ${beyond}`);
  }
});

/** Whether the answer came whole. */
async function ask(socket: Socket, length: number): Promise<boolean> {
  const reader = readBytes(socket);
  socket.resume().write('GET / HTTP/1.1\r\nHost: origin\r\n\r\n');
  const whole = await reader
    .until('\r\n\r\n')
    .then(() => reader.take(length))
    .catch(() => null);
  socket.end();
  // Until the peer has ended as well.
  await reader.take(1).catch(() => {});
  return whole !== null;
}
