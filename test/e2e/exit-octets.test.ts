import { connect, type Socket } from 'node:net';
import test from 'ava';
import { readBytes } from '../support/byte-reader.ts';
import { basic, connectVia, forwardVia, patternOf, rawExchange } from '../support/clients.ts';
import { type CountingExit, startAcknowledgedFront, startFloodingExit } from '../support/counting-exits.ts';
import { startHttpExit, startHttpsExit, startSocks5Exit } from '../support/exits.ts';
import { type AccessLine, type Gateway, startGateway } from '../support/gateway.ts';
import { relayBinding } from '../support/native-relay.ts';
import { type RawOrigin, startRawOrigin } from '../support/raw-origin.ts';
import { until } from '../support/until.ts';
import { startWireTap, type WireTap } from '../support/wire-tap.ts';
import { exitAuthority } from './fault-pools.ts';

const kinds = ['http', 'https', 'socks5'] as const;
const starts = { http: startHttpExit, https: startHttpsExit, socks5: startSocks5Exit };
const carriers: readonly (readonly [string, number])[] = [
  ['in TypeScript', 0],
  ...(relayBinding() === null ? [] : [['native', 1] as const]),
];
/** Octets of probes are nobody's exchange. */
const probe = { budget: 0 };

const content = patternOf(30_000).toString('latin1');

/** A gateway with a pool for each kind of exit, all of them behind taps, and one more whose first connections are reset. */
async function scene(threads: number) {
  const origin = await startRawOrigin({
    reply: `HTTP/1.1 200 OK\r\nContent-Length: ${content.length}\r\n\r\n${content}`,
    end: 'open',
  });
  const exits = await Promise.all(kinds.map((kind) => starts[kind]()));
  const taps = await Promise.all(exits.map(({ port }) => startWireTap(port)));
  const poor = await startWireTap(exits[2]!.port, { cutAfter: () => 2 });
  const urlOf = (kind: (typeof kinds)[number], tap: WireTap) => `${kind}://127.0.0.1:${tap.port}`;
  const pools = Object.fromEntries(
    kinds.map((kind, i) => [
      kind,
      { probe, exits: [{ url: urlOf(kind, taps[i]!), ...(kind === 'https' && { ca: 'exit.pem' }) }] },
    ]),
  );
  const failing = {
    probe,
    strategy: 'round-robin',
    exits: [{ url: urlOf('socks5', poor) }, { url: urlOf('socks5', taps[2]!) }],
  };
  const gateway = await startGateway({
    config: { relay: { threads } },
    pools: { ...pools, failing },
    files: await exitAuthority(),
  });
  const close = async () => {
    await gateway.stop();
    await Promise.all([origin, poor, ...taps, ...exits].map((peer) => peer.close()));
  };
  return { gateway, origin, taps, poor, close };
}

/** Waits until the taps have seen what the log tells was sent: the last of it, an end of TLS say, comes when the line is there. */
const hasCome = (sent: number, ...some: readonly WireTap[]) =>
  until(() => some.reduce((sum, tap) => sum + tap.counts().sent, 0) >= sent, `${sent} octets`);

const sumOf = (lines: readonly AccessLine[], member: string) =>
  lines.reduce((sum, line) => sum + Number(line[member]), 0);

async function tunnel(gateway: Gateway, origin: RawOrigin, pool: string): Promise<void> {
  const { status, socket } = await connectVia(gateway.port(), `127.0.0.1:${origin.port}`, {
    login: gateway.login('tester', `pool-${pool}`),
  });
  if (status !== 200) throw new Error(`CONNECT: ${status}`);
  await ask(socket);
}

async function ask(socket: Socket): Promise<void> {
  const reader = readBytes(socket);
  socket.resume().write('GET / HTTP/1.1\r\nHost: origin\r\n\r\n');
  await reader.until('\r\n\r\n');
  await reader.take(content.length);
  socket.end();
  // Until the peer has ended as well.
  await reader.take(1).catch(() => {});
}

for (const [by, threads] of carriers) {
  test.serial(`octets to and from an exit are those on its wire, of all that its exchanges moved, ${by}`, async (t) => {
    const { gateway, origin, taps, close } = await scene(threads);
    t.teardown(close);
    for (const [i, pool] of kinds.entries()) {
      const before = (await gateway.accessLog()).length;
      const login = gateway.login('tester', `pool-${pool}`);
      const url = `http://127.0.0.1:${origin.port}/`;
      for (let round = 0; round < 3; round++) await tunnel(gateway, origin, pool);
      for (let round = 0; round < 3; round++)
        t.is((await forwardVia(gateway.port(), url, { login })).content.length, content.length);
      const lines = (await gateway.accessLog(before + 6)).slice(before);
      await hasCome(sumOf(lines, 'exitSent'), taps[i]!);
      const { sent, received } = taps[i]!.counts();
      t.deepEqual([sumOf(lines, 'exitSent'), sumOf(lines, 'exitReceived')], [sent, received], pool);
      t.true(sent > 6 * 40 && received > 6 * content.length, pool);
    }
  });

  test.serial(`octets of failed attempts count as well, ${by}`, async (t) => {
    const { gateway, origin, taps, poor, close } = await scene(threads);
    t.teardown(close);
    for (let round = 0; round < 6; round++) await tunnel(gateway, origin, 'failing');
    const lines = await gateway.accessLog(6);
    t.true(lines.some(({ attempts }) => Array.isArray(attempts) && attempts.length > 1));
    const [good, bad] = [taps[2]!.counts(), poor.counts()];
    t.true(bad.received > 0);
    // What was on its way when the exit reset it did not arrive.
    const beyond = sumOf(lines, 'exitSent') - good.sent - bad.sent;
    t.true(beyond >= 0 && beyond <= 100 * bad.connections, `${beyond}`);
    t.is(sumOf(lines, 'exitReceived'), good.received + bad.received);
  });
}

