import type { Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { basic, connectVia, forwardVia, open, socks5Via, startTls } from '../support/clients.ts';
import { parseExposition, totalOf } from '../support/exposition.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { until } from '../support/until.ts';

// Who reaches the port but shows no login keeps nobody away who does.

const MOST = 40;
/** What a connection without a login has before its place may be given to another one, and a little more. */
const graceMs = 700;

let origin: Origin;
test.before(async () => {
  origin = await startOrigin();
});
test.after.always(() => origin?.close());

async function start(t: ExecutionContext, workers: number): Promise<Gateway> {
  const gateway = await startGateway({
    config: {
      workers,
      accessLog: { enabled: false },
      limits: { connections: MOST },
      timeouts: { handshake: '60s', head: '60s' },
      listeners: [
        { name: 'mixed', host: '127.0.0.1', port: 0, protocols: ['http', 'socks5'] },
        { name: 'tls', host: '127.0.0.1', port: 0, protocols: ['https'] },
      ],
    },
    pools: { direct: { exits: [{ direct: true }] } },
  });
  t.teardown(gateway.stop);
  return gateway;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Opens `count` connections that send these octets and nothing more. */
async function fill(t: ExecutionContext, gateway: Gateway, count: number, octets: string | Buffer = '') {
  const sockets = await Promise.all(Array.from({ length: count }, () => open(gateway.port())));
  t.teardown(() => sockets.forEach((socket) => void socket.destroy()));
  for (const socket of sockets) socket.resume().write(octets);
  await until(async () => (await gateway.health()).connections >= count);
  return sockets;
}

async function refused(gateway: Gateway): Promise<number> {
  const reply = await fetch(`http://127.0.0.1:${gateway.port('admin')}/metrics`);
  return totalOf(parseExposition(await reply.text()), 'roundabout_connections_refused_total', {});
}

const ways: Record<string, string | Buffer> = {
  nothing: '',
  'half a head': 'GET http://a/ HTTP/1.1\r\n',
  'half a TLS handshake': Buffer.from([0x16, 3, 1, 2, 0, 1]),
  'half a greeting': Buffer.from([5, 2, 0]),
  'a greeting alone': Buffer.from([5, 1, 2]),
  'requests without a login': 'GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n',
};

for (const [what, octets] of Object.entries(ways)) {
  test.serial(`clients are served at once beside as many as may come that send ${what}`, async (t) => {
    const gateway = await start(t, 1);
    await fill(t, gateway, MOST, octets);
    await pause(graceMs);
    const login = gateway.login();
    t.is((await forwardVia(gateway.port(), `${origin.url}/`, { login })).status, 200);
    const tunnel = await connectVia(gateway.port(), `127.0.0.1:${origin.port}`, { login });
    t.is(tunnel.status, 200);
    tunnel.socket.destroy();
    t.true((await refused(gateway)) >= 1);
  });
}

test.serial('who has shown a login and rests is never closed for another', async (t) => {
  const gateway = await start(t, 1);
  const login = gateway.login();
  const kept: Socket[] = [];
  const head = `GET ${origin.url}/ HTTP/1.1\r\nHost: a\r\nProxy-Authorization: ${basic(login)}\r\n\r\n`;
  for (let i = 0; i < 10; i++) {
    const socket = await open(gateway.port());
    socket.write(head);
    await new Promise((resolve) => socket.once('data', resolve));
    kept.push(socket.resume());
  }
  const target = `127.0.0.1:${origin.port}`;
  for (let i = 0; i < 5; i++) kept.push((await connectVia(gateway.port(), target, { login })).socket);
  for (let i = 0; i < 5; i++)
    kept.push((await socks5Via(gateway.port(), { host: '127.0.0.1', port: origin.port }, { login })).socket);
  const secure = await startTls(await open(gateway.port('tls')));
  secure.write(head);
  await new Promise((resolve) => secure.once('data', resolve));
  kept.push(secure.resume());
  let closed = 0;
  for (const socket of kept) socket.once('end', () => closed++).once('close', () => closed++);
  t.teardown(() => kept.forEach((socket) => void socket.destroy()));
  await fill(t, gateway, MOST - kept.length);
  await pause(graceMs);
  // More than there are of those without a login: what these have left is refused.
  await fill(t, gateway, MOST);
  await pause(graceMs);
  await fill(t, gateway, MOST);
  t.is(closed, 0);
  kept[0]!.write(head);
  await new Promise((resolve) => kept[0]!.once('data', resolve));
  t.is(closed, 0);
});

for (const workers of [1, 2]) {
  test.serial(`a burst that fills all places and speaks late is served whole, with workers: ${workers}`, async (t) => {
    const gateway = await start(t, workers);
    const sockets = await fill(t, gateway, MOST);
    await pause(graceMs);
    const head = `GET ${origin.url}/ HTTP/1.1\r\nHost: a\r\nProxy-Authorization: ${basic(gateway.login())}\r\n\r\n`;
    const answers = sockets.map(
      (socket) => new Promise((resolve) => socket.once('data', resolve).once('end', resolve)),
    );
    for (const socket of sockets) socket.write(head);
    for (const answer of await Promise.all(answers)) t.regex(String(answer), /^HTTP\/1\.1 200 /);
    t.is(await refused(gateway), 0);
  });
}
