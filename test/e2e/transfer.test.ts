import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { setTimeout as rest } from 'node:timers/promises';
import test from 'ava';
import { type Answer, basic, connectVia, forwardVia, open, patternOf, sha256, socks5Via } from '../support/clients.ts';
import { type Exit, startHttpExit, startHttpsExit, startSocks4Exit, startSocks5Exit } from '../support/exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { startRawOrigin } from '../support/raw-origin.ts';
import { entriesOf, exitAuthority } from './fault-pools.ts';

const credential = { username: 'user', password: 'secret' };
const megabyte = 1024 * 1024;
const size = 10 * megabyte;
const content = patternOf(size);
const digest = sha256(content);

/** Long enough for 50 MB and more to pile up in a gateway that doesn't wait for its reader. */
const restMs = 300;
const mostBytes = 48 * megabyte;

const exits: Exit[] = [];
const pools: Record<string, Record<string, unknown>> = { direct: { exits: [{ direct: true }] } };
let gateway: Gateway;
let origin: Origin;

test.before(async () => {
  origin = await startOrigin();
  for (const [login, suffix] of [
    [undefined, ''],
    [credential, '.login'],
  ] as const) {
    const started = {
      http: await startHttpExit(login),
      https: await startHttpsExit(login),
      socks4: await startSocks4Exit(login),
      socks4a: await startSocks4Exit(login, 'socks4a'),
      socks5: await startSocks5Exit(login),
    };
    exits.push(...Object.values(started));
    const socks5h = { url: started.socks5.url.replace('socks5:', 'socks5h:') };
    for (const [name, exit] of Object.entries({ ...started, socks5h })) {
      pools[`${name}${suffix}`] = { exits: entriesOf([exit]) };
    }
  }
  gateway = await startGateway({ pools, files: await exitAuthority() });
});

test.after.always(async () => {
  await gateway?.stop();
  await Promise.all([origin?.close(), ...exits.map(({ close }) => close())]);
});

type Way = 'forward' | 'CONNECT' | 'SOCKS5';
const ways: readonly Way[] = ['forward', 'CONNECT', 'SOCKS5'];

interface Request {
  readonly login: string;
  readonly path: string;
  readonly content?: Buffer;
}

/** Requests a page by name of the origin: forwarded, or over a tunnel. */
async function ask(way: Way, { login: parameters, path, content }: Request): Promise<Answer> {
  const login = gateway.login('tester', parameters);
  const method = content === undefined ? 'GET' : 'PUT';
  if (way === 'forward') {
    return forwardVia(gateway.port(), `http://localhost:${origin.port}${path}`, { login, method, content });
  }
  const socket = await tunnel(way, parameters);
  const answer = await forwardVia(gateway.port(), path, { socket, method, content });
  socket.destroy();
  return answer;
}

async function tunnel(way: Way, parameters: string, port = origin.port): Promise<Socket> {
  const login = gateway.login('tester', parameters);
  if (way === 'SOCKS5') return (await socks5Via(gateway.port(), { host: 'localhost', port }, { login })).socket;
  return (await connectVia(gateway.port(), `localhost:${port}`, { login })).socket;
}

for (const way of ways) {
  test.serial(`10 MB pass byte for byte both ways by ${way} over every kind of exit`, async (t) => {
    for (const [pool, { exits: entries }] of Object.entries(pools)) {
      t.truthy(entries);
      // Names resolved there and here; socks4 and direct know only here.
      const fixed = pool === 'direct' || (pool.startsWith('socks4') && !pool.startsWith('socks4a'));
      for (const dns of fixed ? [''] : ['-dns-remote', '-dns-local']) {
        const login = `pool-${pool}${dns}`;
        const down = ask(way, { login, path: `/bytes/${size}` });
        const up = ask(way, { login, path: '/echo', content });
        t.is(sha256((await down).content), digest, login);
        t.like(JSON.parse((await up).content.toString()), { length: size, sha256: digest }, login);
      }
    }
  });
}

test.serial('50 transfers at once arrive byte for byte', async (t) => {
  const names = Object.keys(pools);
  const transfers = Array.from({ length: 50 }, async (_, i) => {
    const login = `pool-${names[i % names.length]}`;
    const way = ways[i % ways.length]!;
    if (i % 2 === 0) return sha256((await ask(way, { login, path: `/bytes/${size}` })).content);
    return JSON.parse((await ask(way, { login, path: '/echo', content })).content.toString()).sha256;
  });
  t.deepEqual(new Set(await Promise.all(transfers)), new Set([digest]));
});

for (const way of ways) {
  test.serial(`a slow reader of 200 MB by ${way} costs the gateway no memory`, async (t) => {
    const length = 200 * megabyte;
    const socket = way === 'forward' ? await open(gateway.port()) : await tunnel(way, 'pool-http');
    t.teardown(() => void socket.destroy());
    const host = `127.0.0.1:${origin.port}`;
    const target = way === 'forward' ? `http://${host}/bytes/${length}` : `/bytes/${length}`;
    const login = basic(gateway.login('tester', 'pool-http'));
    const before = await residentBytes();
    socket.write(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nProxy-Authorization: ${login}\r\n\r\n`);
    const { received, most } = await readInSteps(socket, length);
    t.true(received >= length);
    t.true(most - before < mostBytes, `${Math.round((most - before) / megabyte)} MiB more`);
  });
}

for (const way of ways) {
  test.serial(`an origin that stops reading by ${way} stops the client`, async (t) => {
    const asleep = await startRawOrigin((socket) => void socket.pause());
    t.teardown(() => asleep.close());
    const host = `127.0.0.1:${asleep.port}`;
    const socket = way === 'forward' ? await open(gateway.port()) : await tunnel(way, 'pool-http', asleep.port);
    t.teardown(() => void socket.destroy());
    const login = basic(gateway.login('tester', 'pool-http'));
    const before = await residentBytes();
    const head = `PUT http://${host}/ HTTP/1.1\r\nHost: ${host}\r\nProxy-Authorization: ${login}\r\n`;
    socket.write(`${head}Content-Length: ${200 * megabyte}\r\n\r\n`);
    for (let i = 0; i < 20; i++) socket.write(content);
    await rest(restMs);
    t.true(socket.writableLength > 100 * megabyte);
    t.true((await residentBytes()) - before < mostBytes);
  });
}

/** Reads at least `length` octets and rests after every 50 MB; `most`: of the gateway's memory at those moments. */
async function readInSteps(socket: Socket, length: number): Promise<{ received: number; most: number }> {
  let [received, most, step] = [0, 0, 0];
  for await (const chunk of socket) {
    received += chunk.length;
    if (received >= length) break;
    if (received < step * 5 * size) continue;
    step++;
    await rest(restMs);
    most = Math.max(most, await residentBytes());
  }
  return { received, most };
}

async function residentBytes(): Promise<number> {
  const status = await readFile(`/proc/${gateway.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
