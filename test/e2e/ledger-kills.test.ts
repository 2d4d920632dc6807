import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import Sqlite from 'better-sqlite3';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { lostMs, startKillLoad } from '../support/kill-load.ts';
import { seededRandom } from '../support/peers.ts';
import { startRawOrigin } from '../support/raw-origin.ts';

/** Twenty are asked for by hand. */
const ROUNDS = Number(process.env.LEDGER_KILLS ?? 3);

/** Workers post every 500 ms and the control thread writes as often; a busy machine may take longer. */
const MOST_LOST_MS = 5 * 1_000;

test(`${ROUNDS} kills under load: what was written stays, to the exchange, and the ledger is sound`, async (t) => {
  t.timeout(600_000);
  const random = seededRandom(11);
  const origin = await startRawOrigin({ reply: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', end: 'open' });
  t.teardown(() => origin.close());
  let gateway = await startGateway({
    config: { workers: 2, accessLog: { enabled: false } },
    pools: { direct: { price: { perGB: 1 }, exits: [{ direct: true }] } },
  });
  const booked: number[] = [];
  let before = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const load = startKillLoad(gateway, origin.port);
    await sleep(300 + 700 * random());
    const ended = load.ended();
    const written = await exchangesOf(gateway);
    t.true(written >= before + ended, `${written} of ${before} + ${ended}`);
    await sleep(1_500 * random());
    const killedAt = performance.now();
    await gateway.kill({ keepFolder: true });
    const { begun, ended: all } = await load.stop();
    gateway = await gateway.startAgain();
    const kept = await exchangesOf(gateway);
    t.true(kept >= written && kept <= before + begun, `${before}: ${written} <= ${kept} <= ${before + begun}`);
    const lost = Math.max(0, before + all - kept);
    const ms = lostMs(load, { ended: all, lost, killedAt });
    t.true(ms <= MOST_LOST_MS, `${ms} ms`);
    t.log(`${all} ended, ${lost} of them lost: what had ended within ${Math.round(ms)} ms before the kill`);
    checkSoundness(t.deepEqual, gateway.folder);
    booked.push(kept);
    before = kept;
  }
  t.true(before > 0);
  await gateway.stop();
});

async function exchangesOf(gateway: Gateway): Promise<number> {
  const ended = await gateway.command('usage', '--by', 'kind', '--json');
  const { rows }: { rows: { kind: string; exchanges: number }[] } = JSON.parse(ended.stdout);
  return rows.find(({ kind }) => kind === 'ok')?.exchanges ?? 0;
}

/** Nothing is damaged or negative, and the tables agree with each other. */
function checkSoundness(agree: (actual: unknown, expected: unknown) => void, folder: string): void {
  const database = new Sqlite(join(folder, 'data', 'ledger.db'), { readonly: true });
  agree(database.pragma('integrity_check', { simple: true }), 'ok');
  const sums = ['hour_total', 'hour_pair', 'day_site'].map((table) => {
    const negative = 'min(min(exchanges, attempts, requests, sent, received, ms)) < 0';
    return database
      .prepare(
        `SELECT count(DISTINCT at / 24) AS days, ${negative} AS negative, sum(exchanges) AS exchanges, sum(sent) AS sent FROM ${table}`,
      )
      .get();
  });
  agree(sums[1], sums[0]);
  agree(sums[2], sums[0]);
  agree((sums[0] as { negative: number }).negative, 0);
  database.close();
  const store = new Sqlite(join(folder, 'data', 'roundabout.db'), { readonly: true });
  agree(store.pragma('integrity_check', { simple: true }), 'ok');
  store.close();
}
