import { exitStatuses } from '../admin/exit-view.ts';
import type { PoolStats } from '../admin/pool-stats.ts';
import type { CommandSpec, Given, Outcome } from './command-spec.ts';
import { octetText } from './octet-text.ts';
import { remarksOn } from './pool.ts';
import { type Cell, formatFacts } from './table.ts';
import type { Workplace } from './workplace.ts';

/** Countries shown to people unless told. */
const TOP = 10;

/** `pool stats`. */
export const poolStatsCommand: CommandSpec = {
  path: 'pool stats',
  summary: 'show how pools stand and what they carried',
  operands: 'the names of pools; all unless told',
  options: [{ flags: '--top <number>', describe: `show so many countries (default: ${TOP})` }],
  run: stats,
};

async function stats(given: Given, workplace: Workplace): Promise<Outcome> {
  const top = given.count('top', { least: 0, most: 999, remedy: 'write it like 20' }) ?? TOP;
  const names = given.operands.length === 0 ? [undefined] : given.operands;
  const all: PoolStats[] = [];
  let live = true;
  for (const name of names) {
    const answer = await workplace.run('pool.stats', { name });
    all.push(...answer.result);
    live = answer.live;
  }
  const lines = all.flatMap((pool, index) => [...(index === 0 ? [] : ['']), ...formatFacts(factsOf(pool, top))]);
  return { json: all, lines: all.length === 0 ? ['no pools'] : lines, remarks: remarksOn(workplace, live) };
}

function factsOf(stats: PoolStats, top: number): [string, Cell][] {
  const { pool, exits, usable, byStatus, byCountry, latencyMs, inFlight, traffic } = stats;
  const standing = exitStatuses
    .filter((status) => byStatus[status] > 0)
    .map((status) => `${byStatus[status]} ${status}`);
  const countries = byCountry.slice(0, top).map(({ country, exits: count }) => `${country} ${count}`);
  const rest = byCountry.length > top ? `, and ${byCountry.length - top} more` : '';
  return [
    ['pool', pool],
    ['exits', usable === null ? exits : `${exits}, ${usable} of them usable`],
    ['standing', standing.join(', ')],
    ['countries', countries.length === 0 ? null : countries.join(', ') + rest],
    ...(latencyMs === null
      ? []
      : [
          ['latency', `${latencyMs.p50} ms, 90 % within ${latencyMs.p90} ms, 99 % within ${latencyMs.p99} ms`] as const,
        ]),
    ...(inFlight === null ? [] : [['in flight', inFlight] as const]),
    ...(traffic === null ? [] : trafficFacts(traffic)),
  ].map(([name, value]) => [name ?? '', value ?? null] as [string, Cell]);
}

function trafficFacts({ ended, clientToOrigin, originToClient }: NonNullable<PoolStats['traffic']>): [string, Cell][] {
  const failed = (['exit', 'origin', 'client', 'gateway'] as const).filter((by) => ended[by] > 0);
  const blamed = failed.map((by) => `${ended[by]} by the ${by}`);
  return [
    ['exchanges', [`${ended.nobody} ok`, ...blamed.map((text) => `failed: ${text}`)].join(', ')],
    ['carried', `${octetText(originToClient)} to clients, ${octetText(clientToOrigin)} to origins`],
  ];
}
