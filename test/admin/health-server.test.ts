import { once } from 'node:events';
import { connect } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import type { Health } from '../../src/admin/health.ts';
import { startHealthServer } from '../../src/admin/health-server.ts';
import { until } from '../support/until.ts';

const ok: Health = {
  status: 'ok',
  pid: 1,
  version: '0.0.0',
  uptimeS: 1,
  listeners: [{ name: 'mixed', host: '127.0.0.1', port: 8080 }],
  pools: [],
  providers: [],
  exchanges: { open: 0, byKind: {} },
  connections: 0,
  relay: { kind: 'typescript', why: 'not built' },
  workers: { running: 1, inFront: 1, replaced: 0, stuck: [], connections: [0] },
  store: 'ok',
  ledger: 'ok',
  quotas: 'ok',
  reload: 'ok',
  faults: [],
  certificates: [],
  sources: [],
};

const metrics = '# HELP a_total Ä.\n# TYPE a_total counter\na_total 1\n';

async function serve(t: ExecutionContext, health: Health, host = '127.0.0.1', told = metrics) {
  const server = await startHealthServer({ host, port: 0, most: 64, state: () => health, metrics: () => told });
  t.teardown(() => server.close());
  return server;
}

/** Sends a head as it stands and reads until the connection is closed. */
async function ask(port: number, { line = 'GET /healthz', host = 'localhost', more = '' } = {}): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.setEncoding('latin1');
  let reply = '';
  socket.on('data', (text: string) => {
    reply += text;
  });
  socket.write(`${line} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${more}\r\n`);
  await once(socket, 'close');
  return reply;
}

const statusOf = (reply: string) => Number(reply.slice(9, 12));
const contentOf = (reply: string): unknown => JSON.parse(reply.slice(reply.indexOf('\r\n\r\n')));

test('healthz and readyz answer while all is well, to HEAD without content', async (t) => {
  const { port } = await serve(t, ok);
  t.deepEqual(contentOf(await ask(port)), { status: 'ok' });
  t.deepEqual(contentOf(await ask(port, { line: 'GET /readyz?verbose' })), { status: 'ready' });
  const head = await ask(port, { line: 'HEAD /readyz' });
  t.is(statusOf(head), 200);
  t.true(head.endsWith('\r\n\r\n'));
});

for (const [what, health, reason] of [
  ['starts', { ...ok, status: 'starting' }, 'the gateway is starting'],
  ['drains', { ...ok, status: 'draining' }, 'the gateway is draining'],
  ['has no listeners', { ...ok, listeners: [] }, 'no listener is bound'],
] as const) {
  test(`one that ${what} lives, but is not ready`, async (t) => {
    const { port } = await serve(t, health);
    t.is(statusOf(await ask(port)), 200);
    const reply = await ask(port, { line: 'GET /readyz' });
    t.is(statusOf(reply), 503);
    t.deepEqual(contentOf(reply), { status: 'unready', reasons: [reason] });
  });
}

test('one that is overloaded is ready', async (t) => {
  const { port } = await serve(t, { ...ok, status: 'overloaded' });
  t.is(statusOf(await ask(port, { line: 'GET /readyz' })), 200);
});

test('metrics are told in the text format, and guarded as the other pages are', async (t) => {
  const { port } = await serve(t, ok);
  const reply = await ask(port, { line: 'GET /metrics' });
  t.is(statusOf(reply), 200);
  t.regex(reply, /\r\ncontent-type: text\/plain; version=0\.0\.4; charset=utf-8\r\n/i);
  const content = Buffer.from(reply.slice(reply.indexOf('\r\n\r\n') + 4), 'latin1');
  t.is(content.toString(), metrics);
  const head = await ask(port, { line: 'HEAD /metrics' });
  t.regex(head, new RegExp(`^HTTP/1.1 200 .*\r\ncontent-length: ${content.length}\r\n`, 'is'));
  t.true(head.endsWith('\r\n\r\n'));
  const post = await ask(port, { line: 'POST /metrics', more: 'Content-Length: 0\r\n' });
  t.is(statusOf(post), 405);
  t.regex(post, /\r\nallow: GET, HEAD\r\n/i);
  t.is(statusOf(await ask(port, { line: 'GET /metrics', host: 'evil.example' })), 421);
  t.is(statusOf(await ask(port, { line: 'GET /metrics', more: 'Origin: http://localhost\r\n' })), 403);
});

