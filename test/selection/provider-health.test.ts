import test from 'ava';
import fc from 'fast-check';
import { GROUP_WORDS, GroupWord } from '../../src/memory/group-table.ts';
import { NO_ENTRY } from '../../src/selection/provider-health.ts';
import { State, stateOf } from '../../src/selection/provider-standing.ts';
import { NONE } from '../../src/selection/request.ts';
import { Scene } from './scene.ts';

/** Two carriers of twenty exits each. */
function sceneOf() {
  const scene = new Scene();
  const one = scene.join(20, { pool: 'one', country: 'de' });
  const other = scene.join(20, { pool: 'other', country: 'de' });
  const { providers } = scene.selection;
  for (const [pool, slots] of [one, other].entries())
    scene.providers.settle(providers.providerOf(slots[0] ?? 0), { pool, carries: true, by: 20, sample: slots[0] ?? 0 });
  const stateAt = (slot: number) => stateOf(scene.providers.seen(providers.providerOf(slot)));
  const fail = (slot: number, now: number, { sure = true, othersWorkedAt = null as number | null, site = 0 } = {}) => {
    const entry = providers.enter(slot);
    if (entry !== NO_ENTRY) providers.failed(entry, { session: slot, sure, site, othersWorkedAt, why: 3, now });
  };
  return { scene, providers, one, other, stateAt, fail };
}

test('three sessions in a row whose failure is the provider’s own are its end; one session never is', (t) => {
  const { providers, stateAt, fail } = sceneOf();
  for (let i = 0; i < 50; i++) fail(3, i);
  t.is(stateAt(3), State.up);
  fail(4, 51);
  t.is(stateAt(3), State.up);
  for (const slot of [5, 6, 7, 8, 9]) if (stateAt(3) === State.up) fail(slot, 52);
  t.is(stateAt(3), State.down);
  t.is(stateAt(20), State.up, 'its neighbour is another');
  t.is(providers.enter(0), NO_ENTRY);
  t.not(providers.enter(20), NO_ENTRY);
  t.deepEqual([providers.wayInto([0]), providers.wayInto([1]), providers.wayInto([0, 1])], ['down', 'open', 'open']);
});

test('a success between, or a long time, begins the count anew', (t) => {
  const { providers, stateAt, fail } = sceneOf();
  for (let slot = 0; slot < 20; slot++) {
    fail(slot, slot);
    if (slot % 2 === 1) providers.worked(providers.enter(slot), 0, slot);
  }
  t.is(stateAt(0), State.up);
  for (let slot = 0; slot < 20; slot++) fail(slot, 1_000 + slot * 10_001);
  t.is(stateAt(0), State.up);
});

test('what may be the exits’ own failures takes as many as chance doesn’t bring, and others that reached the origin', (t) => {
  for (const [works, least] of [
    [0.95, 7],
    [0.99, 6],
    [0.6, 10],
  ] as const) {
    const { scene, providers, stateAt, fail } = sceneOf();
    scene.groups.floats[providers.providerOf(0) * GROUP_WORDS + GroupWord.worksLong] = works;
    for (let slot = 0; slot < 20; slot++) fail(slot, 5, { sure: false });
    t.is(stateAt(0), State.up, 'nobody knows that the origin serves');
    providers.worked(providers.enter(0), 0, 6);
    const unsure = { sure: false, othersWorkedAt: 8 };
    let failed = 0;
    while (stateAt(0) === State.up && failed < 200) fail((failed++ % 20) + 0, 7, unsure);
    t.true(failed >= least && failed < 60, `${works}: ${failed}`);
    t.is(stateAt(0), State.down);
  }
});

test('what fails at one site alone takes nobody down that has lately worked at another', (t) => {
  const minute = 60_000;
  for (const [servedAt, at, sites, state] of [
    [0, minute - 1, [1], State.up],
    [0, minute, [1], State.down],
    [0, 100, [1, 2], State.down],
    [0, 100, [0], State.down],
    // Of sites without a row nobody knows that they are one.
    [0, 100, [-1], State.down],
  ] as const) {
    const { providers, stateAt, fail } = sceneOf();
    providers.worked(providers.enter(0), 0, servedAt);
    for (let i = 0; i < 60; i++)
      fail(i % 20, at, { sure: false, othersWorkedAt: at, site: sites[i % sites.length] ?? 0 });
    t.is(stateAt(0), state, `${at} ${sites}`);
  }
  const { providers, stateAt, fail } = sceneOf();
  providers.worked(providers.enter(0), 0, 0);
  for (const slot of [1, 2, 3]) fail(slot, 1, { site: 1 });
  t.is(stateAt(0), State.down, 'its own failure is that of no site');
});

