import test from 'ava';
import { pauseMs, Recoveries } from '../../src/workers/recoveries.ts';

test('the first deaths cost no pause, those that follow ever more, up to a bound', (t) => {
  t.deepEqual([1, 2, 3, 4, 5, 100].map(pauseMs), [0, 0, 100, 200, 400, 5_000]);
});

test('each worker is replaced, unless the group closes first', async (t) => {
  const replaced: number[] = [];
  const both = new Promise<void>((resolve) => {
    const recoveries = new Recoveries(
      () => 0,
      (worker) => {
        replaced.push(worker);
        if (replaced.length === 2) resolve();
      },
    );
    recoveries.schedule(1);
    recoveries.schedule(0);
    t.is(recoveries.count, 2);
  });
  await both;
  t.deepEqual(replaced, [1, 0]);
  const closed = new Recoveries(
    () => 0,
    () => t.fail(),
  );
  closed.schedule(0);
  closed.close();
  await new Promise((resolve) => setTimeout(resolve, 20));
});
