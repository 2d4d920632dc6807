import type { Socket } from 'node:net';
import test from 'ava';
import { basic, forwardVia, patternOf, rawExchange, sha256 } from '../support/clients.ts';
import { type Exit, startHttpExit, startHttpsExit, startSocks5Exit } from '../support/exits.ts';
import { type FaultMode, type FaultProtocol, startFaultExit } from '../support/fault-exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { keepPeers, type Peer, reset, startRefusing } from '../support/peers.ts';
import { startRawOrigin } from '../support/raw-origin.ts';
import { until } from '../support/until.ts';
import { entriesOf, exitAuthority } from './fault-pools.ts';

const timeouts = { dial: '4s', firstByte: '4s', attempts: '20s' };
/** A probe would find out how an exit fails before a request does. */
const probe = { budget: 0 };
const small = patternOf(1_000);
const large = patternOf(200_000);

/** A request whose first exit fails. `repeated`: whether it may be sent again over the second. */
interface ReplayCase {
  readonly fault: [FaultProtocol, FaultMode] | 'swallow' | 'hints';
  readonly method: string;
  readonly content?: Buffer;
  readonly repeated: boolean;
}

const cases: readonly ReplayCase[] = [
  // Not one octet of the request was written to an exit: any method may be repeated.
  { fault: ['http', 'refuse'], method: 'POST', content: small, repeated: true },
  { fault: ['http', 'refuse'], method: 'POST', content: large, repeated: true },
  { fault: ['http', 'refuse'], method: 'PUT', content: large, repeated: true },
  { fault: ['https', 'refuse'], method: 'PATCH', content: small, repeated: true },
  { fault: ['https', 'resetInTls'], method: 'POST', content: small, repeated: true },
  { fault: ['https', 'blackhole'], method: 'POST', content: small, repeated: true },
  { fault: ['socks5', 'resetAfterRequest'], method: 'POST', content: small, repeated: true },
  { fault: ['socks5', 'garbage'], method: 'POST', content: large, repeated: true },
  { fault: ['socks5', 'blackhole'], method: 'POST', content: small, repeated: true },
  // The exit had the request, and perhaps the origin too.
  { fault: ['http', 'resetAfterRequest'], method: 'POST', content: small, repeated: false },
  { fault: ['http', 'finAfterRequest'], method: 'POST', content: small, repeated: false },
  { fault: ['http', 'finAfterRequest'], method: 'PATCH', content: small, repeated: false },
  { fault: ['http', 'blackhole'], method: 'POST', content: small, repeated: false },
  { fault: ['https', 'garbage'], method: 'POST', content: small, repeated: false },
  { fault: ['https', 'truncatedHead'], method: 'POST', repeated: false },
  { fault: ['http', 'status-407'], method: 'POST', content: small, repeated: false },
  { fault: ['http', 'resetAfterRequest'], method: 'GET', repeated: true },
  { fault: ['http', 'finAfterRequest'], method: 'DELETE', content: small, repeated: true },
  { fault: ['http', 'blackhole'], method: 'OPTIONS', repeated: true },
  { fault: ['https', 'garbage'], method: 'HEAD', repeated: true },
  { fault: 'swallow', method: 'PUT', content: small, repeated: true },
  // Content that was not kept whole can't be sent again, and after an interim response nothing is.
  { fault: 'swallow', method: 'PUT', content: large, repeated: false },
  { fault: 'hints', method: 'GET', repeated: false },
];

const nameOf = ({ fault, method, content }: ReplayCase): string =>
  `${typeof fault === 'string' ? fault : fault.join(' ')} ${method} ${content?.length ?? 0}`;

const { keep, closeAll } = keepPeers();
let gateway: Gateway;
let origin: Origin;
let good: Exit;

test.before(async () => {
  origin = keep(await startOrigin());
  good = keep(await startHttpExit());
  const pools: Record<string, Record<string, unknown>> = {};
  for (const [number, { fault, content }] of cases.entries()) {
    const bad = keep(await startFirstExit(fault, content?.length ?? 0));
    // Round-robin begins with the first.
    pools[`case${number}`] = { strategy: 'round-robin', probe, exits: entriesOf([bad, good]) };
  }
  const sound = [good, keep(await startHttpsExit()), keep(await startSocks5Exit())];
  for (const [number, exit] of sound.entries()) pools[`sound${number}`] = { probe, exits: entriesOf([exit]) };
  gateway = await startGateway({ config: { timeouts }, pools, files: await exitAuthority() });
});

test.after.always(async () => {
  await gateway?.stop();
  await closeAll();
});

async function startFirstExit(fault: ReplayCase['fault'], length: number): Promise<Peer & { url: string }> {
  if (typeof fault !== 'string') return startFaultExit({ protocol: fault[0], mode: fault[1] });
  const peer = await startRawOrigin((socket) => (fault === 'swallow' ? swallow(socket, length) : hint(socket)));
  return { ...peer, url: `http://127.0.0.1:${peer.port}` };
}

/** Resets once all of the content has come. */
function swallow(socket: Socket, length: number): void {
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    const end = text.indexOf('\r\n\r\n');
    if (end >= 0 && text.length >= end + 4 + length) reset(socket);
  });
}

/** Answers with an interim response, and leaves. */
function hint(socket: Socket): void {
  socket.once('data', () => socket.end('HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n'));
}

