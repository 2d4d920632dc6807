import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import test from 'ava';
import { basic, forwardVia, open } from '../support/clients.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { listen, type Peer } from '../support/peers.ts';
import { has } from '../support/programs.ts';
import { until } from '../support/until.ts';

// What the slow, the silent and the many cost those who behave.

const pools = { direct: { exits: [{ direct: true }] } };
const accessLog = { enabled: false };
const firstByteMs = 5_000;
const MiB = 1024 ** 2;

let gateway: Gateway;
let origin: Origin;
/** Answers without end, and reads nothing but the request's first octets. */
let flood: Peer;

test.before(async () => {
  origin = await startOrigin();
  flood = await listen(
    createServer((socket) => {
      socket.once('data', () => {
        socket.pause().write('HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n');
        pour(socket, Buffer.alloc(65_536));
      });
    }),
  );
  gateway = await startGateway({
    config: { accessLog, timeouts: { firstByte: `${firstByteMs}ms`, head: '30s', handshake: '30s' } },
    pools,
    // Little garbage at a time, so that resident memory tells what is in use.
    env: { NODE_OPTIONS: '--max-semi-space-size=1' },
  });
});

test.after.always(async () => {
  await gateway?.stop();
  await Promise.all([origin, flood].map((peer) => peer?.close()));
});

function pour(socket: Socket, octets: Buffer): void {
  const more = () => {
    while (!socket.destroyed && socket.write(octets));
  };
  socket.on('drain', more);
  more();
}

const credential = (by: Gateway) => `Proxy-Authorization: ${basic(by.login())}\r\n`;
const toOrigin = (path: string, method = 'GET', fields = '') =>
  `${method} http://127.0.0.1:${origin.port}${path} HTTP/1.1\r\nHost: a\r\n${credential(gateway)}${fields}\r\n`;
const tunnelTo = ({ port }: Peer) => `CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: a\r\n${credential(gateway)}\r\n`;

const descriptors = ({ pid }: Gateway): number => readdirSync(`/proc/${pid}/fd`).length;
const residentBytes = ({ pid }: Gateway): number =>
  1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
/** CPU time used so far, in ms: user and system, in ticks of 10. */
const cpuMs = ({ pid }: Gateway): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return 10 * (Number(fields[11]) + Number(fields[12]));
};

/** Resolves when there is neither an exchange nor a connection. */
const rests = (of: Gateway) =>
  until(async () => {
    const { exchanges, connections } = await of.health();
    return exchanges.open === 0 && connections === 0;
  }, 'nothing is left');

async function succeeds(by: Gateway): Promise<boolean> {
  const answer = await forwardVia(by.port(), `${origin.url}/`, { login: by.login() }).catch(() => null);
  return answer?.status === 200;
}

test.serial('a good client beside 600 slow and silent ones sees no error, and waits for nobody', async (t) => {
  const opening = (octets: string | Buffer, thenFin = false) => ({ octets, thenFin });
  const ways = [
    opening(''),
    opening('GET http://'),
    opening(`${toOrigin('/echo', 'POST', 'Content-Length: 1000\r\n')}abc`),
    opening(Buffer.from([0x16, 3, 1, 2, 0, 1])),
    opening(Buffer.from([5, 1, 2])),
    opening(tunnelTo(origin), true),
  ];
  const bad: Socket[] = [];
  for (let i = 0; i < 600; i++) {
    const { octets, thenFin } = ways[i % ways.length]!;
    const socket = await open(gateway.port());
    socket.write(octets);
    if (thenFin) socket.end();
    bad.push(socket);
  }
  t.teardown(() => bad.forEach((socket) => void socket.destroy()));
  for (let i = 0; i < 200; i++) {
    const begun = performance.now();
    t.true(await succeeds(gateway));
    t.true(performance.now() - begun < 10 * firstByteMs);
  }
  for (const socket of bad) socket.resetAndDestroy();
  await t.notThrowsAsync(rests(gateway));
});

const stalls: Record<string, () => { head: string; octets?: Buffer }> = {
  'a response': () => ({
    head: `GET http://127.0.0.1:${flood.port}/ HTTP/1.1\r\nHost: a\r\n${credential(gateway)}\r\n`,
  }),
  'a tunnel': () => ({ head: `${tunnelTo(flood)}x` }),
  'content of a request': () => upload('Content-Length: 1000000000000', Buffer.alloc(65_536)),
  'pipelined requests': () => ({ head: '', octets: Buffer.from(toOrigin('/bytes/200000').repeat(100)) }),
};

const upload = (field: string, octets: Buffer) => ({
  head: `POST http://127.0.0.1:${flood.port}/ HTTP/1.1\r\nHost: a\r\n${credential(gateway)}${field}\r\n\r\n`,
  octets,
});

