import test from 'ava';
import { watchLoopLag } from '../../src/telemetry/loop-lag.ts';

test('a loop that comes late to its timer is told so, by the clock given', async (t) => {
  let now = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const looks: number[] = [];
  const end = watchLoopLag(
    () => now,
    (lateMs) => {
      looks.push(lateMs);
      now += 250;
      if (looks.length === 2) resolve();
    },
  );
  t.teardown(end);
  now = 1_000;
  // The timer alone keeps no process alive.
  const alive = setInterval(() => {}, 1_000);
  await promise;
  clearInterval(alive);
  t.deepEqual(looks, [750, 0]);
});
