import { EventEmitter, once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import test from 'ava';
import { readBytes } from '../support/byte-reader.ts';
import { basic, connectVia, forwardVia, type Login, open, rawExchange, socks5Via } from '../support/clients.ts';
import { type Exit, startHttpExit, startSocks5Exit } from '../support/exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { listen } from '../support/peers.ts';
import { answerWhen, until } from '../support/until.ts';
import { type DnsServer, startDnsServer } from '../transport/dns-server.ts';
import { elsewhere, loopback } from './closed-places.ts';

// Where no exchange may go: every spelling of every closed place, by every road, over exits that resolve here and elsewhere.

/** No probe may be among what exits have seen. */
const probe = { budget: 0 };

let gateway: Gateway;
let dns: DnsServer;
let origin: Origin;
let twin: Origin;
let exits: { http: Exit; socks: Exit };

/** What a name resolves to, answer by answer; the last one stays. */
const zone = new Map<string, string[][]>([
  ['loopback.test', [['127.0.0.1']]],
  ['loopback6.test', [['::1']]],
  ['mapped.test', [['::ffff:7f00:1']]],
  ['private.test', [['10.0.0.1']]],
  ['metadata.test', [['169.254.169.254']]],
  ['nat64.test', [['64:ff9b::7f00:1']]],
  ['unspecified.test', [['0.0.0.0']]],
  ['mixed.test', [['127.0.0.1', '127.0.0.2']]],
  ['rebind.test', [['127.0.0.2'], ['127.0.0.1']]],
]);

test.before(async () => {
  dns = await startDnsServer((name, family) => {
    const answers = zone.get(name);
    if (answers === undefined) return { rcode: 3 };
    const fitting = answers[0]!.filter((address) => address.includes(':') === (family === 6));
    if (family === 4 && answers.length > 1) answers.shift();
    return { addresses: fitting, ttl: 1 };
  });
  origin = await startOrigin();
  twin = await startOrigin({ host: '127.0.0.2' });
  exits = { http: await startHttpExit(), socks: await startSocks5Exit() };
  gateway = await startGateway({
    config: {
      resolver: { servers: [dns.address] },
      timeouts: { dial: '10s', attempts: '20s' },
      rules: {
        allow: [
          { cidr: '127.0.0.0/8', pool: 'open' },
          { cidr: '127.0.0.2/32', pool: 'twin' },
          { host: '127.0.0.1', port: 2525, pool: 'shut' },
          { suffix: 'test', pool: 'shut' },
        ],
      },
    },
    pools: {
      shut: { exits: [{ direct: true }] },
      open: { exits: [{ direct: true }] },
      twin: { exits: [{ direct: true }] },
      http: { probe, exits: [{ url: exits.http.url }] },
      socks: { probe, exits: [{ url: exits.socks.url }] },
    },
  });
});

test.after.always(async () => {
  await gateway?.stop();
  await Promise.all([origin, twin, dns, exits.http, exits.socks].map((peer) => peer?.close()));
});

type Road = (place: { host: string; port: number }, login: Login) => Promise<string>;

/** Each tells how it was answered: a status, or REP and its octet. */
const roads: Record<string, Road> = {
  GET: async ({ host, port }, login) => {
    const { status } = await forwardVia(gateway.port(), `http://${host}:${port}/`, { login, fields: { Host: 'a' } });
    return String(status);
  },
  CONNECT: async ({ host, port }, login) => {
    const { status, socket } = await connectVia(gateway.port(), `${host}:${port}`, { login });
    socket.destroy();
    return String(status);
  },
  'SOCKS5 domain': async ({ host, port }, login) => {
    const { reply, socket } = await socks5Via(gateway.port(), { host, port, asName: true }, { login });
    socket.destroy();
    return `REP ${reply}`;
  },
};
const socksAddress: Road = async ({ host, port }, login) => {
  const { reply, socket } = await socks5Via(gateway.port(), { host, port }, { login });
  socket.destroy();
  return `REP ${reply}`;
};

const refusals = new Set(['400', '403', 'REP 1', 'REP 2']);

for (const pool of ['shut', 'http', 'socks']) {
  for (const [road, ask] of Object.entries(roads)) {
    test.serial(`no spelling of a closed place is reached by ${road} over ${pool}`, async (t) => {
      const login = gateway.login('tester', `pool-${pool}`);
      const before = [origin.accepted(), exits.http.requests.length, exits.socks.requests.length];
      for (const host of [...loopback, ...elsewhere]) {
        // What no client can write into this road.
        if (road === 'GET' && /[^\x21-\x7e]|[?#]/.test(host)) continue;
        if (road === 'SOCKS5 domain' && Buffer.byteLength(host) !== host.length) continue;
        const told = await ask({ host, port: origin.port }, login).catch((cause) => `${cause}`);
        t.true(refusals.has(told), `${JSON.stringify(host)}: ${told}`);
      }
      t.deepEqual([origin.accepted(), exits.http.requests.length, exits.socks.requests.length], before);
    });
  }
  test.serial(`no closed address is reached by SOCKS5 address over ${pool}`, async (t) => {
    const login = gateway.login('tester', `pool-${pool}`);
    for (const host of [...loopback, ...elsewhere]) {
      const address = host.startsWith('[') ? host.slice(1, -1) : host;
      // A SOCKS5 address is octets: it has no other spelling than its canonical one.
      if (isIP(address) === 0 || (address.includes(':') && address.includes('.'))) continue;
      const told = await socksAddress({ host: address, port: origin.port }, login);
      t.is(told, 'REP 2', address);
    }
  });
}

test.serial('a name is judged by the addresses that are dialled', async (t) => {
  const login = gateway.login('tester', 'pool-shut');
  for (const name of [
    'loopback.test',
    'loopback6.test',
    'mapped.test',
    'private.test',
    'metadata.test',
    'nat64.test',
    'unspecified.test',
    'mixed.test',
  ]) {
    for (const [road, ask] of Object.entries(roads)) {
      t.true(['403', 'REP 2'].includes(await ask({ host: name, port: origin.port }, login)), `${name} by ${road}`);
    }
  }
  const local = gateway.login('tester', 'pool-http-dns-local');
  t.is(await roads['CONNECT']!({ host: 'loopback.test', port: origin.port }, local), '403');
  t.is(await roads['GET']!({ host: 'loopback.test', port: origin.port }, local), '403');
  t.is(origin.accepted(), 0);
});

test.serial('of several addresses only an open one is dialled, and the second answer is judged again', async (t) => {
  const login = gateway.login('tester', 'pool-twin');
  for (let i = 0; i < 4; i++) t.is(await roads['GET']!({ host: 'mixed.test', port: twin.port }, login), '200');
  t.is(await roads['GET']!({ host: 'rebind.test', port: twin.port }, login), '200');
  const told = await answerWhen(
    () => roads['CONNECT']!({ host: 'rebind.test', port: twin.port }, login),
    (status) => status !== '200',
  );
  t.is(told, '403');
  t.is(origin.accepted(), 0);
});

test.serial('a link that is in use while the rules change serves nobody after that', async (t) => {
  const served = new EventEmitter();
  const peer = await listen(createServer((request, response) => served.emit('request', request, response)));
  t.teardown(() => peer.close());
  const reader = await open(gateway.port());
  t.teardown(() => reader.destroy());
  const octets = readBytes(reader);
  const host = `loopback.test:${peer.port}`;
  const get = `GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\nProxy-Authorization: ${basic(gateway.login('tester', 'pool-open'))}\r\n\r\n`;
  const status = async () => (await octets.until('\r\n\r\n')).toString('latin1').slice(9, 12);
  reader.write(get);
  const [, response]: ServerResponse[] = await once(served, 'request');
  t.is((await gateway.command('client', 'set', 'tester', '--deny', 'cidr:127.0.0.0/8')).code, 0);
  t.teardown(() => gateway.command('client', 'set', 'tester', '--clear', 'deny'));
  const place = { host: '127.0.0.1', port: peer.port };
  await until(async () => (await roads['CONNECT']!(place, gateway.login('tester', 'pool-open'))) === '403');
  response?.writeHead(204).end();
  t.is(await status(), '204');
  reader.write(get);
  t.is(await status(), '403');
});

test.serial('a rule for one pool opens nothing over another', async (t) => {
  const place = { host: '127.0.0.1', port: origin.port };
  t.is(await roads['GET']!(place, gateway.login('tester', 'pool-open')), '200');
  t.is(await roads['GET']!(place, gateway.login('tester', 'pool-shut')), '403');
  t.is(await roads['GET']!(place, gateway.login('tester', 'pool-twin')), '403');
  // Of one tier, only the open pool of them carries it.
  t.is(await roads['CONNECT']!(place, gateway.login('tester', 'tier-dc')), '200');
});

test.serial('our own listeners and the admin address are never reached', async (t) => {
  const login = gateway.login('tester', 'pool-open');
  for (const host of [
    '127.0.0.1',
    '127.1',
    '0.0.0.0',
    '[::ffff:127.0.0.1]',
    'localhost',
    'loopback.test',
    'unspecified.test',
  ]) {
    for (const [road, ask] of Object.entries(roads)) {
      for (const port of [gateway.port(), gateway.port('admin')]) {
        const told = await ask({ host, port }, login);
        t.true(['400', '403', '502', 'REP 1', 'REP 2'].includes(told), `${host}:${port} by ${road}: ${told}`);
      }
    }
  }
});

test.serial('ports of mail, databases and shells are closed', async (t) => {
  const login = gateway.login('tester', 'pool-open');
  for (const port of [
    21, 22, 23, 25, 53, 110, 135, 139, 143, 389, 445, 465, 587, 993, 1433, 2375, 2379, 3306, 3389, 5432, 5900, 6379,
    9200, 11211, 27017,
  ]) {
    t.is(await roads['CONNECT']!({ host: '127.0.0.1', port }, login), '403', `CONNECT ${port}`);
    t.is(await roads['SOCKS5 domain']!({ host: 'loopback.test', port }, login), 'REP 2', `SOCKS5 ${port}`);
    t.is(await roads['GET']!({ host: '127.0.0.1', port }, login), '403', `GET ${port}`);
  }
  t.is(await roads['CONNECT']!({ host: '127.0.0.1', port: 81 }, login), '403');
});

test.serial('the hidden host is an unknown name to a page', async (t) => {
  const shape = (text: string) =>
    text.replaceAll(/\b[0-9a-f]{32}\b/g, 'ID').replaceAll(/(roundabout|notthere00)\.internal/g, 'NAME');
  const { username, password } = gateway.login();
  const credential = `Proxy-Authorization: Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  for (const field of [
    'Origin: http://evil.example',
    'Referer: http://evil.example/',
    'Sec-Fetch-Site: cross-site',
    'Sec-Fetch-Site: same-origin',
    'Origin: null',
  ]) {
    const answers = await Promise.all(
      ['roundabout.internal', 'notthere00.internal'].map((host) =>
        rawExchange(
          gateway.port(),
          `GET http://${host}/echo HTTP/1.1\r\nHost: ${host}\r\n${credential}\r\n${field}\r\nConnection: close\r\n\r\n`,
        ),
      ),
    );
    t.is(shape(answers[0]!.text), shape(answers[1]!.text), field);
    t.regex(answers[0]!.text, /^HTTP\/1\.1 403 /);
  }
});

test.serial('a page that hides what it is gets nothing of either that its browser would let it see', async (t) => {
  const credential = `Proxy-Authorization: ${basic(gateway.login())}`;
  for (const [host, status] of [
    ['roundabout.internal', '200'],
    ['notthere00.internal', '403'],
  ]) {
    // As `<script referrerpolicy="no-referrer">` asks, or fetch() without CORS: over http no Sec-Fetch-Site is sent.
    const { text } = await rawExchange(
      gateway.port(),
      `GET http://${host}/echo HTTP/1.1\r\nHost: ${host}\r\n${credential}\r\nConnection: close\r\n\r\n`,
    );
    t.true(text.startsWith(`HTTP/1.1 ${status} `), text);
    t.regex(text, /^Cross-Origin-Resource-Policy: same-origin\r$/m);
    t.regex(text, /^X-Frame-Options: DENY\r$/m);
  }
});
