import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { decodeLeases } from '../../src/memory/lease-codec.ts';
import { FrameKind, readFrames } from '../../src/memory/snapshot.ts';
import { type FoundLog, LeaseLog } from '../../src/store/lease-log.ts';
import { forwardVia } from '../support/clients.ts';
import { type Exit, startHttpExit } from '../support/exits.ts';
import { type Gateway, type GatewayOptions, startGateway } from '../support/gateway.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { until } from '../support/until.ts';
import { startVendorGateway, type Understood } from '../support/vendor-gateway.ts';

let origin: Origin;
let exits: readonly Exit[];

test.before(async () => {
  origin = await startOrigin();
  exits = await Promise.all(Array.from({ length: 8 }, () => startHttpExit()));
});

test.after.always(async () => {
  await Promise.all([origin, ...(exits ?? [])].map((peer) => peer?.close()));
});

const placed = (country: string) => (exit: Exit, i: number) => ({ url: exit.url, country, asn: 64_500 + (i % 2) });
const start = (env: NodeJS.ProcessEnv = {}, pools: GatewayOptions['pools'] = {}) =>
  startGateway({
    env,
    pools: { res: { exits: [...exits.slice(0, 4).map(placed('de')), ...exits.slice(4).map(placed('us'))] }, ...pools },
  });

/** The exit that served a request of this session, or the kind of the failure. */
async function exitOf(gateway: Gateway, parameters: string): Promise<string> {
  const answer = await forwardVia(gateway.port(), `${origin.url}/echo`, { login: gateway.login('tester', parameters) });
  return answer.status === 200 ? String(answer.headers['roundabout-exit']).split(';')[0]! : answer.reason;
}

const sessions = [
  ...Array.from({ length: 20 }, (_, i) => `session-s${i}`),
  ...Array.from({ length: 20 }, (_, i) => `session-t${i}-strict-1-ttl-10m`),
];
const exitsOf = (gateway: Gateway, names = sessions) => Promise.all(names.map((name) => exitOf(gateway, name)));

/** How many sessions the logs in the data folder know with an exit. */
function leasesIn(folder: string): number {
  const frames = logsIn(folder).flatMap(({ content }) => readFrames(content).frames);
  const now = { wallTime: Date.now(), systemMs: 0, boot: '' };
  const batches = frames.filter(({ kind }) => kind === FrameKind.part);
  const changes = batches.flatMap(({ payload }) => decodeLeases(payload, { boot: '', now }) ?? []);
  return new Set(changes.filter(({ exit }) => exit !== null).map(({ key }) => key.join())).size;
}

/** None where one has gone while they were read, as after the snapshot of the start. */
function logsIn(folder: string): readonly FoundLog[] {
  try {
    return new LeaseLog(folder).found();
  } catch {
    return [];
  }
}

const snapshotOf = ({ folder }: Gateway) => join(folder, 'data', 'leases.snapshot');

/** The first snapshot is written while requests are served already. A kill before it stands is one that not all came back from. */
const firstSave = (gateway: Gateway) => until(() => existsSync(snapshotOf(gateway)), 'the first snapshot stands');

test.serial('sessions hold their exits over a kill and over a stop', async (t) => {
  const first = await start();
  const held = await exitsOf(first);
  t.true(new Set(held).size > 3);
  await firstSave(first);
  await until(() => leasesIn(join(first.folder, 'data')) === sessions.length, 'all are in the log');
  await first.kill({ keepFolder: true });
  const second = await first.startAgain();
  t.deepEqual(await exitsOf(second), held);
  await second.terminate();
  const third = await second.startAgain();
  t.deepEqual(await exitsOf(third), held);
  t.is(await third.stop(), 0);
});

