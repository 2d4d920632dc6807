import { connect, Socket } from 'node:net';
import tls from 'node:tls';
import test from 'ava';
import { GatewayError } from '../../src/errors.ts';
import { OwnSockets } from '../../src/memory/own-sockets.ts';
import { AtomicWords } from '../../src/memory/words.ts';
import { interleave, raceAddresses } from '../../src/transport/address-race.ts';
import { Cutoff } from '../../src/transport/cutoff.ts';
import { createDialler } from '../../src/transport/dial.ts';
import { connectFailure, tellingOf } from '../../src/transport/dial-failure.ts';
import { testCertificate } from '../support/certificate.ts';
import { startFaultExit } from '../support/fault-exits.ts';
import { listen } from '../support/peers.ts';
import { activeHandles, diallerFor, faultOf, namesOf, startPeer } from './bench.ts';

const deadlineMs = 5000;

/** A port at which nothing listens and nobody else can listen. */
async function closedPort(): Promise<{ port: number; close(): Promise<void> }> {
  return startFaultExit({ protocol: 'http', mode: 'refuse' });
}

test('a literal address is dialled as it is; the socket is half-open, idle and unread', async (t) => {
  const peer = await startPeer(t, (socket) => socket.end('hello'));
  const dialler = diallerFor(t);
  const socket = await dialler.dial({ host: '127.0.0.1', port: peer.port, blame: 'origin', deadlineMs });
  t.true(socket.allowHalfOpen);
  t.is(socket.listenerCount('data'), 0);
  t.is(socket.listenerCount('error'), 1);
  const [chunk] = await socket.take(1).toArray();
  t.is(String(chunk), 'hello');
});

test('a connection from ourselves is known as such while it is open', async (t) => {
  for (const [listenAt, host] of [
    ['127.0.0.1', '127.0.0.1'],
    ['::', '127.0.0.1'],
    ['::', '::1'],
  ] as const) {
    const accepted = Promise.withResolvers<Socket>();
    const peer = await startPeer(t, (socket) => accepted.resolve(socket.resume()), listenAt);
    const dialler = diallerFor(t);
    await dialler.dial({ host, port: peer.port, blame: 'origin', deadlineMs });
    const { localAddress, localPort, remoteAddress, remotePort } = await accepted.promise;
    const ends = { localAddress, localPort, remoteAddress, remotePort };
    t.true(dialler.isOwnSocket(ends), listenAt);
    t.false(dialler.isOwnSocket({ ...ends, remotePort: 1 }));
    t.false(dialler.isOwnSocket({ ...ends, localPort: 1 }), 'the same port may lead elsewhere as well');
    dialler.sockets[0]!.destroy();
    await dialler.allClosed();
    t.false(dialler.isOwnSocket(ends));
    t.is(dialler.open, 0);
  }
});

test('a connection that another thread opened is known where it is accepted', async (t) => {
  const words = new AtomicWords(new SharedArrayBuffer(4 * OwnSockets.wordsFor(2)));
  const [one, other] = [0, 1].map((worker) => {
    return createDialler({ resolver: namesOf({}), own: new OwnSockets({ words, worker, seed: 9 }) });
  });
  const accepted = Promise.withResolvers<Socket>();
  const peer = await startPeer(t, (socket) => accepted.resolve(socket.resume()));
  const socket = await one!.dial({ host: '127.0.0.1', port: peer.port, blame: 'exit', deadlineMs });
  const { localAddress, localPort, remoteAddress, remotePort } = await accepted.promise;
  const ends = { localAddress, localPort, remoteAddress, remotePort };
  t.true(other!.isOwnSocket(ends));
  t.deepEqual([one!.open, other!.open], [1, 0]);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.destroy();
  await closed;
  t.false(other!.isOwnSocket(ends));
});

