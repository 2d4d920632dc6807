import test from 'ava';
import fc from 'fast-check';
import { ExitFlag } from '../../src/memory/exit-rows.ts';
import { SITE_WORDS, SiteWord } from '../../src/memory/site-table.ts';
import { HOLD, NONE, type Strategy } from '../../src/selection/request.ts';
import { Scene } from './scene.ts';

const strategies: readonly Strategy[] = ['learned', 'two-choices', 'least-in-flight', 'round-robin', 'random'];

/** The share of `picks` that fell on slots for which `wanted` is true. */
function shareOf(picks: ReadonlyMap<number, number>, wanted: (slot: number) => boolean): number {
  let all = 0;
  let hits = 0;
  for (const [slot, count] of picks) {
    all += count;
    if (wanted(slot)) hits += count;
  }
  return hits / all;
}

for (const strategy of strategies) {
  test(`${strategy}: no pick is excluded, frozen, outside its filter or gone, whatever happened before`, (t) => {
    const step = fc.record({
      what: fc.constantFrom('serve', 'refuse', 'fail', 'freeze', 'thaw', 'leave', 'renew', 'wait'),
      slot: fc.nat(39),
      passed: fc.nat(30_000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.integer(), fc.boolean(), (steps, seed, nearWrap) => {
        const scene = new Scene({ seed });
        scene.join(40);
        const site = scene.site(1);
        const list = scene.list.filter((slot) => slot % 2 === 0);
        const gone = new Set<number>();
        const frozen = new Set<number>();
        let now = nearWrap ? 2 ** 32 - 400_000 : 0;
        for (const { what, slot, passed } of steps) {
          now += passed;
          if (what === 'serve' || what === 'refuse')
            scene.exchange(slot, { now, site, end: { ms: 100 + slot, served: what === 'serve' } });
          else if (what === 'fail') scene.exchange(slot, { now, site, end: { how: 'timed_out', ms: 2_000 } });
          else if (what === 'leave') {
            scene.rows.vacate(slot);
            gone.add(slot);
          } else if (what === 'renew') {
            scene.rows.settle(slot, { group: 0, now });
            gone.delete(slot);
            frozen.delete(slot);
          } else if (what !== 'wait') {
            scene.rows.setFlag(slot, ExitFlag.frozen, what === 'freeze');
            if (what === 'freeze') frozen.add(slot);
            else frozen.delete(slot);
          }
          const excluded = [slot, (slot + 2) % 40];
          const matches = (one: number) => one % 2 === 0;
          const asked = { strategy, site, list, matches, excluded, since: now, retry: passed % 2 === 0 };
          const picked = scene.selection.pick(scene.request(asked), now);
          const fit = list.filter((one) => !gone.has(one) && !frozen.has(one) && !excluded.includes(one));
          if (picked === HOLD) continue;
          if (fit.length === 0 ? picked !== NONE : !fit.includes(picked)) return false;
          if (scene.list.some((one) => scene.rows.inFlightOf(one) !== 0 || scene.rows.waitingOf(one) !== 0))
            return false;
        }
        return true;
      }),
      { numRuns: 150 },
    );
    t.pass();
  });

  test(`${strategy}: a pool of one works, failing or not; an empty filter says so`, (t) => {
    const scene = new Scene();
    scene.join(1);
    t.is(scene.selection.pick(scene.request({ strategy }), 0), 0);
    for (let i = 0; i < 9; i++) scene.exchange(0, { now: i * 100_000, end: { how: 'refused', ms: 5 } });
    t.is(scene.selection.pick(scene.request({ strategy }), 800_001), 0);
    t.is(scene.selection.pick(scene.request({ strategy, excluded: [0] }), 800_001), NONE);
    t.is(scene.selection.pick(scene.request({ strategy, list: [] }), 800_001), NONE);
  });
}

test('nine bad exits of ten stop mattering within 50 exchanges with five retries', (t) => {
  for (let seed = 0; seed < 40; seed++) {
    const scene = new Scene({ seed });
    scene.join(10);
    const good = seed % 10;
    let failedLate = 0;
    for (let exchange = 0; exchange < 300; exchange++) {
      const now = exchange * 20;
      const tried: number[] = [];
      while (tried.length < 6 && tried.at(-1) !== good) {
        const slot = scene.selection.pick(scene.request({ excluded: tried, retry: tried.length > 0, since: now }), now);
        scene.exchange(slot, { now, end: slot === good ? { ms: 80 } : { how: 'refused', ms: 5 } });
        tried.push(slot);
      }
      if (exchange >= 50 && tried.at(-1) !== good) failedLate++;
    }
    t.is(failedLate, 0, `seed ${seed}`);
  }
});

test('of many exits the fast ones are found and remembered', (t) => {
  const scene = new Scene();
  scene.join(1_000);
  const isFast = (slot: number) => slot % 10 === 0;
  const play = (slot: number) => ({ ms: isFast(slot) ? 100 : 1_000 });
  scene.crawl(1_000, play);
  t.true(shareOf(scene.crawl(500, play, { from: 100_000 }), isFast) > 0.85);
});

test('exits that fail are left alone, and a queue makes the next exit better', (t) => {
  const scene = new Scene();
  scene.join(100);
  const isBad = (slot: number) => slot % 2 === 0;
  const play = (slot: number) => (isBad(slot) ? { how: 'refused' as const, ms: 50 } : { ms: 300 });
  scene.crawl(400, play);
  t.true(shareOf(scene.crawl(400, play, { from: 40_000 }), isBad) < 0.1);
  const two = new Scene({ curiosity: 0 });
  two.join(2);
  for (let i = 0; i < 20; i++) for (const slot of [0, 1]) two.exchange(slot, { now: i, end: { ms: 300 + slot * 100 } });
  t.is(two.selection.pick(two.request(), 100), 0);
  for (let i = 0; i < 6; i++) {
    two.rows.take(0);
    two.selection.begin(0, -1, 100);
  }
  t.is(two.selection.pick(two.request(), 101), 1);
});

test('an exit that is overdue is suspected before anything has failed', (t) => {
  const scene = new Scene({ curiosity: 0 });
  scene.join(2);
  for (let i = 0; i < 20; i++) {
    for (const slot of [0, 1]) scene.exchange(slot, { now: i * 1_000, end: { ms: 200 + slot } });
  }
  scene.rows.take(0);
  scene.selection.begin(0, -1, 20_000);
  const askedMs = scene.selection.expectedMs(0, -1, 20_000);
  t.is(scene.selection.pick(scene.request(), 20_000 + askedMs * 20), 1);
});

test('a site that refuses an exit is asked over another, and again after its own word', (t) => {
  const scene = new Scene();
  scene.join(2);
  const [site, other] = [scene.site(1), scene.site(2)];
  for (let i = 0; i < 5; i++) scene.exchange(0, { now: i, site, end: { ms: 100 } });
  for (let i = 0; i < 5; i++) scene.exchange(1, { now: i, site, end: { ms: 400 } });
  const at = { slot: 0, generation: 1 };
  scene.selection.judged(at, { site, rings: [0], served: false, weight: 1, retryAfterMs: 60_000 }, 10);
  for (let i = 0; i < 20; i++) t.is(scene.selection.pick(scene.request({ site, since: 100 }), 100), 1);
  t.false(scene.selection.mayStay(0, { site }, 100));
  t.true(scene.selection.mayStay(1, { site }, 100));
  t.true(scene.selection.mayStay(0, { site: other }, 100));
  t.true(scene.selection.mayStay(0, { site }, 61_000));
});

test('where every exit is refused the exchange is held, and no longer than it makes sense', (t) => {
  const scene = new Scene();
  scene.join(3);
  const site = scene.site(1);
  for (const slot of [0, 1, 2]) scene.exchange(slot, { now: 0, site, end: { ms: 100, served: false } });
  t.is(scene.selection.pick(scene.request({ site, since: 1_000 }), 1_000), HOLD);
  t.true(scene.selection.pick(scene.request({ site, since: 400_000 }), 400_000) >= 0);
  t.true(scene.selection.pick(scene.request({ site: scene.site(2), since: 1_000 }), 1_000) >= 0);
});

test('a pool of one is asked even where it was refused: there is no other, and the site has its own word', (t) => {
  const scene = new Scene();
  scene.join(1);
  const site = scene.site(1);
  for (let i = 0; i < 3; i++) scene.exchange(0, { now: i * 20_000, site, end: { ms: 100, served: false } });
  t.is(scene.selection.pick(scene.request({ site, since: 41_000 }), 41_000), 0);
});

test('another exit in the slot has refused nobody and been refused nowhere', (t) => {
  const scene = new Scene();
  scene.join(2);
  const site = scene.site(1);
  for (let i = 0; i < 3; i++)
    for (const slot of [0, 1]) scene.exchange(slot, { now: i * 20_000, site, end: { ms: 100, served: false } });
  t.is(scene.selection.pick(scene.request({ site, since: 41_000 }), 41_000), HOLD);
  const former = { slot: 0, generation: scene.rows.generationOf(0) };
  scene.rows.settle(0, { group: 0, now: 41_000 });
  t.is(scene.selection.pick(scene.request({ site, since: 41_000 }), 41_000), 0);
  scene.selection.failed(former, 'refused', { ms: 5, now: 41_000 });
  scene.selection.judged(former, { site, rings: [0], served: false, weight: 1, retryAfterMs: null }, 41_000);
  t.is(scene.rows.failuresInRowOf(0), 0);
  t.is(scene.selection.pick(scene.request({ site, since: 41_000 }), 41_000), 0);
});

test('the cheapest tier that works for the site wins, and money is weighed against seconds', (t) => {
  const scene = new Scene({ money: 1_000 });
  const cheap = scene.join(60, { pool: 'dc', tier: 0, pricePerGB: 0.1 });
  const dear = scene.join(60, { pool: 'res', tier: 2, pricePerGB: 5 });
  const [open, closed] = [scene.site(1), scene.site(2)];
  const isCheap = (slot: number) => slot < 60;
  const tiers = { list: cheap, others: [dear] };
  const likes = scene.crawl(300, (slot) => ({ ms: isCheap(slot) ? 400 : 300 }), { ...tiers, site: open });
  t.true(shareOf(likes, isCheap) > 0.95);
  const refuses = (slot: number) => ({ ms: 300, served: !isCheap(slot) });
  scene.crawl(300, refuses, { ...tiers, site: closed, from: 30_000 });
  t.true(shareOf(scene.crawl(300, refuses, { ...tiers, site: closed, from: 60_000 }), isCheap) < 0.1);
  t.true(
    shareOf(
      scene.crawl(100, (slot) => ({ ms: isCheap(slot) ? 400 : 300 }), { ...tiers, site: open, from: 90_000 }),
      isCheap,
    ) > 0.9,
  );
});

test('a learned limit makes exits take turns, and a session moves before it is reached', (t) => {
  const scene = new Scene({ curiosity: 0 });
  scene.join(10);
  const site = scene.site(1);
  const uses = new Map<number, number>();
  let refusals = 0;
  const play = (slot: number) => {
    const count = (uses.get(slot) ?? 0) + 1;
    uses.set(slot, count);
    if (count <= 10) return { ms: 200 };
    refusals++;
    return { ms: 200, served: false };
  };
  scene.crawl(150, play, { site });
  t.true(refusals > 0);
  const limit = scene.sites.floats[site * SITE_WORDS + SiteWord.limit]!;
  t.true(limit === 0 || limit <= 11, `${limit}`);
});

test('patience and hedging follow what the exit takes, within their bounds and the budget', (t) => {
  const scene = new Scene({ hedgeShare: 0.5, hedgeOctets: 1, leastHedge: 10, leastPatience: 50 });
  scene.join(2);
  for (let i = 0; i < 50; i++)
    for (const slot of [0, 1]) scene.exchange(slot, { now: i, end: { ms: slot === 0 ? 100 : 1_000 } });
  const { selection } = scene;
  t.true(selection.attemptTimeoutMs(0, -1, 50) < selection.attemptTimeoutMs(1, -1, 50));
  t.true(selection.attemptTimeoutMs(0, -1, 50) > selection.expectedMs(0, -1, 50));
  t.true(selection.hedgeDelayMs(0, -1, 50) > 0);
  while (selection.hedgeDelayMs(0, -1, 50) > 0) selection.hedged(-1);
  scene.exchange(0, { now: 60, end: { ms: 100 } });
  scene.exchange(0, { now: 60, end: { ms: 100 } });
  t.true(selection.hedgeDelayMs(0, -1, 60) > 0);
});

test('of a loose list only exits that match are picked, and a bounded number is looked at', (t) => {
  const scene = new Scene();
  scene.join(1_000);
  const matches = (slot: number) => slot % 4 === 1;
  const picks = scene.crawl(300, () => ({ ms: 200 }), { loose: true, matches });
  picks.delete(-1);
  t.true(picks.size > 1);
  t.true([...picks.keys()].every(matches));
  let looked = 0;
  const none = () => {
    looked++;
    return false;
  };
  t.is(scene.selection.pick(scene.request({ loose: true, matches: none, ring: 1 }), 0), -1);
  t.true(looked > 0 && looked < 100, `${looked}`);
});

/** Carries `exchanges` with the site, each raced whenever the budget allows. Returns how many were. */
function race(scene: Scene, { site, octets, exchanges }: { site: number; octets: number; exchanges: number }): number {
  let raced = 0;
  for (let i = 0; i < exchanges; i++) {
    scene.selection.begin(0, site, i);
    if (scene.selection.hedgeDelayMs(0, site, i) > 0) {
      scene.selection.hedged(site);
      raced++;
    }
    scene.selection.ended({ slot: 0, generation: scene.rows.generationOf(0) }, i);
    scene.selection.carried(site, octets);
  }
  return raced;
}

test('what hedges are expected to carry stays within a share of the octets carried, beyond a burst and one hedge', (t) => {
  for (const [octets, exchanges] of [
    [2_000, 5_000],
    [200_000, 2_000],
    [50_000_000, 2_000],
  ] as const) {
    const scene = new Scene({ hedgeShare: 1, hedgeOctets: 0.05 });
    scene.join(1);
    const site = scene.site(1);
    for (let i = 0; i < 100; i++) scene.selection.carried(site, octets);
    const raced = race(scene, { site, octets, exchanges });
    t.true(raced * octets <= 0.05 * exchanges * octets + 4_000_000 + octets * 1.1, `${octets}: ${raced}`);
    t.true(raced >= 0.05 * exchanges - 2, `${octets}: ${raced}`);
  }
});

test('an unknown site’s hedges cost those of an ordinary page; what any site carries pays for them', (t) => {
  const scene = new Scene({ hedgeShare: 1, hedgeOctets: 0.05 });
  scene.join(1);
  const { selection } = scene;
  t.is(race(scene, { site: -1, octets: 0, exchanges: 100 }), 20);
  t.false(selection.mayHedge);
  t.is(selection.hedgeDelayMs(0, -1, 100), 0);
  selection.carried(scene.site(1), 200_000);
  t.true(selection.mayHedge);
});

test('a share of no octets allows no hedge; the share of exchanges holds whatever octets were carried', (t) => {
  const none = new Scene({ hedgeShare: 1, hedgeOctets: 0 });
  none.join(1);
  t.is(race(none, { site: -1, octets: 1_000_000, exchanges: 50 }), 0);
  const few = new Scene({ hedgeShare: 0.125, hedgeOctets: 1 });
  few.join(1);
  t.is(race(few, { site: -1, octets: 1_000_000, exchanges: 800 }), 101);
});

test('the trace names exits that were compared, the one taken among them', (t) => {
  const scene = new Scene();
  scene.join(100);
  const trace: { slot: number; cost: number }[] = [];
  const slot = scene.selection.pick(scene.request({ trace }), 0);
  const cheapest = trace.toSorted((a, b) => a.cost - b.cost)[0];
  t.is(cheapest?.slot, slot);
});
