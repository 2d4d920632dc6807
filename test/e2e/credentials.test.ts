import { once } from 'node:events';
import { rename } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import test from 'ava';
import { basic, connectVia, forwardVia, type Login, rawExchange, socks5Via } from '../support/clients.ts';
import { type Exit, startHttpExit, startSocks5Exit } from '../support/exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type RawOrigin, startRawOrigin } from '../support/raw-origin.ts';
import { until } from '../support/until.ts';

// Who may pass, and what anybody else learns of it: nothing.

const exitLogin = { username: 'exit.user', password: 'exit.secret' };
const listening = { host: '127.0.0.1', port: 0, protocols: ['http', 'socks5'] };

let gateway: Gateway;
let origin: RawOrigin;
let exits: { http: Exit; socks: Exit };
let target: string;

test.before(async () => {
  origin = await startRawOrigin({ reply: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', end: 'open' });
  exits = { http: await startHttpExit(exitLogin), socks: await startSocks5Exit(exitLogin) };
  target = `127.0.0.1:${origin.port}`;
  gateway = await startGateway({
    config: {
      listeners: [
        { ...listening, name: 'mixed' },
        { ...listening, name: 'bound', client: 'bound' },
      ],
      // So long that no failure comes back meanwhile.
      limits: { logins: { perSource: 20, perName: 200, window: '1h' } },
      accessLog: { paths: true },
      // So that the log tells of requests in their order.
      workers: 1,
    },
    pools: {
      direct: { exits: [{ direct: true }] },
      http: { exits: [{ url: exits.http.url }] },
      socks: { exits: [{ url: exits.socks.url }] },
    },
    clients: {
      tester: [],
      other: [],
      bound: ['--allow-ip', '127.0.0.1'],
      listed: ['--allow-ip', '127.0.0.77', '--ip-auth'],
      elsewhere: ['--allow-ip', '10.0.0.0/8'],
      shut: [],
      changing: [],
      leaving: [],
      lasting: ['--params', 'ttl-10m-strict-1'],
    },
  });
  await gateway.command('client', 'disable', 'shut');
});

test.after.always(async () => {
  await gateway?.stop();
  await Promise.all([origin, exits?.http, exits?.socks].map((peer) => peer?.close()));
});

const get = (credential: string, path = '/') =>
  `GET http://${target}${path} HTTP/1.1\r\nHost: ${target}\r\n${credential}\r\n`;
const field = (login: Login) => `Proxy-Authorization: ${basic(login)}\r\n`;

/** A connection to a listener from an address of its own, so that no test spends another's failures. */
function from(address: string, listener?: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const place = { port: gateway.port(listener), host: '127.0.0.1', localAddress: address, allowHalfOpen: true };
    const socket = connect(place, () => resolve(socket.off('error', reject).on('error', () => {})));
    socket.once('error', reject);
  });
}

/** All that comes back for `octets`, sent at once. */
async function answerTo(octets: string, address = '127.0.0.1'): Promise<string> {
  const socket = await from(address);
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  socket.end(octets);
  await once(socket, 'close');
  return text;
}