test('a refusal, an unknown name and a wrong family are blamed on whoever is dialled', async (t) => {
  const dead = await closedPort();
  t.teardown(() => dead.close());
  const late = () => new Promise<string[]>(() => {});
  const dialler = diallerFor(t, namesOf({ 'late.test': late, 'v4.test': ['127.0.0.1'] }));
  const rows = [
    ['127.0.0.1', 0, deadlineMs, 'refused', 'connection_refused'],
    ['v4.test', 4, deadlineMs, 'refused', 'connection_refused'],
    ['none.test', 0, deadlineMs, 'dns', 'dns_error'],
    ['v4.test', 6, deadlineMs, 'dns', 'dns_error'],
    ['late.test', 0, 50, 'dns', 'dns_timeout'],
    ['127.0.0.1', 6, deadlineMs, 'unreachable', 'destination_ip_unroutable'],
    ['::1', 4, deadlineMs, 'unreachable', 'destination_ip_unroutable'],
    ['127.255.255.255', 0, deadlineMs, 'unreachable', 'destination_ip_unroutable'],
  ] as const;
  for (const blame of ['exit', 'origin'] as const) {
    for (const [host, family, ms, cause, proxyStatus] of rows) {
      const error = await faultOf(t, dialler.dial({ host, port: dead.port, family, blame, deadlineMs: ms }));
      t.is(error.kind, `${blame}_${cause}`, host);
      t.is(error.proxyStatus, proxyStatus, host);
      t.is(error.by, blame);
      t.false(error.message.includes(host), 'no address in what leaves the process');
    }
  }
  t.is(dialler.open, 0);
});

test("the system's other errors have their kinds too", (t) => {
  const rows = [
    ['ECONNRESET', 'exit_failed', 'origin_reset'],
    ['ETIMEDOUT', 'exit_timeout', 'origin_timeout'],
    ['EHOSTUNREACH', 'exit_unreachable', 'origin_unreachable'],
    ['EACCES', 'exit_unreachable', 'origin_unreachable'],
    ['EMFILE', 'overloaded', 'overloaded'],
    ['ENFILE', 'overloaded', 'overloaded'],
    ['EADDRNOTAVAIL', 'overloaded', 'overloaded'],
  ] as const;
  const dialled = { address: '127.0.0.1', bound: false };
  for (const [code, exit, origin] of rows) {
    const error = Object.assign(new Error(code), { code });
    t.is(connectFailure('exit', error, dialled).kind, exit);
    t.is(connectFailure('origin', error, dialled).kind, origin);
  }
});

test('what is short on this machine is nobody else’s failure; that IPv6 is off, or an address of ours is not there, is no shortage', (t) => {
  const kindOf = (code: string, address: string, bound: boolean) =>
    connectFailure('exit', Object.assign(new Error(code), { code }), { address, bound }).kind;
  t.is(kindOf('EADDRNOTAVAIL', '192.0.2.1', false), 'overloaded');
  t.is(kindOf('EADDRINUSE', '192.0.2.1', true), 'overloaded');
  t.is(kindOf('EADDRNOTAVAIL', '2001:db8::1', false), 'exit_unreachable');
  t.is(kindOf('EADDRNOTAVAIL', '192.0.2.1', true), 'exit_failed');
  const code = (name: string) => Object.assign(new Error(name), { code: name });
  const from = { address: '192.0.2.1', bound: false };
  t.true(tellingOf(code('EADDRNOTAVAIL'), from) > tellingOf(code('ECONNREFUSED'), from));
});

test('every address is judged; forbidden ones are never dialled', async (t) => {
  const peer = await startPeer(t, (socket) => socket.resume());
  const forbidden = new GatewayError('target_ip_forbidden', { detail: 'not there' });
  const dialler = diallerFor(
    t,
    namesOf({ 'mixed.test': ['127.0.0.2', '127.0.0.1'], 'bad.test': ['127.0.0.3', '127.0.0.2'] }),
  );
  const judged: string[] = [];
  const judge = (address: string) => {
    judged.push(address);
    return address === '127.0.0.1' ? null : forbidden;
  };
  const target = { port: peer.port, blame: 'origin', deadlineMs, judge } as const;
  const socket = await dialler.dial({ ...target, host: 'mixed.test' });
  t.is(socket.remoteAddress, '127.0.0.1');
  t.is(await faultOf(t, dialler.dial({ ...target, host: 'bad.test' })), forbidden);
  t.is(await faultOf(t, dialler.dial({ ...target, host: '127.0.0.9' })), forbidden);
  t.deepEqual(judged, ['127.0.0.2', '127.0.0.1', '127.0.0.3', '127.0.0.2', '127.0.0.9']);
  t.is(dialler.sockets.length, 1);
});

