import test from 'ava';
import { basic, forwardVia, open } from '../support/clients.ts';
import { startGateway } from '../support/gateway.ts';
import { Crawler } from './world/crawler.ts';
import { ExitTruth } from './world/exit-truth.ts';
import { nameOfSite, pageMark } from './world/names.ts';
import { poolsOf } from './world/pool.ts';
import { startWorld } from './world/running-world.ts';
import { SiteTruth } from './world/site-truth.ts';
import { type SiteClass, type WorldSpec, worlds } from './world/spec.ts';
import { drawPages } from './world/workload.ts';
import { World } from './world/world.ts';

const { steady } = worlds;

const bucketOfThree: SiteClass = {
  share: 1,
  serviceMs: 1,
  bucket: 3,
  refillPerMinute: 0,
  coolMs: 1_000,
  burntShare: 0,
  challengeShare: 0,
  prolongs: false,
};

/** Quick exits that neither die nor keep silent, and sites of one class. */
const quick: WorldSpec = {
  ...steady,
  exits: 30,
  exit: { ...steady.exit, medianMs: 3, tailShare: 0, zombieShare: 0, silent: 0, refusing: 1 },
  lives: { medianMs: 1e12, sigma: 0.1, awayMs: 1 },
  sites: { count: 5, zipf: 1, classes: [bucketOfThree] },
};

const options = { seed: 5, runMs: 100_000 };
const clean = { number: 1, dirt: 1 };
const other = { number: 2, dirt: 1 };

/** Empties the bucket that the site has for `clean`. */
const takePages = (site: SiteTruth, now: number) =>
  Array.from({ length: site.rules.bucket }, () => site.judge(clean, now));

test('a site bans an address when its bucket is dry, for twice as long each time, and no other address', (t) => {
  const site = new SiteTruth(0, quick, 5);
  const { coolMs } = site.rules;
  let now = 0;
  for (const strike of [0, 1, 2]) {
    t.true(takePages(site, now).every((verdict) => verdict === 'page'));
    t.not(site.judge(clean, now), 'page');
    t.is(site.tokensOf(clean, now), 0);
    const ends = now + coolMs * 2 ** strike;
    t.not(site.judge(clean, ends - 1), 'page');
    now = ends;
  }
  t.is(site.tokensOf(other, now), site.rules.bucket);
  t.is(site.judge(other, now), 'page');
});

test('a bucket fills with time, and knocking prolongs a ban where the site is hard', (t) => {
  const filling = new SiteTruth(0, withClass({ refillPerMinute: 60 }), 5);
  takePages(filling, 0);
  t.is(filling.judge(clean, 60_000 / filling.rules.refillPerMinute), 'page');

  const hard = new SiteTruth(0, withClass({ prolongs: true }), 5);
  const { coolMs } = hard.rules;
  takePages(hard, 0);
  hard.judge(clean, 0);
  hard.judge(clean, 0.9 * coolMs);
  t.not(hard.judge(clean, 1.1 * coolMs), 'page');
  t.is(hard.judge(clean, 2 * coolMs), 'page');
});

test('burnt addresses are refused from the start; refusals come in every form', (t) => {
  const site = new SiteTruth(0, withClass({ burntShare: 0.5, bucket: Infinity }), 5);
  const addresses = Array.from({ length: 2_000 }, (_, number) => ({ number, dirt: 1 }));
  const burnt = addresses.filter((address) => site.isBurnt(address));
  t.true(burnt.length > 400 && burnt.length < 1_600);
  const refusals = burnt.map((address) => site.judge(address, 0));
  t.deepEqual([...new Set(refusals)].sort(), ['challenged', 'disguised', 'refused']);
  const served = addresses.filter((address) => !site.isBurnt(address));
  t.true(served.every((address) => site.judge(address, 0) === 'page'));
});

test('a brown-out hits the exits of its provider, while it lasts', (t) => {
  const spec = {
    ...quick,
    brownOuts: [{ provider: 'birch', from: 0.5, to: 0.6, slowness: 4, failShare: 0.45 }],
  };
  const exits = Array.from({ length: 60 }, (_, number) => new ExitTruth(number, spec, options));
  const hit = exits.filter((exit) => exit.expectedMs(55_000) > 3.9 * exit.expectedMs(49_000));
  const providers = new Set(hit.map(({ provider }) => quick.providers[provider]?.name));
  t.deepEqual([...providers], ['birch']);
  t.is(hit.length, exits.filter(({ provider }) => quick.providers[provider]?.name === 'birch').length);
  t.true(hit.every((exit) => exit.failShareAt(55_000) > exit.failShareAt(60_000)));
});

