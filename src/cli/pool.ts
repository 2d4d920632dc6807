import { CommandError } from '../admin/command-error.ts';
import { type ExitView, MOST_EXITS, type PoolView } from '../admin/pool-view.ts';
import type { CommandSpec, Given } from './command-spec.ts';
import { type Cell, formatFacts, formatTable } from './table.ts';
import type { Workplace } from './workplace.ts';

const poolOption = '--pool <name>';

/** The commands about pools and exits. */
export const poolCommands: readonly CommandSpec[] = [
  {
    path: 'pool list',
    summary: 'list all pools',
    run: async (_, workplace) => {
      const { result, live } = await workplace.run('pool.list', {});
      const head = ['POOL', 'TIER', 'STRATEGY', 'PRICE', 'EXITS', 'USABLE', 'COUNTRIES'];
      const lines = result.length === 0 ? ['no pools'] : formatTable(head, result.map(poolRow), workplace.emphasise);
      return { json: result, lines, remarks: remarksOn(workplace, live) };
    },
  },
  {
    path: 'pool show',
    summary: 'show a pool',
    operand: 'the name of the pool',
    run: async ({ operand }, workplace) => {
      const { result, live } = await workplace.run('pool.show', { name: operand });
      const names = ['pool', 'tier', 'strategy', 'price', 'exits', 'usable', 'countries'];
      const values = poolRow(result);
      const lines = formatFacts(names.map((name, index) => [name, values[index] ?? null]));
      return { json: result, lines, remarks: remarksOn(workplace, live) };
    },
  },
  {
    path: 'exit list',
    summary: 'list exits and how they do',
    options: [
      { flags: poolOption, describe: 'only those of this pool' },
      { flags: '--country <code>', describe: 'only those in this country, such as us' },
      { flags: '--limit <number>', describe: `so many at most, which is ${MOST_EXITS} unless told` },
    ],
    run: async (given, workplace) => {
      const args = { pool: given.text('pool'), country: given.text('country'), limit: limitOf(given) };
      const { result, live } = await workplace.run('exit.list', args);
      const { exits, total } = result;
      const place = ['EXIT', 'POOL', 'TIER', 'COUNTRY', 'ENDPOINT', 'NAME'];
      const head = [...place, 'LATENCY', 'IN FLIGHT', 'SERVED', 'REFUSED', 'STATE'];
      const lines = exits.length === 0 ? ['no exits'] : formatTable(head, exits.map(exitRow), workplace.emphasise);
      const rest = total - exits.length;
      const remarks = rest > 0 ? [`${rest} more of ${total} exits are not shown`] : [];
      return { json: exits, lines, remarks: [...remarks, ...remarksOn(workplace, live)] };
    },
  },
];

/** Throws CommandError. */
function limitOf(given: Given): number | undefined {
  const text = given.text('limit');
  if (text === undefined) return undefined;
  const limit = /^[0-9]{1,9}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MOST_EXITS) return limit;
  throw new CommandError({
    code: 'bad_argument',
    message: `--limit: "${text}" is no number from 1 to ${MOST_EXITS}`,
    remedy: 'narrow the list with --pool or --country',
  });
}

function poolRow({ pool, tier, strategy, price, exits, usable, countries }: PoolView): Cell[] {
  return [pool, tier, strategy, price === null ? null : costOf(price), exits, usable, countries.join(' ')];
}

function costOf({ perGB, perRequest, perIpMonth, currency }: NonNullable<PoolView['price']>): string {
  const parts = [
    ...(perGB > 0 || perRequest + perIpMonth === 0 ? [`${perGB}/GB`] : []),
    ...(perRequest > 0 ? [`${perRequest}/request`] : []),
    ...(perIpMonth > 0 ? [`${perIpMonth}/exit and month`] : []),
  ];
  return `${currency} ${parts.join(' + ')}`;
}

function exitRow({ id, pool, tier, country, endpoint, name, live }: ExitView): Cell[] {
  const facts: Cell[] = [id, pool, tier, country ?? null, endpoint, name];
  return live === null
    ? [...facts, null, null, null, null, null]
    : [...facts, `${Math.round(live.latencyMs)} ms`, live.inFlight, live.served, live.refused, stateOf(live)];
}

function stateOf({ ejectedForMs, failuresInRow }: NonNullable<ExitView['live']>): string {
  if (ejectedForMs > 0) return `ejected for ${(ejectedForMs / 1000).toFixed(1)} s`;
  return failuresInRow > 0 ? `${failuresInRow} failed in a row` : 'ok';
}

/** What is missing where no gateway was asked. */
function remarksOn(workplace: Workplace, live: boolean): string[] {
  if (live) return [];
  const demo = workplace.settings().hasDemo ? ', and the demo pool has no exits until it does' : '';
  return [`no gateway runs: this is what the pool files say${demo}`];
}
