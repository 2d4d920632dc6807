import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { LeaseStore } from '../../src/keeping/lease-store.ts';
import { pinnedWriter } from '../../src/threads/lease-memory.ts';
import { exitIn, keyOf, type Leases, makeLeases, termsOf } from '../memory/lease-words.ts';

const [a, b, c] = ['a', 'b', 'c'].map(keyOf) as [never, never, never];
const here = { slot: 3, generation: 1 };

function makeFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'roundabout-leases-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

interface Run extends Leases {
  readonly store: LeaseStore;
  readonly warnings: string[];
}

/** One process on the folder: its exits are those of `places`, and its clocks show `now`, and `wallTime`. */
function run(
  folder: string,
  {
    now = 0,
    wallTime,
    boot = 'one',
    places = { aaaaabbbbb: 3 },
  }: { now?: number; wallTime?: number; boot?: string; places?: Record<string, number> } = {},
): Run {
  const moment = { wallTime: wallTime ?? now, systemMs: now, boot };
  const warnings: string[] = [];
  const leases: Leases = makeLeases({
    notesChanges: true,
    onPinned: (entry, at) => pinnedWriter(leases, () => moment.wallTime)(entry, at),
  });
  const store = new LeaseStore({
    folder,
    leases,
    placeOf: (exit) => (places[exit] === undefined ? null : { slot: places[exit]!, generation: 4 }),
    moment: () => moment,
    warn: (line) => warnings.push(line),
  });
  return { ...leases, store, warnings };
}

/** One that has begun to keep what changes, behind a snapshot. */
async function runSaved(folder: string): Promise<Run> {
  const first = run(folder);
  first.store.start();
  await first.store.save();
  return first;
}

test('leases come back after a stop, attached to where their exits are now', async (t) => {
  const folder = makeFolder(t);
  const first = run(folder);
  t.deepEqual(first.store.restore(), { count: 0, complete: true });
  first.store.start();
  first.table.create(a, termsOf({ ttlMs: 1_000, strict: true }), 0);
  first.table.confirm(a, here, 0);
  first.table.create(b, termsOf({ ttlMs: 10 }), 0);
  first.table.create(c, termsOf(exitIn(9)), 0);
  await first.store.stop();
  t.deepEqual(readdirSync(folder), ['leases.snapshot']);
  const second = run(folder, { now: 400, boot: 'two', places: { aaaaabbbbb: 7 } });
  t.deepEqual(second.store.restore(), { count: 2, complete: true });
  t.like(second.table.find(a, 400), { slot: 7, generation: 4, endsInMs: 600, strict: true, confirmed: true, mint: 7 });
  t.is(second.table.find(b, 400), undefined);
  t.like(second.table.find(c, 400), { slot: -1, generation: 0, country: 'de', asn: 64_500 });
});

test('what changed since the snapshot comes back after a kill', async (t) => {
  const folder = makeFolder(t);
  const first = run(folder);
  first.store.start();
  for (const key of [a, b, c]) first.table.create(key, termsOf(), 0);
  await first.store.save();
  first.table.move(a, { from: here, to: exitIn(4) }, 0);
  first.table.confirm(a, { slot: 4, generation: 1 }, 0);
  first.table.remove(b, 0);
  first.store.append();
  const second = run(folder, { places: { exiteaaaaa: 4 } });
  t.deepEqual(second.store.restore(), { count: 2, complete: true });
  t.like(second.table.find(a, 0), { slot: 4, confirmed: true, moves: 1 });
  t.is(second.table.find(b, 0), undefined);
  await first.store.stop();
});

for (const jump of [-3_600_000, 86_400_000])
  test(`a wall clock that is set by ${jump} ms takes no session away and lengthens none`, async (t) => {
    const folder = makeFolder(t);
    const first = run(folder, { wallTime: 10 ** 12 });
    first.store.start();
    first.table.create(a, termsOf({ ttlMs: 1_000 }), 0);
    await first.store.save();
    first.table.create(b, termsOf({ idleMs: 1_000 }), 0);
    first.store.append();
    first.table.create(c, termsOf({ ttlMs: 1_000, strict: true }), 0);
    first.table.confirm(c, here, 0);
    const later = (now: number) => run(folder, { now, wallTime: 10 ** 12 + jump + now });
    const second = later(400);
    t.deepEqual(second.store.restore(), { count: 3, complete: true });
    t.like(second.table.find(a, 400), { ageMs: 400, endsInMs: 600 });
    t.like(second.table.find(b, 400), { restedMs: 400 });
    t.like(second.table.find(c, 400), { endsInMs: 600, strict: true });
    t.deepEqual(later(1_000).store.restore(), { count: 0, complete: true });
    await first.store.stop();
  });

test('a log of another version is told of, and nothing of it used', async (t) => {
  const folder = makeFolder(t);
  const first = await runSaved(folder);
  first.table.create(a, termsOf(), 0);
  first.store.append();
  const name = readdirSync(folder).find((name) => name.endsWith('.log'))!;
  const log = readFileSync(join(folder, name));
  // Those of the first version begin with their first batch.
  writeFileSync(join(folder, name), log.subarray(9 + log.readUInt32LE(0)));
  const second = run(folder);
  t.deepEqual(second.store.restore(), { count: 0, complete: false });
  t.regex(second.warnings.join(), /of another version/);
  await first.store.stop();
});