for (const [number, replay] of cases.entries()) {
  const { method, content, repeated } = replay;
  test.serial(`${nameOf(replay)}: ${repeated ? 'repeated over another exit' : 'not sent twice'}`, async (t) => {
    const path = `/echo?case=${number}`;
    const login = gateway.login('tester', `pool-case${number}`);
    const answer = await forwardVia(gateway.port(), `${origin.url}${path}`, { login, method, content });
    const delivered = origin.requests.filter(({ url }) => url === path);
    const carried = good.requests.filter(({ target }) => target.endsWith(path));
    if (!repeated) {
      t.regex(answer.reason, /^exit_/);
      t.is(delivered.length, 0);
      t.is(carried.length, 0);
      return;
    }
    t.is(answer.status, 200);
    t.is(delivered.length, 1);
    t.is(carried.length, 1);
    if (method === 'HEAD') return;
    const echo = JSON.parse(answer.content.toString());
    t.is(echo.sha256, sha256(content ?? ''));
  });
}

test.serial('what an origin does is its own failure: no request is repeated, no exit is ejected', async (t) => {
  const resetting = keep(await startRawOrigin((socket) => void socket.once('data', () => reset(socket))));
  const closing = keep(await startRawOrigin({ reply: '', end: 'fin' }));
  const babbling = keep(await startRawOrigin({ reply: '\x00\x01 no HTTP\r\n\r\n' }));
  const silent = keep(await startRawOrigin(() => {}));
  const gone = keep(await startRefusing());
  const pools = ['sound0', 'sound1', 'sound2'];
  const login = (pool: string) => gateway.login('tester', `pool-${pool}`);
  for (const pool of pools) {
    t.is((await forwardVia(gateway.port(), `${origin.url}/`, { login: login(pool) })).status, 200);
    for (const peer of [resetting, closing, babbling, silent, gone]) {
      const before = peer.accepted();
      const url = `http://127.0.0.1:${peer.port}/`;
      const answer = await forwardVia(gateway.port(), url, { login: login(pool), method: 'POST', content: 'once' });
      t.true(answer.status === 502 || answer.status === 504, `${pool} ${answer.status} ${answer.reason}`);
      if (pool === 'sound2') t.regex(answer.reason, /^origin_/);
      t.true(peer.accepted() - before <= 1, pool);
    }
    for (const status of [403, 429, 500, 502, 503]) {
      const answer = await forwardVia(gateway.port(), `${origin.url}/status/${status}`, { login: login(pool) });
      t.is(answer.status, status);
    }
    const listed = await gateway.command('exit', 'list', '--pool', pool, '--json');
    const views: { live: { failuresInRow: number; ejectedForMs: number } }[] = JSON.parse(listed.stdout);
    t.like(views[0]?.live, { failuresInRow: 0, ejectedForMs: 0 }, pool);
  }
});

test.serial('content that is too long to be sent twice goes over no kept link, which may be dead', async (t) => {
  // Each connection serves one request, and dies behind the next.
  const mortal = keep(
    await startRawOrigin((socket) => {
      let request = '';
      let served = false;
      socket.on('data', (chunk: Buffer) => {
        request += chunk.toString('latin1');
        const [head = '', content] = request.split('\r\n\r\n');
        if (content === undefined || content.length < Number(/length: (\d+)/i.exec(head)?.[1] ?? 0)) return;
        if (served) return reset(socket);
        served = true;
        request = '';
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      });
    }),
  );
  const login = gateway.login('tester', 'pool-sound2');
  for (const [method, content] of [['GET'], ['PUT', large], ['DELETE', small], ['PUT', large], ['HEAD']] as const) {
    const answer = await forwardVia(gateway.port(), `http://127.0.0.1:${mortal.port}/`, { login, method, content });
    t.is(answer.status, 200, method);
  }
});

test.serial('of links that such requests open one is kept for others, and no more', async (t) => {
  const open = new Set<Socket>();
  const counting = keep(
    await startRawOrigin((socket) => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      socket.on('data', (chunk: Buffer) => {
        if (chunk.includes('once')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      });
    }),
  );
  const login = gateway.login('tester', 'pool-sound2');
  const url = `http://127.0.0.1:${counting.port}/`;
  for (let i = 0; i < 5; i++) {
    const answer = await forwardVia(gateway.port(), url, { login, method: 'POST', content: 'once' });
    t.is(answer.status, 200);
  }
  t.is(counting.accepted(), 5);
  await until(() => open.size === 1, 'the others are closed');
});

test.serial('an interim response is passed on before the exchange fails', async (t) => {
  const number = cases.findIndex(({ fault }) => fault === 'hints');
  const { username, password } = gateway.login('tester', `pool-case${number}`);
  // The ejected exit is the last resort: the other must be excluded to meet it.
  const listed = await gateway.command('exit', 'list', '--pool', `case${number}`, '--json');
  const views: { id: string; endpoint: string }[] = JSON.parse(listed.stdout);
  const sound = views.find(({ endpoint }) => endpoint === good.url)!;
  const credential = basic({ username: `${username}-not-${sound.id}`, password });
  const request = `GET ${origin.url}/ HTTP/1.1\r\nHost: a\r\nProxy-Authorization: ${credential}\r\nConnection: close\r\n\r\n`;
  const { text } = await rawExchange(gateway.port(), request);
  t.regex(text, /^HTTP\/1\.1 103 Early Hints\r\nLink: .*\r\n\r\nHTTP\/1\.1 502 exit_failed\r\n/);
});
