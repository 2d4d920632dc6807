import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { run } from '../support/programs.ts';
import { makeProject } from './project.ts';

const command = fileURLToPath(new URL('measured-command.ts', import.meta.url));

/** A heap in which a million lines, however they are held, don't fit. */
const HEAP_MIB = 64;

/** What may come of a million exits beside the heap: 32 MiB of digests, and what they are when they grow. */
const GROWTH_MIB = 160;

function writeLines(path: string, count: number): void {
  const file = openSync(path, 'w');
  let lines = '';
  for (let i = 0; i < count; i += 1) {
    lines += `${20 + (i >> 20)}.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}:8080:user${i % 1000}:secret${i}\n`;
    if (lines.length < 1_000_000 && i < count - 1) continue;
    writeSync(file, lines);
    lines = '';
  }
  closeSync(file);
}

test('a million lines are imported without being held', async (t) => {
  t.timeout(600_000);
  const { folder } = makeProject(t, { 'pools/res.yaml': 'pool: res\nexits: []\n' });
  const held: number[] = [];
  for (const count of [10_000, 1_000_000]) {
    writeLines(join(folder, 'lines.txt'), count);
    const args = [`--max-old-space-size=${HEAP_MIB}`, command, 'pool', 'import', 'res', 'lines.txt', '--yes', '--json'];
    const ended = await run(process.execPath, args, { cwd: folder, timeoutMs: 600_000 });
    t.is(ended.code, 0, ended.stderr);
    t.is(JSON.parse(ended.stdout).added, count === 10_000 ? count : count - 10_000);
    held.push(JSON.parse(ended.stderr.trim().split('\n').at(-1) ?? '').maxRssKiB / 1024);
  }
  const [few = 0, many = 0] = held;
  t.true(many - few < GROWTH_MIB, `${Math.round(few)} MiB for 10,000 lines, ${Math.round(many)} MiB for 1,000,000`);
  const list = readFileSync(join(folder, 'pools/lists/res.txt'), 'latin1');
  t.is(list.match(/^http:/gm)?.length, 1_000_000);
});