test('a strict session is kept before its confirmation returns', (t) => {
  const folder = makeFolder(t);
  const first = run(folder);
  first.store.start();
  first.table.create(a, termsOf({ strict: true }), 0);
  first.table.confirm(a, here, 0);
  const second = run(folder);
  t.like(second.store.restore(), { count: 1 });
  t.like(second.table.find(a, 0), { slot: 3, strict: true, confirmed: true });
  return first.store.stop();
});

const logsIn = (folder: string) =>
  readdirSync(folder).filter((name) => name.startsWith('leases.') && name.includes('.log'));

/** Nothing can be written there until it is made away with. */
function blockSnapshot(folder: string): () => void {
  const draft = join(folder, 'leases.snapshot.new');
  mkdirSync(draft);
  return () => rmSync(draft, { recursive: true });
}

test('while no snapshot can be written its log goes on, and nothing is missing', async (t) => {
  const folder = makeFolder(t);
  const first = await runSaved(folder);
  const unblock = blockSnapshot(folder);
  const keys = Array.from({ length: 20 }, (_, i) => keyOf(`session ${i}`));
  for (const key of keys) {
    first.table.create(key, termsOf(), 0);
    await first.store.save();
  }
  t.is(logsIn(folder).length, 2);
  t.deepEqual(run(folder).store.restore(), { count: 20, complete: true });
  unblock();
  first.table.remove(keys[0]!, 0);
  await first.store.save();
  t.is(logsIn(folder).length, 1);
  t.is(first.warnings.length, 2);
  first.table.remove(keys[1]!, 0);
  first.store.append();
  t.deepEqual(run(folder).store.restore(), { count: 18, complete: true });
  await first.store.stop();
});

test('while no log can be written either there are no more of them', async (t) => {
  const folder = makeFolder(t);
  const first = await runSaved(folder);
  const unblock = blockSnapshot(folder);
  for (let tries = 0; tries < 20; tries++) {
    // As by a write that fails.
    first.words.store(first.layout.logBroken, 1);
    first.store.append();
    await first.store.save();
  }
  t.true(logsIn(folder).length <= 3, logsIn(folder).join());
  first.words.store(first.layout.logBroken, 1);
  first.store.append();
  t.false(run(folder).store.restore().complete);
  unblock();
  first.table.create(a, termsOf(), 0);
  await first.store.save();
  t.is(logsIn(folder).length, 1);
  t.deepEqual(run(folder).store.restore(), { count: 1, complete: true });
  await first.store.stop();
});

test('what could not be written at a stop, or before a snapshot that fails, is known to be missing', async (t) => {
  for (const end of ['stop', 'save'] as const) {
    const folder = makeFolder(t);
    const first = await runSaved(folder);
    const unblock = blockSnapshot(folder);
    first.table.create(a, termsOf({ strict: true }), 0);
    // As by a write that fails.
    first.words.store(first.layout.logBroken, 1);
    await first.store[end]();
    t.false(run(folder).store.restore().complete, end);
    unblock();
    if (end === 'save') await first.store.stop();
  }
});

test('the end of a log may be cut', async (t) => {
  const folder = makeFolder(t);
  const first = await runSaved(folder);
  first.table.create(a, termsOf(), 0);
  first.store.append();
  const log = readdirSync(folder).find((name) => name.endsWith('.log'))!;
  appendFileSync(join(folder, log), Buffer.from([40, 0, 0, 0, 1, 2]));
  t.deepEqual(run(folder).store.restore(), { count: 1, complete: true });
  await first.store.stop();
});

test('where the system started anew, or a snapshot is damaged, sessions may be missing', async (t) => {
  const folder = makeFolder(t);
  const first = await runSaved(folder);
  t.true(run(folder).store.restore().complete);
  t.false(run(folder, { boot: 'two' }).store.restore().complete);
  t.false(run(folder, { boot: '' }).store.restore().complete);
  await first.store.stop();
  t.true(run(folder, { boot: 'two' }).store.restore().complete);
  const path = join(folder, 'leases.snapshot');
  const bytes = readFileSync(path);
  bytes[20]! ^= 1;
  writeFileSync(path, bytes);
  const second = run(folder);
  t.deepEqual(second.store.restore(), { count: 0, complete: false });
  t.regex(second.warnings.join(), /leases\.snapshot\.bad/);
  t.deepEqual(readdirSync(folder), ['leases.snapshot.bad']);
});

test('a log to which something could not be appended is known by its name, until a snapshot stands', async (t) => {
  const folder = makeFolder(t);
  const first = await runSaved(folder);
  first.words.store(first.layout.logBroken, 1);
  first.store.append();
  t.false(run(folder).store.restore().complete);
  await first.store.save();
  t.true(run(folder).store.restore().complete);
  t.deepEqual(first.warnings, []);
  await first.store.stop();
});

test('a folder that can be written no more is told of once', async (t) => {
  const folder = makeFolder(t);
  const first = await runSaved(folder);
  rmSync(folder, { recursive: true });
  await first.store.save();
  await first.store.save();
  t.is(first.warnings.length, 1);
  mkdirSync(folder);
  await first.store.save();
  t.regex(first.warnings[1] ?? '', /saved again/);
  await first.store.stop();
  t.true(run(folder).store.restore().complete);
});