test('a dead exit carries nothing, and comes back; the oracle leaves it out', (t) => {
  const lives = { medianMs: 10_000, sigma: 0.5, awayMs: 10_000 };
  const spec = { ...quick, lives, exit: { ...quick.exit, failShare: 0, flakyShare: 0 } };
  const world = new World(spec, options);
  const seen = { dead: 0, alive: 0, returned: 0 };
  const was = new Map<number, boolean>();
  for (let now = 0; now < 60_000; now += 1_000) {
    const chosen = world.cheapest({ site: 0, country: null, excluded: [], session: false }, now);
    t.true(chosen === -1 || world.exits[chosen]!.aliveAt(now));
    for (const exit of world.exits) {
      const alive = exit.aliveAt(now);
      if (alive && was.get(exit.number) === false) seen.returned++;
      was.set(exit.number, alive);
      const { kind } = exit.begin(now);
      exit.end();
      if (!alive) t.true(kind === 'silence' || kind === 'reset');
      seen[alive ? 'alive' : 'dead']++;
    }
  }
  t.true(seen.dead > 100 && seen.alive > 100 && seen.returned > 10, JSON.stringify(seen));
});

test('the oracle takes no exit that is banned, of another country, or tried', (t) => {
  const world = new World({ ...quick, sites: { count: 1, zipf: 1, classes: [bucketOfThree] } }, options);
  const wish = { site: 0, country: 'de', excluded: [] as number[], session: false };
  const german = quick.countries.findIndex(({ code }) => code === 'de');
  const usable = world.exits.filter(({ country }) => country === german).map(({ number }) => number);
  const first = world.cheapest(wish, 0);
  t.true(usable.includes(first));
  while (world.judge(0, first, 0) === 'page');
  const second = world.cheapest(wish, 0);
  t.true(usable.includes(second) && second !== first);
  t.is(world.cheapest({ ...wish, excluded: usable }, 0), -1);
});

test('the same seed draws the same pages and the same luck', (t) => {
  const draw = (seed: number) => drawPages(steady, { count: 50, seed });
  t.deepEqual(draw(3), draw(3));
  t.notDeepEqual(draw(3), draw(4));
  const fates = () => {
    const exit = new ExitTruth(7, steady, options);
    return Array.from({ length: 20 }, (_, now) => exit.begin(now));
  };
  t.deepEqual(fates(), fates());
});

test('on sockets a site knows each exit by its address', async (t) => {
  if (process.platform !== 'linux') return t.pass('only Linux answers at all of 127.0.0.0/8');
  const reliable = { ...quick, exits: 2, exit: { ...quick.exit, failShare: 0, flakyShare: 0 } };
  // Numbers 1 and 2 speak HTTP, 0 SOCKS5.
  const world = await startWorld({ ...reliable, exits: 3 }, options);
  t.teardown(world.close);
  const fetchBy = async (exit: number): Promise<boolean> => {
    const { hostname, port, username, password } = new URL(world.exits[exit]!.url);
    const socket = await open(Number(port), hostname);
    const fields = { 'Proxy-Authorization': basic({ username, password }), Connection: 'close' };
    const answer = await forwardVia(0, `http://${nameOfSite(0)}/`, { socket, fields });
    socket.destroy();
    return answer.content.includes(pageMark(0));
  };
  const limit = new SiteTruth(0, reliable, options.seed).rules.bucket;
  for (let i = 0; i < limit; i++) t.true(await fetchBy(1));
  t.false(await fetchBy(1));
  t.true(await fetchBy(2));
  const { uses, verdicts } = await world.figures();
  t.deepEqual([uses[1], uses[2], verdicts.page], [limit + 1, 1, limit + 1]);
});

test('through the gateway nearly every page comes, in spite of what exits and sites do', async (t) => {
  if (process.platform !== 'linux') return t.pass('only Linux answers at all of 127.0.0.0/8');
  const spec: WorldSpec = {
    ...quick,
    exit: { ...quick.exit, flakyShare: 0.3 },
    brownOuts: [{ provider: 'birch', from: 0.2, to: 0.8, slowness: 2, failShare: 0.4 }],
    sites: { count: 20, zipf: 1, classes: [{ ...bucketOfThree, bucket: 60, burntShare: 0.05 }] },
    traffic: { ...steady.traffic, perSecond: 100 },
  };
  const world = await startWorld(spec, { seed: 5, runMs: 3_000 });
  t.teardown(world.close);
  const gateway = await startGateway(poolsOf(world.exits, 'two-choices'));
  t.teardown(gateway.stop);
  const login = (parameters: string) => gateway.login('tester', parameters);
  const crawler = new Crawler({ port: gateway.port(), login });
  const pages = drawPages(spec, { count: 300, seed: 5 });
  await world.begin();
  const crawled = await Promise.all(pages.map((page) => crawler.crawl(page)));
  const came = crawled.filter(({ ok }) => ok).length;
  const { uses, verdicts } = await world.figures();
  t.true(came >= 270, `${came} of 300 pages came`);
  t.true(verdicts.page >= came);
  // Some exits failed, so there were more attempts than pages.
  t.true(uses.reduce((sum, count) => sum + count, 0) > 300);
});

function withClass(part: Partial<SiteClass>): WorldSpec {
  return { ...quick, sites: { count: 1, zipf: 1, classes: [{ ...bucketOfThree, ...part }] } };
}