test.serial('what an origin says before its client is counted once', async (t) => {
  const { gateway, taps, close } = await scene(1);
  const banner = await startRawOrigin({ reply: content, when: 'accept', end: 'fin' });
  t.teardown(close);
  t.teardown(() => banner.close());
  for (const pool of ['http', 'socks5']) {
    for (let round = 0; round < 5; round++) {
      const login = gateway.login('tester', `pool-${pool}`);
      const { socket } = await connectVia(gateway.port(), `127.0.0.1:${banner.port}`, { login });
      const reader = readBytes(socket.resume());
      await reader.take(content.length);
      socket.end();
      await reader.take(1).catch(() => {});
    }
  }
  const lines = await gateway.accessLog(10);
  await hasCome(sumOf(lines, 'exitSent'), taps[0]!, taps[2]!);
  const [http, , socks] = taps.map((tap) => tap.counts());
  t.is(sumOf(lines, 'exitReceived'), http!.received + socks!.received);
  t.is(sumOf(lines, 'exitSent'), http!.sent + socks!.sent);
});

test.serial('a client that leaves midway: nothing that was written is missing', async (t) => {
  const { gateway, origin, taps, close } = await scene(0);
  t.teardown(close);
  const credential = basic(gateway.login('tester', 'pool-http'));
  const head = `GET http://127.0.0.1:${origin.port}/ HTTP/1.1\r\nHost: o\r\nProxy-Authorization: ${credential}\r\n\r\n`;
  await rawExchange(gateway.port(), head, { until: (received) => received.length > 1_000 });
  const [line] = await gateway.accessLog(1);
  await hasCome(Number(line!.exitSent), taps[0]!);
  const { sent, received } = taps[0]!.counts();
  t.is(line!.exitSent, sent);
  t.true(Number(line!.exitReceived) <= received && Number(line!.exitReceived) > 1_000);
});

/** Resolves with the count of an exit that sends no more: its peer's buffers are full. A peer that is only late looks so as well, but
 *  not for eight looks in a row. */
async function stalled({ counted }: CountingExit): Promise<number> {
  let alike = 0;
  for (const bound = performance.now() + 60_000; performance.now() < bound; ) {
    const before = counted();
    await new Promise((resolve) => setTimeout(resolve, 500));
    alike = before > 100_000 && counted() === before ? alike + 1 : 0;
    if (alike === 8) return before;
  }
  throw new Error(`it never stalls: ${counted()}`);
}

const native = relayBinding() === null ? test.serial.skip : test.serial;

native('what an exit has sent and nobody has read is counted when its tunnel is cut', async (t) => {
  const flood = await startFloodingExit('data', 16_384);
  t.teardown(() => flood.close());
  const gateway = await startGateway({ pools: { direct: { probe, exits: [{ direct: true }] } } });
  t.teardown(() => gateway.stop());
  const { socket } = await connectVia(gateway.port(), `127.0.0.1:${flood.port}`, { login: gateway.login() });
  socket.pause().write('more');
  const counted = await stalled(flood);
  socket.resetAndDestroy();
  const [line] = await gateway.accessLog(1);
  t.true(line?.cut);
  t.is(Number(line?.exitSent) + Number(line?.exitReceived), counted);
  t.true(Number(line?.originToClient ?? counted) < counted);
  t.log(`${counted} octets, of which ${line?.originToClient} were taken for the client`);
});

for (const secure of [false, true]) {
  native(
    `what was sent and not read of content that is cut midway counts as well, over ${secure ? 'TLS' : 'TCP'}`,
    async (t) => {
      const size = 64 * 1024 * 1024;
      const exit = await startRawOrigin(
        (socket) => {
          socket.once('data', () => {
            socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
            socket.write(Buffer.alloc(size));
          });
        },
        { tls: secure },
      );
      const front = await startAcknowledgedFront(exit.port);
      t.teardown(() => Promise.all([front.close(), exit.close()]));
      const url = `${secure ? 'https' : 'http'}://127.0.0.1:${front.port}`;
      const gateway = await startGateway({
        pools: { one: { probe, exits: [{ url, ...(secure && { ca: 'exit.pem' }) }] } },
        files: await exitAuthority(),
      });
      t.teardown(() => gateway.stop());
      const client = connect({ port: gateway.port(), host: '127.0.0.1' }).on('error', () => {});
      const credential = basic(gateway.login());
      client.pause().write(`GET http://o.test/ HTTP/1.1\r\nHost: o.test\r\nProxy-Authorization: ${credential}\r\n\r\n`);
      const counted = await stalled(front);
      client.resetAndDestroy();
      const [line] = await gateway.accessLog(1);
      t.is(line?.kind, 'client_left');
      t.is(Number(line?.exitSent) + Number(line?.exitReceived), counted);
      t.true(Number(line?.originToClient) < size);
    },
  );
}
