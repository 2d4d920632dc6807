import { setTimeout as after } from 'node:timers/promises';
import test from 'ava';
import { basic, forwardVia, open, rawExchange } from '../support/clients.ts';
import { keepPeers } from '../support/peers.ts';
import { type RawOrigin, startRawOrigin } from '../support/raw-origin.ts';
import { exitCredential, pools, type Scene, startScene } from './forwarding-scene.ts';

const { keep, closeAll } = keepPeers();
let scene: Scene;

test.before(async () => {
  scene = await startScene();
});

test.after.always(async () => {
  await scene?.close();
  await closeAll();
});

test.serial('an early answer is passed on, and the content behind it is never taken for a request', async (t) => {
  const early = keep(await startRawOrigin({ reply: 'HTTP/1.1 403 No\r\nContent-Length: 5\r\n\r\nearly', end: 'open' }));
  const inner = scene.headFor(scene.origin, 'GET', { path: '/inner' });
  for (const length of [inner.length, 10_000_000]) {
    const client = await scene.converse(t);
    client.send(scene.headFor(early, 'POST', { fields: [`Content-Length: ${length}`] }));
    const { head, content } = await client.answer();
    t.regex(head, /^HTTP\/1\.1 403 /);
    t.is(content, 'early');
    client.send(inner);
    if (length > inner.length) continue;
    client.send(scene.headFor(scene.origin, 'GET', { path: '/echo?after' }));
    t.is(JSON.parse((await client.answer()).content).url, '/echo?after');
  }
  t.false(scene.origin.requests.some(({ url }) => url === '/inner'));
});

test.serial('an early answer is passed on, though its origin is gone behind it', async (t) => {
  const reply = 'HTTP/1.1 413 No\r\nContent-Length: 5\r\nConnection: close\r\n\r\nearly';
  const leaving = keep(await startRawOrigin({ reply, end: 'reset' }));
  const content = Buffer.alloc(8 * 1024 * 1024);
  for (let i = 0; i < 12; i++) {
    const url = `http://127.0.0.1:${leaving.port}/`;
    const options = { login: scene.login('direct'), method: 'PUT', content };
    const answer = await forwardVia(scene.gateway.port(), url, options);
    t.deepEqual([answer.status, String(answer.content)], [413, 'early'], answer.reason);
  }
});

test.serial(
  'an early answer that its end delimits is whole, though its origin reads no more of the request',
  async (t) => {
    const leaving = keep(
      await startRawOrigin(
        (socket) => {
          socket.once('data', () => {
            socket.pause();
            // What it hasn't read makes a reset of its close.
            socket.end('HTTP/1.1 413 No\r\n\r\nearly', () => socket.destroy());
          });
        },
        { allowHalfOpen: true },
      ),
    );
    const content = Buffer.alloc(8 * 1024 * 1024);
    for (let i = 0; i < 12; i++) {
      const url = `http://127.0.0.1:${leaving.port}/`;
      const options = { login: scene.login('direct'), method: 'PUT', content };
      const { status, content: answered, cut, reason } = await forwardVia(scene.gateway.port(), url, options);
      t.deepEqual([status, String(answered), cut], [413, 'early', false], reason);
    }
  },
);