/** The statuses of all answers to `octets`. */
async function ask(octets: string, address?: string): Promise<number[]> {
  return [...(await answerTo(octets, address)).matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}

test.serial("a client's credential reaches no exit, origin, log or answer, and an exit's no client", async (t) => {
  const answers: string[] = [];
  for (const pool of ['direct', 'http', 'socks']) {
    const login = gateway.login('tester', `pool-${pool}-session-abc-tag-x`);
    const fields = [field(login), `Proxy-Connection: keep-alive\r\n${field(login)}`, `X-Own: 1\r\n${field(login)}`];
    for (const credential of fields)
      answers.push((await rawExchange(gateway.port(), get(credential), { thenFin: true })).text);
    const tunnel = await connectVia(gateway.port(), target, { login });
    tunnel.socket.end();
    answers.push(tunnel.head);
    (await socks5Via(gateway.port(), { host: '127.0.0.1', port: origin.port }, { login })).socket.destroy();
    for (const path of ['/echo', '/nothing']) {
      answers.push(
        (await forwardVia(gateway.port(), `http://roundabout.internal${path}`, { login })).content.toString(),
      );
    }
    answers.push(
      (await rawExchange(gateway.port(), get(field({ ...login, password: 'wrong.secret' })), { thenFin: true })).text,
    );
  }
  await gateway.accessLog(20);
  const { username, password } = gateway.login('tester');
  const encoded = ['direct', 'http', 'socks'].map((pool) =>
    basic(gateway.login('tester', `pool-${pool}-session-abc-tag-x`)).slice(6),
  );
  const clientSecrets = [password, 'wrong.secret', ...encoded];
  const everywhere = [
    ...origin.received.map(String),
    gateway.output(),
    String(exits.http.received()),
    String(exits.socks.received()),
    ...answers,
  ].join('\n');
  for (const secret of clientSecrets) t.false(everywhere.includes(secret), secret);
  for (const seen of [...origin.received.map(String), String(exits.http.received()), String(exits.socks.received())])
    t.false(seen.includes(`${username}-`));
  const exitSecrets = [
    exitLogin.password,
    exitLogin.username,
    basic(exitLogin).slice(6),
    `:${exits.http.port}`,
    `:${exits.socks.port}`,
  ];
  for (const secret of exitSecrets)
    t.false([...answers, ...origin.received.map(String), gateway.output()].join('\n').includes(secret), secret);
});

test.serial('each request is judged by its own credential', async (t) => {
  const [tester, other] = [field(gateway.login('tester')), field(gateway.login('other'))];
  const wrong = field({ username: 'tester', password: 'wrong' });
  const source = '127.0.1.2';
  t.deepEqual(
    await ask(get(tester) + get(wrong) + get('') + get(other) + get(tester + other) + get(tester), source),
    [200, 407, 407, 200, 407, 200],
  );
  const expected = ['tester', null, null, 'other', null, 'tester'];
  const told = async () => (await gateway.accessLog()).filter((line) => String(line.source).includes(source));
  const names = async () => (await told()).map(({ client }) => client);
  await until(async () => isDeepStrictEqual(await names(), expected), 'their lines');
});

test.serial('a credential may come percent-encoded, and in UTF-8 or latin-1; nothing else passes for it', async (t) => {
  const { username, password } = gateway.login('tester');
  const encoded = [...password].map((letter) => `%${letter.charCodeAt(0).toString(16)}`).join('');
  t.deepEqual(await ask(get(field({ username, password: encoded })), '127.0.1.1'), [200]);
  t.deepEqual(await ask(get(field({ username: 'tester%2Dsession%2Da', password })), '127.0.1.1'), [200]);
  const told = async (login: Login) => (await ask(get(field(login)), '127.0.1.1'))[0];
  for (const name of ['tester\r\n', 'tester\n', 'tester\0', 'TESTER', ' tester', 'tester%00', '__proto__', '']) {
    t.is(await told({ username: name, password }), 407, JSON.stringify(name));
  }
  for (const tail of [
    'session-a"b',
    'session-é',
    'session-\u202e',
    'tag-a b',
    'session-',
    '',
    '-',
    'constructor-1',
    'pool-__proto__',
  ]) {
    t.is(await told({ username: `tester-${tail}`, password }), 400, JSON.stringify(tail));
  }
  for (const secret of ['', `${password}x`, password.slice(1), `${password}:x`, password.toLowerCase()]) {
    t.is(await told({ username, password: secret }), 407, secret);
  }
});

test.serial('a refusal is booked to its client, and the log tells what was wrong, without a secret', async (t) => {
  const before = (await gateway.accessLog()).length;
  const login = gateway.login('other', 'contry-us');
  const place = { host: '127.0.0.1', port: origin.port };
  const asked = await socks5Via(gateway.port(), place, { login });
  asked.socket.destroy();
  t.deepEqual([asked.authenticated, asked.reply], [true, 1]);
  const long = gateway.login('other', `${'x'.repeat(80)}-\u202e`);
  t.deepEqual(await ask(get(field(login)) + get(field(long))), [400, 400]);
  const closed = await socks5Via(gateway.port(), { ...place, port: 25 }, { login: gateway.login('other') });
  closed.socket.destroy();
  for (const head of ['GET / HTTP/1.1\r\nno field', 'GET / HTTP/1.1\r\nX: a\r\n\tb', 'CONNECT http://x:80 HTTP/1.1'])
    t.regex(await answerTo(`${head}\r\nHost: x\r\n\r\n`), /^HTTP\/1\.1 400 /);
  const whys = [
    'unknown parameter "contry"',
    'unknown parameter "contry"',
    `unknown parameter "${'x'.repeat(64)}"`,
    'port 25 is closed to tunnels (rules.allow)',
    'a field line has no colon',
    'a field line is folded',
    'CONNECT takes host:port, without a scheme',
  ];
  const last = async () => (await gateway.accessLog()).slice(before).slice(-whys.length);
  const told = async () => (await last()).map(({ why }) => why);
  await until(async () => isDeepStrictEqual(await told(), whys), 'their lines');
  t.deepEqual(
    (await last()).map(({ client, kind }) => [client, kind]),
    [
      ...Array<string[]>(3).fill(['other', 'bad_param']),
      ['other', 'target_forbidden'],
      ...Array<(string | null)[]>(3).fill([null, 'bad_request']),
    ],
  );
  const log = JSON.parse((await gateway.command('usage', 'log', '--client', 'other', '--json')).stdout) as {
    kind: string;
    why?: string;
  }[];
  const bad = log.filter(({ kind }) => kind === 'bad_param');
  t.deepEqual(bad.map(({ why }) => why).sort(), whys.slice(0, 3).sort());
  t.false(JSON.stringify([await last(), log]).includes(login.password));
});

test.serial(
  'what is said of a session needs one; a default of the client that is said of all of them does not',
  async (t) => {
    const told = async (client: string, parameters: string) =>
      (await ask(get(field(gateway.login(client, parameters)))))[0];
    for (const key of ['strict-1', 'ttl-10m', 'idle-5m']) {
      t.is(await told('tester', key), 400, key);
      t.is(await told('lasting', key), 400, key);
      t.is(await told('lasting', `${key}-session-a`), 200, key);
    }
    t.is(await told('lasting', 'country-us'), 503);
    t.is(await told('lasting', ''), 200);
  },
);

test.serial('a refusal names what to do', async (t) => {
  const login = gateway.login('tester');
  const asked = async (authority: string) => {
    const answer = await answerTo(`CONNECT ${authority} HTTP/1.1\r\nHost: x\r\n${field(login)}\r\n`);
    return JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))).detail;
  };
  t.is(await asked('roundabout.internal:443'), 'roundabout.internal is http:// on port 80 only');
  t.is(await asked('other.internal:443'), 'local names are closed (rules.allow)');
  t.is(await asked('10.0.0.1:443'), 'the address is in a closed range (rules.allow)');
  const res = gateway.login('tester', 'tier-res');
  const { content } = await forwardVia(gateway.port(), `http://${target}/`, { login: res });
  t.is(JSON.parse(String(content)).detail, 'no pool of tier res: this client has direct (dc), http (dc), socks (dc)');
});