test('only the names and addresses of the listener are its own', async (t) => {
  const { port } = await serve(t, ok);
  for (const host of ['localhost', `localhost:${port}`, '127.0.0.1', `127.0.0.1:${port}`, '127.0.0.1:19090']) {
    t.is(statusOf(await ask(port, { host })), 200, host);
  }
  for (const host of ['evil.example', '127.0.0.2', '10.0.0.1', '[::1]', 'localhost.evil.example', 'a b', '']) {
    t.true([400, 421].includes(statusOf(await ask(port, { host }))), host);
  }
});

test('bound to all addresses, the one that was connected to is its own', async (t) => {
  const { port } = await serve(t, ok, '0.0.0.0');
  t.is(statusOf(await ask(port, { host: `127.0.0.1:${port}` })), 200);
  t.is(statusOf(await ask(port, { host: 'evil.example' })), 421);
});

test('pages, other methods, other paths and large heads are refused', async (t) => {
  const { port } = await serve(t, ok);
  t.is(statusOf(await ask(port, { more: 'Origin: http://localhost\r\n' })), 403);
  t.is(statusOf(await ask(port, { line: 'POST /healthz', more: 'Content-Length: 0\r\n' })), 405);
  const root = await ask(port, { line: 'GET /' });
  t.is(statusOf(root), 404);
  t.regex(root, /see \/healthz, \/readyz and \/metrics/);
  t.is(statusOf(await ask(port, { line: 'GET /healthz/../etc' })), 404);
  t.is(statusOf(await ask(port, { more: `X: ${'x'.repeat(9000)}\r\n` })), 400);
  t.is(statusOf(await ask(port, { line: 'nonsense' })), 400);
  t.is(statusOf(await ask(port)), 200);
});

test('a page finds out nothing by what it loads without Origin; who types the address is answered', async (t) => {
  const { port } = await serve(t, ok);
  for (const path of ['/healthz', '/readyz', '/metrics', '/none']) {
    for (const site of ['cross-site', 'same-site', 'same-origin']) {
      const reply = await ask(port, { line: `GET ${path}`, more: `Sec-Fetch-Site: ${site}\r\n` });
      t.is(statusOf(reply), 403, `${path} ${site}`);
      t.regex(reply, /\r\ncross-origin-resource-policy: same-origin\r\n/i);
    }
  }
  t.is(statusOf(await ask(port, { more: 'Sec-Fetch-Site: none\r\n' })), 200);
  // Over http from another machine no browser tells who asks.
  t.regex(await ask(port), /\r\ncross-origin-resource-policy: same-origin\r\n/i);
});

test('who connects and says nothing keeps nobody away', async (t) => {
  const { port } = await serve(t, ok);
  const silent = Array.from({ length: 200 }, () => connect(port, '127.0.0.1').on('error', () => {}));
  t.teardown(() => silent.forEach((socket) => void socket.destroy()));
  await Promise.all(silent.map((socket) => once(socket, 'connect')));
  t.is(statusOf(await ask(port)), 200);
  t.is(statusOf(await ask(port)), 200);
});

test('who asks and reads nothing keeps nobody else away for long', async (t) => {
  const { port } = await serve(t, ok, '127.0.0.1', `# ${'x'.repeat(16 * 1024 ** 2)}\n`);
  const asked = Array.from({ length: 64 }, () => connect(port, '127.0.0.1').on('error', () => {}));
  t.teardown(() => asked.forEach((socket) => void socket.destroy()));
  await Promise.all(asked.map((socket) => once(socket, 'connect')));
  for (const socket of asked) socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n');
  t.is(statusOf(await ask(port)), 200);
  // Who reads nothing learns by writing that it is over.
  const isOver = () => asked.filter((socket) => socket.write('\r\n') || !socket.destroyed).length === 0;
  await t.notThrowsAsync(until(isOver, 'nobody is waited for', 30_000));
});

test('close() ends connections that rest', async (t) => {
  const server = await startHealthServer({
    host: '127.0.0.1',
    port: 0,
    most: 64,
    state: () => ok,
    metrics: () => metrics,
  });
  const socket = connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  const closed = once(socket, 'close');
  socket.resume();
  await server.close();
  await closed;
  t.pass();
});
