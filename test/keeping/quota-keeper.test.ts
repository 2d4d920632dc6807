import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import Sqlite from 'better-sqlite3';
import { QuotaKeeper } from '../../src/keeping/quota-keeper.ts';
import { createLimitMemory } from '../../src/policy/limit-counts.ts';
import { ClientQuotas, type Quota } from '../../src/policy/quota-book.ts';
import { type AccountName, QuotaCounts } from '../../src/policy/quota-counts.ts';
import { parseQuotaRule } from '../../src/protocol/quota-rule.ts';
import { QuotaStore } from '../../src/store/quota-store.ts';
import { StoreError } from '../../src/store/store-error.ts';
import { temporaryFolder } from '../store/folder.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOON = Date.parse('2026-11-27T12:00Z');

const quotaOf = (text: string, client = 'acme'): Quota => {
  const reading = parseQuotaRule(text);
  if (!reading.ok) throw new Error(reading.message);
  return new ClientQuotas(client, { own: [reading.value], everyone: [] }).all[0]!;
};

const daily = quotaOf('requests=10/day');
const total = quotaOf('bytes=1MB/total');

/** One run of a gateway on the folder: a worker's view of the counts, and the control thread that keeps them. */
function run(t: ExecutionContext, folder: string, clock = { wall: NOON, now: 1_000 }) {
  const memory = createLimitMemory(1, Buffer.from(`key ${Math.random()}`));
  const warnings: string[] = [];
  const state = { faulty: false, mute: false, tries: 0 };
  const saved: string[] = [];
  const store = QuotaStore.open(folder, () => clock.wall);
  const guarded = <Args extends unknown[], Result>(work: (...args: Args) => Result) => {
    return (...args: Args): Result => {
      state.tries++;
      if (state.faulty) throw new StoreError('full', { detail: 'the disk is full', remedy: 'free some space' });
      return work(...args);
    };
  };
  const viewOf = (met: (account: AccountName) => void) =>
    new QuotaCounts(memory, { now: () => clock.now, wallTime: () => clock.wall, met });
  const keeper = new QuotaKeeper({
    store: {
      endingAfter: (since) => store.endingAfter(since),
      find: guarded((...args) => store.find(...args)),
      save: guarded((counts, how) => {
        saved.push(how?.isDurable ? 'saved durably' : 'saved');
        store.save(counts, how);
      }),
      close: () => store.close(),
    },
    counts: viewOf(() => {}),
    wallTime: () => clock.wall,
    warn: (line) => warnings.push(line),
  });
  t.teardown(() => keeper.close());
  const worker = viewOf((account) => {
    if (!state.mute) keeper.met(account);
  });
  const spent = (quota: Quota) => worker.spent(worker.accountOf(quota));
  const add = (quota: Quota, units: bigint) => worker.add(worker.accountOf(quota), units);
  return { keeper, store, worker, state, saved, warnings, clock, spent, add };
}

test('what was counted is there after a start, without anybody’s asking', (t) => {
  const folder = temporaryFolder(t);
  const first = run(t, folder);
  first.add(daily, 7n);
  first.add(total, 500n);
  t.true(first.keeper.save());
  const second = run(t, folder);
  t.is(second.spent(daily), 7n);
  t.is(second.spent(total), 500n);
  t.true(second.worker.take(second.worker.accountOf(daily), 3n, daily.most));
  t.false(second.worker.take(second.worker.accountOf(daily), 1n, daily.most));
});

test('a period that was not brought back is when a clock that was put back meets it', (t) => {
  const folder = temporaryFolder(t);
  const first = run(t, folder);
  first.add(daily, 7n);
  first.keeper.save();
  const later = run(t, folder, { wall: NOON + 5 * DAY, now: 1_000 });
  later.add(daily, 2n);
  t.is(later.spent(daily), 2n);
  later.clock.wall -= 5 * DAY;
  later.add(daily, 1n);
  t.is(later.spent(daily), 8n, 'what the disk knew, and what was counted since');
  later.clock.wall += 5 * DAY;
  t.is(later.spent(daily), 2n);
  later.keeper.save();
  t.is(run(t, folder).spent(daily), 8n);
});

