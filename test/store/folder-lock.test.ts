import { readdirSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { lockFolder } from '../../src/store/folder-lock.ts';
import { StoreError } from '../../src/store/store-error.ts';
import { run } from '../support/programs.ts';

const holder = fileURLToPath(new URL('../../src/store/folder-lock.ts', import.meta.url));

test('a folder is held by one process at a time, and the second is told the pid of the first', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'roundabout-lock-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const lock = lockFolder(folder, process.pid);
  const other = `const { lockFolder } = await import(${JSON.stringify(holder)});
    try { lockFolder(${JSON.stringify(folder)}, process.pid); } catch (error) { console.log(error.code, error.message); }`;
  const refused = await run(process.execPath, ['--input-type=module', '-e', other]);
  t.regex(refused.stdout, new RegExp(`^in_use another gateway \\(pid ${process.pid}\\) uses `));
  t.throws(() => lockFolder(folder, process.pid), { instanceOf: StoreError });
  t.regex((await run(process.execPath, ['--input-type=module', '-e', other])).stdout, /^in_use /, 'and still is');
  for (const file of readdirSync(folder)) t.is(statSync(join(folder, file)).mode & 0o777, 0o600, file);
  lock.release();
  lockFolder(folder, process.pid).release();
});

test('a lock ends with its process, however that ends', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'roundabout-lock-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const dying = `const { lockFolder } = await import(${JSON.stringify(holder)});
    lockFolder(${JSON.stringify(folder)}, process.pid); process.kill(process.pid, 'SIGKILL');`;
  t.is((await run(process.execPath, ['--input-type=module', '-e', dying])).signal, 'SIGKILL');
  t.notThrows(() => lockFolder(folder, process.pid).release());
});
