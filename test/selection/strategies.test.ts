import test from 'ava';
import fc from 'fast-check';
import { ExitFlag, ExitRows } from '../../src/memory/exit-rows.ts';
import { GroupTable } from '../../src/memory/group-table.ts';
import { ProviderRows } from '../../src/memory/provider-rows.ts';
import { ExitHealth, firstEjectionMs, Standing } from '../../src/selection/exit-health.ts';
import { ProviderHealth } from '../../src/selection/provider-health.ts';
import { NONE, type PickRequest, type PickStep, type Strategy } from '../../src/selection/request.ts';
import { pickSimply } from '../../src/selection/strategies.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { pickRequest } from './pick-request.ts';

const strategies: readonly Strategy[] = ['two-choices', 'least-in-flight', 'round-robin', 'random'];

const slots = (count: number) => Array.from({ length: count }, (_, slot) => slot);

/** Health of exits that have just joined, in slots from 0. */
function healthOf(exits: number): ExitHealth {
  const rows = new ExitRows(ExitRows.allocate());
  for (let slot = 0; slot < exits; slot++) rows.settle(slot, { group: 0, now: 0 });
  return new ExitHealth(rows);
}

const requestOf = (list: readonly number[], more: Partial<PickRequest> = {}): PickRequest =>
  pickRequest({ strategy: 'two-choices', list }, more);

const pick = (health: ExitHealth, request: PickRequest, now: number, random = Math.random): number =>
  pickSimply(request, { health, providers: providersOf(health), now, random });

/** All of them serve. */
function providersOf({ rows }: ExitHealth): ProviderHealth {
  return new ProviderHealth({
    rows,
    groups: new GroupTable(GroupTable.allocate(4)),
    providers: new ProviderRows(ProviderRows.allocate(4)),
  });
}

/** How often each slot is picked, in `count` picks that end at once. */
function tally(
  health: ExitHealth,
  request: PickRequest,
  { count, now = 0 }: { count: number; now?: number },
): Map<number, number> {
  const random = seededRandom(7);
  const picks = new Map<number, number>();
  for (let i = 0; i < count; i++) {
    const slot = pick(health, request, now, random);
    if (slot !== NONE) picks.set(slot, (picks.get(slot) ?? 0) + 1);
  }
  return picks;
}

test('of a loose list only exits that match are taken; where draws find none, nothing is said of the rest', (t) => {
  const health = healthOf(400);
  for (const strategy of ['two-choices', 'round-robin', 'random'] as const) {
    const matches = (slot: number) => slot % 4 === 1;
    const picks = tally(health, requestOf(slots(400), { strategy, loose: true, matches }), { count: 300 });
    t.true(picks.size > 20, strategy);
    t.true([...picks.keys()].every(matches), strategy);
  }
  let looked = 0;
  const matches = () => {
    looked++;
    return false;
  };
  t.is(pick(health, requestOf(slots(400), { loose: true, matches }), 0), NONE);
  t.true(looked > 0 && looked < 100, `${looked}`);
});

const anyTable = fc
  .array(fc.record({ failures: fc.nat(3), inFlight: fc.nat(5), ms: fc.option(fc.nat(2_000)) }), { maxLength: 60 })
  .map((rows) => {
    const table = healthOf(1_000);
    rows.forEach(({ failures, inFlight, ms }, slot) => {
      if (ms !== null) table.succeeded(slot, ms, 0);
      for (let i = 0; i < inFlight; i++) table.rows.take(slot);
      for (let i = 0; i < failures; i++) table.failed(slot, i * 4_000);
    });
    return { table, candidates: slots(rows.length) };
  });

for (const strategy of strategies) {
  test(`${strategy}: a candidate that was not tried, whenever there is one, and an ejected one only as the last resort`, (t) => {
    const input = [anyTable, fc.array(fc.nat(60), { maxLength: 70 }), fc.nat(20_000), fc.integer()] as const;
    fc.assert(
      fc.property(...input, ({ table, candidates }, excluded, now, seed) => {
        const request = requestOf(candidates, { strategy, excluded });
        const slot = pick(table, request, now, seededRandom(seed));
        const left = candidates.filter((candidate) => !excluded.includes(candidate));
        if (left.length === 0) return slot === NONE;
        if (!left.includes(slot)) return false;
        const best = Math.min(...left.map((candidate) => table.standingOf(candidate, now)));
        const allowed = excluded.length > 0 ? best : Math.max(best, Standing.trial);
        return table.standingOf(slot, now) <= allowed;
      }),
      { numRuns: 500 },
    );
    t.pass();
  });

  test(`${strategy}: a pool of one works, ejected or not`, (t) => {
    const table = healthOf(1_000);
    const request = requestOf([5], { strategy });
    t.is(pick(table, request, 0), 5);
    for (let i = 0; i < 9; i++) table.failed(5, i * 100_000);
    t.is(table.standingOf(5, 800_001), Standing.ejected);
    t.is(pick(table, request, 800_001), 5);
    t.is(pick(table, { ...request, excluded: [5] }, 800_001), NONE);
    t.is(pick(table, { ...request, list: [] }, 0), NONE);
    table.rows.setFlag(5, ExitFlag.frozen, true);
    t.is(pick(table, request, 0), NONE);
  });

  test(`${strategy}: every exit of a healthy pool gets its share`, (t) => {
    const table = healthOf(1_000);
    const picks = tally(table, requestOf(slots(20), { strategy }), { count: 20_000 });
    t.is(picks.size, 20);
    for (const count of picks.values()) t.true(count > 800 && count < 1_200, `${count} of 1,000`);
  });

  test(`${strategy}: nine bad exits of ten stop mattering within 50 exchanges with five retries`, (t) => {
    for (let seed = 0; seed < 40; seed++) {
      const { failedLate, attemptsLate } = crawl(strategy, seed);
      t.is(failedLate, 0, `seed ${seed}`);
      t.true(attemptsLate < 1.2, `seed ${seed}: ${attemptsLate} attempts per exchange`);
    }
  });
}

