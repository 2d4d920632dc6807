import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { createLoginMemory } from '../../src/policy/login-limits.ts';
import { createReportMemory } from '../../src/policy/report-limits.ts';
import type { BudgetLoad } from './budget-thread.ts';

test('two threads let no more failed logins be told, and take no more reports, than there are', async (t) => {
  const key = Buffer.from('a key');
  // Where a budget ends they may get in each other's way: that is many times.
  const load: BudgetLoad = { logins: createLoginMemory(key), reports: createReportMemory(key), each: 5, keys: 5_000 };
  const threads = [0, 1].map(() => new Worker(new URL('./budget-thread.ts', import.meta.url), { workerData: load }));
  await Promise.all(threads.map((thread) => once(thread, 'message')));
  for (const kind of ['logins', 'reports'] as const) {
    const answers = threads.map((thread) => once(thread, 'message'));
    for (const thread of threads) thread.postMessage(kind);
    const taken = (await Promise.all(answers)).map(([count]) => count as number);
    t.log(kind, taken);
    t.is(taken[0]! + taken[1]!, load.each * load.keys, kind);
  }
  await Promise.all(threads.map((thread) => thread.terminate()));
});
