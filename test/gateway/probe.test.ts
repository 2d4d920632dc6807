import { createServer } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { GatewayError } from '../../src/errors.ts';
import { type ProbeRequest, probe } from '../../src/gateway/probe/probe.ts';
import { worstProbeCost } from '../../src/gateway/probe/probe-cost.ts';
import { parseExitUrl } from '../../src/protocol/endpoint.ts';
import { defaultHeadLimits } from '../../src/protocol/http-head.ts';
import { type ProbeTarget, parseProbeTarget } from '../../src/protocol/probe-target.ts';
import { testCertificate } from '../support/certificate.ts';
import { startCountingFront, startFloodingExit } from '../support/counting-exits.ts';
import {
  startHttpExit,
  startHttpsExit,
  startProxyChainExit,
  startSocks4Exit,
  startSocks5Exit,
  startSocksv5Exit,
} from '../support/exits.ts';
import { startFaultExit } from '../support/fault-exits.ts';
import { startOrigin, startTlsOrigin } from '../support/origin.ts';
import { listen } from '../support/peers.ts';
import { startRawOrigin } from '../support/raw-origin.ts';
import { diallerFor, namesOf } from '../transport/bench.ts';

const credential = { username: 'user', password: 'p@ss' };

interface Given extends Partial<Omit<ProbeRequest, 'target'>> {
  readonly target: string | ProbeTarget;
  readonly ca?: string | null;
  readonly judge?: (address: string, port: number) => GatewayError | null;
}

function probing(t: ExecutionContext, url: string, { target, ca = null, judge = () => null, ...more }: Given) {
  const dialler = diallerFor(t, namesOf({ 'exit.test': ['127.0.0.1'], 'target.test': ['127.0.0.1'] }));
  const endpoint = parseExitUrl(url);
  const parsed = typeof target === 'string' ? parseProbeTarget(target) : { ok: true as const, value: target };
  if (!endpoint.ok || !parsed.ok) throw new Error(url);
  const tools = { dialler, exitErrors: [], heads: defaultHeadLimits, judge, now: () => performance.now() };
  const exit = { endpoint: endpoint.value, verifyTls: true, ca, dns: 'remote' } as const;
  return probe(tools, { exit, target: parsed.value, deadlineMs: 5_000, ...more });
}

test('a page through every kind of exit, and every octet counted', async (t) => {
  const origin = await startOrigin();
  const { cert } = await testCertificate();
  const exits = await Promise.all([
    startHttpExit(),
    startHttpExit(credential),
    startHttpsExit(credential),
    startSocks5Exit(credential),
    startSocks4Exit(),
    startProxyChainExit(credential),
    startProxyChainExit(credential, { tls: true }),
    startSocksv5Exit(credential),
  ]);
  t.teardown(() => Promise.all([origin, ...exits].map((peer) => peer.close())));
  for (const exit of exits) {
    const front = await startCountingFront(exit.port);
    t.teardown(() => front.close());
    const url = exit.url.replace(`:${exit.port}`, `:${front.port}`);
    const result = await probing(t, url, { target: `${origin.url}/status/204`, ca: cert });
    t.like(result, { kind: 'ok', asked: 'page', stage: 'target', status: 204 }, `${url} ${JSON.stringify(result)}`);
    t.true(result.sent > 0 && result.received > 0);
    t.is(result.sent + result.received, front.counted(), url);
    t.is(result.cost, front.counted(), url);
  }
});

test('a page by TLS through exits, over TLS too', async (t) => {
  const origin = await startTlsOrigin();
  const { cert } = await testCertificate();
  const exits = await Promise.all([startHttpsExit(credential), startSocks5Exit(), startHttpExit()]);
  t.teardown(() => Promise.all([origin, ...exits].map((peer) => peer.close())));
  for (const exit of exits) {
    const front = await startCountingFront(exit.port);
    t.teardown(() => front.close());
    const url = exit.url.replace(`:${exit.port}`, `:${front.port}`);
    const result = await probing(t, url, { target: `https://localhost:${origin.port}/`, ca: cert });
    t.like(result, { kind: 'ok', status: 200 }, JSON.stringify(result));
    t.true((result.phases.targetTls ?? 0) > 0);
    t.is(result.cost, front.counted(), url);
  }
});

