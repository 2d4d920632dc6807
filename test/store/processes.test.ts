import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { Clients } from '../../src/store/clients.ts';
import { openStore } from '../../src/store/database.ts';
import { loadSecretKey } from '../../src/store/secret-key.ts';
import { temporaryFolder } from './folder.ts';

const script = fileURLToPath(new URL('adding-process.ts', import.meta.url));

function startAdding(folder: string, prefix: string, count: number): ChildProcess {
  const stdio: ['ignore', 'pipe', 'inherit'] = ['ignore', 'pipe', 'inherit'];
  return spawn(process.execPath, [script, folder, prefix, String(count)], { stdio });
}

/** Everything the process said, until it ended by itself or was killed after `limit` lines. */
async function linesOf(child: ChildProcess, limit = Number.POSITIVE_INFINITY): Promise<string[]> {
  const ended = once(child, 'close');
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout! })) {
    lines.push(line);
    if (lines.length === limit) child.kill('SIGKILL');
  }
  await ended;
  return lines;
}

function namesIn(folder: string): string[] {
  const store = openStore(folder, { now: Date.now });
  const names = new Clients(store, loadSecretKey(folder)).listClients().map(({ name }) => name);
  store.close();
  return names;
}

test('what was acknowledged is there after kill -9', async (t) => {
  const folder = temporaryFolder(t);
  for (const [round, limit] of [1, 7, 20].entries()) {
    const acknowledged = await linesOf(startAdding(folder, `r${round}.`, 100_000), limit);
    t.true(acknowledged.length >= limit);
    const names = new Set(namesIn(folder));
    for (const name of acknowledged) t.true(names.has(name), name);
  }
});

test('several processes make one store and one key, and all their changes stand', async (t) => {
  const folder = join(temporaryFolder(t), 'data');
  const prefixes = ['a', 'b', 'c', 'd'];
  const said = await Promise.all(prefixes.map((prefix) => linesOf(startAdding(folder, prefix, 10))));
  t.deepEqual(
    said.flat().sort(),
    prefixes.flatMap((prefix) => Array.from({ length: 10 }, (_, i) => `${prefix}${i}`)).sort(),
  );
  t.is(namesIn(folder).length, 40);
  t.deepEqual(readdirSync(folder).sort(), ['roundabout.db', 'secret.key']);
});

test('a change by another process is noticed', async (t) => {
  const folder = temporaryFolder(t);
  const store = openStore(folder, { now: Date.now });
  t.teardown(() => store.close());
  const clients = new Clients(store, loadSecretKey(folder));
  const before = store.dataVersion();
  t.is(store.dataVersion(), before);
  await linesOf(startAdding(folder, 'x', 1));
  t.not(store.dataVersion(), before);
  t.deepEqual(
    clients.snapshotClients().map(({ name }) => name),
    ['x0'],
  );
});
