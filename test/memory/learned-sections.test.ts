import test from 'ava';
import { EXIT_WORDS, ExitFlag, ExitWord, History } from '../../src/memory/exit-rows.ts';
import { GROUP_WORDS, GroupWord } from '../../src/memory/group-table.ts';
import { learnedSections } from '../../src/memory/learned-sections.ts';
import { pairSection } from '../../src/memory/pair-section.ts';
import { PairTable, PairWord } from '../../src/memory/pair-table.ts';
import { SITE_WORDS, SiteWord } from '../../src/memory/site-table.ts';
import { readSnapshot, restoreSections, type SnapshotSection, saveSnapshot } from '../../src/memory/snapshot.ts';
import { AtomicWords, type Words } from '../../src/memory/words.ts';
import { Scene } from '../selection/scene.ts';

interface Run {
  readonly scene: Scene;
  readonly sections: readonly SnapshotSection[];
}

/** A process with exits of these ids in slots from 0, of pool `pool` in Germany, whose clock shows `now`. */
function run(ids: readonly number[], { now = 1_000_000, pool = 'pool', generation = 1 } = {}): Run {
  const scene = new Scene();
  const group = scene.groups.rowOf(pool, 'de', { tier: 2, pricePerGB: 3 });
  for (const slot of ids.keys()) {
    scene.rows.settle(slot, { group, now, generation });
    scene.list.push(slot);
  }
  const exits = {
    slotCount: ids.length,
    idWordsOf: (slot: number) => ({ high: 77, low: ids[slot]! }),
    slotOfIdWords: ({ high, low }: { high: number; low: number }) => {
      const slot = ids.indexOf(low);
      return high !== 77 || slot < 0 ? undefined : slot;
    },
  };
  return { scene, sections: learnedSections(scene, { exits, now: () => now }) };
}

const bytesOf = ({ sections }: Run) =>
  new Uint8Array(
    Buffer.concat([...saveSnapshot({ wallTime: 0, systemMs: 0, log: 0, final: true, boot: '' }, sections)]),
  );

/** What `from` has saved comes back in `to`, so much later. */
function carry(from: Run, to: Run, elapsedMs = 0): readonly string[] {
  return restoreSections(readSnapshot(bytesOf(from))!, to.sections, { wallTime: elapsedMs, systemMs: 0, boot: '' });
}

const wordsOf = ({ scene }: Run, slot: number) => [
  ...scene.rows.ints.subarray(slot * EXIT_WORDS, (slot + 1) * EXIT_WORDS),
];

/** Exits 11 (fast), 12 (slow; fails at last) and 13 (unseen); site 1 has refused 11. All at 1,000,000. */
function learned(): Run {
  const from = run([11, 12, 13]);
  const { scene } = from;
  const site = scene.site(1);
  for (let i = 0; i < 30; i++) {
    scene.exchange(0, { now: 1_000_000, site, end: { ms: 100 } });
    scene.exchange(1, { now: 1_000_000, site, end: { ms: 900 } });
  }
  scene.exchange(0, { now: 1_000_000, site, end: { ms: 100, served: false } });
  scene.exchange(1, { now: 1_000_000, end: { how: 'refused', ms: 5 } });
  return from;
}

test('what was learned comes back under other slots, generations and clock, older by what has passed', (t) => {
  const from = learned();
  const to = run([13, 99, 12, 11], { now: 500, generation: 6 });
  t.deepEqual(carry(from, to, 2_000), []);
  const [before, after] = [from.scene, to.scene];
  t.deepEqual(after.selection.health.viewOf(3, 500), {
    ...before.selection.health.viewOf(0, 1_002_000),
    generation: 6,
  });
  t.deepEqual(after.selection.health.viewOf(2, 500), {
    ...before.selection.health.viewOf(1, 1_002_000),
    generation: 6,
  });
  const site = after.site(1);
  t.is(after.sites.nameOf(site), 'site1.example');
  for (const [slot, former] of [
    [3, 0],
    [2, 1],
  ] as const) {
    t.is(after.selection.expectedMs(slot, site, 500), before.selection.expectedMs(former, before.site(1), 1_002_000));
    t.is(
      after.selection.attemptTimeoutMs(slot, site, 500),
      before.selection.attemptTimeoutMs(former, before.site(1), 1_002_000),
    );
  }
  t.false(after.selection.mayStay(3, { site }, 500), 'refused');
  t.true(after.selection.mayStay(2, { site }, 500));
  t.is(after.rows.generationOf(3), 6);
  t.deepEqual(wordsOf(to, 0), wordsOf(run([13, 99], { now: 500, generation: 6 }), 0), 'never seen');
  t.deepEqual(wordsOf(to, 1), wordsOf(run([13, 99], { now: 500, generation: 6 }), 1), 'new');
});