test.serial('a cut message is seen as cut, however it is framed', async (t) => {
  const replies = [
    ['HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf', 'fin'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf', 'reset'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n', 'fin'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n', 'fin'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalfx\r\n0\r\n\r\n', 'fin'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n', 'reset'],
    ['HTTP/1.1 200 OK\r\n\r\nhalf', 'reset'],
  ] as const;
  for (const [reply, end] of replies) {
    const cutting = keep(await startRawOrigin({ reply: reply.split(/(?<=\r\n\r\n)/), end }));
    const url = `http://127.0.0.1:${cutting.port}/`;
    for (const pool of ['direct', 'socks'] as const) {
      const answer = await forwardVia(scene.gateway.port(), url, { login: scene.login(pool) });
      t.true(answer.cut, `${JSON.stringify(reply)} ${end} ${pool}`);
      const old = await rawExchange(scene.gateway.port(), scene.headFor(cutting, 'GET', { pool, version: '1.0' }));
      t.is(old.ended, 'reset', `${JSON.stringify(reply)} ${end} ${pool}`);
    }
  }
  for (const pool of pools) {
    t.true(
      (await forwardVia(scene.gateway.port(), `${scene.origin.url}/cut/100000`, { login: scene.login(pool) })).cut,
      pool,
    );
    const whole = await forwardVia(scene.gateway.port(), `${scene.origin.url}/close`, { login: scene.login(pool) });
    t.deepEqual([whole.cut, whole.content.toString()], [false, 'until the end\n'], pool);
  }
});

test.serial('a kept connection that turns out dead is replaced without the client noticing', async (t) => {
  const dying = keep(
    await startRawOrigin((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        socket.once('data', () => socket.destroy());
      });
    }),
  );
  for (const pool of ['direct', 'socks'] as const) {
    const client = await scene.converse(t);
    for (let i = 0; i < 3; i++) {
      client.send(scene.headFor(dying, 'GET', { pool }));
      t.is((await client.answer()).content, 'ok');
    }
  }
  t.is(dying.accepted(), 6);
});

test.serial('fields keep order, case and number; what is between two hops ends there', async (t) => {
  const reply =
    'HTTP/1.1 200 Fine\r\nx-B: 1\r\nSet-Cookie: a=1\r\nX-a: 2\r\nset-cookie: b=2\r\nConnection: X-Hop\r\nX-Hop: gone\r\n' +
    'Keep-Alive: timeout=5\r\nProxy-Authenticate: Basic realm="x"\r\nRoundabout-Error: forged\r\nContent-Length: 0\r\n\r\n';
  const plain = keep(await startRawOrigin({ reply, end: 'open' }));
  const fields = [
    'x-Second: 2',
    'X-FIRST: 1',
    'x-second: again',
    'Cookie: a=1',
    'Connection: keep-alive, X-Private',
    'X-Private: gone',
    'Keep-Alive: timeout=5',
    'TE: trailers',
    'Proxy-Connection: keep-alive',
    'Roundabout-Exit: forged',
    'User-Agent: Mozilla/5.0',
    'accept: */*',
  ];
  const host = `127.0.0.1:${plain.port}`;
  for (const pool of pools) {
    const client = await scene.converse(t);
    const count = plain.received.length;
    client.send(scene.headFor(plain, 'GET', { pool, path: '/a?b=%20c', fields }));
    const { head } = await client.answer();
    const ours = /Roundabout-Request-Id: [^\r]*\r\nRoundabout-Exit: [^\r]*\r\n/;
    t.regex(head, ours);
    const passed = head.replace(ours, '');
    if (pool === 'direct' || pool === 'socks') {
      t.is(
        passed,
        'HTTP/1.1 200 Fine\r\nx-B: 1\r\nSet-Cookie: a=1\r\nX-a: 2\r\nset-cookie: b=2\r\nContent-Length: 0\r\n\r\n',
      );
      const sent = plain.received[count]?.toString('latin1');
      const kept = 'x-Second: 2\r\nX-FIRST: 1\r\nx-second: again\r\nCookie: a=1\r\n';
      t.is(
        sent,
        `GET /a?b=%20c HTTP/1.1\r\nHost: ${host}\r\n${kept}Connection: keep-alive\r\nUser-Agent: Mozilla/5.0\r\naccept: */*\r\n\r\n`,
      );
    } else {
      const { rawHeaders, target } = scene.exits[pool].requests.at(-1)!;
      t.is(target, `http://${host}/a?b=%20c`);
      const names = rawHeaders.filter((_, i) => i % 2 === 0);
      t.deepEqual(names, [
        'Host',
        'x-Second',
        'X-FIRST',
        'x-second',
        'Cookie',
        'Connection',
        'User-Agent',
        'accept',
        'Proxy-Authorization',
      ]);
      t.notRegex(passed, /forged|Proxy-/);
    }
  }
});

