import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { LearnedStore } from '../../src/keeping/learned-store.ts';
import type { SnapshotSection } from '../../src/memory/snapshot.ts';

function makeFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'roundabout-learned-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** A process that has learned `value` (0…255), and at a start learns what the last one knew, and how long ago. */
function run(folder: string, { value = 0, version = 1, wallTime = 0, systemMs = 0, boot = '' } = {}) {
  const warnings: string[] = [];
  const back: number[][] = [];
  const section: SnapshotSection = {
    name: 'value',
    version,
    save: () => [new Uint8Array([value])],
    restore: ([part], elapsedMs) => {
      back.push([part?.[0] ?? -1, elapsedMs]);
      return true;
    },
  };
  const store = new LearnedStore({
    folder,
    sections: [section],
    takeLearned: () => false,
    moment: () => ({ wallTime, systemMs, boot }),
    warn: (line) => warnings.push(line),
  });
  return { store, warnings, back };
}

const pathIn = (folder: string) => join(folder, 'learned.snapshot');

test('what was learned comes back after a stop and after a kill, with the time that has passed', async (t) => {
  const folder = makeFolder(t);
  const first = run(folder, { value: 7, wallTime: 100 });
  first.store.restore();
  t.deepEqual(first.back, []);
  await first.store.save();
  const second = run(folder, { value: 8, wallTime: 350 });
  second.store.restore();
  t.deepEqual(second.back, [[7, 250]]);
  second.store.start();
  await second.store.stop();
  const third = run(folder, { wallTime: 300 });
  third.store.restore();
  t.deepEqual(third.back, [[8, 0]], 'a wall clock that was set back makes nothing younger');
  t.deepEqual(readdirSync(folder), ['learned.snapshot']);
  t.deepEqual([...first.warnings, ...second.warnings, ...third.warnings], []);
});

test('while the system runs on, no clock that was set makes what was learned older', async (t) => {
  const folder = makeFolder(t);
  const at = { systemMs: 1_000, boot: 'one' };
  await run(folder, { ...at, value: 7 }).store.save();
  for (const wallTime of [-3_600_000, 10 ** 11]) {
    const next = run(folder, { ...at, wallTime, systemMs: 1_400 });
    next.store.restore();
    t.deepEqual(next.back, [[7, 400]]);
  }
});

test('a snapshot of another version is set aside, and told of', async (t) => {
  const folder = makeFolder(t);
  await run(folder).store.save();
  const later = run(folder, { version: 2 });
  later.store.restore();
  t.deepEqual(later.back, []);
  t.regex(later.warnings.join(), /learned\.snapshot\.bad/);
  t.deepEqual(readdirSync(folder), ['learned.snapshot.bad']);
});

test('a snapshot that is damaged anywhere is set aside, never trusted, and stops nothing', async (t) => {
  const folder = makeFolder(t);
  await run(folder).store.save();
  const whole = new Uint8Array(readFileSync(pathIn(folder)));
  const isRefused = (bytes: Uint8Array) => {
    writeFileSync(pathIn(folder), bytes);
    const { store, back, warnings } = run(folder);
    store.restore();
    return back.length === 0 && warnings.length === 1 && !readdirSync(folder).includes('learned.snapshot');
  };
  for (const at of whole.keys()) {
    t.true(isRefused(whole.with(at, whole[at]! ^ 0x80)), `octet ${at}`);
    t.true(isRefused(whole.subarray(0, at)), `cut at ${at}`);
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => isRefused(bytes)),
    { numRuns: 50 },
  );
});

test('a folder that can be written no more is told of once', async (t) => {
  const folder = makeFolder(t);
  const { store, warnings } = run(folder, { value: 3 });
  rmSync(folder, { recursive: true });
  await store.save();
  await store.save();
  t.is(warnings.length, 1);
  mkdirSync(folder);
  await store.save();
  t.regex(warnings[1] ?? '', /saved again/);
  const next = run(folder);
  next.store.restore();
  t.deepEqual(next.back, [[3, 0]]);
});
