/** Plays a world of exits and sites on loopback and crawls it through the running gateway, once for each strategy on the same seed:
 *
 *    node test/bench/socket-world.ts [--world everything] [--exchanges 20000] [--strategies random,two-choices,learned,oracle]
 *                                    [--seed 1] [--exits 600] [--rate 120]
 *
 *  `oracle` is no strategy of a pool: the crawler asks the world itself for the best exit of the moment and pins it. Linux only. */

import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type Crawled, Crawler, deadlineMs, type Guide } from './world/crawler.ts';
import { poolsOf } from './world/pool.ts';
import { type RunningWorld, startWorld } from './world/running-world.ts';
import { type Score, scoreOf } from './world/score.ts';
import { type WorldName, type WorldSpec, worlds } from './world/spec.ts';
import { tableOf } from './world/table.ts';
import { drawPages, type Page } from './world/workload.ts';

/** A page that is asked for by so much too late shows that processes wait for the machine and not for exits, in ms. */
const tooLateMs = 250;

interface Run {
  readonly spec: WorldSpec;
  readonly seed: number;
  readonly pages: readonly Page[];
}

/** Plays one strategy from a fresh world and a fresh gateway to its score. */
async function play(strategy: string, { spec, seed, pages }: Run): Promise<Score> {
  const runMs = pages.at(-1)?.at ?? 0;
  const world = await startWorld(spec, { seed, runMs });
  try {
    const { pools, files } = poolsOf(world.exits, strategy === 'oracle' ? 'random' : strategy);
    const gateway = await startGateway({
      pools,
      files,
      config: { timeouts: { dial: '10s', firstByte: '10s', attempts: '30s' }, exchange: { attempts: 3 } },
    });
    try {
      const guide = strategy === 'oracle' ? await guideOf(world, gateway) : null;
      const login = (parameters: string) => gateway.login('tester', parameters);
      const crawler = new Crawler({ port: gateway.port(), login, guide });
      await world.begin();
      const { crawled, latestMs } = await crawlAll(crawler, pages);
      const verdict = latestMs > tooLateMs ? ': this machine is too busy for these figures to mean anything' : '';
      console.error(`${strategy}: the latest page was asked for ${latestMs.toFixed(0)} ms after its time${verdict}`);
      const figures = await world.figures();
      await gateway.stop();
      return scoreOf(crawled, { log: await gateway.accessLog(), figures });
    } finally {
      await gateway.stop();
    }
  } finally {
    await world.close();
  }
}

/** Open loop: a page is asked for when its time has come, whatever became of the others. A machine that is too busy shows by how
 *  late the latest was. */
async function crawlAll(crawler: Crawler, pages: readonly Page[]) {
  const began = performance.now();
  const crawls: Promise<Crawled>[] = [];
  let latestMs = 0;
  for (const page of pages) {
    const aheadMs = page.at - (performance.now() - began);
    if (aheadMs > 1) await sleep(aheadMs);
    latestMs = Math.max(latestMs, performance.now() - began - page.at);
    crawls.push(crawler.crawl(page));
  }
  return { crawled: await Promise.all(crawls), latestMs };
}

/** The world as a guide: it knows exits by number, the gateway by id. */
async function guideOf(world: RunningWorld, gateway: Gateway): Promise<Guide> {
  const listed = await gateway.command('exit', 'list', '--json');
  const views: { id: string; endpoint: string }[] = JSON.parse(listed.stdout);
  const ids = new Map(views.map(({ id, endpoint }) => [endpoint, id]));
  return {
    cheapest: world.cheapest,
    idOf: (exit) => ids.get(world.exits[exit]?.url.replace(/\/\/.*@/, '//') ?? '') ?? '',
  };
}

// Ended from outside, it takes the gateway with it; the world goes when its channel does.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
if (process.platform !== 'linux')
  throw new Error('exits need addresses of their own, which only Linux has on loopback');

const { values: given } = parseArgs({
  options: {
    world: { type: 'string', default: 'everything' },
    exchanges: { type: 'string', default: '20000' },
    strategies: { type: 'string', default: 'random,two-choices,learned,oracle' },
    seed: { type: 'string', default: '1' },
    exits: { type: 'string' },
    rate: { type: 'string' },
  },
});
if (!Object.hasOwn(worlds, given.world)) throw new Error(`--world: one of ${Object.keys(worlds).join(', ')}`);
const base: WorldSpec = worlds[given.world as WorldName];
const spec: WorldSpec = {
  ...base,
  exits: Number(given.exits ?? base.exits),
  traffic: { ...base.traffic, perSecond: Number(given.rate ?? base.traffic.perSecond) },
};
const seed = Number(given.seed);
const pages = drawPages(spec, { count: Number(given.exchanges), seed });
const seconds = Math.round((pages.at(-1)?.at ?? 0) / 1_000);
console.log(
  `${given.world}: ${pages.length} pages in ${seconds} s over ${spec.exits} exits, seed ${seed}; failures count ${deadlineMs / 1_000} s`,
);
const scores = new Map<string, Score>();
for (const strategy of given.strategies.split(',')) {
  scores.set(strategy, await play(strategy, { spec, seed, pages }));
}
console.log(tableOf(scores));
