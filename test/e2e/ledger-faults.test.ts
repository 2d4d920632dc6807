import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import Sqlite from 'better-sqlite3';
import type { Health } from '../../src/admin/health.ts';
import { forwardVia } from '../support/clients.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { run } from '../support/programs.ts';
import { startRawOrigin } from '../support/raw-origin.ts';
import { until } from '../support/until.ts';

// The ledger can't be written while the gateway runs: traffic goes on, an alarm shows, and nothing that was booked is lost.

const AT_ONCE = 8;

interface Scene {
  readonly gateway: Gateway;
  /** So many exchanges, all of which are served. */
  serve(count: number): Promise<void>;
  booked(): Promise<number>;
  health(): Promise<Pick<Health, 'status' | 'ledger'>>;
}

async function scene(t: ExecutionContext): Promise<Scene> {
  const origin = await startRawOrigin({ reply: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', end: 'open' });
  t.teardown(() => origin.close());
  const gateway = await startGateway({
    config: { workers: 2, accessLog: { enabled: false } },
    pools: { direct: { price: { perGB: 1 }, exits: [{ direct: true }] } },
  });
  t.teardown(() => gateway.stop());
  const one = async () => {
    const { status } = await forwardVia(gateway.port(), `http://127.0.0.1:${origin.port}/`, { login: gateway.login() });
    t.is(status, 200);
  };
  return {
    gateway,
    serve: async (count) => {
      for (let left = count; left > 0; left -= AT_ONCE)
        await Promise.all(Array.from({ length: Math.min(left, AT_ONCE) }, one));
    },
    booked: async () => {
      const { stdout } = await gateway.command('usage', '--by', 'kind', '--json');
      const { rows }: { rows: { kind: string; exchanges: number }[] } = JSON.parse(stdout);
      return rows.find(({ kind }) => kind === 'ok')?.exchanges ?? 0;
    },
    health: () => gateway.health(),
  };
}

const isFaulty = async ({ health }: Scene) => (await health()).ledger !== 'ok';
const isWell = async ({ health }: Scene) => (await health()).ledger === 'ok';

async function metric({ gateway }: Scene, name: string): Promise<number> {
  const page = await fetch(`http://127.0.0.1:${gateway.port('admin')}/metrics`);
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await page.text())?.[1]);
}

/** Until so many are booked: a look has all written but what a worker holds that is late. */
const areBooked = ({ booked }: Scene, exchanges: number) =>
  until(async () => (await booked()) === exchanges, `${exchanges} are booked`);

/** Until what was booked before can be read, once: a look at it is written beforehand. */
async function checkRecovery(t: ExecutionContext, faulty: Scene, exchanges: number): Promise<void> {
  await until(() => isWell(faulty), 'the ledger is written again');
  t.is((await faulty.health()).status, 'ok');
  await areBooked(faulty, exchanges);
  t.is(await metric(faulty, 'roundabout_ledger_writable'), 1);
  t.is(await metric(faulty, 'roundabout_ledger_lost_lines_total'), 0);
  await until(
    () => faulty.gateway.output().includes('the ledger is written again, and nothing of it was lost'),
    'it is said',
  );
  const database = new Sqlite(join(faulty.gateway.folder, 'data', 'ledger.db'), { readonly: true });
  t.is(database.pragma('integrity_check', { simple: true }), 'ok');
  database.close();
}

test.serial('another program holds the lock of the ledger for long', async (t) => {
  const running = await scene(t);
  await running.serve(20);
  await areBooked(running, 20);
  const other = new Sqlite(join(running.gateway.folder, 'data', 'ledger.db'));
  other.exec('BEGIN EXCLUSIVE');
  await running.serve(40);
  await until(() => isFaulty(running), 'an alarm');
  t.like(await running.health(), { status: 'degraded', ledger: { waiting: 1 } });
  const shown = await running.gateway.command('health');
  t.is(shown.code, 0, 'it serves');
  t.regex(shown.stderr, /the ledger can't be written, 1 booking in memory: another process is writing/);
  const alarm = "the ledger can't be written, bookings wait in memory: another process is writing";
  await until(() => running.gateway.output().includes(alarm), 'it is said');
  t.is(await metric(running, 'roundabout_ledger_writable'), 0);
  await running.serve(40);
  t.is(await running.booked(), 20, 'what was written before can be read');
  other.exec('COMMIT');
  other.close();
  await checkRecovery(t, running, 100);
});

test.serial('no file of the gateway can grow any more', async (t) => {
  const running = await scene(t);
  await running.serve(20);
  await areBooked(running, 20);
  const mayGrow = async (most: string) => {
    const { code, stderr } = await run('prlimit', ['--pid', `${running.gateway.pid}`, `--fsize=${most}:unlimited`]);
    t.is(code, 0, stderr);
  };
  await mayGrow('4096');
  await running.serve(40);
  await until(() => isFaulty(running), 'an alarm');
  t.is((await running.health()).status, 'degraded');
  await running.serve(40);
  t.true((await metric(running, 'roundabout_ledger_failed_writes_total')) > 0);
  await mayGrow('unlimited');
  await checkRecovery(t, running, 100);
});
