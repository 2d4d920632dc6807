import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { GatewayError } from '../../src/errors.ts';
import { Exchange } from '../../src/gateway/exchange.ts';
import { Bounds } from '../../src/gateway/limits/bounds.ts';
import { SitePacing } from '../../src/gateway/limits/site-pacing.ts';
import { createLimitMemory, LimitCounts } from '../../src/policy/limit-counts.ts';
import { parseSiteRule } from '../../src/protocol/site-rule.ts';

const now = () => performance.now();

/** As many threads as told, each with its own hand on the same counts. */
function threads(count: number, rule: string): SitePacing[] {
  const reading = parseSiteRule(rule);
  if (!reading.ok) throw new Error(reading.message);
  const rules = [reading.value];
  const memory = createLimitMemory(count, Buffer.from('a key'));
  return Array.from({ length: count }, (_, taker) => {
    return new SitePacing({ counts: new LimitCounts(memory, taker), rules: () => rules, now });
  });
}

/** From now on, for long enough. */
const soon = () => ({ now: now(), endsAt: now() + 30_000 });

function exchange(client = 'acme'): Exchange {
  const asked = { id: 'one', mode: 'forward', method: 'GET', listener: 'mixed', source: '127.0.0.1' } as const;
  const made = new Exchange({ ...asked, startedAt: now() });
  made.admission = { client: { name: client } } as NonNullable<Exchange['admission']>;
  made.bounds = new Bounds(1, 'shop.example', 'shop.example');
  return made;
}

test('who waits for a place has it before a thread whose client comes back at once', async (t) => {
  const [busy, patient] = threads(2, 'exchanges=1') as [SitePacing, SitePacing];
  const endsAt = now() + 60_000;
  let running = true;
  let rounds = 0;
  const closedLoop = (async () => {
    while (running) {
      const one = exchange('busy');
      await busy.enter(one, { now: now(), endsAt });
      await sleep(1);
      busy.ended(one);
      // Its next request is there before any other thread looks.
      rounds += 1;
    }
  })();
  await sleep(20);
  for (let turn = 0; turn < 10; turn++) {
    const before = rounds;
    const one = exchange('patient');
    await patient.enter(one, { now: now(), endsAt });
    t.true(rounds - before <= 50, `${rounds - before} rounds of the other`);
    await sleep(1);
    patient.ended(one);
  }
  running = false;
  await closedLoop;
});

test('what needs not wait goes at once, and leaves no queue behind', (t) => {
  const [one] = threads(1, 'requests=1/h burst=2 exchanges=1') as [SitePacing];
  const first = exchange();
  t.is(one.enter(first, soon()), null);
  t.true(first.pace !== null && first.pacePlace >= 0);
  one.ended(first);
  const second = exchange();
  t.is(one.enter(second, soon()), null);
  one.ended(second);
});

test('a place that was taken before its moment was found to lie ahead is given back', async (t) => {
  const [one, other] = threads(2, 'requests=10/s burst=1 exchanges=1') as [SitePacing, SitePacing];
  // Both ask of the same moment, so that the second's lies ahead however late it asks.
  const at = soon();
  const first = exchange();
  t.is(one.enter(first, at), null);
  one.ended(first);
  const second = exchange();
  await other.enter(second, at);
  other.ended(second);
  const third = exchange();
  await one.enter(third, soon());
  t.true(third.pace !== null && third.pacePlace >= 0);
  one.ended(third);
});

test('who fills the queue of a site keeps nobody else from it', async (t) => {
  const [one] = threads(1, 'exchanges=1 queue=3') as [SitePacing];
  const first = exchange('greedy');
  t.is(one.enter(first, soon()), null);
  const order: string[] = [];
  const enter = (client: string) => {
    const waiting = exchange(client);
    const turn = one.enter(waiting, soon());
    return turn?.then(() => {
      order.push(client);
      one.ended(waiting);
    });
  };
  const turns = Array.from({ length: 3 }, () => enter('greedy'));
  t.throws(() => enter('greedy'), { message: /3 requests waiting for an earlier turn/ });
  turns.push(enter('modest'));
  t.is(one.waitingBefore(first.pace!, 'modest'), 1 + 2, 'its own, and one of the other’s before each of its two');
  t.throws(() => enter('modest'));
  one.ended(first);
  await Promise.all(turns);
  t.deepEqual(order, ['greedy', 'modest', 'greedy', 'greedy']);
});

test('who asks is told by what is before it whether its turn can come in time, and when', (t) => {
  const [one] = threads(1, 'requests=1/h wait=3h') as [SitePacing];
  const waiting: Exchange[] = [];
  const enter = (client: string) => {
    const asking = exchange(client);
    const turn = one.enter(asking, { now: now(), endsAt: now() + 24 * 3_600_000 });
    if (turn === null) return;
    waiting.push(asking);
    turn.catch(() => {});
  };
  for (let i = 0; i < 1 + 4; i++) enter('greedy');
  const refused = t.throws(() => enter('greedy'), { instanceOf: GatewayError });
  t.is(refused?.retryAfterS, 4 * 3_600);
  t.notThrows(() => enter('modest'));
  for (const one of waiting) one.stop(new Error('over'));
});
