import { createServer } from 'node:http';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import test from 'ava';
import { connectVia, forwardVia, startTls } from '../support/clients.ts';
import { type Exit, startHttpExit } from '../support/exits.ts';
import { type AccessLine, type Gateway, startGateway } from '../support/gateway.ts';
import { type Origin, startTlsOrigin } from '../support/origin.ts';
import { keepPeers, listen, type Peer, reset } from '../support/peers.ts';
import { startRawOrigin } from '../support/raw-origin.ts';

// What the gateway learns of how a site treats an exit, shown by the access log.

interface Page {
  readonly status: number;
  readonly fields?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Without a length, in several pieces. */
  readonly chunked?: true;
}

const html = { 'Content-Type': 'text/html' };
const wall = '<html><div id="px-captcha"></div></html>';
const frame = `<html><iframe src="/_Incapsula_Resource?x"></iframe></html>`;

/** By path: what the origin answers, and what is told of it. */
const pages: ReadonlyMap<string, readonly [Page, string | null, string | null]> = new Map([
  ['/plain', [{ status: 200, fields: html, body: 'hello' }, 'served', null]],
  ['/missing', [{ status: 404 }, 'served', null]],
  ['/broken', [{ status: 500 }, null, null]],
  ['/cloudflare', [{ status: 403, fields: { 'cf-mitigated': 'challenge' } }, 'challenge', 'cloudflare-challenge']],
  ['/wall', [{ status: 403, fields: html, body: wall }, 'challenge', 'perimeterx']],
  [
    '/wall-gzip',
    [{ status: 403, fields: { 'Content-Encoding': 'gzip' }, body: gzipSync(wall) }, 'challenge', 'perimeterx'],
  ],
  [
    '/frame-br',
    [
      { status: 200, fields: { ...html, 'Content-Encoding': 'br' }, body: brotliCompressSync(frame), chunked: true },
      'challenge',
      'imperva',
    ],
  ],
  ['/frame-long', [{ status: 200, fields: html, body: frame.padEnd(100_000), chunked: true }, 'served', null]],
  [
    '/no-coding',
    [{ status: 403, fields: { 'Content-Encoding': 'gzip' }, body: 'px-captcha' }, 'refused', 'status-403'],
  ],
  ['/slow-down', [{ status: 429, fields: { 'Retry-After': '30' }, body: 'later' }, 'refused', 'status-429']],
  ['/maze', [{ status: 302, fields: { Location: '//check.captcha.example/' } }, 'challenge', 'maze']],
  ['/soft', [{ status: 200, body: 'We think that you are a ROBOT' }, 'refused', 'blocks[1]']],
]);

const { keep, closeAll } = keepPeers();
let gateway: Gateway;
let origin: Peer;
let secure: Origin;
let exit: Exit;

test.before(async () => {
  exit = keep(await startHttpExit());
  secure = keep(await startTlsOrigin());
  origin = keep(
    await listen(
      createServer((request, response) => {
        const { status, fields, body = '', chunked } = pages.get(request.url ?? '')?.[0] ?? { status: 404 };
        response.writeHead(status, { ...fields, ...(chunked ? {} : { 'Content-Length': Buffer.byteLength(body) }) });
        if (chunked) response.write(body.slice(0, 10), () => response.end(body.slice(10)));
        else response.end(request.method === 'HEAD' ? undefined : body);
      }),
    ),
  );
  gateway = await startGateway({
    config: {
      blocks: [
        { name: 'maze', redirect: 'captcha.example', verdict: 'challenge' },
        { status: [200], body: 'you are a robot', verdict: 'refused' },
      ],
    },
    pools: { through: { exits: [{ url: exit.url }] } },
  });
});

test.after.always(async () => {
  await gateway?.stop();
  await closeAll();
});

/** The line of the access log about the exchange with this id. */
async function lineOf(id: string): Promise<AccessLine> {
  for (let lines = 1; ; lines++) {
    const line = (await gateway.accessLog(lines)).find((one) => one['id'] === id);
    if (line !== undefined) return line;
  }
}

