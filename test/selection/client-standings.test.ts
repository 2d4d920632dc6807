import test from 'ava';
import { ClientStandings } from '../../src/selection/client-standings.ts';
import { HOLD } from '../../src/selection/request.ts';
import { Scene } from './scene.ts';

const [GOOD, REFUSED, THIRD] = [1, 2, 3];
const SITE_KEY = 77;

interface Crowd {
  readonly client: number;
  /** Requests a second. */
  readonly rate: number;
  readonly isServed: (slot: number) => boolean;
}

/** Ten minutes of requests; what came within 5 s of each client's, and which slots each asked. */
function crawl(scene: Scene, site: number, crowds: readonly Crowd[], from = 0) {
  const told = crowds.map(() => ({ asked: 0, served: 0, slots: [] as number[] }));
  let waiting: { which: number; since: number }[] = [];
  for (let now = from; now < from + 600_000; now += 100) {
    for (const [which, { rate }] of crowds.entries())
      while (told[which]!.asked < (rate * (now - from)) / 1_000) {
        told[which]!.asked++;
        waiting.push({ which, since: now });
      }
    waiting = waiting.filter(({ which, since }) => {
      if (now - since > 5_000) return false;
      const { client, isServed } = crowds[which]!;
      const slot = scene.selection.pick(scene.request({ site, since, client }), now);
      if (slot === HOLD) return true;
      const served = isServed(slot);
      scene.exchange(slot, { now, site, client, end: { ms: 200, served } });
      told[which]!.slots.push(slot);
      if (served) told[which]!.served++;
      return false;
    });
  }
  return told;
}

for (const exits of [10, 40, 200])
  test(`a client that is refused everywhere closes no site for others, over ${exits} exits`, (t) => {
    const scene = new Scene({ seed: 3 });
    scene.join(exits);
    const site = scene.site(1);
    const [good] = crawl(scene, site, [
      { client: GOOD, rate: 0.5, isServed: () => true },
      { client: REFUSED, rate: 2, isServed: () => false },
    ]);
    t.true(good!.served >= 0.95 * good!.asked, `${good!.served} of ${good!.asked}`);
  });

test('two that are refused everywhere close none either', (t) => {
  const scene = new Scene({ seed: 4 });
  scene.join(20);
  const [good] = crawl(scene, scene.site(1), [
    { client: GOOD, rate: 0.5, isServed: () => true },
    { client: REFUSED, rate: 2, isServed: () => false },
    { client: THIRD, rate: 2, isServed: () => false },
  ]);
  t.true(good!.served >= 0.9 * good!.asked, `${good!.served} of ${good!.asked}`);
});

test('exits that refuse everybody are left by everybody', (t) => {
  const scene = new Scene({ seed: 5 });
  scene.join(20);
  const isServed = (slot: number) => slot >= 10;
  const crowds = [GOOD, REFUSED, THIRD].map((client) => ({ client, rate: 1, isServed }));
  for (const { asked, served } of crawl(scene, scene.site(1), crowds)) t.true(served >= 0.95 * asked);
});

test('a word is believed at first, less by who is served all the same, and more by who is refused as well', (t) => {
  const standings = new ClientStandings(ClientStandings.allocate(64));
  const first = standings.trustOf(GOOD, SITE_KEY, 0);
  t.true(standings.isAlone(GOOD, SITE_KEY, 0), 'it has had no page');
  standings.served(GOOD, SITE_KEY, 0);
  t.false(standings.isAlone(GOOD, SITE_KEY, 0));
  for (let i = 0; i < 4; i++) standings.judge(GOOD, SITE_KEY, { borneOut: 0, now: i });
  t.true(standings.isAlone(GOOD, SITE_KEY, 4));
  t.is(standings.trustOf(REFUSED, SITE_KEY, 4), first);
  t.is(standings.trustOf(GOOD, SITE_KEY + 1, 4), first);
  standings.judge(GOOD, SITE_KEY, { borneOut: 1, now: 5 });
  t.false(standings.isAlone(GOOD, SITE_KEY, 5));
  for (let i = 0; i < 9; i++) standings.judge(GOOD, SITE_KEY, { borneOut: 1, now: 6 });
  t.true(standings.trustOf(GOOD, SITE_KEY, 6) > 0.95);
  t.true(Math.abs(standings.trustOf(GOOD, SITE_KEY, 86_400_000) - first) < 0.01, 'forgotten in a day');
});

test('a client that has had no page holds itself back, for hours and no longer', (t) => {
  const standings = new ClientStandings(ClientStandings.allocate(64));
  const odds = (now: number, tier = 2) => standings.mostOdds(REFUSED, SITE_KEY, { tier, now });
  t.is(odds(0), 1);
  for (let i = 0; i < 70; i++) standings.refused(REFUSED, SITE_KEY, { tier: 2, now: i });
  t.true(odds(70) < 0.08);
  t.true(odds(70, 1) > 0.9, 'by the tier');
  t.true(odds(3_600_070) > 0.4);
  standings.served(REFUSED, SITE_KEY, 100);
  t.is(odds(101), 1);
});

test('who is refused where others are refused is held soon, and knocks no more', (t) => {
  const scene = new Scene({ seed: 6 });
  scene.join(10);
  const site = scene.site(1);
  const isServed = (slot: number) => slot === 0;
  // One that was served once and is refused over the others; then these are all that there are.
  crawl(scene, site, [{ client: GOOD, rate: 2, isServed }]);
  scene.list.splice(0, 1);
  const [late] = crawl(scene, site, [{ client: THIRD, rate: 2, isServed }], 600_000);
  t.true(late!.slots.length < 0.25 * late!.asked, `${late!.slots.length} of ${late!.asked}`);
});