test.serial('sessions hold their exits over kills while the clock is set, those with a vendor as well', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'clock-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const file = join(folder, 'offset');
  await writeFile(file, '0');
  const shifted = new URL('../support/shifted-clock.ts', import.meta.url).href;
  const vendor = await startVendorGateway();
  t.teardown(vendor.close);
  const account = { vendor: 'oxylabs', username: 'acme', password: 'secret', endpoint: vendor.address };
  const slots = { probe: { budget: 0 }, exits: [{ ...account, slots: 4, lifetime: '1h' }] };
  let gateway = await start({ NODE_OPTIONS: `--import=${shifted}`, CLOCK_FILE: file }, { slots });
  const mintedFor = async () => {
    const login = gateway.login('tester', 'pool-slots-session-v-strict-1');
    const { status, reason, content } = await forwardVia(gateway.port(), 'http://shop.example/', { login });
    return status === 200 ? (JSON.parse(content.toString()) as Understood).session : reason;
  };
  const held = await exitsOf(gateway);
  const minted = await mintedFor();
  await firstSave(gateway);
  await until(() => leasesIn(join(gateway.folder, 'data')) === sessions.length + 1, 'all are in the log');
  for (const offset of [86_400_000, -3_600_000]) {
    await gateway.kill({ keepFolder: true });
    await writeFile(file, String(offset));
    gateway = await gateway.startAgain();
    t.deepEqual(await exitsOf(gateway), held, `set by ${offset} ms`);
    t.is(await mintedFor(), minted, `set by ${offset} ms`);
  }
  t.is(await gateway.stop(), 0);
});

test.serial('a strict session is known even where the kill follows its first answer at once', async (t) => {
  const first = await start();
  await firstSave(first);
  const held = await exitOf(first, 'session-now-strict-1');
  await first.kill({ keepFolder: true });
  const second = await first.startAgain();
  t.is(await exitOf(second, 'session-now-strict-1'), held);
  t.not(await exitOf(second, 'session-fresh-strict-1'), 'session_lost');
  t.is(await second.stop(), 0);
});

test.serial(
  'after a crash from which not all came back, an unknown strict session is lost while it could still run',
  async (t) => {
    const first = await start();
    const strict = 'session-gone-strict-1-ttl-5s';
    await firstSave(first);
    t.not(await exitOf(first, strict), 'session_lost');
    await first.kill({ keepFolder: true });
    const octets = await readFile(snapshotOf(first));
    await writeFile(snapshotOf(first), octets.subarray(1));
    const second = await first.startAgain();
    await until(() => second.output().includes('leases.snapshot.bad'), 'it is said');
    t.is(await exitOf(second, 'session-other-strict-1'), 'session_lost');
    t.not(await exitOf(second, 'session-other'), 'session_lost');
    t.is(await second.stop(), 0);
  },
);

test.serial('a session whose exit is gone moves within its country and network; a strict one is lost', async (t) => {
  const first = await start();
  const strict = 'session-a-strict-1-country-de-asn-64500';
  const moving = 'session-b-country-de-asn-64500';
  const held = await exitOf(first, moving);
  const pinned = await exitOf(first, `${strict}-exit-${held}`);
  t.is(pinned, held);
  const listed = JSON.parse((await first.command('exit', 'list', '--json')).stdout) as {
    id: string;
    endpoint: string;
    country: string;
    asn: string;
  }[];
  await first.terminate();
  const gone = listed.find(({ id }) => id === held)!;
  const path = join(first.folder, 'pools', 'res.yaml');
  const pool = JSON.parse(await readFile(path, 'utf8')) as { exits: { url: string }[] };
  pool.exits = pool.exits.filter(({ url }) => !url.startsWith(gone.endpoint));
  await writeFile(path, JSON.stringify(pool));
  const second = await first.startAgain();
  t.is(await exitOf(second, 'session-a-strict-1'), 'session_lost');
  const moved = await exitOf(second, 'session-b');
  t.not(moved, held);
  t.like(
    listed.find(({ id }) => id === moved),
    { country: 'de', asn: gone.asn },
  );
  t.is(await second.stop(), 0);
});
