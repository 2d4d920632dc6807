import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import fc from 'fast-check';
import { LimitRows } from '../../src/memory/limit-rows.ts';
import { createLimitMemory, LimitCounts, type LimitMemory } from '../../src/policy/limit-counts.ts';
import { ClientQuotas, type Quota } from '../../src/policy/quota-book.ts';
import { type AccountName, QuotaCounts } from '../../src/policy/quota-counts.ts';
import { parseQuotaRule, type QuotaRule } from '../../src/protocol/quota-rule.ts';
import type { QuotaLoad } from './quota-thread.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOON = Date.parse('2026-11-27T12:00Z');

const rule = (text: string): QuotaRule => {
  const reading = parseQuotaRule(text);
  if (!reading.ok) throw new Error(reading.message);
  return reading.value;
};

const bookOf = (own: readonly string[], everyone: readonly string[] = [], client = 'acme') =>
  new ClientQuotas(client, { own: own.map(rule), everyone: everyone.map(rule) });

const quotaOf = (text: string): Quota => bookOf([text]).all[0]!;

interface Scene {
  readonly memory: LimitMemory;
  readonly counts: QuotaCounts;
  readonly met: AccountName[];
  /** Moves both clocks. */
  pass(ms: number): void;
  /** Sets the wall clock alone. */
  jump(ms: number): void;
}

function scene(memory = createLimitMemory(2, Buffer.from('a key'))): Scene {
  const met: AccountName[] = [];
  let [now, wall] = [1_000, NOON];
  const counts = new QuotaCounts(memory, { now: () => now, wallTime: () => wall, met: (account) => met.push(account) });
  return {
    memory,
    counts,
    met,
    pass: (ms) => {
      now += ms;
      wall += ms;
    },
    jump: (ms) => {
      wall += ms;
    },
  };
}

/** Takes all that is left, one by one. */
function takeAll({ counts }: Scene, quota: Quota): number {
  let taken = 0;
  while (counts.take(counts.accountOf(quota), 1n, quota.most) === true) taken += 1;
  return taken;
}

test('all quotas are those that may hold: none behind one about all exchanges, or about the same ones', (t) => {
  const book = bookOf(
    ['bytes=1GB/day', 'site=shop.example requests=5/day'],
    [
      'tag=slow bytes=1MB/day',
      'tag=slow bytes=1MB/day kind=soft',
      'site=shop.example requests=7/day',
      'bytes=9GB/week',
    ],
  );
  t.deepEqual(
    book.all.map(({ name, kind, limit }) => `${name} ${kind} ${limit}`),
    [
      'requests/day site=shop.example hard 5',
      'bytes/day hard 1000000000',
      'bytes/day tag=slow soft 1000000',
      'bytes/week hard 9000000000',
    ],
  );
});

test('of each measure, period and kind the first rule that fits holds', (t) => {
  const book = bookOf(
    ['bytes=1GB/day', 'pool=res bytes=5GB/day', 'site=shop.example bytes=2GB/day tag=a', 'bytes=8GB/day kind=soft'],
    ['bytes=9GB/day', 'bytes=99GB/month requests=10/day'],
  );
  const namesOf = (more: object) =>
    book.of({ pool: 'dc', host: 'www.shop.example', tag: undefined, ...more }).map(({ name, kind, most }) => {
      return `${name} ${kind} ${most / 1_000_000_000n}`;
    });
  const always = ['bytes/day soft 8', 'bytes/month hard 99', 'requests/day hard 0'];
  t.deepEqual(namesOf({}), ['bytes/day hard 1', ...always]);
  t.deepEqual(namesOf({ pool: 'res' }), ['bytes/day pool=res hard 5', ...always]);
  t.deepEqual(namesOf({ tag: 'a' }), ['bytes/day site=shop.example tag=a hard 2', ...always]);
});

test('two threads never take more than there is', async (t) => {
  const memory = createLimitMemory(2, Buffer.from('a key'));
  // Where a count ends they may get in each other's way: that is many times.
  const load: QuotaLoad = { memory, rule: 'requests=20/day', from: NOON, days: 5_000 };
  const threads = [0, 1].map(() => new Worker(new URL('./quota-thread.ts', import.meta.url), { workerData: load }));
  await Promise.all(threads.map((thread) => once(thread, 'message')));
  const answers = threads.map((thread) => once(thread, 'message'));
  for (const thread of threads) thread.postMessage('go');
  const taken = (await Promise.all(answers)).map(([count]) => count as number);
  t.log(taken);
  t.is(taken[0]! + taken[1]!, 100_000);
  await Promise.all(threads.map((thread) => thread.terminate()));
});

test('another amount goes on from what was used; another client, name or period has a count of its own', (t) => {
  const here = scene();
  t.is(takeAll(here, quotaOf('requests=7/day')), 7);
  t.is(takeAll(here, quotaOf('requests=10/day')), 3);
  t.is(takeAll(here, quotaOf('requests=5/day')), 0);
  t.is(takeAll(here, quotaOf('requests=5/day pool=res')), 5);
  t.is(takeAll(here, quotaOf('requests=5/hour')), 5);
  t.is(takeAll(here, bookOf(['requests=5/day'], [], 'other').all[0]!), 5);
  here.pass(DAY);
  t.is(takeAll(here, quotaOf('requests=10/day')), 10);
  t.is(takeAll(here, quotaOf('requests=4/total')), 4);
  here.pass(400 * DAY);
  t.is(takeAll(here, quotaOf('requests=4/total')), 0);
});