test.serial('guessing is slowed by source, known name or not, and locks nobody out elsewhere', async (t) => {
  const right = field(gateway.login('tester'));
  for (const [name, address] of [
    ['tester', '127.0.2.1'],
    ['nobody', '127.0.2.2'],
  ] as const) {
    const guesses = Array.from({ length: 22 }, (_, i) => get(field({ username: name, password: `guess${i}` }))).join(
      '',
    );
    t.deepEqual(await ask(guesses, address), [...Array<number>(20).fill(407), 429, 429], name);
    // Whoever guessed gets no answer to a right one either, but is told when.
    t.regex(await answerTo(get(right), address), /^HTTP\/1\.1 429 rate_limited\r\n.*\r\nRetry-After: [1-9]/s);
  }
  t.deepEqual(await ask(get(right), '127.0.2.3'), [200]);
  const socks = await socks5Via(
    await from('127.0.2.1'),
    { host: '127.0.0.1', port: origin.port },
    { login: gateway.login() },
  );
  t.false(socks.authenticated);
});

test.serial('a client is known by its address only where it is listed, and let in only from there', async (t) => {
  const place = { host: '127.0.0.1', port: origin.port };
  const socks = async (address: string, listener: string, methods: readonly number[], login?: Login) => {
    const answer = await socks5Via(await from(address, listener), place, { methods, login });
    answer.socket.destroy();
    return [answer.method, answer.reply];
  };
  const login = gateway.login('tester');
  t.deepEqual(await socks('127.0.0.77', 'mixed', [0]), [0, 0]);
  t.deepEqual(await socks('127.0.0.78', 'mixed', [0]), [255, null]);
  t.deepEqual(await socks('127.0.0.1', 'bound', [0]), [0, 0]);
  t.deepEqual(await socks('127.0.0.78', 'bound', [0]), [255, null]);
  t.deepEqual(await socks('127.0.0.77', 'mixed', [1, 3, 128]), [255, null]);
  t.deepEqual(await socks('127.0.0.77', 'mixed', []), [255, null]);
  // A login is preferred wherever in the list, and a wrong one is no way back to the address.
  t.deepEqual(await socks('127.0.0.77', 'mixed', [0, 2], login), [2, 0]);
  t.deepEqual(await socks('127.0.0.77', 'mixed', [0, 2], { ...login, password: 'x' }), [2, null]);
  t.deepEqual(await ask(get(''), '127.0.0.77'), [200]);
  t.deepEqual(await ask(get(field({ ...login, password: 'x' })), '127.0.0.77'), [407]);
  t.deepEqual(await ask(get(field(gateway.login('elsewhere')))), [407]);
  t.deepEqual(await ask(get(field(gateway.login('shut')))), [407]);
});