test('others that reached the origin before the first failure prove nothing', (t) => {
  const { stateAt, fail } = sceneOf();
  for (let i = 0; i < 60; i++) fail(i % 20, 1_000 + i, { sure: false, othersWorkedAt: 999 });
  t.is(stateAt(0), State.up);
});

test('what began before a fall says nothing after it', (t) => {
  const { providers, stateAt, fail } = sceneOf();
  const row = providers.providerOf(0);
  const early = Array.from({ length: 10 }, (_, slot) => providers.enter(slot));
  for (let slot = 0; slot < 10; slot++) fail(slot, 1);
  providers.probed(row, 2_000);
  for (const entry of early.slice(0, 5))
    providers.failed(entry, { session: entry, sure: true, site: 0, othersWorkedAt: null, why: 3, now: 2_001 });
  for (const entry of early.slice(5)) providers.worked(entry, 0, 2_001);
  t.is(stateAt(0), State.recovering);
  t.not(providers.enter(0), NO_ENTRY);
  t.is(providers.enter(1), NO_ENTRY, 'none of them has moved the ramp');
});

test('a relapse ends the ramp; a ramp that is through ends the count of those that are closed', (t) => {
  const { scene, providers, stateAt, fail } = sceneOf();
  const row = providers.providerOf(0);
  for (let slot = 0; slot < 10; slot++) fail(slot, 1);
  t.true(providers.anyClosed);
  providers.probed(row, 2_000);
  fail(0, 2_001);
  t.is(stateAt(0), State.down);
  providers.probed(row, 4_000);
  for (let i = 0; i < 127; i++) providers.worked(providers.enter(i % 20), 0, 4_001 + i);
  t.is(stateAt(0), State.up);
  t.false(providers.anyClosed);
  t.is(scene.selection.pick(scene.request({ list: [0, 1, 2] }), 5_000) >= 0, true);
});

test('attempts of a thread that died don’t hold up the ramp', (t) => {
  const { providers, fail } = sceneOf();
  const row = providers.providerOf(0);
  for (let slot = 0; slot < 10; slot++) fail(slot, 1);
  providers.probed(row, 2_000);
  t.not(providers.enter(0), NO_ENTRY);
  providers.unstall(row, 10_000);
  t.is(providers.enter(0), NO_ENTRY);
  providers.unstall(row, 20_000);
  t.not(providers.enter(0), NO_ENTRY);
});

test('no strategy picks an exit of a provider that is down, or that is full', (t) => {
  const { scene, providers, fail } = sceneOf();
  for (let i = 0; i < 200; i++) scene.exchange(i % 40, { now: i, end: { ms: 100 } });
  for (let slot = 0; slot < 10; slot++) fail(slot, 200);
  const strategies = ['learned', 'two-choices', 'least-in-flight', 'round-robin', 'random'] as const;
  for (const strategy of strategies) {
    for (let i = 0; i < 60; i++)
      t.true(scene.selection.pick(scene.request({ strategy, cursor: { next: i } }), 300) >= 20, strategy);
    t.is(scene.selection.pick(scene.request({ strategy, list: [0, 1, 2] }), 300), NONE, strategy);
  }
  providers.probed(providers.providerOf(0), 400);
  providers.enter(0);
  for (const strategy of strategies)
    t.is(scene.selection.pick(scene.request({ strategy, list: [0, 1, 2] }), 500), NONE, strategy);
});

test('whatever happens, as many are counted closed as are, and none is let in that is down', (t) => {
  const step = fc.record({
    what: fc.constantFrom('enter', 'work', 'fail', 'doubt', 'leave', 'probe', 'stall'),
    slot: fc.nat(39),
    passed: fc.nat(3_000),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), fc.boolean(), (steps, nearWrap) => {
      const { providers, stateAt } = sceneOf();
      const entries: number[] = [];
      let now = nearWrap ? 2 ** 32 - 100_000 : 0;
      for (const { what, slot, passed } of steps) {
        now += passed;
        const row = providers.providerOf(slot);
        if (what === 'enter') {
          const entry = providers.enter(slot);
          if ((entry === NO_ENTRY) !== !providers.isOpen(slot) && stateAt(slot) !== State.recovering) return false;
          if (entry !== NO_ENTRY) entries.push(entry);
        } else if (what === 'probe') providers.probed(row, now);
        else if (what === 'stall') providers.unstall(row, now);
        else {
          const entry = entries.shift();
          if (entry === undefined) continue;
          const failure = { session: slot, sure: what === 'fail', othersWorkedAt: now, site: slot % 3, why: 3, now };
          if (what === 'work') providers.worked(entry, 0, now);
          else if (what === 'leave') providers.left(entry);
          else providers.failed(entry, failure);
        }
        const closed = [0, 20].some((one) => stateAt(one) !== State.up);
        if (closed !== providers.anyClosed) return false;
      }
      return true;
    }),
    { numRuns: 300 },
  );
  t.pass();
});
