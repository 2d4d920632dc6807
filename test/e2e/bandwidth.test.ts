import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { basic, connectVia, forwardVia } from '../support/clients.ts';
import { startHttpExit } from '../support/exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type Origin, startOrigin, startTlsOrigin } from '../support/origin.ts';
import { openToBoth, unhurried } from './limit-scene.ts';

// Octets of one client, over two threads, by both relays and by forwarding: no faster than its limit, evenly, and all of them.

const RATE = 1_000_000;

interface Scene {
  readonly gateway: Gateway;
  readonly origin: Origin;
}

async function scene(
  t: { teardown(end: () => unknown): void },
  {
    relay = {},
    timeouts = unhurried,
    limit = 'bandwidth=1MB/s',
  }: { relay?: object; timeouts?: object; limit?: string } = {},
): Promise<Scene> {
  const origin = await startOrigin();
  t.teardown(origin.close);
  const exit = await startHttpExit();
  t.teardown(exit.close);
  const gateway = await startGateway({
    config: { workers: 2, timeouts, ...relay },
    clients: { acme: ['--limit', limit], other: [] },
    pools: { one: { exits: [{ url: exit.url }] } },
  });
  t.teardown(gateway.stop);
  return { gateway, origin };
}

interface Came {
  readonly at: number;
  readonly sum: number;
}

/** Fetches `octets` through an open tunnel. Tells how many had come by when. */
async function fetchBy(socket: Socket, octets: number): Promise<readonly Came[]> {
  const came: Came[] = [];
  let sum = 0;
  socket.write(`GET /bytes/${octets} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  socket.on('data', (chunk: Buffer) => {
    sum += chunk.length;
    came.push({ at: performance.now(), sum });
  });
  socket.resume();
  await new Promise((resolve) => socket.once('end', resolve));
  socket.destroy();
  return came;
}

const sumAt = (came: readonly Came[], time: number) => came.findLast(({ at }) => at <= time)?.sum ?? 0;

/** The share of the time in which nothing came for longer than so many ms. */
function shareInGaps(
  came: readonly Came[],
  { from, until, beyondMs }: { from: number; until: number; beyondMs: number },
): number {
  const times = [from, ...came.map(({ at }) => at).filter((at) => at > from && at < until), until];
  const gaps = times.map((at, i) => at - (times[i - 1] ?? at)).filter((gap) => gap > beyondMs);
  return gaps.reduce((sum, gap) => sum + gap, 0) / (until - from);
}

/** How often it is measured how evenly and smoothly tunnels flow, at most. */
const TRIALS = 6;

// One tunnel in eight waits for √8 × 50 ms for a grant. In TypeScript what was read in one piece, 64 KiB, passes whole, and lasts for
// half a second of its share.
for (const [name, threads, graceMs] of [
  ['native', 1, 2.5 * Math.sqrt(8) * 50],
  ['in TypeScript', 0, (2 * (64 * 1024)) / (RATE / 8_000)],
] as const) {
  test.serial(`tunnels of one client share its bandwidth evenly, relayed ${name}`, async (t) => {
    const setting = await scene(t, { relay: { relay: { threads } } });
    // A thread that stands still makes them uneven: then it is measured again.
    let steady = false;
    for (let trial = 0; trial < TRIALS && !steady; trial++) steady = await areSteady(t, setting, graceMs);
    t.true(steady);
  });
}

/** Fetches over eight tunnels at once, never faster than the limit. Whether they shared it evenly and flowed smoothly. */
async function areSteady(t: ExecutionContext, { gateway, origin }: Scene, graceMs: number): Promise<boolean> {
  const size = 500_000;
  const login = gateway.login('acme');
  const authority = `localhost:${origin.port}`;
  const opened = await Promise.all(Array.from({ length: 8 }, () => connectVia(gateway.port(), authority, { login })));
  const begun = performance.now();
  const tunnels = await Promise.all(opened.map(({ socket }) => fetchBy(socket, size)));
  const ends = tunnels.map((came) => came.at(-1)!);
  t.true(ends.every(({ sum }) => sum > size));
  // From the beginning on: never more than the burst, what the pace had brought, and what each had been granted before.
  const granted = tunnels.length * 16 * 1024;
  const all = tunnels.flatMap((came) => came.map(({ at, sum }, i) => ({ at, octets: sum - (came[i - 1]?.sum ?? 0) })));
  let sum = 0;
  for (const { at, octets } of all.toSorted((one, other) => one.at - other.at)) {
    sum += octets;
    t.true(sum <= granted + RATE * (0.2 + (at - begun) / 1_000), `${sum} octets after ${at - begun} ms`);
  }
  const lasted = Math.max(...ends.map(({ at }) => at)) - begun;
  t.true(lasted >= 3_600, `${lasted} ms for 4 MB`);
  // While all of them run each has about its share, and none stands still.
  const from = Math.max(...tunnels.map((came) => came[0]!.at));
  const until = Math.min(...ends.map(({ at }) => at));
  const shares = tunnels.map((came) => sumAt(came, until) - sumAt(came, from));
  t.log(`octets in ${Math.round(until - from)} ms: ${shares.join(' ')}`);
  // Smoothly: most of the time no tunnel waits for much longer than that. A machine that stands still makes a long gap or two, while a
  // limit that lets pass what a second or two allow, and then nothing, makes nothing else.
  const waits = tunnels.map((came) => shareInGaps(came, { from, until, beyondMs: graceMs }));
  t.log(`of the time in longer gaps: ${waits.map((share) => share.toFixed(2)).join(' ')}`);
  return Math.min(...shares) > Math.max(...shares) / 2 && Math.max(...waits) < 0.5;
}

test.serial('content that is forwarded counts, both ways', async (t) => {
  const { gateway, origin } = await scene(t);
  const login = gateway.login('acme');
  const begun = performance.now();
  const down = forwardVia(gateway.port(), `http://localhost:${origin.port}/bytes/1500000`, { login });
  const up = forwardVia(gateway.port(), `http://localhost:${origin.port}/echo`, {
    login,
    method: 'POST',
    content: Buffer.alloc(1_500_000, 'x'),
  });
  const [fetched, sent] = await Promise.all([down, up]);
  t.is(fetched.content.length, 1_500_000);
  t.is(JSON.parse(sent.content.toString()).length, 1_500_000);
  t.log(`${Math.round(performance.now() - begun)} ms`);
  t.true(performance.now() - begun >= 2_700, 'three megabytes');
});