/** 1,000 exchanges, 20 ms apart, up to six attempts each, over ten exits of which only one works. */
function crawl(strategy: Strategy, seed: number) {
  const random = seededRandom(seed);
  const table = healthOf(1_000);
  const request = requestOf(slots(10), { strategy });
  const good = Math.floor(random() * 10);
  const attempt = (excluded: readonly number[], now: number) => {
    const slot = pick(table, { ...request, excluded }, now, random);

    if (slot === NONE) return nobody;
    table.began(slot, now);
    if (slot === good) table.succeeded(slot, 80, now);
    else table.failed(slot, now);
    return slot;
  };
  let failedLate = 0;
  let attemptsLate = 0;
  for (let exchange = 0; exchange < 1_000; exchange++) {
    const tried: number[] = [];
    while (tried.length < 6 && tried.at(-1) !== good) tried.push(attempt(tried, exchange * 20));
    if (exchange < 50) continue;
    if (tried.at(-1) !== good) failedLate++;
    attemptsLate += tried.length / 950;
  }
  return { failedLate, attemptsLate };
}

const nobody = -1;

test('round-robin goes round, over what may be used', (t) => {
  const table = healthOf(1_000);
  table.failed(2, 0);
  const request = requestOf(slots(4), { strategy: 'round-robin' });
  const round = Array.from({ length: 6 }, () => pick(table, request, 1, () => 0));
  t.deepEqual(round, [0, 1, 3, 0, 1, 3]);
});

test('round-robin: a cursor from a longer list is good for a shorter one', (t) => {
  const table = healthOf(3);
  const request = requestOf(slots(3), { strategy: 'round-robin', cursor: { next: 1_000 } });
  t.is(
    pick(table, request, 0, () => 0),
    1,
  );
});

test('least-in-flight takes the least of all', (t) => {
  const table = healthOf(1_000);
  for (const slot of slots(500)) for (let i = 0; i < (slot === 321 ? 1 : 2); i++) table.rows.take(slot);
  t.is(
    pick(table, requestOf(slots(500), { strategy: 'least-in-flight' }), 0, () => 0.5),
    321,
  );
});

test('two-choices prefers the faster exit of two, and the slower one where the faster has a queue', (t) => {
  const table = healthOf(1_000);
  table.succeeded(0, 100, 0);
  table.succeeded(1, 400, 0);
  t.deepEqual([...tally(table, requestOf([0, 1]), { count: 1_000 })], [[0, 1_000]]);
  for (let i = 0; i < 4; i++) table.rows.take(0);
  t.deepEqual([...tally(table, requestOf([0, 1]), { count: 1_000 })], [[1, 1_000]]);
});

test('two-choices leaves a slow exit alone, and tries it again when its figure is old', (t) => {
  const table = healthOf(1_000);
  table.succeeded(0, 3_000, 0);
  for (const slot of slots(10).slice(1)) table.succeeded(slot, 100 + slot, 0);
  const picks = tally(table, requestOf(slots(10)), { count: 10_000 });
  t.is(picks.get(0), undefined);
  t.true([...picks.values()].every((count) => count < 2_500));
  for (const slot of slots(10).slice(1)) table.succeeded(slot, 100 + slot, 60_000);
  t.true((tally(table, requestOf(slots(10)), { count: 10_000, now: 60_000 }).get(0) ?? 0) > 0);
});

test('a retry leaves exits on trial alone while one is open', (t) => {
  const table = healthOf(1_000);
  for (const slot of slots(10)) if (slot !== 4) table.failed(slot, 0);
  const now = firstEjectionMs;
  t.true(tally(table, requestOf(slots(10)), { count: 1_000, now: now }).size > 5);
  t.deepEqual([...tally(table, requestOf(slots(10), { excluded: [0] }), { count: 1_000, now: now })], [[4, 1_000]]);
});

test('of ejected exits the one that comes back soonest', (t) => {
  const table = healthOf(1_000);
  table.failed(0, 50);
  table.failed(1, 30);
  table.failed(2, 40);
  for (const strategy of strategies)
    t.is(
      pick(table, requestOf(slots(3), { strategy }), 60, () => 0),
      1,
    );
});

test('one usable exit in a thousand is found, and uniformly where there are a few', (t) => {
  const table = healthOf(1_000);
  const usable = [0, 500, 501, 502];
  for (const slot of slots(1_000)) if (!usable.includes(slot)) table.failed(slot, 0);
  const picks = tally(table, requestOf(slots(1_000), { strategy: 'random' }), { count: 2_000 });
  t.deepEqual(
    [...picks.keys()].sort((a, b) => a - b),
    usable,
  );
  for (const count of picks.values()) t.true(count > 400 && count < 600);
});

test('the trace names every exit that was compared', (t) => {
  const trace: PickStep[] = [];
  const table = healthOf(1_000);
  const slot = pick(table, requestOf(slots(10), { trace }), 0, seededRandom(1));
  t.is(trace.length, 2);
  t.true(trace.some((step) => step.slot === slot));
  t.deepEqual(
    trace.map(({ cost }) => cost),
    [50, 50],
  );
});