test('a tunnel alone, and a handshake alone', async (t) => {
  const origin = await startOrigin();
  const { cert } = await testCertificate();
  const [http, https, socks] = await Promise.all([startHttpExit(), startHttpsExit(), startSocks5Exit(credential)]);
  t.teardown(() => Promise.all([origin, http, https, socks].map((peer) => peer.close())));
  for (const { url } of [http, https, socks]) {
    const tunnel = await probing(t, url, { target: `connect://127.0.0.1:${origin.port}`, ca: cert });
    t.like(tunnel, { kind: 'ok', asked: 'tunnel', stage: 'exit', status: null }, JSON.stringify(tunnel));
    const asked = [http, https, socks].flatMap(({ requests }) => requests).length;
    const handshake = await probing(t, url, { target: 'handshake', ca: cert });
    t.like(handshake, { kind: 'ok', asked: 'handshake', stage: 'exit' }, JSON.stringify(handshake));
    t.is([http, https, socks].flatMap(({ requests }) => requests).length, asked, 'nothing leaves the exit');
  }
  const wrong = socks.url.replace('p%40ss', 'wrong');
  t.is((await probing(t, wrong, { target: 'handshake' })).kind, 'exit_auth_failed');
});

test('what fails is told by kind, and by whose part it was', async (t) => {
  const origin = await startOrigin();
  const exit = await startHttpExit(credential);
  t.teardown(() => Promise.all([origin, exit].map((peer) => peer.close())));
  const page = `${origin.url}/`;
  for (const [mode, kind] of [
    ['refuse', 'exit_refused'],
    ['blackhole', 'exit_timeout'],
    ['resetAtOnce', 'exit_failed'],
    ['garbage', 'exit_rejected'],
    ['status-407', 'exit_auth_failed'],
  ] as const) {
    const faulty = await startFaultExit({ protocol: 'http', mode });
    t.teardown(() => faulty.close());
    const deadlineMs = mode === 'blackhole' ? 500 : 10_000;
    const result = await probing(t, faulty.url, { target: page, deadlineMs });
    t.like(result, { kind, stage: 'exit' }, `${mode} ${JSON.stringify(result)}`);
  }
  const wrong = exit.url.replace('p%40ss', 'wrong');
  t.like(await probing(t, wrong, { target: page }), { kind: 'exit_auth_failed', stage: 'exit' });
  t.like(await probing(t, exit.url, { target: `${origin.url}/status/503` }), {
    kind: 'origin_bad_response',
    stage: 'target',
    status: 503,
  });
  const hangs = await probing(t, exit.url, { target: `${origin.url}/hang`, deadlineMs: 2_000 });
  t.is(hangs.kind, 'exit_timeout');
  const socks = await startSocks5Exit();
  t.teardown(() => socks.close());
  const behind = await probing(t, socks.url, { target: `${origin.url}/hang`, deadlineMs: 2_000 });
  t.like(behind, { kind: 'origin_timeout', stage: 'target' });
  const own = new GatewayError('loop', { detail: 'ours' });
  t.is((await probing(t, exit.url, { target: page, judge: () => own })).kind, 'loop');
});