for (const [what, stalled] of Object.entries(stalls)) {
  test.serial(`nobody reads ${what}: it costs half a MiB at most`, async (t) => {
    const { head, octets } = stalled();
    const sockets: Socket[] = [];
    t.teardown(() => sockets.forEach((socket) => void socket.destroy()));
    const stall = async (count: number) => {
      for (let i = 0; i < count; i++) {
        const socket = await open(gateway.port());
        socket.pause().write(head);
        if (octets !== undefined) pour(socket, octets);
        sockets.push(socket);
      }
      await atStandstill(sockets);
    };
    // The first of them pay for what the process keeps for all.
    await stall(60);
    const before = residentBytes(gateway);
    await stall(200);
    const each = (residentBytes(gateway) - before) / 200;
    t.true(each < MiB / 2, `${each} octets each`);
    for (const socket of sockets) socket.resetAndDestroy();
    await t.notThrowsAsync(rests(gateway));
  });
}

/** Resolves when the gateway has used no CPU worth mentioning for three whiles in a row, as one that waits for its turn on a busy
 *  machine would for one of them: all is stalled. */
async function atStandstill(sockets: readonly Socket[]): Promise<void> {
  const look = () => [sockets.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0), cpuMs(gateway)] as const;
  let quiet = 0;
  for (let last = look(); quiet < 3; ) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    const now = look();
    quiet = now[0] === last[0] && now[1] - last[1] <= 30 ? quiet + 1 : 0;
    last = now;
  }
}

test.serial('a thousand clients that leave in the middle leave nothing behind', async (t) => {
  const ways = [
    toOrigin('/hang'),
    toOrigin('/bytes/10000000'),
    `${toOrigin('/echo', 'POST', 'Content-Length: 100\r\n')}ab`,
    toOrigin('/echo', 'POST', 'Expect: 100-continue\r\nContent-Length: 100\r\n'),
    `${tunnelTo(origin)}GET / HT`,
    toOrigin('/').slice(0, 40),
    toOrigin('/').repeat(20),
    `${'\x05\x01\x00'}`,
    toOrigin('/', 'GET', '__proto__: 1\r\nconstructor: 2\r\n').replace('/ HTTP', '/__proto__?constructor HTTP'),
  ];
  const before = descriptors(gateway);
  for (let round = 0; round < 10; round++) {
    await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        const socket = await open(gateway.port());
        socket.write(Buffer.from(ways[i % ways.length]!, 'latin1'));
        if (i % 4 > 1) await Promise.race([ending(socket), turns(i)]);
        if (i % 2 === 0) socket.resetAndDestroy();
        else socket.destroy();
      }),
    );
  }
  await t.notThrowsAsync(rests(gateway));
  // Each worker may keep a few connections to the origin.
  t.true(descriptors(gateway) <= before + 12, `${before} before, ${descriptors(gateway)} after`);
  t.true(await succeeds(gateway));
});

/** Resolves when a connection has closed, by FIN or reset. */
const ending = (socket: Socket) => new Promise<void>((resolve) => socket.once('close', () => resolve()));

/** So many turns of the event loop. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Connects `count` times at once and asks for a page that doesn't come; resolves with what each that ended was told. */
async function crowd(of: Gateway, count: number) {
  const told: string[] = [];
  const sockets = await Promise.all(
    Array.from({ length: count }, async () => {
      const socket = await open(of.port());
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.once('end', () => socket.end());
      const closed = ending(socket).then(() => told.push(text));
      socket.write(`GET ${origin.url}/hang HTTP/1.1\r\nHost: a\r\n${credential(of)}\r\n`);
      return { socket, closed };
    }),
  );
  return { told, sockets };
}

const isOverload = (text: string) => /^HTTP\/1\.1 503 overloaded\r\n.*Retry-After: /s.test(text);

test.serial('more connections than allowed are told so, and the next find room again', async (t) => {
  const small = await startGateway({ config: { accessLog, limits: { connections: 10 } }, pools });
  t.teardown(small.stop);
  const { told, sockets } = await crowd(small, 20);
  const closing = new Map(sockets.map(({ closed }, i) => [i, closed.then(() => i)]));
  while (told.length < 10) closing.delete(await Promise.race(closing.values()));
  t.is(told.length, 10);
  t.true(
    told.every(isOverload),
    told.find((text) => !isOverload(text)),
  );
  for (const { socket } of sockets) socket.resetAndDestroy();
  await t.notThrowsAsync(rests(small));
  t.true(await succeeds(small));
});

for (const openFiles of [72, 128]) {
  (has('prlimit') ? test.serial : test.serial.skip)(
    `${openFiles} descriptors: the gateway refuses, and lives on`,
    async (t) => {
      const poor = await startGateway({ config: { accessLog }, pools, openFiles });
      t.teardown(poor.stop);
      const { told, sockets } = await crowd(poor, 200);
      await until(() => told.length > 100 && told.some(isOverload), 'most of them are refused');
      // Some that had a place may have ended for want of a descriptor: their places are taken again.
      await until(async () => {
        sockets.push(...(await crowd(poor, 1)).sockets);
        return (await poor.health()).status === 'overloaded';
      }, 'no place is left');
      t.true(told.every((text) => text === '' || isOverload(text)));
      // Those that are just being refused hold one each for a moment.
      await until(() => descriptors(poor) < openFiles - 8, 'some descriptors are left');
      for (const { socket } of sockets) socket.resetAndDestroy();
      await t.notThrowsAsync(rests(poor));
      t.true(await succeeds(poor));
    },
  );
}