/** Asks until the answer is `status`, which takes a second at most on a machine with nothing else to do. Each time from another
 *  address, and not too often, so that no failed login is one too many. */
async function becomes(status: number, credential: string): Promise<boolean> {
  for (let asked = 1; asked <= 100; asked++) {
    if ((await ask(get(credential), `127.0.3.${asked}`))[0] === status) return true;
    await sleep(100);
  }
  return false;
}

test.serial('a connection that has proved its client is asked again once the clients have changed', async (t) => {
  const client = connect(gateway.port(), '127.0.0.1');
  const credential = field(gateway.login('leaving'));
  const statusOfNext = async () => {
    client.write(get(credential));
    const [head] = await once(client, 'data');
    return Number(String(head).slice(9, 12));
  };
  t.deepEqual([await statusOfNext(), await statusOfNext()], [200, 200]);
  t.is((await gateway.command('client', 'remove', 'leaving', '--yes')).code, 0);
  t.is(await statusOfNext(), 407);
  client.destroy();
});

test.serial('a change of clients is effective within a second, over the socket and on the store', async (t) => {
  const credential = field(gateway.login('changing'));
  const socket = join(gateway.folder, 'data', 'roundabout.sock');
  for (const road of ['socket', 'store']) {
    if (road === 'store') await rename(socket, `${socket}.away`);
    t.true(await becomes(200, credential));
    t.is((await gateway.command('client', 'disable', 'changing')).code, 0);
    t.true(await becomes(407, credential), road);
    t.is((await gateway.command('client', 'enable', 'changing')).code, 0);
    t.true(await becomes(200, credential), road);
  }
  await rename(`${socket}.away`, socket);
  t.is((await gateway.command('client', 'remove', 'changing', '--yes')).code, 0);
  t.true(await becomes(407, credential));
});