test.serial('uploads that wait for their client’s bandwidth are no silence of the client’s', async (t) => {
  const { gateway, origin } = await scene(t, { timeouts: { ...unhurried, stall: '2s' }, limit: 'bandwidth=100kB/s' });
  const [login, content] = [gateway.login('acme'), Buffer.alloc(40_000, 'x')];
  // Each has passed its first piece when the last ones have waited for longer than any of them may stall.
  const uploads = Array.from({ length: 16 }, () =>
    forwardVia(gateway.port(), `http://localhost:${origin.port}/echo`, { login, method: 'POST', content }),
  );
  const statuses = (await Promise.all(uploads)).map(({ status }) => status);
  t.deepEqual(
    statuses,
    statuses.map(() => 200),
  );
});

test.serial('small answers are paid for by those that come after', async (t) => {
  const { gateway, origin } = await scene(t, { limit: 'bandwidth=100kB/s' });
  const login = gateway.login('acme');
  const begun = performance.now();
  for (let i = 0; i < 30; i++)
    t.is(
      (await forwardVia(gateway.port(), `http://localhost:${origin.port}/bytes/10000`, { login })).content.length,
      10_000,
    );
  t.true(performance.now() - begun >= 2_600);
  const other = performance.now();
  const { content } = await forwardVia(gateway.port(), `http://localhost:${origin.port}/bytes/3000000`, {
    login: gateway.login('other'),
  });
  t.is(content.length, 3_000_000);
  t.log(`another client: ${Math.round(performance.now() - other)} ms`);
});

