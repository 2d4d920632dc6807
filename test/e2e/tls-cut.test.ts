import test, { type ExecutionContext } from 'ava';
import { basic, connectVia, open, startTls } from '../support/clients.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type RawOrigin, startRawOrigin } from '../support/raw-origin.ts';

// A client that speaks TLS with the gateway is told by a reset that what it has is not the whole: of an end without close_notify
// many think nothing, and would take half of a page that says no length for all of it.

let gateway: Gateway;
const origins: RawOrigin[] = [];

test.before(async () => {
  const loopback = { host: '127.0.0.1', port: 0 };
  gateway = await startGateway({
    config: {
      listeners: [
        { ...loopback, name: 'mixed', protocols: ['http', 'https', 'socks5'] },
        { ...loopback, name: 'tls', protocols: ['https'] },
      ],
    },
    pools: { direct: { exits: [{ direct: true }] } },
  });
});

test.after.always(async () => {
  await Promise.all([gateway?.stop(), ...origins.map((origin) => origin.close())]);
});

async function startOrigin(reply: readonly string[], end: 'fin' | 'reset'): Promise<RawOrigin> {
  const origin = await startRawOrigin({ reply, end });
  origins.push(origin);
  return origin;
}

/** A connection to a listener, with TLS on it. */
async function connect(t: ExecutionContext, listener: string) {
  const below = await open(gateway.port(listener));
  const socket = await startTls(below);
  t.teardown(() => void socket.destroy());
  let text = '';
  socket.on('data', (octets: Buffer) => {
    text += octets.toString('latin1');
  });
  const ended = new Promise<'fin' | 'reset'>((resolve) => {
    socket.once('end', () => resolve('fin'));
    // Of a reset Node tells the connection below TLS.
    for (const each of [socket, below]) each.once('error', () => resolve('reset'));
  });
  return { socket, hear: async () => ({ ended: await ended, text }) };
}

const half = ['HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n', 'half'];
const [head, content] = ['HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n', 'half'];

for (const listener of ['mixed', 'tls']) {
  const get = async (t: ExecutionContext, origin: RawOrigin, version: string) => {
    const client = await connect(t, listener);
    const fields = [`Host: 127.0.0.1:${origin.port}`, `Proxy-Authorization: ${basic(gateway.login())}`];
    client.socket.write([`GET http://127.0.0.1:${origin.port}/ HTTP/${version}`, ...fields, '', ''].join('\r\n'));
    return client.hear();
  };

  test.serial(`an answer that is cut is reset, over the listener ${listener}`, async (t) => {
    for (const version of ['1.0', '1.1']) {
      for (const [reply, end] of [
        [[head, content], 'fin'],
        [half, 'reset'],
      ] as const) {
        const { text, ended } = await get(t, await startOrigin(reply, end), version);
        t.regex(text, /^HTTP\/1\.1 200 .*half/s);
        t.is(ended, 'reset', `${version} ${end}`);
      }
    }
  });

  test.serial(`an answer that is whole ends in order, over the listener ${listener}`, async (t) => {
    const { text, ended } = await get(t, await startOrigin(half, 'fin'), '1.0');
    t.regex(text, /half$/);
    t.is(ended, 'fin');
  });

  test.serial(`a tunnel whose other end is reset is reset, over the listener ${listener}`, async (t) => {
    const origin = await startOrigin(half, 'reset');
    const client = await connect(t, listener);
    const { status } = await connectVia(client.socket, `127.0.0.1:${origin.port}`, { login: gateway.login() });
    t.is(status, 200);
    client.socket.resume().write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const { text, ended } = await client.hear();
    t.regex(text, /half$/);
    t.is(ended, 'reset');
  });
}
