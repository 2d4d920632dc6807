import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import tls from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { KeptConnections } from '../../src/transport/kept-connections.ts';
import { testCertificate } from '../support/certificate.ts';
import { listen } from '../support/peers.ts';
import { closing } from './bench.ts';

interface Link {
  readonly socket: Socket;
  readonly peer: Socket;
}

/** A maker of connections, each with its peer's end. */
async function linker(t: ExecutionContext): Promise<() => Promise<Link>> {
  const waiting: ((socket: Socket) => void)[] = [];
  const server = await listen(createServer({ allowHalfOpen: true }, (socket) => waiting.shift()?.(socket)));
  t.teardown(() => server.close());
  return async () => {
    const accepted = new Promise<Socket>((resolve) => waiting.push(resolve));
    const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => {});
    t.teardown(() => socket.destroy());
    return { peer: await accepted, socket };
  };
}

const LONG = 60_000;

test('the connection kept last is taken first, and once', async (t) => {
  const link = await linker(t);
  const kept = new KeptConnections<Link>();
  t.teardown(() => kept.closeAll());
  const [one, two] = [await link(), await link()];
  const listeners = one.socket.eventNames().map((name) => one.socket.listenerCount(name));
  kept.keep('key', one, LONG);
  kept.keep('key', two, LONG);
  t.is(kept.take('other'), null);
  t.is(kept.take('__proto__'), null);
  t.is(kept.take('key'), two);
  t.is(kept.take('key'), one);
  t.is(kept.take('key'), null);
  t.is(kept.size, 0);
  t.deepEqual(
    one.socket.eventNames().map((name) => one.socket.listenerCount(name)),
    listeners,
    'no listener left',
  );
  one.peer.write('answer');
  t.is(String((await one.socket.take(1).toArray())[0]), 'answer');
});

test('what its peer ends, resets, or writes to while idle is closed', async (t) => {
  const link = await linker(t);
  const kept = new KeptConnections<Link>();
  for (const spoil of [
    (peer: Socket) => peer.end(),
    (peer: Socket) => peer.resetAndDestroy(),
    (peer: Socket) => peer.write('HTTP/1.1 408 Request Timeout\r\n\r\n'),
  ]) {
    const one = await link();
    kept.keep('key', one, LONG);
    const gone = closing(one.socket);
    spoil(one.peer);
    await gone;
    t.is(kept.take('key'), null);
    t.is(kept.size, 0);
  }
});

test('what is not idle is not kept', async (t) => {
  const link = await linker(t);
  const kept = new KeptConnections<Link>();
  const ended = await link();
  ended.socket.end();
  const surplus = await link();
  surplus.peer.write('surplus');
  await new Promise((resolve) => surplus.socket.once('readable', resolve));
  for (const one of [ended, surplus]) {
    kept.keep('key', one, LONG);
    t.true(one.socket.destroyed);
  }
  t.is(kept.size, 0);
});

test('a connection that died unseen is passed over', async (t) => {
  const link = await linker(t);
  const kept = new KeptConnections<Link>();
  const [alive, dead] = [await link(), await link()];
  kept.keep('key', alive, LONG);
  kept.keep('key', dead, LONG);
  dead.socket.destroy();
  t.is(kept.take('key'), alive);
});

test('its time ends', async (t) => {
  const link = await linker(t);
  const kept = new KeptConnections<Link>();
  const one = await link();
  const gone = closing(one.socket);
  kept.keep('key', one, 20);
  await gone;
  t.is(kept.size, 0);
});

test('bounded of one key and in all: the oldest go', async (t) => {
  const link = await linker(t);
  const kept = new KeptConnections<Link>({ total: 4, perKey: 2 });
  t.teardown(() => kept.closeAll());
  const links = await Promise.all(Array.from({ length: 8 }, link));
  const at = (i: number): Link => links[i]!;
  for (const i of [0, 1, 2]) kept.keep('a', at(i), LONG);
  t.true(at(0).socket.destroyed);
  for (const i of [3, 4]) kept.keep('b', at(i), LONG);
  kept.keep('c', at(5), LONG);
  t.true(at(1).socket.destroyed);
  t.is(kept.size, 4);
  t.is(kept.take('a'), at(2));
  t.is(kept.take('a'), null);
});

test('what one exit has served at once is kept for the next burst', async (t) => {
  const link = await linker(t);
  const kept = new KeptConnections<Link>();
  t.teardown(() => kept.closeAll());
  const links = await Promise.all(Array.from({ length: 200 }, link));
  for (const one of links) kept.keep('a', one, LONG);
  t.is(kept.size, links.length);
  t.true(links.every(({ socket }) => !socket.destroyed));
});

test('those of a client or an exit can be closed, and all', async (t) => {
  const link = await linker(t);
  const kept = new KeptConnections<Link>();
  const [one, two, three] = [await link(), await link(), await link()];
  kept.keep('a', one, LONG);
  kept.keep('b', two, LONG);
  kept.keep('b', three, LONG);
  kept.dropMatching((connection, key) => key === 'b' && connection !== three);
  t.deepEqual(
    [one, two, three].map(({ socket }) => socket.destroyed),
    [false, true, false],
  );
  kept.closeAll();
  t.true(one.socket.destroyed && three.socket.destroyed);
  t.is(kept.size, 0);
});

/** A TLS connection, the socket under it, and its peer's end, which closes only when told. */
async function secureLink(t: ExecutionContext): Promise<Link & { readonly raw: Socket }> {
  const server = tls.createServer({ ...(await testCertificate()), allowHalfOpen: true });
  const { port, close } = await listen(server);
  t.teardown(close);
  const accepted = once(server, 'secureConnection');
  const raw = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const socket = tls.connect({ socket: raw, rejectUnauthorized: false });
  const [peer]: Socket[] = await accepted;
  // Session tickets come behind the handshake.
  peer!.resume().write('answer');
  await once(socket, 'data');
  return { socket, raw, peer: peer! };
}

test('over TLS a connection is closed once its peer has told its end as well', async (t) => {
  const { socket, raw, peer } = await secureLink(t);
  const kept = new KeptConnections<Link>();
  kept.keep('key', { socket, peer }, LONG);
  const before = raw.bytesRead;
  kept.closeAll();
  t.is(kept.size, 0);
  await once(peer, 'end');
  t.false(socket.destroyed);
  peer.end();
  await kept.closed();
  t.true(socket.destroyed && raw.destroyed);
  // A close_notify in a record of TLS 1.3.
  t.is(raw.bytesRead - before, 24);
});

test('a peer that does not tell its end is not waited for without end', async (t) => {
  const { socket, peer } = await secureLink(t);
  const kept = new KeptConnections<Link>({ goodbyeMs: 50 });
  kept.dismiss({ socket, peer });
  await kept.closed();
  t.true(socket.destroyed);
});