test('the address dialled is the one judged, whatever the name says the next time', async (t) => {
  const peer = await startPeer(t, (socket) => socket.resume());
  const answers = [['127.0.0.1'], ['127.0.0.2']];
  const dialler = diallerFor(t, namesOf({ 'rebind.test': async () => answers.shift() ?? [] }));
  const judge = (address: string) =>
    address === '127.0.0.1' ? null : new GatewayError('target_ip_forbidden', { detail: 'not there' });
  const target = { host: 'rebind.test', port: peer.port, blame: 'origin', deadlineMs, judge } as const;
  const socket = await dialler.dial(target);
  t.is(socket.remoteAddress, '127.0.0.1');
  t.is(answers.length, 1, 'resolved once');
  t.is((await faultOf(t, dialler.dial(target))).kind, 'target_ip_forbidden');
});

test('the families take turns, IPv6 first, eight addresses at most', (t) => {
  t.deepEqual(interleave(['1.1.1.1', '::1', '2.2.2.2', '::2', '::3']), ['::1', '1.1.1.1', '::2', '2.2.2.2', '::3']);
  t.deepEqual(interleave(['1.1.1.1']), ['1.1.1.1']);
  t.is(interleave(Array.from({ length: 500 }, (_, i) => `10.0.${i >> 8}.${i & 255}`)).length, 8);
});

test('a dead IPv6 address costs nothing where IPv4 answers', async (t) => {
  const peer = await startPeer(t, (socket) => socket.resume());
  const dialler = diallerFor(t, namesOf({ 'both.test': ['::1', '127.0.0.1'] }));
  const socket = await dialler.dial({ host: 'both.test', port: peer.port, blame: 'origin', deadlineMs });
  t.is(socket.remoteAddress, '127.0.0.1');
  t.is(dialler.sockets.length, 2);
  t.true(dialler.sockets[0]!.destroyed);
});

test('a hanging address is overtaken after 250 ms, and its socket destroyed', async (t) => {
  const peer = await startPeer(t, (socket) => socket.resume());
  // Never connected: nothing on loopback hangs for certain.
  const hanging = new Socket();
  const open = (address: string) => (address === '127.0.0.2' ? hanging : connect(peer.port, address));
  const cutoff = new Cutoff(deadlineMs);
  const startedAt = performance.now();
  const socket = await raceAddresses(['127.0.0.2', '127.0.0.1'], { open, blame: 'origin' }, cutoff);
  t.true(performance.now() - startedAt >= 240);
  t.true(hanging.destroyed);
  t.false(socket.destroyed);
  socket.destroy();

  const short = new Cutoff(50);
  const alone = new Socket();
  const error = await faultOf(t, raceAddresses(['127.0.0.2'], { open: () => alone, blame: 'origin' }, short));
  t.is(error.kind, 'origin_timeout');
  t.is(error.proxyStatus, 'connection_timeout');
  t.true(alone.destroyed);
  cutoff.close();
});

test('an address that fails while another has just answered makes room for no third', async (t) => {
  const opened: Socket[] = [];
  const open = () => {
    const socket = new Socket().on('error', () => {});
    opened.push(socket);
    t.teardown(() => void socket.destroy());
    return socket;
  };
  const cutoff = new Cutoff(deadlineMs);
  const dialled = raceAddresses(['127.0.0.1', '127.0.0.2', '127.0.0.3'], { open, blame: 'origin' }, cutoff);
  while (opened.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
  const [first, second] = opened as [Socket, Socket];
  // In one turn: an error is told behind the event that brought it.
  first.destroy(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }));
  second.emit('connect');
  t.is(await dialled, second);
  await new Promise((resolve) => setImmediate(resolve));
  t.is(opened.length, 2);
  cutoff.close();
});

test('of several failures the most telling one is reported', async (t) => {
  const dead = await closedPort();
  t.teardown(() => dead.close());
  const dialler = diallerFor(t, namesOf({ 'dead.test': ['127.255.255.255', '127.0.0.1', '0.0.0.0'] }));
  const error = await faultOf(t, dialler.dial({ host: 'dead.test', port: dead.port, blame: 'origin', deadlineMs }));
  t.is(error.kind, 'origin_refused');
});

