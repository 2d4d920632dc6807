import test from 'ava';
import { testCertificate } from './certificate.ts';
import { connectVia, forwardVia, patternOf, rawExchange, sha256, socks5Via, startTls } from './clients.ts';
import {
  type Exit,
  type LibraryExit,
  socksv5Exchange,
  startHttpExit,
  startHttpsExit,
  startProxyChainExit,
  startSocks4Exit,
  startSocks5Exit,
  startSocksv5Exit,
} from './exits.ts';
import { type FaultMode, type FaultProtocol, faultModes, startFaultExit } from './fault-exits.ts';
import { startOrigin, startTlsOrigin } from './origin.ts';
import { has, run } from './programs.ts';
import { startRawOrigin } from './raw-origin.ts';
import { acceptOf, decodeFrame, encodeFrame } from './websocket.ts';

const login = { username: 'user', password: 's3cret' };
const exitStarts = new Map<string, () => Promise<Exit | LibraryExit>>([
  ['http', () => startHttpExit(login)],
  ['https', () => startHttpsExit(login)],
  ['socks5', () => startSocks5Exit(login)],
  ['socks4', () => startSocks4Exit()],
  ['socks4a', () => startSocks4Exit(undefined, 'socks4a')],
  ['proxy-chain', () => startProxyChainExit(login)],
  ['proxy-chain by TLS', () => startProxyChainExit(login, { tls: true })],
  ['socksv5', () => startSocksv5Exit(login)],
]);

test('the origin answers every page', async (t) => {
  const origin = await startOrigin();
  t.teardown(origin.close);
  const get = (path: string, options?: Parameters<typeof forwardVia>[2]) => forwardVia(origin.port, path, options);
  t.is((await get('/')).content.toString(), 'origin\n');
  for (const path of ['/bytes/200000', '/chunked/200000']) {
    t.is(sha256((await get(path)).content), sha256(patternOf(200_000)), path);
  }
  const echoed = JSON.parse((await get('/echo', { method: 'PUT', content: 'abc' })).content.toString());
  t.like(echoed, { method: 'PUT', url: '/echo', length: 3, sha256: sha256('abc') });
  for (const status of [204, 304, 404, 503]) t.is((await get(`/status/${status}`)).status, status);
  t.is((await get('/expect', { fields: { Expect: '100-continue' } })).status, 200);
  t.is((await get('/expect?refuse=1', { fields: { Expect: '100-continue' } })).status, 417);
  t.is((await get('/drip?n=3&ms=1')).content.toString(), '...');
  t.is((await get('/slow-head?ms=1')).content.toString(), 'slow\n');
  t.is((await get('/close')).content.toString(), 'until the end\n');
  t.is((await get('/http10')).content.toString(), 'HTTP/1.0\n');
  t.is((await get('/trailers')).trailers['x-sum'], sha256(''));
  t.true((await get('/cut/100000')).cut);
  t.true(
    (
      await rawExchange(origin.port, 'GET /early-hints HTTP/1.1\r\nHost: o\r\nConnection: close\r\n\r\n')
    ).text.startsWith('HTTP/1.1 103 '),
  );
  t.is((await rawExchange(origin.port, 'GET /hang HTTP/1.1\r\nHost: o\r\n\r\n', { timeoutMs: 50 })).ended, 'open');
});

test('the origin echoes over WebSocket', async (t) => {
  const origin = await startOrigin();
  t.teardown(origin.close);
  const head =
    'GET /ws HTTP/1.1\r\nHost: o\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n';
  const frame = encodeFrame(1, patternOf(300), Buffer.from('mask'));
  const { octets, text } = await rawExchange(origin.port, [
    head,
    frame,
    encodeFrame(8, Buffer.alloc(0), Buffer.from('mask')),
  ]);
  t.true(text.includes(acceptOf('x3JJHMbDL1EzLkh9GBhXDw==')));
  const frames = octets.subarray(octets.indexOf('\r\n\r\n') + 4);
  t.deepEqual(decodeFrame(frames)?.payload, patternOf(300));
});

for (const [kind, start] of exitStarts) {
  test(`curl goes through the exit ${kind}`, async (t) => {
    if (!has('curl')) return t.pass('no curl');
    const origin = await startOrigin();
    const secure = await startTlsOrigin();
    const exit = await start();
    t.teardown(() => Promise.all([origin, secure, exit].map((peer) => peer.close())));
    const common = ['-sSk', '--proxy-insecure', '-x', exit.url];
    for (const url of [origin.url, secure.url]) {
      const fetched = await run('curl', [...common, `${url}/bytes/1000000`, `${url}/bytes/1000000`]);
      t.is(sha256(fetched.octets), sha256(Buffer.concat([patternOf(1_000_000), patternOf(1_000_000)])), fetched.stderr);
    }
    const posted = await run(
      'curl',
      [...common, '--data-binary', '@-', '-H', 'Expect: 100-continue', `${origin.url}/echo`],
      { input: patternOf(2_000_000) },
    );
    t.is(JSON.parse(posted.stdout).sha256, sha256(patternOf(2_000_000)));
    if (!('requests' in exit)) return;
    t.true(exit.requests.length >= 3);
    t.true(exit.received().length > 0);
    if (kind === 'http' || kind === 'socks5') t.is(exit.requests[0]?.password, login.password);
  });
}

