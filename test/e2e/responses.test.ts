import { createServer, type Socket } from 'node:net';
import test from 'ava';
import { basic, connectVia, rawExchange } from '../support/clients.ts';
import { startSocks5Exit } from '../support/exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { listen, type Peer, reset } from '../support/peers.ts';

// What an origin or an exit sends and what of it a client sees: one answer to each request, its own, whole or visibly cut.

/** What an answer is made of: octets, written piece by piece, and how it ends. */
type Reply = readonly string[];
const fin = '<FIN>';
const rst = '<RST>';

/** How the client is told: a status, with the content where there is any; `cut` where it began and was reset. */
type Told = string;

const evil = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';
const ok = (fields: string, content = 'ok'): string => `HTTP/1.1 200 OK\r\n${fields}\r\n${content}`;
const sized = (fields: string): string => ok(`${fields}Content-Length: 2\r\n`);
const chunked = (content: string): string => ok('Transfer-Encoding: chunked\r\n', content);

/** By the octets that an origin answers with: what the client is told. */
const answers: ReadonlyMap<string, readonly [Reply, Told]> = new Map([
  ['equal lengths', [[ok('Content-Length: 2\r\nContent-Length: 2\r\n')], '200 ok']],
  ['a list of equal lengths', [[ok('Content-Length: 2, 2\r\n')], '200 ok']],
  ['different lengths', [[ok('Content-Length: 2\r\nContent-Length: 3\r\n', `ok${evil}`)], '502']],
  ['a list of different lengths', [[ok('Content-Length: 2, 3\r\n')], '502']],
  ['a negative length', [[ok('Content-Length: -2\r\n')], '502']],
  ['both framings', [[ok('Content-Length: 2\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${evil}`)], '502']],
  ['an unknown coding', [[ok('Transfer-Encoding: xchunked\r\n', evil)], '502']],
  ['a coding around chunks', [[ok('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n')], '502']],
  ['chunks in HTTP/1.0', [['HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'], '502']],
  ['surplus octets', [[`${sized('')}${evil}`], '200 ok']],
  ['surplus octets, later', [[sized(''), evil], '200 ok']],
  ['octets behind 204', [[`HTTP/1.1 204 No\r\nContent-Length: 4\r\n\r\n${evil}`], '204']],
  ['chunks behind 204', [['HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n'], '204']],
  ['octets behind 304', [[`HTTP/1.1 304 No\r\nContent-Length: 4\r\n\r\n${evil}`], '304']],
  ['content in 205', [['HTTP/1.1 205 Reset\r\nContent-Length: 4\r\n\r\nevil'], '502']],
  ['CR in a field', [[sized('X: a\rSet-Cookie: b\r\n')], '502']],
  ['NUL in a field', [[sized('X: a\0b\r\n')], '502']],
  ['CR in the reason', [['HTTP/1.1 200 O\rK\r\nContent-Length: 2\r\n\r\nok'], '502']],
  ['a space before the colon of a length', [[ok('Content-Length : 2\r\n')], '502']],
  ['a space before another colon', [[sized('X-A : a\r\n')], '200 ok']],
  ['lines by LF', [['HTTP/1.1 200 OK\nContent-Length: 2\n\nok'], '200 ok']],
  ['a folded field', [[sized('X: a\r\n b\r\n')], '200 ok']],
  ['no reason', [['HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok'], '200 ok']],
  ['a chunk by LF', [[chunked('2\nok\n0\n\n')], '502']],
  ['a chunk that is too long', [[chunked('2\r\n'), 'okk\r\n0\r\n\r\n'], 'cut']],
  ['chunks that end early', [[chunked('2\r\nok\r\n'), fin], 'cut']],
  ['content that ends early', [[ok('Content-Length: 20\r\n'), fin], 'cut']],
  ['content that stalls', [[ok('Content-Length: 20\r\n')], 'cut']],
  ['content that is reset', [[ok(''), rst], 'cut']],
  ['content until the end', [[ok(''), fin], '200 ok']],
  ['101 unasked', [['HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nevil'], '502']],
  ['a 407', [['HTTP/1.1 407 P\r\nProxy-Authenticate: Basic realm="evil"\r\nContent-Length: 0\r\n\r\n'], '502']],
  ['another version', [['HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok'], '502']],
  ['no HTTP', [['220 mail.example ESMTP\r\n\r\n'], '502']],
  ['a status of two digits', [['HTTP/1.1 20 OK\r\n\r\n'], '502']],
  ['a head without end', [[`HTTP/1.1 200 OK\r\n${`X: ${'a'.repeat(1_000)}\r\n`.repeat(100)}`], '502']],
  ['half a head', [['HTTP/1.1 200 OK\r\nContent-', fin], '502']],
  ['half a head and silence', [['HTTP/1.1 200 OK\r\nContent-'], '504']],
  ['an early end', [[fin], '502']],
  ['a reset', [[rst], '502']],
  ['silence', [[], '504']],
  [
    'forged fields',
    [[sized('Roundabout-Error: evil\r\nProxy-Authenticate: evil\r\nConnection: x-a\r\nX-A: evil\r\n')], '200 ok'],
  ],
  [
    'trailers that would be fields',
    [[chunked('2\r\nok\r\n0\r\nSet-Cookie: evil\r\nContent-Length: 9\r\n\r\n')], '200 ok'],
  ],
  ['names of objects', [[sized('__proto__: x\r\nconstructor: y\r\n')], '200 ok']],
]);

/** What an exit says to CONNECT that is no tunnel, by the port asked for. */
const noTunnels: readonly (readonly [name: string, port: number, Reply])[] = [
  ['a page', 8443, [`HTTP/1.1 200 OK\r\nContent-Length: ${evil.length}\r\n\r\n${evil}`]],
  ['a page in chunks', 8443, ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n']],
  ['no TLS on the port of TLS', 443, ['HTTP/1.1 200 OK\r\n\r\n<html>']],
  ['101', 8443, ['HTTP/1.1 101 OK\r\n\r\n']],
  ['interim answers without end', 8443, ['HTTP/1.1 100 C\r\n\r\n'.repeat(40)]],
  ['CR in a field', 8443, ['HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n']],
  ['a 407', 8443, ['HTTP/1.1 407 P\r\nProxy-Authenticate: Basic realm="evil"\r\n\r\n']],
  ['silence', 8443, []],
];

/** What only a deadline ends. All else is told apart by its octets, however late they come. */
const endless: ReadonlySet<string> = new Set(['content that stalls', 'half a head and silence', 'silence']);

let patient: Gateway;
let hasty: Gateway;
let origin: Peer;
let exit: Peer;
let socks: Peer;
let reply: Reply = [];
/** Resolves once all answers begun so far have been written, and links that got more than that are given up. */
let written: Promise<unknown> = Promise.resolve();

/** Answers a request for /first, and every CONNECT, with `reply`, and all others cleanly. */
function answer(socket: Socket): void {
  let held = '';
  socket.on('data', (chunk: Buffer) => {
    written = Promise.all([written, respond(chunk)]);
  });
  async function respond(chunk: Buffer): Promise<void> {
    const heads = (held + chunk.toString('latin1')).split('\r\n\r\n');
    held = heads.pop() ?? '';
    for (const head of heads) {
      const pieces = /^CONNECT|^GET \S*\/first /.test(head) ? reply : [ok('Content-Length: 5\r\n', 'clean')];
      for (const piece of pieces) await write(socket, piece);
      // Who has kept the link must have seen its surplus before the next request: what comes with it can't be told from its answer.
      if (pieces.includes(evil) && !socket.destroyed) await new Promise((resolve) => socket.once('close', resolve));
    }
  }
}

async function write(socket: Socket, piece: string): Promise<void> {
  if (piece === fin) socket.end();
  else if (piece === rst) reset(socket);
  else socket.write(Buffer.from(piece, 'latin1'));
  // The pieces shall be read one by one.
  await new Promise((resolve) => setTimeout(resolve, 20));
}

test.before(async () => {
  origin = await listen(createServer(answer));
  exit = await listen(createServer(answer));
  socks = await startSocks5Exit();
  const pools = {
    direct: { exits: [{ direct: true }] },
    http: { exits: [{ url: `http://127.0.0.1:${exit.port}` }] },
    socks: { exits: [{ url: `socks5://127.0.0.1:${socks.port}` }] },
  };
  const start = (deadline: string) => {
    const timeouts = { firstByte: deadline, stall: deadline, dial: deadline, attempts: '60s' };
    return startGateway({ config: { timeouts, exchange: { attempts: 1 } }, pools });
  };
  patient = await start('30s');
  // Longer than a busy machine holds up what is asked behind the silence.
  hasty = await start('4s');
});

test.after.always(async () => {
  await Promise.all([patient, hasty].map((gateway) => gateway?.stop()));
  await Promise.all([origin, exit, socks].map((peer) => peer?.close()));
});

const gatewayFor = (name: string): Gateway => (endless.has(name) ? hasty : patient);

for (const pool of ['direct', 'http', 'socks']) {
  test.serial(`an answer is relayed, repaired, refused or cut, and taken for no other's, over ${pool}`, async (t) => {
    for (const [name, [octets, told]] of answers) {
      const gateway = gatewayFor(name);
      const credential = `Proxy-Authorization: ${basic(gateway.login('tester', `pool-${pool}`))}`;
      const get = (path: string) =>
        `GET http://127.0.0.1:${origin.port}/${path} HTTP/1.1\r\nHost: a\r\n${credential}\r\n\r\n`;
      reply = octets;
      const { text, ended } = await rawExchange(gateway.port(), get('first') + get('second'), { thenFin: true });
      await written;
      t.false(text.includes('evil'), name);
      if (told === 'cut') {
        t.is(ended, 'reset', name);
        continue;
      }
      const [first, second] = text.split(/(?=HTTP\/1\.1 )/);
      const [status = '', content = ''] = told.split(' ');
      t.true(first?.startsWith(`HTTP/1.1 ${status} `), `${name}: ${text}`);
      if (content !== '') t.regex(first ?? '', /\r\n\r\n(ok|2\r\nok\r\n0\r\n\r\n)$/, name);
      t.regex(second ?? '', /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nclean$/s, `${name}: ${text}`);
    }
  });
}

test.serial('an exit that does not open a tunnel is believed in nothing', async (t) => {
  for (const [name, port, octets] of noTunnels) {
    reply = octets;
    const gateway = gatewayFor(name);
    const login = gateway.login('tester', 'pool-http');
    const { status, head, socket } = await connectVia(gateway.port(), `192.0.0.8.example:${port}`, { login });
    t.true(status === 502 || status === 504, `${name}: ${head}`);
    t.false(/evil|html|Proxy-Authenticate/.test(head), name);
    socket.destroy();
  }
});

test.serial('a 101 that switches to anything but what was asked for is none', async (t) => {
  const switched = (upgrade: string) => `HTTP/1.1 101 X\r\nConnection: Upgrade\r\n${upgrade}\r\nevil`;
  for (const [upgrade, status] of [
    ['Upgrade: WebSocket\r\n', 101],
    ['Upgrade: h2c\r\n', 502],
    ['', 502],
  ] as const) {
    reply = [switched(upgrade)];
    const credential = `Proxy-Authorization: ${basic(patient.login('tester', 'pool-direct'))}`;
    const fields = `Host: a\r\n${credential}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`;
    const request = `GET http://127.0.0.1:${origin.port}/first HTTP/1.1\r\n${fields}\r\n`;
    const until = (octets: Buffer) => octets.includes('evil') || octets.includes('}\n');
    const { text } = await rawExchange(patient.port(), request, { until });
    t.is(Number(text.slice(9, 12)), status, upgrade);
    t.is(text.endsWith('evil'), status === 101, upgrade);
  }
});
