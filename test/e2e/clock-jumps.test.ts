import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import Sqlite from 'better-sqlite3';
import { forwardVia } from '../support/clients.ts';
import { startGateway } from '../support/gateway.ts';
import { startOrigin } from '../support/origin.ts';
import { until } from '../support/until.ts';

const HOUR_MS = 3_600_000;
/** A time zone in which no day ends for hours. */
function zoneOfNoon(): string {
  const eastOf = 12 - new Date().getUTCHours();
  return `Etc/GMT${eastOf > 0 ? '-' : '+'}${Math.abs(eastOf)}`;
}

const shifted = new URL('../support/shifted-clock.ts', import.meta.url).href;

test('a wall clock that jumps neither opens a limit nor freezes one, and everything is booked', async (t) => {
  t.timeout(300_000);
  const origin = await startOrigin();
  t.teardown(origin.close);
  const folder = await mkdtemp(join(tmpdir(), 'clock-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const file = join(folder, 'offset');
  await writeFile(file, '0');
  const gateway = await startGateway({
    config: { workers: 2, limits: { sites: ['site=127.0.0.1 requests=4/s burst=1'] } },
    clients: {
      spent: ['--limit', 'requests=1/h burst=3'],
      slow: ['--limit', 'bandwidth=100kB/s'],
      fast: ['--limit', 'requests=100/s burst=100'],
      daily: ['--quota', `requests=3/day zone=${zoneOfNoon()}`],
      whole: ['--quota', 'requests=3/total'],
    },
    pools: { direct: { exits: [{ direct: true }] } },
    env: { NODE_OPTIONS: `--import=${shifted}`, CLOCK_FILE: file },
  });
  t.teardown(gateway.stop);
  let served = 0;
  const get = async (client: string, host = 'localhost', octets = 10) => {
    const url = `http://${host}:${origin.port}/bytes/${octets}`;
    const { status } = await forwardVia(gateway.port(), url, { login: gateway.login(client) });
    if (status === 200) served += 1;
    return status;
  };
  for (const client of ['spent', 'daily', 'whole'])
    for (let taken = 0; taken < 3; taken++) t.is(await get(client), 200, client);
  let days = 1;
  for (const offset of [0, -HOUR_MS, 24 * HOUR_MS, 0, 24 * HOUR_MS]) {
    await writeFile(file, String(offset));
    t.is(await get('spent'), 429, 'what is used up stays so');
    t.is(await get('whole'), 402, 'a quota as well');
    // Another day has requests of its own, once.
    const isNewDay = offset === 24 * HOUR_MS && days++ === 1;
    for (let taken = 0; taken < 3; taken++) t.is(await get('daily'), isNewDay ? 200 : 402, `daily at ${offset}`);
    t.is(await get('daily'), 402);
    for (let taken = 0; taken < 5; taken++) t.is(await get('fast'), 200, 'what is left may be used');
    const paced = performance.now();
    for (let taken = 0; taken < 3; taken++) t.is(await get('fast', '127.0.0.1'), 200);
    const pacedMs = performance.now() - paced;
    t.true(pacedMs >= 490 && pacedMs < 10 * 750, `paced: ${pacedMs} ms`);
    const flowing = performance.now();
    t.is(await get('slow', 'localhost', 70_000), 200);
    const flowingMs = performance.now() - flowing;
    t.true(flowingMs >= 490 && flowingMs < 10 * 700, `bandwidth: ${flowingMs} ms`);
  }
  // In whichever hours the clock showed; a look at the ledger has all of it written but what a worker holds that is late.
  const database = new Sqlite(join(gateway.folder, 'data', 'ledger.db'), { readonly: true });
  t.teardown(() => database.close());
  const text = "SELECT sum(exchanges) FROM hour_total WHERE kind = (SELECT id FROM name WHERE text = 'ok')";
  const sum = database.prepare(text).pluck();
  await until(async () => {
    t.is((await gateway.command('usage')).code, 0);
    return sum.get() === served;
  }, `${served} are booked`);
});