test('a wall clock that jumps hands out no period twice, and closes none', (t) => {
  const here = scene();
  const [hourly, daily, monthly] = [
    quotaOf('requests=10/hour'),
    quotaOf('requests=10/day'),
    quotaOf('requests=10/month'),
  ];
  const all = [hourly, daily, monthly];
  for (const quota of all) t.is(takeAll(here, quota), 10);
  here.jump(-HOUR);
  t.is(takeAll(here, daily), 0, 'the same day');
  t.is(takeAll(here, hourly), 10, 'the hour before, of which nothing was used');
  here.jump(HOUR);
  for (const quota of all) t.is(takeAll(here, quota), 0, quota.name);
  here.jump(DAY);
  t.is(takeAll(here, daily), 10, 'the next day');
  t.is(takeAll(here, monthly), 0);
  here.pass(HOUR);
  here.jump(-DAY);
  t.is(takeAll(here, daily), 0, 'back on the first day, which is used up');
  here.pass(DAY);
  t.is(takeAll(here, daily), 0, 'the next day was met already');
  here.pass(DAY);
  t.is(takeAll(here, daily), 10, 'the one behind it was not');
});

test('over any jumps and waits no period gives more than its amount', (t) => {
  const step = fc.record({
    pass: fc.integer({ min: 0, max: 30 * HOUR }),
    jump: fc.oneof(fc.constant(0), fc.integer({ min: -30 * HOUR, max: 30 * HOUR })),
    takes: fc.integer({ min: 0, max: 4 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.constantFrom('hour', 'day', 'week'), (steps, period) => {
      const here = scene();
      const quota = quotaOf(`requests=5/${period} zone=Asia/Kolkata`);
      const given = new Map<number, number>();
      for (const { pass, jump, takes } of steps) {
        here.pass(pass);
        here.jump(jump);
        for (let i = 0; i < takes; i++) {
          const account = here.counts.accountOf(quota);
          if (here.counts.take(account, 1n, quota.most) === true)
            given.set(account.start, (given.get(account.start) ?? 0) + 1);
        }
      }
      for (const [start, count] of given) t.true(count <= 5, `${count} in ${new Date(start).toISOString()}`);
    }),
    { numRuns: 50 },
  );
});

test('what is given back never leads below nothing, and what is added may lead beyond the amount', (t) => {
  const { counts } = scene();
  const quota = quotaOf('bytes=1MB/day');
  const account = counts.accountOf(quota);
  t.is(counts.add(account, 10n), 10n);
  t.is(counts.add(account, -30n), 0n);
  t.is(counts.add(account, 3_000_000_000_000_000n), 3_000_000_000_000_000n);
  t.false(counts.take(account, 1n, quota.most));
});

test('what the disk knows is added once; a change is told once, until the next', (t) => {
  const here = scene();
  const { counts } = here;
  const quota = quotaOf('bytes=1MB/day');
  const account = counts.accountOf(quota);
  counts.add(account, 5n);
  t.deepEqual(
    here.met.map(({ client, name }) => `${client} ${name}`),
    ['acme bytes/day'],
  );
  const control = scene(here.memory).counts;
  const same = control.accountAt(here.met[0]!);
  t.true(control.restore(same, { spent: 100n, toldSoft: 0, toldHard: 0 }));
  t.false(control.restore(same, { spent: 100n, toldSoft: 0, toldHard: 0 }));
  t.is(counts.spent(account), 105n);
  t.is(control.takeChange(same)?.spent, 105n);
  t.is(control.takeChange(same), null);
  counts.add(account, 1n);
  t.is(control.takeChange(same)?.spent, 106n);
  control.unsaved(same);
  t.is(control.takeChange(same)?.spent, 106n);
});

test('that an amount is used up is news to one thread, once for each amount', (t) => {
  const here = scene();
  const other = scene(here.memory);
  const quota = quotaOf('bytes=1MB/day');
  const [one, two] = [here.counts.accountOf(quota), other.counts.accountOf(quota)];
  t.true(here.counts.isNews(one, 'hard', 1n));
  t.false(other.counts.isNews(two, 'hard', 1n));
  t.true(other.counts.isNews(two, 'soft', 1n));
  t.true(other.counts.isNews(two, 'hard', 2n));
});

test('a count stays while its period lasts and well beyond, however many come', (t) => {
  const rows = new SharedArrayBuffer(LimitRows.wordsFor(64) * Int32Array.BYTES_PER_ELEMENT);
  const here = scene({ ...createLimitMemory(2, Buffer.from('a key')), rows });
  const quota = quotaOf('requests=10/day');
  const account = here.counts.accountOf(quota);
  here.counts.add(account, 4n);
  const limits = new LimitCounts(here.memory, 0);
  const pace = { ticksPerMs: 1, cost: 1, span: 5, most: 100 };
  const flood = (round: number, now: number) => {
    for (let i = 0; i < 500; i++)
      limits.take(
        limits.cellOf({ kind: 'requests', name: 'x', key: `${round} ${i}`, perSite: false, owner: '', most: 5, pace }),
        now,
      );
  };
  flood(1, 1_000);
  t.true(here.counts.holds(account));
  here.pass(30 * HOUR);
  flood(1.5, 1_000 + 30 * HOUR);
  t.true(here.counts.holds(account), 'a clock that was put back finds it');
  here.pass(31 * HOUR);
  flood(2, 1_000 + 61 * HOUR);
  t.false(here.counts.holds(account), 'two days and more behind its end others may have its place');
  here.pass(HOUR);
  t.is(here.counts.add(account, 2n), 2n, 'who comes back to it counts anew, in a row of its own');
  t.true(here.counts.holds(account));
});
