import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { askGateway } from '../../src/cli/control-client.ts';
import { connectVia, patternOf, sha256, socks5Via } from '../support/clients.ts';
import { startHttpExit } from '../support/exits.ts';
import { startGateway } from '../support/gateway.ts';
import { listen } from '../support/peers.ts';

/** Longer than it takes until a tunnel rests in which nothing moves. */
const REST_MS = 2_500;

const TUNNELS = 12;
const SPOKEN = 6;
const WORD = patternOf(20_000);

interface Line {
  readonly cut: boolean;
  readonly why: string | null;
  readonly session: string | null;
  readonly clientToOrigin: number;
  readonly originToClient: number;
  readonly exitSent: number;
  readonly exitReceived: number;
  readonly attempts: readonly { readonly kind: string }[];
}

/** Sends a word and reads its echo. */
async function speak(socket: Socket): Promise<string> {
  const parts: Buffer[] = [];
  let octets = 0;
  const whole = new Promise<void>((resolve) => {
    socket.on('data', (part: Buffer) => {
      parts.push(part);
      octets += part.length;
      if (octets >= WORD.length) resolve();
    });
  });
  socket.resume().write(WORD);
  await whole;
  return sha256(Buffer.concat(parts));
}

test('tunnels that rested go on, are booked and cut as others are, and give back their places once', async (t) => {
  const origin = await listen(createServer((socket) => void socket.on('error', () => {}).pipe(socket)));
  const exit = await startHttpExit();
  const gateway = await startGateway({
    config: {
      workers: 1,
      limits: { quotas: ['bytes=2MB/day'], clients: [`exchanges=${TUNNELS} bandwidth=50MB/s`] },
    },
    pools: { res: { price: { perGB: 3 }, exits: [{ url: exit.url }] } },
  });
  t.teardown(() => Promise.all([origin, exit].map((peer) => peer.close())));
  const to = `127.0.0.1:${origin.port}`;
  const connect = (i: number) => {
    const login = gateway.login('tester', i % 3 === 0 ? `session-s${i}-idle-1` : undefined);
    return i % 2 === 0
      ? connectVia(gateway.port(), to, { login })
      : socks5Via(gateway.port(), { host: '127.0.0.1', port: origin.port }, { login });
  };
  const tunnels = await Promise.all(Array.from({ length: TUNNELS }, (_, i) => connect(i)));
  const sockets = tunnels.map(({ socket }) => socket.on('error', () => {}));
  await sleep(REST_MS);
  const echoes = await Promise.all(sockets.slice(0, SPOKEN).map(speak));
  t.deepEqual(new Set(echoes), new Set([sha256(WORD)]));
  await sleep(REST_MS);

  for (const socket of sockets.slice(0, 8)) socket.destroy();
  const lines = (await gateway.accessLog(8)) as unknown as Line[];
  const moved = (count: number) => lines.filter(({ clientToOrigin }) => clientToOrigin === count);
  t.deepEqual([moved(WORD.length).length, moved(0).length], [SPOKEN, 2]);
  t.true(lines.every((line) => line.clientToOrigin === line.originToClient && line.attempts.length === 1));
  t.true(lines.every((line) => line.exitSent > line.clientToOrigin && line.exitReceived > line.originToClient));

  const more = await Promise.all(
    Array.from({ length: 9 }, () => connectVia(gateway.port(), to, { login: gateway.login() })),
  );
  t.deepEqual(more.map(({ status }) => status).sort(), [...Array(8).fill(200), 429]);
  const open = more.filter(({ status }) => status === 200).map(({ socket }) => socket.on('error', () => {}));
  await sleep(REST_MS);
  const gone = [...sockets.slice(8), ...open.slice(1)].map(
    (socket) => new Promise((resolve) => socket.resume().once('close', resolve)),
  );
  open[0]?.resume().write(Buffer.alloc(4_000_000));
  await Promise.all(gone);
  const all = (await gateway.accessLog(TUNNELS + 9)) as unknown as Line[];
  const cut = all.filter(({ why }) => why?.startsWith('quota'));
  t.is(cut.length, TUNNELS, 'all that were left');
  t.true(cut.every((line) => line.cut));

  const { stdout } = await gateway.command('usage', '--json');
  const sum = (figures: readonly number[]) => figures.reduce((total, one) => total + one, 0);
  const rows: { sentBytes: number; receivedBytes: number; exchanges: number }[] = JSON.parse(stdout).rows;
  t.is(sum(rows.map(({ exchanges }) => exchanges)), TUNNELS + 9);
  t.is(sum(rows.map(({ sentBytes }) => sentBytes)), sum(all.map(({ exitSent }) => exitSent)));
  t.is(sum(rows.map(({ receivedBytes }) => receivedBytes)), sum(all.map(({ exitReceived }) => exitReceived)));
  await gateway.stop();
});

test('who asks what was used is told of what has passed just now in a tunnel that rested', async (t) => {
  const origin = await listen(createServer((socket) => void socket.on('error', () => {}).pipe(socket)));
  const exit = await startHttpExit();
  const gateway = await startGateway({ config: { workers: 1 }, pools: { res: { exits: [{ url: exit.url }] } } });
  t.teardown(() => Promise.all([origin, exit].map((peer) => peer.close())));
  const { socket } = await connectVia(gateway.port(), `127.0.0.1:${origin.port}`, { login: gateway.login() });
  socket.on('error', () => {});
  await sleep(REST_MS);
  await speak(socket);
  await askGateway(join(gateway.folder, 'data', 'roundabout.sock'), { command: 'ledger.write', args: {} }, 10_000);
  await gateway.kill({ keepFolder: true });
  const [row] = JSON.parse((await gateway.command('usage', '--json')).stdout).rows;
  t.true(row.sentBytes > WORD.length && row.receivedBytes > WORD.length, JSON.stringify(row));
  await gateway.stop();
});