test('a store that can’t be written or read loses nothing and opens nothing', (t) => {
  const folder = temporaryFolder(t);
  const first = run(t, folder);
  first.add(daily, 4n);
  first.keeper.save();
  const { clock, keeper, state, warnings, spent, add } = run(t, folder, { wall: NOON + 5 * DAY, now: 1_000 });
  state.faulty = true;
  add(total, 100n);
  clock.wall -= 5 * DAY;
  add(daily, 1n);
  t.false(keeper.save());
  t.false(keeper.save());
  t.regex(keeper.health.fault ?? '', /disk is full/);
  t.is(warnings.length, 1, 'told once');
  t.is(spent(daily), 1n, 'not known yet');
  state.faulty = false;
  keeper.read();
  t.true(keeper.save());
  t.is(spent(daily), 5n);
  t.is(keeper.health.fault, null);
  t.regex(warnings.at(-1)!, /nothing of it was lost/);
  const again = run(t, folder);
  t.is(again.spent(daily), 5n);
  t.is(again.spent(total), 100n);
});

test('nothing that the disk knows is overwritten by who hasn’t read it', (t) => {
  const folder = temporaryFolder(t);
  const first = run(t, folder);
  first.add(daily, 9n);
  first.keeper.save();
  const later = run(t, folder, { wall: NOON + 5 * DAY, now: 1_000 });
  later.clock.wall = NOON;
  later.state.mute = true;
  later.add(daily, 1n);
  later.keeper.save();
  t.is(run(t, folder).spent(daily), 9n, 'that one was lost, nine were not');
});

test('a reset holds on the disk as well, for a count that was not met yet too', (t) => {
  const folder = temporaryFolder(t);
  const first = run(t, folder);
  first.add(daily, 9n);
  first.keeper.save();
  const second = run(t, folder, { wall: NOON + 5 * DAY, now: 1_000 });
  second.clock.wall = NOON;
  second.keeper.reset([second.worker.accountOf(daily)]);
  t.is(second.spent(daily), 0n);
  second.add(daily, 1n);
  second.keeper.save();
  t.is(run(t, folder).spent(daily), 1n);
  second.state.faulty = true;
  t.throws(() => second.keeper.reset([second.worker.accountOf(daily)]), { instanceOf: StoreError });
  t.is(second.spent(daily), 1n, 'what the disk knows would have been added to nothing');
  second.state.faulty = false;
});

test('a reset survives a power cut once it is told of; what is counted needs not', (t) => {
  const { keeper, worker, saved, add } = run(t, temporaryFolder(t));
  add(daily, 9n);
  keeper.save();
  keeper.reset([worker.accountOf(daily)]);
  add(daily, 1n);
  keeper.save();
  t.deepEqual(saved, ['saved', 'saved durably', 'saved']);
});

test('of each quota the newest periods are kept', (t) => {
  const folder = temporaryFolder(t);
  const { clock, add, keeper, store } = run(t, folder);
  for (let day = 0; day < 30; day++) {
    add(daily, 1n);
    keeper.save();
    clock.wall += DAY;
    clock.now += DAY;
  }
  const kept = store.endingAfter(0).filter(({ name }) => name === daily.name);
  t.true(kept.length >= 8 && kept.length <= 9, `${kept.length}`);
  t.is(kept.at(-1)!.start, Date.parse('2026-12-26T00:00Z'));
});

test('while another process writes nobody waits for the store at the turn of a period, and all is kept afterwards', (t) => {
  const folder = temporaryFolder(t);
  const { keeper, add, clock } = run(t, folder);
  const quotas = Array.from({ length: 50 }, (_, i) => quotaOf('requests=10/day', `client${i}`));
  for (const quota of quotas) add(quota, 1n);
  t.true(keeper.save());
  const other = new Sqlite(join(folder, 'quotas.db'));
  t.teardown(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  Object.assign(clock, { wall: NOON + DAY, now: DAY });
  const begun = performance.now();
  for (const quota of quotas) add(quota, 2n);
  keeper.read();
  // Each wait for the lock is one of 20 ms.
  t.true(performance.now() - begun < 500, `${performance.now() - begun} ms`);
  t.false(keeper.save());
  other.exec('ROLLBACK');
  t.true(keeper.save());
  const again = run(t, folder, clock);
  for (const quota of quotas) t.is(again.spent(quota), 2n);
});

test('a store that can’t be read is asked once in a round, however many counts are met by however many threads', (t) => {
  const { keeper, add, state, spent } = run(t, temporaryFolder(t));
  const quotas = Array.from({ length: 50 }, (_, i) => quotaOf('requests=10/day', `client${i}`));
  state.faulty = true;
  for (const quota of quotas) add(quota, 1n);
  for (const quota of quotas) keeper.met({ client: quota.client, name: quota.name, start: NOON - DAY, end: NOON });
  t.is(state.tries, 1);
  keeper.read();
  keeper.read();
  t.is(state.tries, 3);
  state.faulty = false;
  keeper.read();
  t.is(state.tries, 103, 'each once');
  t.true(keeper.save());
  for (const quota of quotas) t.is(spent(quota), 1n);
});
