import test from 'ava';
import { departure, type ExitRest } from '../../src/gateway/choosing/exit-rests.ts';
import type { Exchange } from '../../src/gateway/exchange.ts';
import { gapPaceOf } from '../../src/memory/gcra.ts';
import type { Limit } from '../../src/policy/limit-book.ts';
import { createLimitMemory, LimitCounts, TAKEN } from '../../src/policy/limit-counts.ts';
import { Abort } from '../../src/transport/abort.ts';

const REST_MS = 100;
const SLOT = 7;

const limit: Limit = {
  kind: 'siteRequests',
  name: 'exit-interval',
  key: 'exits',
  perSite: true,
  owner: '',
  most: 1,
  pace: gapPaceOf(REST_MS),
};

/** Exchanges of a thread each, over one exit, at the times that the test tells. */
function scene() {
  const clock = { now: 0 };
  const memory = createLimitMemory(2, Buffer.from('a key'));
  const threads = [0, 1].map((taker) => new LimitCounts(memory, taker));
  const paced = (rests: readonly ExitRest[]) =>
    ({ admission: null, pace: { exitInterval: limit }, exitRests: rests }) as unknown as Exchange;
  const take = (thread: number, now: number): Exchange | null => {
    const counts = threads[thread]!;
    const cell = counts.cellOf(limit, `${SLOT}.1`);
    clock.now = now;
    if (counts.take(cell, now) !== TAKEN) return null;
    return paced([{ slot: SLOT, cell, mark: counts.markOf(cell, now), gone: false }]);
  };
  const go = (thread: number, exchange: Exchange | null, { now, wayMs = 60_000 }: { now: number; wayMs?: number }) => {
    clock.now = now;
    const signal = new Abort();
    const deps = {
      limits: { counts: threads[thread]! },
      now: () => clock.now,
      exits: { generationOf: () => 1 },
      registry: { exitAt: () => undefined },
    } as unknown as Parameters<typeof departure>[0];
    const attempt = { choice: { slot: SLOT }, signal, wayMs } as unknown as Parameters<typeof departure>[2];
    return { gone: departure(deps, exchange!, attempt), signal };
  };
  return { clock, take, go, paced };
}

test('an exit rests from when a request went over it', (t) => {
  const { take, go } = scene();
  const first = take(0, 0);
  t.is(go(0, first, { now: 60 }).gone, null);
  t.is(go(0, first, { now: 70 }).gone, null, 'nothing is left to wait for');
  t.is(take(1, REST_MS + 1), null);
  t.is(take(1, 60 + REST_MS - 1), null);
  t.not(take(1, 60 + REST_MS + 1), null);
});

test('who is overtaken while it connects waits for its turn', async (t) => {
  const { clock, take, go } = scene();
  const first = take(0, 0);
  const second = take(1, 101);
  t.is(go(1, second, { now: 110 }).gone, null);
  const { gone } = go(0, first, { now: 190 });
  t.not(gone, null);
  t.is(take(1, 211), null, 'its turn is nobody else’s');
  // Late by as much as a timer is.
  clock.now = 230;
  await gone;
  t.is(take(1, 329), null);
  t.not(take(1, 331), null);
});

test('an exit that was taken for another of the session has its rest as well', async (t) => {
  const { take, go, paced } = scene();
  t.is(go(0, take(0, 0), { now: 1 }).gone, null);
  const { gone } = go(1, paced([]), { now: 50 });
  t.not(gone, null);
  t.is(take(0, 150), null);
  await gone;
});

test('a turn that is too late, or not wanted any more, is given back', async (t) => {
  const { take, go } = scene();
  const [first, second] = [take(0, 0), take(1, 101)];
  t.is(go(1, second, { now: 102 }).gone, null);
  await t.throwsAsync(go(0, first, { now: 110, wayMs: 50 }).gone!, { message: /turn came too late/ });
  const third = take(1, 203);
  t.not(third, null);
  t.is(go(1, third, { now: 204 }).gone, null);
  const late = take(0, 305);
  t.not(late, null);
  const last = take(1, 406);
  t.is(go(1, last, { now: 407 }).gone, null);
  const { gone, signal } = go(0, late, { now: 410 });
  signal.abort(new Error('left'));
  await t.throwsAsync(gone!, { message: 'left' });
  t.not(take(1, 508), null);
});
