import test from 'ava';
import { type Expiring, Expiry } from '../../src/transport/expiry.ts';

test('what has lasted long enough is cut, the rest goes on, and one that expires sooner is not overlooked', async (t) => {
  const begunAt = performance.now();
  const now = () => performance.now() - begunAt;
  const cut: string[] = [];
  let all: Expiring[] = [];
  const expiry = new Expiry(() => all);
  const begin = (name: string, expiresAt: number) =>
    new Promise<void>((resolve) => {
      const one = {
        expiresAt,
        cut: () => {
          t.true(now() >= expiresAt);
          cut.push(name);
          all = all.filter((other) => other !== one);
          resolve();
        },
      };
      all.push(one);
      expiry.watch(expiresAt, now);
    });
  void begin('in a year', 365 * 86_400_000);
  void begin('never', Number.POSITIVE_INFINITY);
  void begin('in an hour', 3_600_000);
  const first = begin('first', 150);
  const second = begin('second', 400);
  // Its own timers keep no process alive.
  const held = setInterval(() => {}, 1_000);
  await Promise.all([first, second]);
  clearInterval(held);
  t.deepEqual(cut, ['first', 'second']);
  t.is(all.length, 3);
});