test('exits ask for their credential', async (t) => {
  const [http, socks, library] = [
    await startHttpExit(login),
    await startSocks5Exit(login),
    await startSocksv5Exit(login),
  ];
  t.teardown(() => Promise.all([http, socks, library].map((peer) => peer.close())));
  const wrong = { username: 'user', password: 'wrong' };
  t.is((await connectVia(http.port, '127.0.0.1:1')).status, 407);
  t.is((await forwardVia(http.port, 'http://127.0.0.1:1/', { login: wrong })).status, 407);
  for (const { port } of [socks, library]) {
    const answer = await socks5Via(port, { host: '127.0.0.1', port: 1 }, { login: wrong });
    t.like(answer, { method: 2, authenticated: false });
  }
  t.is((await socks5Via(socks.port, { host: '127.0.0.1', port: 1 })).method, 0xff);
});

test('tunnels carry TLS, and socksv5 is a client too', async (t) => {
  const secure = await startTlsOrigin();
  const origin = await startOrigin();
  const [http, socks] = [await startHttpExit(), await startSocks5Exit(login)];
  t.teardown(() => Promise.all([secure, origin, http, socks].map((peer) => peer.close())));
  const { cert } = await testCertificate();
  const tunnel = await connectVia(http.port, `127.0.0.1:${secure.port}`);
  const overTls = await startTls(tunnel.socket, { ca: cert });
  t.is((await forwardVia(0, '/', { socket: overTls })).content.toString(), 'origin\n');
  const named = await socks5Via(socks.port, { host: 'localhost', port: origin.port }, { login });
  t.is(named.reply, 0);
  t.is((await forwardVia(0, '/', { socket: named.socket })).content.toString(), 'origin\n');
  const request = 'GET / HTTP/1.0\r\n\r\n';
  const target = { host: '127.0.0.1', port: origin.port };
  t.true((await socksv5Exchange(socks.port, target, { login, request })).text.endsWith('origin\n'));
  const wrong = await socksv5Exchange(socks.port, target, { login: { ...login, password: 'no' }, request });
  t.is(wrong.error, 'EAUTHFAILED');
});

/** Modes of fault in which nothing comes. */
const silent: ReadonlySet<FaultMode> = new Set<FaultMode>(['blackhole', 'slowHead', 'stall']);

/** How curl fails when it goes through an exit in this mode, by CONNECT or SOCKS5 and TLS to the origin; null: it succeeds. */
async function provoke(protocol: FaultProtocol, mode: FaultMode) {
  const origin = await startTlsOrigin();
  const exit = await startFaultExit({ protocol, mode });
  const scheme = protocol === 'socks5' ? 'socks5h' : protocol;
  const proxy = `${scheme}://127.0.0.1:${exit.port}`;
  const most = silent.has(mode) ? '3' : '60';
  const ended = await run('curl', ['-sSk', '-m', most, '--proxy-insecure', '-x', proxy, `${origin.url}/bytes/100000`]);
  await Promise.all([origin.close(), exit.close()]);
  return { ended, exit };
}

for (const protocol of ['http', 'https', 'socks5'] as const) {
  test(`every mode of fault exits of ${protocol} fails`, async (t) => {
    if (!has('curl')) return t.pass('no curl');
    for (const mode of faultModes(protocol)) {
      const { ended, exit } = await provoke(protocol, mode);
      t.not(ended.code, 0, `${mode} ${ended.stderr}`);
      t.is(exit.faults(), mode === 'refuse' ? 0 : 1, mode);
      t.is(ended.code === 28, silent.has(mode), `${mode} ${ended.code} ${ended.stderr}`);
    }
  });
}

test('a fault exit fails at its rate, and is good otherwise', async (t) => {
  const origin = await startOrigin();
  const exit = await startFaultExit({ protocol: 'http', mode: 'status-502', rate: 0.3, seed: 7 });
  t.teardown(() => Promise.all([origin.close(), exit.close()]));
  let good = 0;
  for (let i = 0; i < 60; i++) good += Number((await forwardVia(exit.port, `${origin.url}/`)).status === 200);
  t.is(good, 60 - exit.faults());
  t.true(exit.faults() > 8 && exit.faults() < 30);
});

test('a raw origin answers exact octets, and keeps what it got', async (t) => {
  const origin = await startRawOrigin({ reply: ['HTTP/1.1 200 OK\r\n', 'Content-Length: 5\r\n\r\nab'], end: 'reset' });
  t.teardown(origin.close);
  const answer = await rawExchange(origin.port, ['GET / HTTP/1.1\r\n', 'Host: o\r\n\r\n']);
  t.deepEqual([answer.text, answer.ended], ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab', 'reset']);
  t.is(origin.received[0]?.toString(), 'GET / HTTP/1.1\r\nHost: o\r\n\r\n');
});
