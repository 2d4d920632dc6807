import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { startHttpExit } from '../support/exits.ts';
import { startGateway } from '../support/gateway.ts';
import { mmdbOf } from '../support/mmdb.ts';
import { startRawOrigin } from '../support/raw-origin.ts';
import { until } from '../support/until.ts';

interface Listed {
  readonly id: string;
  readonly pool: string;
  readonly seen: { readonly address: string; readonly country: string | null; readonly mismatch: string | null } | null;
}

test("an exit that isn't where its pool says is told of", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'roundabout-mmdb-'));
  const database = join(folder, 'country.mmdb');
  writeFileSync(database, mmdbOf({ '192.0.2.0/24': { country: { iso_code: 'DE' } } }));
  const told = '{"ip":"192.0.2.7"}';
  const target = await startRawOrigin({
    reply: `HTTP/1.1 200 OK\r\nContent-Length: ${told.length}\r\n\r\n${told}`,
    end: 'open',
  });
  const exits = await Promise.all([startHttpExit(), startHttpExit()]);
  const pool = (index: number, country: string) => ({
    country,
    probe: { every: '2s', targets: [{ url: `http://127.0.0.1:${target.port}/ip` }] },
    exits: [{ url: `http://127.0.0.1:${exits[index]!.port}` }],
  });
  const gateway = await startGateway({
    config: { geo: { mmdb: [database] } },
    pools: { wrong: pool(0, 'us'), right: pool(1, 'de') },
  });
  t.teardown(async () => {
    await gateway.stop();
    await Promise.all([target, ...exits].map((peer) => peer.close()));
    rmSync(folder, { recursive: true });
  });
  const list = async (...options: string[]): Promise<readonly Listed[]> =>
    JSON.parse((await gateway.command('exit', 'list', '--json', ...options)).stdout);
  const areSeen = (all: readonly Listed[]) => all.length === 2 && all.every(({ seen }) => seen != null);
  await until(async () => areSeen(await list()), 'both are seen');
  const all = await list();
  t.like(all.find((exit) => exit.pool === 'right')?.seen, { address: '192.0.2.7', country: 'de', mismatch: null });
  const [only, second] = await list('--mismatch');
  t.is(second, undefined);
  t.is(only?.pool, 'wrong');
  t.is(only?.seen?.mismatch, 'claimed us, seen de');
  const shown = await gateway.command('exit', 'list', '--mismatch');
  t.regex(shown.stdout, /claimed us, seen de/);
  const detail = await gateway.command('exit', 'show', String(only?.id));
  t.regex(detail.stdout, /^seen +.*claimed us, seen de/m);
  t.regex(detail.stdout, /^address +192\.0\.2\.7$/m);
});