test.serial('an abort ends a dial with its reason and leaves nothing', async (t) => {
  const before = activeHandles().length;
  const late = () => new Promise<string[]>(() => {});
  const dialler = diallerFor(t, namesOf({ 'late.test': late }));
  const reason = new Error('the client left');
  const controller = new AbortController();
  const target = { port: 9, blame: 'exit', deadlineMs, signal: controller.signal } as const;
  const dials = ['late.test', '127.0.0.1'].map((host) => dialler.dial({ ...target, host }));
  controller.abort(reason);
  for (const dial of dials) t.is(await t.throwsAsync(dial), reason);
  t.is(await t.throwsAsync(dialler.dial({ ...target, host: '127.0.0.1' })), reason, 'aborted before');
  await dialler.allClosed();
  t.is(activeHandles().length, before);
});

test('TLS to an exit: the certificate must be valid and name the host, unless told otherwise', async (t) => {
  const pair = await testCertificate();
  const other = await listen(tls.createServer(pair, (socket) => socket.on('error', () => {}).end('inside')));
  t.teardown(() => other.close());
  const names = namesOf({ 'exit.test': ['127.0.0.1'], 'wrong.test': ['127.0.0.1'] });
  const dialler = diallerFor(t, names);
  const dial = (host: string, more: { verify: boolean; ca?: string }) =>
    dialler.dial({ host, port: other.port, blame: 'exit', deadlineMs, tls: more });

  for (const host of ['exit.test', '127.0.0.1']) {
    const socket = await dial(host, { verify: true, ca: pair.cert });
    t.true(socket instanceof tls.TLSSocket);
    t.true(socket.allowHalfOpen);
    t.is(String(await socket.take(1).toArray()), 'inside');
  }
  t.truthy(await dial('wrong.test', { verify: false }));
  for (const refused of [dial('wrong.test', { verify: true, ca: pair.cert }), dial('exit.test', { verify: true })]) {
    const error = await faultOf(t, refused);
    t.is(error.kind, 'exit_tls');
    t.is(error.proxyStatus, 'tls_certificate_error');
  }
});

test('TLS to an exit that speaks none, resets, ends, or is silent', async (t) => {
  const rows = [
    [(socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'), 'exit_tls', 'tls_protocol_error'],
    [(socket) => socket.once('data', () => socket.resetAndDestroy()), 'exit_tls', 'tls_protocol_error'],
    [(socket) => socket.end(), 'exit_tls', 'tls_protocol_error'],
    [(socket) => socket.resume(), 'exit_timeout', 'connection_timeout'],
  ] as const satisfies readonly [(socket: Socket) => unknown, string, string][];
  for (const [meet, kind, proxyStatus] of rows) {
    const peer = await startPeer(t, meet);
    const dialler = diallerFor(t);
    const target = { host: '127.0.0.1', port: peer.port, blame: 'exit', tls: { verify: true } } as const;
    const error = await faultOf(t, dialler.dial({ ...target, deadlineMs: kind === 'exit_timeout' ? 200 : deadlineMs }));
    t.is(error.kind, kind);
    t.is(error.proxyStatus, proxyStatus);
    await dialler.allClosed();
    t.is(dialler.open, 0);
  }
});

test('TLS to an exit ends at a record that was tampered with', async (t) => {
  const server = tls.createServer(await testCertificate(), (secure) => secure.on('error', () => {}));
  const exit = await listen(server);
  const peer = await startPeer(t, (socket) => {
    const inner = connect(exit.port, '127.0.0.1').on('error', () => {});
    inner.pipe(socket).pipe(inner);
    server.once('secureConnection', () => {
      setTimeout(() => socket.write(Buffer.from(`1703030020${'00'.repeat(32)}`, 'hex')), 100);
    });
  });
  t.teardown(() => exit.close());
  const target = { host: '127.0.0.1', port: peer.port, blame: 'exit', tls: { verify: false } } as const;
  const socket = await diallerFor(t).dial({ ...target, deadlineMs });
  const closed = new Promise((resolve) => socket.once('close', () => resolve('closed')));
  socket.resume();
  const late = new Promise((resolve) => setTimeout(resolve, deadlineMs, 'late'));
  t.is(await Promise.race([closed, late]), 'closed');
});

test('an error after the hand-over ends no process', async (t) => {
  const peer = await startPeer(t, (socket) => socket.once('data', () => socket.resetAndDestroy()));
  const dialler = diallerFor(t);
  const socket = await dialler.dial({ host: '127.0.0.1', port: peer.port, blame: 'exit', deadlineMs });
  socket.write('now');
  await dialler.allClosed();
  t.is(dialler.open, 0);
});