const judgementIn = (line: AccessLine) => ({ verdict: line['verdict'] ?? null, rule: line['rule'] ?? null });
const told = async (id: string) => judgementIn(await lineOf(id));

for (const [path, [page, verdict, rule]] of pages) {
  test.serial(`${path}: ${verdict ?? 'nothing'} by ${rule ?? 'no rule'}`, async (t) => {
    const url = `http://127.0.0.1:${origin.port}${path}`;
    const answer = await forwardVia(gateway.port(), url, { login: gateway.login() });
    t.is(answer.status, page.status);
    t.deepEqual(answer.content, Buffer.from(page.body ?? ''), 'the octets are relayed as they came');
    t.deepEqual(await told(String(answer.headers['roundabout-request-id'])), { verdict, rule });
  });
}

test.serial('a HEAD is judged without content', async (t) => {
  const url = `http://127.0.0.1:${origin.port}/wall`;
  const answer = await forwardVia(gateway.port(), url, { login: gateway.login(), method: 'HEAD' });
  t.deepEqual(await told(String(answer.headers['roundabout-request-id'])), { verdict: 'refused', rule: 'status-403' });
});

const idOf = (head: string): string => /Roundabout-Request-Id: (\S+)/.exec(head)?.[1] ?? '';

/** Opens a tunnel to `port`, uses it, and waits until it is over. */
async function tunnel(port: number, use: (socket: Parameters<typeof startTls>[0]) => Promise<unknown>) {
  const { head, socket } = await connectVia(gateway.port(), `127.0.0.1:${port}`, { login: gateway.login() });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await use(socket);
  socket.resume();
  await closed;
  return lineOf(idOf(head));
}

test.serial('a tunnel that the origin resets before it says a word', async (t) => {
  const rude = keep(await startRawOrigin((socket) => socket.once('data', () => reset(socket))));
  t.like(await tunnel(rude.port, async (socket) => socket.write('hello')), {
    verdict: 'refused',
    rule: 'reset-before-answer',
  });
});

test.serial('a tunnel that the origin closes before it says a word', async (t) => {
  const curt = keep(await startRawOrigin((socket) => socket.once('data', () => socket.end())));
  const line = await tunnel(curt.port, async (socket) => {
    socket.once('end', () => socket.end());
    socket.write('hello');
  });
  t.like(line, { verdict: 'refused', rule: 'closed-before-answer' });
});

test.serial('an alert in answer to a ClientHello', async (t) => {
  const alert = Buffer.from([21, 3, 3, 0, 2, 2, 40]);
  const stern = keep(await startRawOrigin((socket) => socket.once('data', () => socket.end(alert))));
  const line = await tunnel(stern.port, (socket) => t.throwsAsync(startTls(socket)).then(() => socket.destroy()));
  t.like(line, { verdict: 'refused', rule: 'tls-alert' });
});

test.serial('a tunnel with a page in it', async (t) => {
  const line = await tunnel(secure.port, async (socket) => {
    const secured = await startTls(socket, { servername: 'www.shop.example' });
    const answer = await forwardVia(0, '/bytes/40000', { socket: secured });
    t.is(answer.content.length, 40_000);
    secured.end();
  });
  t.like(line, { verdict: 'served', rule: null });
  t.true(Number(line['originMs']) >= 0);
});

test.serial('verdicts are counted by exit', async (t) => {
  const listed = await gateway.command('exit', 'list', '--json');
  const [{ live }] = JSON.parse(listed.stdout) as [{ live: { served: number; refused: number } }];
  t.true(live.served >= 4);
  t.true(live.refused >= 10);
});

test.serial('tunnels are not watched where that is switched off', async (t) => {
  const blind = await startGateway({ config: { signals: 'off' }, pools: { through: { exits: [{ url: exit.url }] } } });
  t.teardown(() => blind.stop());
  const rude = keep(await startRawOrigin((socket) => socket.once('data', () => reset(socket))));
  const { socket } = await connectVia(blind.port(), `127.0.0.1:${rude.port}`, { login: blind.login() });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.resume().write('hello');
  await closed;
  const [line] = await blind.accessLog(1);
  t.is(line?.['verdict'], undefined);
  t.true(line?.['cut']);
});