test.serial('reply fields can be switched off and Via switched on, per listener', async (t) => {
  const options = { login: scene.login('direct') };
  const quiet = await forwardVia(scene.gateway.port('quiet'), `${scene.origin.url}/echo`, options);
  t.false(quiet.rawHeaders.some((name) => /^(roundabout-|via$|proxy-)/i.test(name)));
  t.notRegex(quiet.content.toString(), /"via"|x-forwarded|forwarded/i);
  const named = await forwardVia(scene.gateway.port('named'), `${scene.origin.url}/echo`, options);
  t.is(named.headers['via'], '1.1 roundabout');
  t.regex(named.content.toString(), /"Via","1\.1 roundabout"/);
});

test.serial('no credential goes where it does not belong', async (t) => {
  const watching = keep(await startRawOrigin({ reply: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', end: 'open' }));
  const shown: string[] = [];
  for (const pool of pools) {
    const client = await scene.converse(t);
    client.send(scene.headFor(watching, 'GET', { pool }));
    shown.push((await client.answer()).head);
  }
  const ours = secretsOf(scene.gateway.login());
  const theirs = secretsOf(exitCredential);
  const carried = Object.values(scene.exits).map((exit) => exit.received().toString('latin1'));
  const received = originTexts(watching);
  for (const secret of ours) t.false([...carried, ...received].some((text) => text.includes(secret)));
  for (const secret of theirs)
    t.false([...shown, ...received, scene.gateway.output()].some((text) => text.includes(secret)));
  for (const secret of ours) t.false(scene.gateway.output().includes(secret));
  t.true(carried.every((text) => theirs.some((secret) => text.includes(secret))));
});

const originTexts = ({ received }: RawOrigin): string[] => received.map((octets) => octets.toString('latin1'));

/** A password, and the credential as Basic shows it. */
const secretsOf = (login: { username: string; password: string }): string[] => [
  login.password,
  basic(login).slice('Basic '.length),
];

test.serial('OPTIONS goes no further than Max-Forwards says', async (t) => {
  const plain = keep(await startRawOrigin({ reply: 'HTTP/1.1 204 No Content\r\n\r\n', end: 'open' }));
  const ask = (hops: string) =>
    forwardVia(scene.gateway.port(), `http://127.0.0.1:${plain.port}/`, {
      login: scene.login('direct'),
      method: 'OPTIONS',
      fields: { 'Max-Forwards': hops },
    });
  t.is((await ask('0')).status, 200);
  t.is(plain.received.length, 0);
  t.is((await ask('2')).status, 204);
  t.regex(originTexts(plain).join(''), /\r\nMax-Forwards: 1\r\n/);
});

/** Asks on a connection of its own and reads nothing until everything on the way is full. */
async function askAndStall(
  pool: (typeof pools)[number],
  { path, fields = '', times = 1, stallMs }: { path: string; fields?: string; times?: number; stallMs: number },
) {
  const socket = (await open(scene.gateway.port())).pause();
  const head = (path: string, more = ''): string =>
    `GET ${scene.origin.url}${path} HTTP/1.1\r\nHost: a\r\nProxy-Authorization: ${basic(scene.login(pool))}\r\n${more}\r\n`;
  socket.write(head(path, fields).repeat(times));
  await after(stallMs);
  return { socket, head };
}

test.serial('a slow reader gets all of an answer behind which the connection closes', async (t) => {
  // Longer than a connection lingers for a reader that has everything.
  const { socket } = await askAndStall('direct', {
    path: '/bytes/8000000',
    fields: 'Connection: close\r\n',
    stallMs: 1_500,
  });
  let octets = 0;
  for await (const chunk of socket) octets += (chunk as Buffer).length;
  t.true(octets > 8_000_000, `${octets}`);
});

test.serial('a client that reads late gets every answer over the same link', async (t) => {
  // Somewhere among them the link is paused just as it has brought the last of an answer.
  const { socket, head } = await askAndStall('http', { path: '/bytes/60000', times: 300, stallMs: 300 });
  t.teardown(() => socket.destroy());
  socket.write(head('/echo?last'));
  let octets = 0;
  let end = '';
  for await (const chunk of socket) {
    octets += (chunk as Buffer).length;
    end = (end + (chunk as Buffer).toString('latin1')).slice(-4_000);
    if (end.includes('/echo?last')) break;
  }
  t.true(octets > 300 * 60_000, `${octets}`);
});
