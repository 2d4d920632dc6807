import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { createLoginMemory } from '../../src/policy/login-limits.ts';
import { createReportMemory } from '../../src/policy/report-limits.ts';
import type { BudgetLoad, BudgetOrder } from './budget-thread.ts';

test('two threads let no more failed logins be told, and take no more reports, than there are', async (t) => {
  const key = Buffer.from('a key');
  // Where a budget ends they may get in each other's way: that is many times.
  const load: BudgetLoad = { logins: createLoginMemory(key), reports: createReportMemory(key), each: 5, keys: 5_000 };
  const threads = [0, 1].map(() => new Worker(new URL('./budget-thread.ts', import.meta.url), { workerData: load }));
  await Promise.all(threads.map((thread) => once(thread, 'message')));
  const ask = async (asked: readonly Worker[], order: BudgetOrder) => {
    const answers = asked.map((thread) => once(thread, 'message'));
    for (const thread of asked) thread.postMessage(order);
    return (await Promise.all(answers)).map(([count]) => count as number);
  };
  for (const kind of ['logins', 'reports'] as const) {
    await ask(threads.slice(0, 1), { kind, first: true });
    const taken = await ask(threads, { kind, first: false });
    t.log(kind, taken);
    t.is(taken[0]! + taken[1]!, (load.each - 1) * load.keys, kind);
  }
  await Promise.all(threads.map((thread) => thread.terminate()));
});
