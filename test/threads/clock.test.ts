import test from 'ava';
import { sharedClock } from '../../src/threads/clock.ts';

test('a thread that was made to wait between two looks at the clocks tells the time of all others', (t) => {
  // The clock of all is 1,000 ms ahead; each look but one comes late to its own.
  let time = 0;
  let looks = 0;
  const clock = sharedClock(
    () => time + 1_000,
    () => {
      if (++looks !== 7) time += 30;
      return time;
    },
  );
  const before = performance.now();
  const told = clock();
  t.true(told >= before + 1_000 && told <= performance.now() + 1_000);
});

test('clocks of one thread agree with that of the system', (t) => {
  const systemMs = () => Number(process.hrtime.bigint()) / 1e6;
  const clock = sharedClock();
  const before = systemMs();
  const told = clock();
  t.true(told >= before - 1 && told <= systemMs() + 1);
});