test('picks avoid what a site has refused, after as before', (t) => {
  const to = run([11, 12], { now: 50 });
  carry(learned(), to);
  // Its failure ejected 12 from nothing that `learned` looks at: it works on.
  const picks = Array.from({ length: 50 }, (_, i) =>
    to.scene.selection.pick(to.scene.request({ site: to.scene.site(1), since: 50 + i }), 50 + i),
  );
  t.false(picks.includes(0));
});

test('what is under way is not kept, nor who tries an exit', (t) => {
  const from = learned();
  from.scene.rows.take(0);
  from.scene.rows.await(0, 1_000_000);
  from.scene.rows.ints[EXIT_WORDS + ExitWord.history]! |= History.onTrial;
  const to = run([11, 12]);
  carry(from, to);
  t.is(to.scene.rows.inFlightOf(0), 0);
  t.is(to.scene.rows.waitingOf(0), 0);
  t.is(to.scene.rows.ints[EXIT_WORDS + ExitWord.history]! & History.onTrial, 0);
  t.is(to.scene.rows.failuresInRowOf(1), 1);
});

test('nothing is kept of an exit that was never used, and no flag of any: the store has what operators say', (t) => {
  const from = learned();
  from.scene.rows.setFlag(0, ExitFlag.frozen, true);
  from.scene.rows.setFlag(1, ExitFlag.draining, true);
  const to = run([12, 11]);
  carry(from, to);
  t.true(to.scene.rows.isOpen(0));
  t.true(to.scene.rows.isOpen(1));
});

test('a group keeps what was learned and takes its terms from the pool; one that is gone is left out', (t) => {
  const from = learned();
  const to = run([11]);
  const row = to.scene.groups.rowOf('pool', 'de', { tier: 1, pricePerGB: 8 });
  const other = run([11], { pool: 'other' });
  const fresh = run([11], { pool: 'other' });
  carry(from, to);
  carry(from, other);
  const word = (at: number) => to.scene.groups.floats[row * GROUP_WORDS + at]!;
  const was = from.scene.groups.floats.subarray(from.scene.rows.groupOf(0) * GROUP_WORDS);
  for (const name of ['level', 'worksNow', 'worksLong', 'failMs', 'lateness', 'width'] as const)
    t.is(word(GroupWord[name]), was[GroupWord[name]]!, name);
  t.is(to.scene.groups.ints[row * GROUP_WORDS + GroupWord.tier], 1);
  t.is(word(GroupWord.pricePerGB), 8);
  t.is(other.scene.groups.floats[GroupWord.pageMs], from.scene.groups.floats[GroupWord.pageMs]);
  t.not(other.scene.groups.floats[GroupWord.pageMs], fresh.scene.groups.floats[GroupWord.pageMs]);
  const rows = ({ scene }: Run) => [...scene.groups.ints.subarray(GROUP_WORDS)];
  t.deepEqual(rows(other), rows(fresh));
});

test('exits that are gone, and pairs of an exit that left the slot before, are left out', (t) => {
  const from = learned();
  const gone = run([99]);
  carry(from, gone);
  t.is(gone.scene.rows.ints[ExitWord.history], 0);
  const { key } = SiteWord;
  const site = gone.scene.sites.ints[gone.scene.site(1) * SITE_WORDS + key]!;
  t.is(gone.scene.pairs.find(0, 1, site), -1);
  from.scene.rows.vacate(0);
  from.scene.rows.settle(0, { group: 1, now: 1_000_000 });
  const to = run([11]);
  carry(from, to);
  t.is(to.scene.pairs.find(0, 1, site), -1);
  t.is(to.scene.rows.ints[ExitWord.history], 0);
});