test.serial('a tunnel within TLS to the gateway’s exit is paced alike, and whole', async (t) => {
  const setting = await scene(t);
  const origin = await startTlsOrigin();
  t.teardown(origin.close);
  const { socket } = await connectVia(setting.gateway.port(), `localhost:${origin.port}`, {
    login: setting.gateway.login('acme'),
  });
  const begun = performance.now();
  const secured = connectTls({ socket, servername: 'localhost', rejectUnauthorized: false });
  secured.write('GET /bytes/2000000 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  let sum = 0;
  secured.on('data', (chunk: Buffer) => {
    sum += chunk.length;
  });
  await new Promise((resolve) => secured.once('end', resolve));
  secured.destroy();
  t.true(sum > 2_000_000);
  t.true(performance.now() - begun >= 1_700);
  t.log(`${Math.round(performance.now() - begun)} ms`);
});

/** What came over 200 connections, from when on. */
interface Flood {
  readonly begun: number;
  readonly came: readonly Came[];
}

const CONNECTIONS = 200;
const FAST = 8_000_000;

/** At no time more has come than the burst and what the pace had brought since, and all of it comes in about the time that takes. */
function checkPace(t: ExecutionContext, { begun, came }: Flood, octets: number): void {
  let sum = 0;
  for (const { at, sum: some } of came.toSorted((one, other) => one.at - other.at)) {
    sum += some;
    t.true(sum <= FAST * (0.2 + (at - begun) / 1_000), `${sum} octets after ${at - begun} ms`);
  }
  t.true(sum >= octets);
  const lastedMs = Math.max(...came.map(({ at }) => at)) - begun;
  t.log(`${sum} octets in ${Math.round(lastedMs)} ms`);
  t.true(lastedMs <= (10_000 * octets) / FAST);
}

test.serial(
  'over 200 connections and two threads content that is forwarded never passes faster than the limit',
  async (t) => {
    const { gateway, origin } = await scene(t, { limit: 'bandwidth=8MB/s' });
    const login = gateway.login('acme');
    const size = 100_000;
    const sockets = await openToBoth(gateway, CONNECTIONS);
    const request = `GET http://localhost:${origin.port}/bytes/${size} HTTP/1.1\r\nHost: localhost\r\nProxy-Authorization: ${basic(login)}\r\nConnection: close\r\n\r\n`;
    const begun = performance.now();
    const came: Came[] = [];
    await Promise.all(
      sockets.map(async (socket) => {
        socket.on('data', (chunk: Buffer) => came.push({ at: performance.now(), sum: chunk.length })).resume();
        socket.write(request);
        await new Promise((resolve) => socket.once('end', resolve));
        socket.destroy();
      }),
    );
    // Heads are nobody's content.
    const heads = CONNECTIONS * 1_000;
    checkPace(t, { begun: begun - (1_000 * heads) / FAST, came }, CONNECTIONS * size);
  },
);

for (const [name, threads] of [
  ['native', 1],
  ['in TypeScript', 0],
] as const) {
  test.serial(`over 200 tunnels and two threads never more passes than the limit, relayed ${name}`, async (t) => {
    const { gateway, origin } = await scene(t, { relay: { relay: { threads } }, limit: 'bandwidth=8MB/s' });
    const login = gateway.login('acme');
    const size = 100_000;
    const sockets = await openToBoth(gateway, CONNECTIONS);
    const begun = performance.now();
    const authority = `localhost:${origin.port}`;
    const came = await Promise.all(
      sockets.map(async (one) => {
        const { socket } = await connectVia(one, authority, { login });
        const sums = await fetchBy(socket, size);
        return sums.map(({ at, sum }, i) => ({ at, sum: sum - (sums[i - 1]?.sum ?? 0) }));
      }),
    );
    checkPace(t, { begun, came: came.flat() }, CONNECTIONS * size);
  });
}
