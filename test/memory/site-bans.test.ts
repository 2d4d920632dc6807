import test from 'ava';
import fc from 'fast-check';
import { BanLevel, MOST_SITE_BANS, SITE_BAN_WORDS, type SiteBan, SiteBans } from '../../src/memory/site-bans.ts';
import { AtomicWords } from '../../src/memory/words.ts';

const words = () => new AtomicWords(new SharedArrayBuffer(SITE_BAN_WORDS * 4));
const { none, draining, frozen } = BanLevel;

test('nothing is banned at first, and a ban is of one exit, one life of its slot, one site', (t) => {
  const shared = words();
  const bans = new SiteBans(shared);
  t.true(bans.isEmpty);
  t.is(bans.levelOf(5, { slot: 1, generation: 1 }), none);
  bans.replace([{ site: 5, slot: 1, generation: 1, level: frozen }]);
  const other = new SiteBans(shared);
  t.false(other.isEmpty);
  t.is(other.levelOf(5, { slot: 1, generation: 1 }), frozen);
  t.is(other.levelOf(5, { slot: 1, generation: 2 }), none);
  t.is(other.levelOf(5, { slot: 2, generation: 1 }), none);
  t.is(other.levelOf(6, { slot: 1, generation: 1 }), none);
  t.deepEqual([other.isAbout(5), other.isAbout(6)], [true, false]);
  bans.replace([]);
  t.true(other.isEmpty);
  t.is(other.levelOf(5, { slot: 1, generation: 1 }), none);
});

test('after any number of replacements the last one stands, and no other', (t) => {
  const key = fc.record({
    site: fc.integer({ min: 1, max: 4 }),
    slot: fc.integer({ min: 0, max: 5 }),
    generation: fc.integer({ min: 1, max: 2 }),
  });
  const list = fc.uniqueArray(fc.tuple(key, fc.constantFrom(draining, frozen)), {
    selector: ([{ site, slot, generation }]) => `${site} ${slot} ${generation}`,
    maxLength: 20,
  });
  fc.assert(
    fc.property(fc.array(list, { minLength: 1, maxLength: 4 }), (rounds) => {
      const bans = new SiteBans(words());
      for (const round of rounds) bans.replace(round.map(([at, level]): SiteBan => ({ ...at, level })));
      const last = rounds.at(-1) ?? [];
      for (let site = 1; site <= 4; site++)
        for (let slot = 0; slot <= 5; slot++)
          for (let generation = 1; generation <= 2; generation++) {
            const is = last.find(([at]) => at.site === site && at.slot === slot && at.generation === generation);
            if (bans.levelOf(site, { slot, generation }) !== (is?.[1] ?? none)) return false;
          }
      return true;
    }),
    { numRuns: 30 },
  );
  t.pass();
});

test('the table holds as many bans as it says, each at another site', (t) => {
  const bans = new SiteBans(words());
  const all = Array.from({ length: MOST_SITE_BANS }, (_, i) => ({
    site: i + 1,
    slot: i,
    generation: 1,
    level: frozen,
  }));
  bans.replace(all);
  t.true(all.every(({ site, slot, generation }) => bans.levelOf(site, { slot, generation }) === frozen));
  t.is(bans.levelOf(MOST_SITE_BANS + 1, { slot: 0, generation: 1 }), none);
});