test('a pair whose row was given to another while it was read is not saved', (t) => {
  const memory = PairTable.allocate(8);
  const words = new AtomicWords(memory.rows);
  let looks = Number.NEGATIVE_INFINITY;
  // The second look, after the row was read, finds the key of another pair.
  const moving: Words = {
    length: words.length,
    peek: (index) => words.peek(index),
    put: (index, value) => words.put(index, value),
    load: (index) => (++looks === 2 ? 99 : words.load(index)),
    store: (index, value) => words.store(index, value),
    add: (index, by) => words.add(index, by),
    compareExchange: (index, expected, value) => words.compareExchange(index, expected, value),
  };
  const pairs = new PairTable(memory, moving);
  const { scene } = run([11]);
  pairs.claim({ slot: 0, generation: 1, site: 5 }, 1);
  const exits = { slotCount: 1, idWordsOf: () => ({ high: 77, low: 11 }), slotOfIdWords: () => 0 };
  const saved = () => [...pairSection({ rows: scene.rows, pairs }, { exits, now: () => 1 }).save()];
  const octets = () => saved().reduce((sum, part) => sum + part.length, 0);
  t.not(octets(), 0);
  looks = 0;
  t.is(octets(), 0);
});

test('whatever is learned is noted', (t) => {
  const { scene } = run([11]);
  const ends = [{ ms: 5 }, { how: 'refused', ms: 5 }] as const;
  for (const end of ends) {
    scene.exchange(0, { now: 5, end });
    t.true(scene.groups.takeLearned());
  }
  for (const served of [true, false]) {
    const verdict = { site: scene.site(1), rings: [], served, weight: 1, retryAfterMs: null };
    scene.selection.judged({ slot: 0, generation: 1 }, verdict, 6);
    t.true(scene.groups.takeLearned());
  }
});

test('rows with figures that are none are left out, one by one', (t) => {
  const from = learned();
  const { scene } = from;
  const site = scene.sites.keyOf(scene.site(1));
  scene.rows.floats[ExitWord.speed] = Number.NaN;
  scene.pairs.floats[scene.pairs.find(1, 1, site) + PairWord.uses] = Number.POSITIVE_INFINITY;
  scene.groups.floats[GROUP_WORDS + GroupWord.level] = Number.NaN;
  scene.sites.floats[scene.site(1) * SITE_WORDS + SiteWord.limit] = Number.NaN;
  const to = run([11, 12]);
  carry(from, to);
  t.is(to.scene.rows.ints[ExitWord.history], 0);
  t.not(to.scene.rows.ints[EXIT_WORDS + ExitWord.history], 0);
  t.true(to.scene.pairs.find(0, 1, site) >= 0);
  t.is(to.scene.pairs.find(1, 1, site), -1);
  t.is(to.scene.groups.ints[GROUP_WORDS + GroupWord.answers], 0);
  t.is(to.scene.sites.ints[to.scene.site(1) * SITE_WORDS + SiteWord.watched], 0);
});

test('bytes that are no whole rows restore nothing', (t) => {
  const to = run([11, 12, 13]);
  const saved = readSnapshot(bytesOf(learned()))!.sections;
  for (const section of to.sections) {
    const whole = new Uint8Array(Buffer.concat(saved.find(({ name }) => name === section.name)!.parts));
    for (let cut = 1; cut < 9; cut++)
      t.false(section.restore([whole, whole.subarray(0, -cut)], 0), `${section.name} ${cut}`);
  }
  const fresh = run([11, 12, 13]);
  t.deepEqual(to.scene.rows.ints, fresh.scene.rows.ints);
  t.deepEqual(to.scene.groups.ints, fresh.scene.groups.ints);
  t.deepEqual(to.scene.sites.ints, fresh.scene.sites.ints);
  t.deepEqual(to.scene.pairs.ints, fresh.scene.pairs.ints);
});
