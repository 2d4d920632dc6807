import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import Sqlite from 'better-sqlite3';
import { connectVia, forwardVia } from '../support/clients.ts';
import { startHttpExit } from '../support/exits.ts';
import { farFromMidnight } from '../support/far-from-midnight.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { lostMs, startKillLoad } from '../support/kill-load.ts';
import { startOrigin } from '../support/origin.ts';
import { startRawOrigin } from '../support/raw-origin.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { until } from '../support/until.ts';

/** Twenty are asked for by hand. */
const ROUNDS = Number(process.env.QUOTA_KILLS ?? 3);
/** What a kill may lose, in ms of traffic. */
const MOST_LOST_MS = 2_000;

interface View {
  readonly name: string;
  readonly spent: number;
  readonly quota: number;
}

async function viewOf(gateway: Gateway, name: string): Promise<View> {
  const { stdout } = await gateway.command('quota', 'list', '--json');
  return (JSON.parse(stdout) as View[]).find((view) => view.name === name)!;
}

test.beforeEach(farFromMidnight);

test(`${ROUNDS} kills under load: no quota begins anew, and two seconds of traffic are lost at most`, async (t) => {
  t.timeout(600_000);
  const random = seededRandom(5);
  const origin = await startRawOrigin({ reply: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', end: 'open' });
  t.teardown(() => origin.close());
  let gateway = await startGateway({
    config: {
      workers: 2,
      accessLog: { enabled: false },
      limits: { quotas: ['requests=100000000/month', 'bytes=1TB/total', 'money=1000USD/month zone=Asia/Kathmandu'] },
    },
    pools: { direct: { price: { perGB: 1, perRequest: 0.00001 }, exits: [{ direct: true }] } },
  });
  // A machine that stands still lets the gateway save later, as late as it lets this process wake.
  const lateness = monitorEventLoopDelay({ resolution: 10 });
  lateness.enable();
  t.teardown(() => lateness.disable());
  let before = { requests: 0, bytes: 0, money: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    lateness.reset();
    const load = startKillLoad(gateway, origin.port);
    await sleep(500 + 1_500 * random());
    const killedAt = performance.now();
    const mostMs = MOST_LOST_MS + lateness.max / 1e6;
    await gateway.kill({ keepFolder: true });
    const { begun, ended } = await load.stop();
    const database = new Sqlite(join(gateway.folder, 'data', 'quotas.db'), { readonly: true });
    t.is(database.pragma('integrity_check', { simple: true }), 'ok');
    t.is(database.prepare('SELECT count(*) FROM quota WHERE spent < 0').pluck().get(), 0);
    database.close();
    gateway = await gateway.startAgain();
    const requests = (await viewOf(gateway, 'requests/month')).spent;
    const bytes = (await viewOf(gateway, 'bytes/total')).spent;
    const money = Number((await viewOf(gateway, 'money USD/month')).spent);
    const lost = before.requests + ended - requests;
    const ms = lostMs(load, { ended, lost, killedAt });
    t.log(`${ended} ended, ${lost} of them lost: what had ended within ${Math.round(ms)} ms before the kill`);
    t.true(requests <= before.requests + begun, 'none is counted twice');
    t.true(ms <= mostMs, `${ms} ms`);
    t.true(requests >= before.requests && bytes >= before.bytes && money >= before.money);
    before = { requests, bytes, money };
  }
  t.true(before.requests > 0 && before.bytes > 0 && before.money > 0);
  await gateway.stop();
});

async function scene(t: { teardown(end: () => unknown): void }, quotas: readonly string[], config: object = {}) {
  const origin = await startOrigin();
  t.teardown(origin.close);
  const exit = await startHttpExit();
  t.teardown(exit.close);
  const gateway = await startGateway({
    config: { workers: 2, limits: { quotas }, ...config },
    clients: { acme: [] },
    pools: { one: { exits: [{ url: exit.url }] } },
  });
  t.teardown(() => gateway.stop());
  const get = (path = '/bytes/1000') =>
    forwardVia(gateway.port(), `http://localhost:${origin.port}${path}`, { login: gateway.login('acme') });
  return { origin, gateway, get };
}

test('a quota that is raised by a reload holds at once, for what runs as well, and goes on from what was used', async (t) => {
  const { origin, gateway, get } = await scene(t, ['requests=3/day', 'bytes=1GB/day']);
  for (let i = 0; i < 2; i++) t.is((await get()).status, 200);
  const tunnel = await connectVia(gateway.port(), `localhost:${origin.port}`, { login: gateway.login('acme') });
  t.is((await get()).reason, 'quota_exceeded');
  const file = join(gateway.folder, 'roundabout.yaml');
  const text = await readFile(file, 'utf8');
  const reload = async (from: string, to: string) => {
    const done = gateway.output().split('are read again').length;
    await writeFile(file, (await readFile(file, 'utf8')).replace(from, to));
    gateway.signal('SIGHUP');
    await until(() => gateway.output().split('are read again').length > done, 'reloaded');
  };
  await reload('requests=3/day', 'requests=5/day');
  t.is((await viewOf(gateway, 'requests/day')).spent, 3);
  for (let i = 0; i < 2; i++) t.is((await get()).status, 200);
  t.is((await get()).reason, 'quota_exceeded');
  // It may be cut before the reload is told.
  const cut = new Promise((resolve) => tunnel.socket.on('error', () => {}).once('close', resolve));
  await reload('bytes=1GB/day', 'bytes=1kB/day');
  await cut;
  t.pass('what runs is cut by a quota that was lowered');
  const { stdout } = await gateway.command('quota', 'reset', 'acme', '--quota', 'requests/day', '--json');
  t.is(JSON.parse(stdout)[0].spent, 0);
  t.true((await viewOf(gateway, 'bytes/day')).spent > 1_000);
  await reload('bytes=1kB/day', 'bytes=1GB/day');
  t.is((await get()).status, 200);
  t.is(text.includes('requests=3/day'), true);
  const faulty = gateway.output().length;
  await writeFile(file, text.replace('requests=3/day', 'money=3EUR/day'));
  gateway.signal('SIGHUP');
  const refused =
    /reload refused.*\n.*roundabout\.yaml:\d+:\d+ limits\.quotas\[0\] money: no pool has a price; give it one/;
  await until(() => refused.test(gateway.output().slice(faulty)), 'refused, and why');
  t.pass();
});

test('while the store is locked traffic goes on and quotas hold; afterwards all of it is kept', async (t) => {
  // It doesn't take a ledger, either.
  const { gateway, get } = await scene(t, ['requests=20/day', 'bytes=1GB/day'], { ledger: { enabled: false } });
  t.is((await get()).status, 200);
  const database = new Sqlite(join(gateway.folder, 'data', 'quotas.db'));
  database.exec('BEGIN IMMEDIATE');
  for (let i = 1; i < 20; i++) t.is((await get()).status, 200);
  t.is((await get()).reason, 'quota_exceeded');
  await until(() => gateway.output().includes("quotas can't be kept now; the quotas hold all the same"), 'alarm');
  const health = JSON.parse((await gateway.command('health', '--json')).stdout);
  t.regex(health.quotas.fault, /SQLITE_BUSY/);
  t.is(health.status, 'degraded');
  database.exec('ROLLBACK');
  await until(() => gateway.output().includes('is kept again, and nothing of it was lost'), 'kept again');
  t.is(database.prepare("SELECT spent FROM quota WHERE name = 'requests/day'").pluck().get(), 20);
  t.true(Number(database.prepare("SELECT spent FROM quota WHERE name = 'bytes/day'").pluck().get()) > 20_000);
  database.close();
  await gateway.kill({ keepFolder: true });
  const again = await gateway.startAgain();
  t.is((await viewOf(again, 'requests/day')).spent, 20);
  await again.stop();
});

test('quotas are shown and reset on the files of a gateway that does not run, too', async (t) => {
  const { gateway, get } = await scene(t, ['requests=20/day', 'bytes=5MB/total kind=soft']);
  for (let i = 0; i < 3; i++) await get();
  await gateway.stop({ keepFolder: true });
  t.is((await viewOf(gateway, 'requests/day')).spent, 3);
  t.is((await gateway.command('quota', 'reset', 'acme', '--quota', 'requests/week')).code, 3);
  t.is((await gateway.command('quota', 'reset', 'acme')).code, 0);
  t.is((await viewOf(gateway, 'requests/day')).spent, 0);
  const table = (await gateway.command('quota')).stdout;
  t.regex(table, /acme\s+bytes\/total\s+soft\s+0 B\s+5\.00 MB\s+5\.00 MB\s+for ever/);
});
