import type { Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { type ErrorKind, GatewayError } from '../../src/errors.ts';
import { type Authority, parseAuthority } from '../../src/protocol/authority.ts';
import { parseExitUrl } from '../../src/protocol/endpoint.ts';
import type { ExitErrorRule } from '../../src/protocol/exit-errors.ts';
import { defaultHeadLimits } from '../../src/protocol/http-head.ts';
import { type OpenedTunnel, openTunnel, type TunnelRequest } from '../../src/transport/tunnel.ts';
import { testCertificate } from '../support/certificate.ts';
import { type FaultMode, type FaultProtocol, faultModes, startFaultExit } from '../support/fault-exits.ts';
import { startHttpExit, startHttpsExit } from '../support/http-exits.ts';
import { startSocks4Exit, startSocks5Exit } from '../support/socks-exits.ts';
import { diallerFor, faultOf, namesOf, startPeer, type WatchedDialler } from './bench.ts';

const exitErrors: readonly ExitErrorRule[] = [{ field: 'X-Vendor', match: 'no-peer', kind: 'exit_unreachable' }];
const names = namesOf({ 'origin.test': ['127.0.0.1'], 'both.test': ['::1', '127.0.0.1'], 'six.test': ['::1'] });

function authorityOf(text: string): Authority {
  const authority = parseAuthority(text, null);
  if (!authority.ok) throw new Error(text);
  return authority.value;
}

interface Opening extends Partial<TunnelRequest> {
  readonly ca?: string;
  readonly dialler?: WatchedDialler;
}

function open(t: ExecutionContext, url: string, target: string, opening: Opening = {}): Promise<OpenedTunnel> {
  const { ca = null, dialler = diallerFor(t, names), ...more } = opening;
  const endpoint = parseExitUrl(url);
  if (!endpoint.ok) throw new Error(url);
  const exit = { endpoint: endpoint.value, verifyTls: true, ca };
  const request = { deadlineMs: 5000, dns: 'remote', family: 0, judge: () => null, ...more } as const;
  return openTunnel({ dialler, exitErrors, heads: defaultHeadLimits }, exit, {
    authority: authorityOf(target),
    ...request,
  });
}

/** An origin that sends back what it gets, in capitals, after a greeting. */
const startOrigin = (t: ExecutionContext) =>
  startPeer(t, (socket) => {
    socket.write('hello ');
    socket.on('data', (chunk) => socket.write(String(chunk).toUpperCase())).on('end', () => socket.end());
  });

async function converse(t: ExecutionContext, { socket, early }: OpenedTunnel): Promise<void> {
  t.is(socket.listenerCount('data'), 0);
  t.is(socket.listenerCount('error'), 1);
  let text = String(early);
  socket.on('data', (chunk) => {
    text += chunk;
    if (text === 'hello AND BACK') socket.end();
  });
  socket.resume().write('and back');
  await new Promise((resolve) => socket.once('end', resolve));
  t.is(text, 'hello AND BACK');
}

test('a tunnel through every kind of exit, with and without credential', async (t) => {
  const origin = await startOrigin(t);
  const { cert } = await testCertificate();
  const credential = { username: 'user-1:x', password: 'p@ss:wörd' };
  const exits = await Promise.all([
    startHttpExit(),
    startHttpExit({ username: 'user', password: 'p@ss:wörd' }),
    startHttpsExit(),
    startHttpsExit({ username: 'user', password: 'secret' }),
    startSocks5Exit(),
    startSocks5Exit(credential),
    startSocks4Exit(),
    startSocks4Exit({ username: 'user', password: '' }),
    startSocks4Exit(undefined, 'socks4a'),
  ]);
  for (const exit of exits) t.teardown(() => exit.close());
  for (const exit of exits) {
    await converse(t, await open(t, exit.url, `127.0.0.1:${origin.port}`, { ca: cert }));
    t.is(exit.requests[0]?.target, `127.0.0.1:${origin.port}`, exit.url);
  }
  await converse(t, await open(t, 'direct', `origin.test:${origin.port}`));
});

test("to wait for an exit's turn takes nothing off its time to answer", async (t) => {
  const origin = await startOrigin(t);
  const exit = await startHttpExit();
  t.teardown(() => exit.close());
  const deadlineMs = 2_000;
  const turn = () => new Promise<number>((resolve) => setTimeout(resolve, deadlineMs + 300, 10_000));
  await converse(t, await open(t, exit.url, `127.0.0.1:${origin.port}`, { deadlineMs, turn }));
});

test('the exit gets the name, unless it is to be resolved here', async (t) => {
  const origin = await startOrigin(t);
  const target = `localhost:${origin.port}`;
  const local = namesOf({ localhost: ['::1', '127.0.0.1'] });
  for (const [start, remote] of [
    [startHttpExit, target],
    [startSocks5Exit, target],
    [() => startSocks4Exit(undefined, 'socks4a'), target],
    [startSocks4Exit, `127.0.0.1:${origin.port}`],
  ] as const) {
    const exit = await start();
    t.teardown(() => exit.close());
    await converse(t, await open(t, exit.url, target, { dialler: diallerFor(t, local) }));
    await converse(t, await open(t, exit.url, target, { dialler: diallerFor(t, local), dns: 'local' }));
    t.deepEqual(
      exit.requests.map((request) => request.target),
      [remote, `127.0.0.1:${origin.port}`],
    );
  }
});

test('addresses resolved here are judged before anything is asked of the exit', async (t) => {
  const forbidden = new GatewayError('target_ip_forbidden', { detail: 'not there' });
  const judge = () => forbidden;
  const exit = await startSocks4Exit();
  t.teardown(() => exit.close());
  t.is(await faultOf(t, open(t, exit.url, 'origin.test:80', { judge })), forbidden);
  t.is(await faultOf(t, open(t, exit.url, '127.0.0.1:80', { judge })), forbidden);
  t.is(await faultOf(t, open(t, 'direct', 'origin.test:80', { judge })), forbidden);
  t.is(await faultOf(t, open(t, exit.url, '127.0.0.1:80', { judgeExit: judge })), forbidden);
  t.is(exit.accepted(), 0);
  t.is((await faultOf(t, open(t, exit.url, 'none.test:80'))).kind, 'origin_dns');
  t.is((await faultOf(t, open(t, 'http://none.test:80', 'origin.test:80'))).kind, 'exit_dns');
  t.is((await faultOf(t, open(t, exit.url, '[::1]:80'))).kind, 'exit_rejected', 'SOCKS4 has no IPv6');
  t.is((await faultOf(t, open(t, exit.url, 'both.test:80', { family: 6 }))).kind, 'exit_rejected');
});

test('wrong credentials', async (t) => {
  const credential = { username: 'user', password: 'right' };
  const http = await startHttpExit(credential);
  const socks5 = await startSocks5Exit(credential);
  const socks4 = await startSocks4Exit(credential);
  for (const exit of [http, socks5, socks4]) t.teardown(() => exit.close());
  for (const url of [
    `http://user:wrong@127.0.0.1:${http.port}`,
    `http://127.0.0.1:${http.port}`,
    `socks5://user:wrong@127.0.0.1:${socks5.port}`,
    `socks5://127.0.0.1:${socks5.port}`,
    `socks4://other@127.0.0.1:${socks4.port}`,
  ]) {
    const error = await faultOf(t, open(t, url, '127.0.0.1:80'));
    t.is(error.kind, 'exit_auth_failed', url);
    t.false(`${error.message}${error.detail}`.includes('wrong'));
  }
});

/** What each failing exit is told as. The modes left out fail only after the tunnel stands. */
const expected: ReadonlyMap<FaultMode, ErrorKind> = new Map<FaultMode, ErrorKind>([
  ['refuse', 'exit_refused'],
  ['blackhole', 'exit_timeout'],
  ['resetAtOnce', 'exit_failed'],
  ['resetAfterRequest', 'exit_failed'],
  ['finAfterRequest', 'exit_failed'],
  ['garbage', 'exit_rejected'],
  ['truncatedHead', 'exit_failed'],
  ['slowHead', 'exit_timeout'],
  ['lyingLength', 'exit_rejected'],
  ['resetInTls', 'exit_tls'],
  ['page200', 'exit_rejected'],
  ['hugeHead', 'exit_rejected'],
  ['status-403', 'exit_rejected'],
  ['status-407', 'exit_auth_failed'],
  ['status-429', 'exit_rejected'],
  ['status-502', 'exit_rejected'],
  ['status-503', 'exit_rejected'],
  ['rep-1', 'exit_failed'],
  ['rep-2', 'exit_rejected'],
  ['rep-3', 'origin_unreachable'],
  ['rep-4', 'origin_unreachable'],
  ['rep-5', 'origin_refused'],
  ['rep-6', 'origin_timeout'],
  ['rep-7', 'exit_rejected'],
  ['rep-8', 'exit_rejected'],
]);

function expectedOf(protocol: FaultProtocol, mode: FaultMode): ErrorKind | undefined {
  if (protocol === 'https' && mode === 'resetAtOnce') return 'exit_tls';
  if (protocol === 'socks5' && mode === 'lyingLength') return 'exit_failed';
  return expected.get(mode);
}

for (const protocol of ['http', 'https', 'socks5'] as const) {
  test(`every way in which an exit can fail has its kind, within the deadline, and leaves nothing: ${protocol}`, async (t) => {
    const origin = await startOrigin(t);
    const { cert } = await testCertificate();
    const trials = faultModes(protocol).map(async (mode) => {
      const kind = expectedOf(protocol, mode);
      if (kind === undefined) return;
      const exit = await startFaultExit({ protocol, mode, intervalMs: 20 });
      t.teardown(() => exit.close());
      const dialler = diallerFor(t);
      // Whoever answers may be late; time is up only for those that don't.
      const isSilent = kind === 'exit_timeout';
      const deadlineMs = isSilent ? 500 : 60_000;
      const startedAt = performance.now();
      const error = await faultOf(t, open(t, exit.url, `127.0.0.1:${origin.port}`, { ca: cert, deadlineMs, dialler }));
      // A reset may come before the connection is known to be made, or in TLS.
      const kinds = mode === 'resetAtOnce' ? ['exit_failed', 'exit_tls'] : [kind];
      t.true(kinds.includes(error.kind), `${mode}: ${error.kind}`);
      if (isSilent) t.true(performance.now() - startedAt < 30_000, mode);
      if (mode.startsWith('status-')) t.is(error.receivedStatus, Number(mode.slice(7)));
      await dialler.allClosed();
      t.is(dialler.open, 0, mode);
    });
    await Promise.all(trials);
  });
}

/** The kind with which a CONNECT to `target` ends at an exit that answers exactly `reply`, or the early octets. */
async function answered(t: ExecutionContext, reply: string | Buffer, target = 'origin.test:443'): Promise<string> {
  const peer = await startPeer(t, (socket) => socket.once('data', () => socket.end(reply)));
  const outcome = open(t, `http://127.0.0.1:${peer.port}`, target);
  return outcome.then(
    ({ early }) => early.toString('latin1'),
    (error: GatewayError) => error.kind,
  );
}

const OK = 'HTTP/1.1 200 OK\r\n';

test('what counts as success of a CONNECT', async (t) => {
  const tls = '\x16\x03\x01';
  t.is(await answered(t, `${OK}\r\n`), '');
  t.is(await answered(t, `HTTP/1.0 200 Connection established\r\nX: y\r\n\r\n`), '');
  t.is(await answered(t, 'HTTP/1.1 204 No Content\r\n\r\n'), '');
  t.is(await answered(t, `${OK}Content-Length: 0\r\n\r\n`), '');
  t.is(await answered(t, `${OK}\r\n${tls}`), tls);
  t.is(await answered(t, `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${OK}\r\n`), '');
  t.is(await answered(t, `${OK}\r\nSSH-2.0-x`, 'origin.test:22'), 'SSH-2.0-x');
});

test('what does not', async (t) => {
  t.is(await answered(t, `${OK}\r\n<html>`), 'exit_rejected', 'not TLS on port 443');
  t.is(await answered(t, `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`), 'exit_rejected');
  t.is(await answered(t, `${OK}Content-Length: 1\r\n\r\n\x16`), 'exit_rejected');
  t.is(await answered(t, `${OK}Content-Length: 0\r\nContent-Length: 5\r\n\r\n`), 'exit_rejected');
  t.is(await answered(t, 'HTTP/1.1 101 Switching Protocols\r\n\r\n'), 'exit_rejected');
  t.is(await answered(t, 'HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n'), 'exit_rejected');
  t.is(await answered(t, 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(20)), 'exit_rejected');
  t.is(await answered(t, 'HTTP/1.1 200 OK\r\nServer'), 'exit_failed');
  t.is(await answered(t, 'SSH-2.0-OpenSSH\r\n\r\n'), 'exit_rejected');
  t.is(await answered(t, ''), 'exit_failed');
});

test('a refusal that names its cause', async (t) => {
  const bad = 'HTTP/1.1 502 Bad Gateway\r\n';
  t.is(await answered(t, `${bad}Proxy-Status: exit; error=dns_error\r\n\r\n`), 'origin_dns');
  t.is(await answered(t, `${bad}X-Squid-Error: ERR_CONNECT_FAIL 111\r\n\r\n`), 'origin_refused');
  t.is(await answered(t, `${bad}x-vendor: code=NO-PEER\r\n\r\n`), 'exit_unreachable', 'from the configuration');
  t.is(await answered(t, `${bad}\r\n`), 'exit_rejected');
});

test('replies in pieces of one octet', async (t) => {
  const drip = (replies: readonly Buffer[]) => (socket: Socket) => {
    const left = [...replies];
    socket.setNoDelay(true).on('data', async () => {
      for (const octet of left.shift() ?? []) {
        socket.write(Buffer.from([octet]));
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
  };
  const http = await startPeer(t, drip([Buffer.from(`HTTP/1.1 100 Continue\r\n\r\n${OK}Server: x\r\n\r\n`)]));
  t.is((await open(t, `http://127.0.0.1:${http.port}`, 'origin.test:443')).early.length, 0);
  const socks5 = await startPeer(
    t,
    drip([Buffer.from([5, 2]), Buffer.from([1, 0]), Buffer.from([5, 0, 0, 3, 2, 97, 98, 0, 80])]),
  );
  t.is((await open(t, `socks5://u:p@127.0.0.1:${socks5.port}`, 'origin.test:443')).early.length, 0);
  const socks4 = await startPeer(t, drip([Buffer.from([0, 90, 0, 0, 0, 0, 0, 0])]));
  t.is((await open(t, `socks4a://127.0.0.1:${socks4.port}`, 'origin.test:443')).early.length, 0);
});

test('octets right behind a SOCKS reply are kept', async (t) => {
  const replies = [Buffer.from([5, 0]), Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...Buffer.from('SSH-2.0')])];
  const peer = await startPeer(t, (socket) => socket.on('data', () => socket.write(replies.shift() ?? '')));
  t.is(String((await open(t, `socks5://127.0.0.1:${peer.port}`, 'origin.test:22')).early), 'SSH-2.0');
});

test('an abort ends a handshake with its reason and leaves nothing', async (t) => {
  for (const scheme of ['http', 'https', 'socks5', 'socks4a']) {
    const reached = Promise.withResolvers<void>();
    const peer = await startPeer(t, (socket) => socket.once('data', () => reached.resolve()));
    const dialler = diallerFor(t);
    const controller = new AbortController();
    const reason = new Error('the client left');
    const opening = open(t, `${scheme}://127.0.0.1:${peer.port}`, 'origin.test:443', {
      dialler,
      signal: controller.signal,
    });
    await reached.promise;
    controller.abort(reason);
    t.is(await t.throwsAsync(opening), reason);
    await dialler.allClosed();
  }
});

test('one deadline covers names, dial and handshake', async (t) => {
  const peer = await startPeer(t, (socket) => socket.resume());
  const slow = namesOf({
    'slow.test': () => new Promise((resolve) => setTimeout(resolve, 2_500, ['127.0.0.1'])),
  });
  const opening = open(t, `http://slow.test:${peer.port}`, 'origin.test:80', {
    dialler: diallerFor(t, slow),
    deadlineMs: 5_000,
  });
  // A handshake with a deadline of its own would end at 7.5 s.
  const tooLate = new Promise((resolve) => setTimeout(resolve, 7_000, 'too late'));
  t.is(await Promise.race([faultOf(t, opening).then((error) => error.kind), tooLate]), 'exit_timeout');
});
