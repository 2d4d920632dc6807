import test from 'ava';
import { readBytes } from '../support/byte-reader.ts';
import { forwardVia, open, patternOf, rawExchange, sha256 } from '../support/clients.ts';
import { acceptOf, decodeFrame, encodeFrame } from '../support/websocket.ts';
import { pools, type Scene, startScene } from './forwarding-scene.ts';

let scene: Scene;

test.before(async () => {
  scene = await startScene();
});

test.after.always(() => scene?.close());

for (const pool of pools) {
  test.serial(`connections are kept on both sides over ${pool}, but for what can't be sent twice`, async (t) => {
    const exit = pool === 'direct' ? scene.origin : scene.exits[pool];
    const before = [exit.accepted(), scene.origin.accepted()];
    const client = await scene.converse(t);
    for (let i = 0; i < 5; i++) {
      client.send(scene.headFor(scene.origin, 'GET', { pool, path: `/echo?${i}` }));
      const { head, content } = await client.answer();
      t.regex(head, /^HTTP\/1\.1 200 OK\r\n/);
      t.is(JSON.parse(content).url, `/echo?${i}`);
    }
    t.deepEqual(
      [exit.accepted(), scene.origin.accepted()],
      before.map((count) => count + 1),
    );
    client.send(`${scene.headFor(scene.origin, 'POST', { pool, path: '/echo', fields: ['Content-Length: 3'] })}abc`);
    t.is(JSON.parse((await client.answer()).content).sha256, sha256('abc'));
    t.is(exit.accepted(), before[0]! + 2);
  });

  test.serial(`content and trailers pass both ways over ${pool}`, async (t) => {
    const content = patternOf(300_000);
    const options = { login: scene.login(pool), method: 'PUT' };
    const port = scene.gateway.port();
    const echoed = await forwardVia(port, `${scene.origin.url}/echo`, { ...options, content });
    t.like(JSON.parse(echoed.content.toString()), { length: content.length, sha256: sha256(content) });
    for (const path of ['/bytes/300000', '/chunked/300000']) {
      const answer = await forwardVia(port, `${scene.origin.url}${path}`, { login: scene.login(pool) });
      t.is(sha256(answer.content), sha256(content), path);
      t.false(answer.cut);
    }
    const fields = ['Transfer-Encoding: chunked', 'Trailer: X-Sent'];
    const request = [
      scene.headFor(scene.origin, 'PUT', { pool, path: '/trailers', fields }),
      '3\r\nab',
      'c\r\n5;x=y\r\ndefgh\r\n0\r\nX-Sent: 8\r\n\r\n',
    ];
    const { text } = await rawExchange(port, request, {
      until: (received) => received.includes('X-Sum: ') && received.subarray(-4).toString() === '\r\n\r\n',
    });
    t.true(text.includes(`"rawTrailers":["X-Sent","8"],"length":8,"sha256":"${sha256('abcdefgh')}"`), text);
    t.regex(text, /\r\nTrailer: X-Sum\r\n/i);
    t.regex(text, new RegExp(`\r\n0\r\nX-Sum: ${sha256('abcdefgh')}\r\n\r\n$`, 'i'));
  });

  test.serial(`WebSocket passes over ${pool}`, async (t) => {
    const socket = await open(scene.gateway.port());
    t.teardown(() => void socket.destroy());
    const key = 'dGhlIHNhbXBsZSBub25jZQ==';
    const fields = [
      'Connection: Upgrade',
      'Upgrade: websocket',
      `Sec-WebSocket-Key: ${key}`,
      'Sec-WebSocket-Version: 13',
    ];
    const message = patternOf(20_000);
    // The first frame doesn't wait for the answer.
    socket.write(scene.headFor(scene.origin, 'GET', { pool, path: '/ws', fields }));
    socket.write(encodeFrame(2, message, Buffer.from([1, 2, 3, 4])));
    const reader = readBytes(socket);
    const head = (await reader.until('\r\n\r\n')).toString('latin1');
    t.regex(head, /^HTTP\/1\.1 101 /);
    t.true(head.includes(`Sec-WebSocket-Accept: ${acceptOf(key)}\r\n`));
    t.regex(head, /\r\nUpgrade: websocket\r\n/i);
    t.true(decodeFrame(await reader.take(4 + message.length))?.payload.equals(message));
  });

  test.serial(`interim responses and expectations over ${pool}`, async (t) => {
    const hints = await rawExchange(
      scene.gateway.port(),
      scene.headFor(scene.origin, 'GET', { pool, path: '/early-hints', fields: ['Connection: close'] }),
    );
    t.regex(
      hints.text,
      /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/style\.css>; rel=preload\r\n\r\nHTTP\/1\.1 200 OK\r\n/i,
    );
    const old = await rawExchange(
      scene.gateway.port(),
      scene.headFor(scene.origin, 'GET', { pool, path: '/early-hints', version: '1.0' }),
    );
    t.regex(old.text, /^HTTP\/1\.1 200 OK\r\n/);
    t.regex(old.text, /after hints\n$/);

    const client = await scene.converse(t);
    const fields = ['Expect: 100-continue', 'Content-Length: 5'];
    client.send(scene.headFor(scene.origin, 'PUT', { pool, path: '/expect', fields }));
    t.regex((await client.answer()).head, /^HTTP\/1\.1 100 /);
    client.send('later');
    t.is(JSON.parse((await client.answer()).content).sha256, sha256('later'));
    client.send(scene.headFor(scene.origin, 'PUT', { pool, path: '/expect?refuse=1', fields }));
    t.regex((await client.answer()).head, /^HTTP\/1\.1 417 /);
  });

  test.serial(`content is framed whatever the method over ${pool}`, async (t) => {
    const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
    for (const method of ['GET', 'DELETE', 'OPTIONS', 'HEAD', 'PROPFIND']) {
      for (const chunked of [false, true]) {
        const client = await scene.converse(t);
        const fields = [chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${smuggled.length}`];
        const content = chunked ? `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n` : smuggled;
        client.send(scene.headFor(scene.origin, method, { pool, path: '/echo', fields }) + content);
        client.send(scene.headFor(scene.origin, 'GET', { pool, path: '/echo?next' }));
        const { head, content: echoed } = await client.answer(method);
        t.regex(head, /^HTTP\/1\.1 200 /);
        if (method !== 'HEAD') t.like(JSON.parse(echoed), { method, length: smuggled.length }, `${method} ${chunked}`);
        t.like(JSON.parse((await client.answer()).content), { url: '/echo?next', length: 0 });
      }
    }
    t.false(scene.origin.requests.some(({ url }) => url === '/smuggled'));
  });
}

test.serial('a link to whom an exit found serves nobody who asks for that to be done here', async (t) => {
  const { gateway, origin, exits } = scene;
  const before = exits.socks.requests.length;
  const url = `http://localhost:${origin.port}/echo`;
  for (const dns of ['remote', 'local', 'remote', 'local']) {
    const answer = await forwardVia(gateway.port(), url, { login: gateway.login('tester', `pool-socks-dns-${dns}`) });
    t.is(answer.status, 200);
  }
  const targets = exits.socks.requests.slice(before).map(({ target }) => target);
  t.deepEqual(targets, [`localhost:${origin.port}`, `127.0.0.1:${origin.port}`]);
});

test.serial('pipelined requests are answered in order, each by its own credential', async (t) => {
  const client = await scene.converse(t);
  const names = ['direct', 'http', 'socks', 'https', 'direct', 'http'] as const;
  const requests = names.map((pool, i) =>
    i % 2 === 0
      ? scene.headFor(scene.origin, 'GET', { pool, path: `/echo?${i}` })
      : `${scene.headFor(scene.origin, 'POST', { pool, path: `/echo?${i}`, fields: ['Content-Length: 4'] })}GET `,
  );
  client.send(requests.join(''));
  for (const [i] of names.entries()) {
    t.like(JSON.parse((await client.answer()).content), { url: `/echo?${i}`, length: i % 2 === 0 ? 0 : 4 });
  }
});

test.serial('messages without content end where they must', async (t) => {
  const client = await scene.converse(t);
  for (const pool of pools) {
    for (const status of [204, 304]) {
      client.send(scene.headFor(scene.origin, 'GET', { pool, path: `/status/${status}` }));
      const { head } = await client.answer();
      t.true(head.startsWith(`HTTP/1.1 ${status} `));
      t.notRegex(head, /^transfer-encoding/im);
    }
    client.send(scene.headFor(scene.origin, 'HEAD', { pool, path: '/bytes/1000' }));
    t.regex((await client.answer('HEAD')).head, /\r\nContent-Length: 1000\r\n/);
  }
});

test.serial('HTTP/1.0 clients get no chunks, and keep their connection where they ask and it can be', async (t) => {
  const chunked = await rawExchange(
    scene.gateway.port(),
    scene.headFor(scene.origin, 'GET', { path: '/chunked/5000', version: '1.0' }),
  );
  t.is(chunked.ended, 'fin');
  t.notRegex(chunked.text, /transfer-encoding/i);
  t.true(chunked.octets.subarray(-5000).equals(patternOf(5000)));
  const client = await scene.converse(t);
  for (let i = 0; i < 2; i++) {
    client.send(
      scene.headFor(scene.origin, 'GET', { path: '/echo', version: '1.0', fields: ['Connection: keep-alive'] }),
    );
    t.regex((await client.answer()).head, /\r\nConnection: keep-alive\r\n/i);
  }
});

test.serial('a client that has half-closed gets its answer', async (t) => {
  for (const pool of pools) {
    const request = scene.headFor(scene.origin, 'GET', { pool, path: '/slow-head?ms=50' });
    const { text, ended } = await rawExchange(scene.gateway.port(), request, { thenFin: true });
    t.regex(text, /^HTTP\/1\.1 200 OK\r\n/, pool);
    t.is(ended, 'fin');
  }
});