test('expected status and content, and what the target saw', async (t) => {
  const answer = '{"ip":"203.0.113.9","country_code":"DE","asn":{"asn":"AS3320"}}';
  const head = (content: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${content.length}\r\n\r\n${content}`;
  const [json, text, open] = await Promise.all([
    startRawOrigin({ reply: head(answer) }),
    startRawOrigin({ reply: head('you come from <b>198.51.100.7</b> in fr') }),
    startRawOrigin({ reply: 'HTTP/1.1 200 OK\r\n\r\n2001:db8::1\n' }),
  ]);
  const exit = await startSocks5Exit();
  t.teardown(() => Promise.all([json, text, open, exit].map((peer) => peer.close())));
  const at = ({ port }: { port: number }) => `http://127.0.0.1:${port}/`;
  const first = await probing(t, exit.url, { target: at(json) });
  t.deepEqual(first.seen, { address: '203.0.113.9', country: 'de', asn: '3320' });
  const pattern = /<b>(?<address>[0-9.]+)<\/b> in (?<country>..)/;
  const target = { ...(parseProbeTarget(at(text)) as { value: ProbeTarget }).value, body: pattern } as ProbeTarget;
  const second = await probing(t, exit.url, { target });
  t.deepEqual(second.seen, { address: '198.51.100.7', country: 'fr', asn: null });
  const third = await probing(t, exit.url, { target: at(open) });
  t.deepEqual(third.seen, { address: '2001:db8::1', country: null, asn: null });
  const other = { ...target, body: /captive/ } as ProbeTarget;
  t.like(await probing(t, exit.url, { target: other }), { kind: 'origin_bad_response', status: 200 });
});

test('an exit that floods costs no more than a probe may, whenever it begins', async (t) => {
  for (const when of ['accept', 'data', 'end'] as const) {
    for (const [scheme, target] of [
      ['http', 'http://target.test/'],
      ['https', 'http://target.test/'],
      ['socks5', 'handshake'],
    ] as const) {
      const exit = await startFloodingExit(when);
      t.teardown(() => exit.close());
      const result = await probing(t, `${scheme}://127.0.0.1:${exit.port}`, { target, deadlineMs: 1_000 });
      t.not(result.kind, 'ok', `${when} ${scheme}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
      const counted = exit.counted();
      t.true(counted <= result.cost, `${when} ${scheme}: the exit counted ${counted}, booked were ${result.cost}`);
      const parsed = parseProbeTarget(target);
      t.true(parsed.ok && result.cost <= worstProbeCost(parsed.value), `${when} ${scheme} ${result.cost}`);
    }
  }
});

test('what came before TLS gave up on it is booked', async (t) => {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.write('no TLS at all\r\n');
      // It comes about when its reader gives up.
      setImmediate(() => socket.end(Buffer.alloc(8_000)));
    });
  });
  const exit = await listen(server);
  t.teardown(() => exit.close());
  const result = await probing(t, `https://127.0.0.1:${exit.port}`, { target: 'http://target.test/' });
  t.not(result.kind, 'ok');
  t.is(result.received, 8_015);
  t.true(result.cost >= result.sent + result.received);
});

test('a page that is longer than a probe may cost is cut', async (t) => {
  const origin = await startOrigin();
  const exit = await startHttpExit();
  const front = await startCountingFront(exit.port);
  t.teardown(() => Promise.all([origin, front, exit].map((peer) => peer.close())));
  const result = await probing(t, `http://127.0.0.1:${front.port}`, { target: `${origin.url}/bytes/10000000` });
  // Whether enough of it came in time to be judged is a matter of its pieces.
  t.true(result.kind === 'ok' || result.kind === 'exit_rejected', result.kind);
  t.is(result.cost, worstProbeCost({ kind: 'page' } as ProbeTarget));
});

test('a probe that is called off leaves nothing open', async (t) => {
  const exit = await startFaultExit({ protocol: 'http', mode: 'blackhole' });
  t.teardown(() => exit.close());
  const abort = new AbortController();
  const running = probing(t, exit.url, { target: 'http://target.test/', signal: abort.signal });
  setTimeout(() => abort.abort(new Error('enough')), 100);
  await t.throwsAsync(running, { message: 'enough' });
});

test('targets are read or refused', (t) => {
  for (const text of [
    'ftp://a/',
    'http://user@a/',
    'connect://a:1/x',
    'connect://a',
    'a.b',
    'http://a/ b',
    'https://',
  ]) {
    t.false(parseProbeTarget(text).ok, text);
  }
  t.like(parseProbeTarget('https://a.test/x?y=1'), { ok: true, value: { kind: 'page', tls: true, path: '/x?y=1' } });
  t.like(parseProbeTarget('http://a.test?y=1'), { ok: true, value: { path: '/?y=1' } });
});
