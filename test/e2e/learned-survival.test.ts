import { once } from 'node:events';
import { watch } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer as createWebServer } from 'node:http';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { forwardVia } from '../support/clients.ts';
import { startHttpExit } from '../support/exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { keepPeers, listen, type Peer, startRefusing } from '../support/peers.ts';
import { until } from '../support/until.ts';

// What the gateway has learned outlives it: how fast exits are, which of them fail, and which of them a site has refused.

/** Well more than a busy machine makes of a visit to the fast one: a single slow answer counts at once. */
const SLOW_MS = 2_500;
/** How often the gateway saves, and what that may take on a busy machine, in ms: ten times the 5 s that are promised. */
const SAVED_WITHIN_MS = 50_000;

const { keep, closeAll } = keepPeers();
let site: Peer;

test.before(async () => {
  site = keep(
    await listen(
      createWebServer((request, response) => {
        if (request.url === '/refuse') response.writeHead(403, { 'Retry-After': '3600' });
        response.end('page');
      }),
    ),
  );
});

test.after.always(async () => {
  await closeAll();
});

interface Listed {
  readonly id: string;
  readonly country: string;
  readonly live: { readonly latencyMs: number | null; readonly failuresInRow: number };
}

/** Three exits to choose from: one fast, one slow, one that nobody answers at. */
async function startThree(): Promise<Gateway> {
  const good = keep(await startHttpExit());
  const slow = keep(
    await listen(
      createServer((socket) => {
        const onward = () => socket.pipe(connect(good.port, '127.0.0.1').on('error', () => {})).pipe(socket);
        const timer = setTimeout(onward, SLOW_MS);
        socket.once('close', () => clearTimeout(timer)).on('error', () => {});
      }),
    ),
  );
  const dead = keep(await startRefusing());
  const exits = Object.entries({ us: good.port, de: slow.port, fr: dead.port });
  const entries = exits.map(([country, port]) => ({ country, url: `http://127.0.0.1:${port}` }));
  // An operator's rule is believed each time.
  const blocks = [{ status: [403], verdict: 'refused' }];
  // What is known of exits changes by visits alone.
  const probe = { budget: 0 };
  return startGateway({ config: { blocks }, pools: { three: { probe, exits: entries } } });
}

/** Sends one request, with a username parameter if need be; the id of the exit that it went over. */
async function visit(gateway: Gateway, { path = '/', parameters = '' } = {}): Promise<string> {
  const url = `http://127.0.0.1:${site.port}${path}`;
  const { headers } = await forwardVia(gateway.port(), url, { login: gateway.login('tester', parameters) });
  return String(headers['roundabout-exit']).split(';')[0] ?? '';
}

/** The exits that `count` requests went over, one after another. */
async function visits(gateway: Gateway, count: number): Promise<ReadonlySet<string>> {
  const exits = new Set<string>();
  for (let i = 0; i < count; i++) exits.add(await visit(gateway));
  return exits;
}

async function listExits(gateway: Gateway): Promise<readonly Listed[]> {
  const { stdout } = await gateway.command('exit', 'list', '--json');
  return JSON.parse(stdout);
}

/** Resolves when the snapshot is replaced the next time. */
async function nextSave({ folder }: Gateway): Promise<void> {
  const watcher = watch(join(folder, 'data'));
  const signal = AbortSignal.timeout(SAVED_WITHIN_MS);
  try {
    for (let name: unknown; name !== 'learned.snapshot'; ) [, name] = await once(watcher, 'change', { signal });
  } finally {
    watcher.close();
  }
}

/** Uses each exit, and lets the site refuse the fast one. Returns the ids of those that work. */
async function learn(t: ExecutionContext, gateway: Gateway): Promise<{ fast: string; slow: string }> {
  const fast = await visit(gateway, { parameters: 'country-us' });
  // The first of all is slow by itself.
  for (let i = 0; i < 4; i++) await visit(gateway, { parameters: 'country-us' });
  const slow = await visit(gateway, { parameters: 'country-de' });
  await visit(gateway, { parameters: 'country-fr' });
  t.deepEqual(await visits(gateway, 4), new Set([fast]), 'before it is refused');
  await visit(gateway, { path: '/refuse', parameters: 'country-us' });
  t.deepEqual(await visits(gateway, 4), new Set([slow]), 'afterwards');
  return { fast, slow };
}

/** What must be as it was, in a gateway that has just started. */
async function assertKnown(t: ExecutionContext, gateway: Gateway, before: readonly Listed[]) {
  for (const { id, country, live } of await listExits(gateway)) {
    const was = before.find((exit) => exit.id === id)!.live;
    t.is(live.failuresInRow, was.failuresInRow, country);
    if (country === 'fr') t.true(live.failuresInRow > 0);
    // On a busy machine so much time may have passed that it isn't shown any more.
    if (country === 'de') t.true([was.latencyMs, null].includes(live.latencyMs), `${live.latencyMs}`);
  }
}

test('latencies, failures and refusals outlive a kill and a stop', async (t) => {
  const first = await startThree();
  const { slow } = await learn(t, first);
  // The save that comes first may have begun before all was learned.
  for (let i = 0; i < 2; i++) {
    const saved = nextSave(first);
    await visit(first);
    await saved;
  }
  const before = await listExits(first);
  await first.kill({ keepFolder: true });
  const second = await first.startAgain();
  await assertKnown(t, second, before);
  t.deepEqual(await visits(second, 4), new Set([slow]), 'the fast one is refused for an hour');
  const later = await listExits(second);
  await second.terminate();
  const third = await second.startAgain();
  await assertKnown(t, third, later);
  t.deepEqual(await visits(third, 4), new Set([slow]));
  t.is(await third.stop(), 0);
});

test('a damaged snapshot is set aside with a warning, and the gateway starts without it', async (t) => {
  const first = await startThree();
  await visit(first, { parameters: 'country-fr' });
  await first.terminate();
  const data = join(first.folder, 'data');
  const path = join(data, 'learned.snapshot');
  const bytes = await readFile(path);
  await writeFile(path, bytes.with(bytes.length >> 1, bytes[bytes.length >> 1]! ^ 1));
  const second = await first.startAgain();
  await until(() => /not understood and not used: see learned\.snapshot\.bad/.test(second.output()), 'it is said');
  t.true((await readdir(data)).includes('learned.snapshot.bad'));
  for (const { live } of await listExits(second)) t.like(live, { latencyMs: null, failuresInRow: 0 });
  t.is(await second.stop(), 0);
});
