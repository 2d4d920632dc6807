import type { PoolView } from '../admin/pool-view.ts';
import { providerText } from '../admin/provider-view.ts';
import type { CommandSpec } from './command-spec.ts';
import { printable } from './printable.ts';
import { probingLines } from './probe-text.ts';
import { fetchedCell, hasNoSource, sourceLines } from './source-text.ts';
import { type Cell, formatFacts, formatTable } from './table.ts';
import type { Workplace } from './workplace.ts';

/** The commands about pools. */
export const poolCommands: readonly CommandSpec[] = [
  {
    path: 'pool list',
    summary: 'list all pools',
    run: async (_, workplace) => {
      const { result, live } = await workplace.run('pool.list', {});
      const head = ['POOL', 'STATE', 'TIER', 'STRATEGY', 'PRICE', 'EXITS', 'USABLE', 'FETCHED', 'COUNTRIES'];
      const lines = result.length === 0 ? ['no pools'] : formatTable(head, result.map(poolRow), workplace.screen);
      return { json: result, lines, remarks: [...remarksOn(workplace, live), ...result.flatMap(keptRemark)] };
    },
  },
  {
    path: 'pool show',
    summary: 'show a pool',
    operand: 'the name of the pool',
    run: async ({ operand }, workplace) => {
      const { result, live } = await workplace.run('pool.show', { name: operand });
      const names = ['pool', 'state', 'tier', 'strategy', 'price', 'exits', 'usable', 'fetched', 'countries'];
      const values = poolRow(result);
      const lines = formatFacts(names.map((name, index) => [name, values[index] ?? null]));
      const disabled = formatFacts(disabledFacts(result));
      const faults = formatFacts((result.faults ?? []).map((fault): [string, Cell] => ['fault', fault]));
      const providers = formatFacts(result.providers.map((one): [string, Cell] => ['provider', providerText(one)]));
      return {
        json: result,
        lines: [...lines, ...disabled, ...faults, ...providers, ...sourceLines(result), ...probingLines(result)],
        remarks: [...remarksOn(workplace, live), ...keptRemark(result)],
      };
    },
  },
  {
    path: 'pool disable',
    summary: 'let a pool take no more exchanges; those under way go on',
    operand: 'the name of the pool',
    options: [{ flags: '--reason <text>', describe: 'why, for whoever looks' }],
    run: async (given, workplace) => {
      const args = { name: given.operand, reason: given.text('reason') };
      const { result } = await workplace.run('pool.disable', args);
      return { json: result, lines: [`pool ${result.pool} is disabled: it takes no exchanges`] };
    },
  },
  {
    path: 'pool enable',
    summary: 'let a disabled pool take exchanges again',
    operand: 'the name of the pool',
    run: async ({ operand }, workplace) => {
      const { result } = await workplace.run('pool.enable', { name: operand });
      const former = 'exits' in result ? '' : ': it is no pool now, and takes exchanges once it comes back';
      return { json: result, lines: [printable(`pool ${result.pool} is enabled${former}`)] };
    },
  },
];

function poolRow(view: PoolView): Cell[] {
  const { pool, tier, strategy, price, exits, usable, countries } = view;
  return [
    pool,
    stateOf(view),
    tier,
    strategy,
    price === null ? null : costOf(price),
    exits,
    usable,
    fetchedCell(view),
    countries.join(' '),
  ];
}

/** Of the demo pool there are no exits until a gateway runs: that is no state. */
function stateOf(view: PoolView): string {
  if (view.disabled) return 'disabled';
  if (hasNoSource(view)) return 'failing';
  if (isKept(view)) return 'faulty';
  return view.exits === 0 && view.usable !== null ? 'empty' : 'ok';
}

function disabledFacts({ disabledSince, disabledReason }: PoolView): [string, Cell][] {
  // A gateway of a former version says nothing of it.
  if (!disabledSince) return [];
  return [['disabled', `since ${disabledSince}${disabledReason ? `: ${disabledReason}` : ''}`]];
}

/** Whether the pool isn't what its files said when they were read last. */
const isKept = ({ faults }: PoolView): boolean => faults !== null && faults.length > 0;

function keptRemark(view: PoolView): string[] {
  return isKept(view) ? [`pool ${view.pool} keeps what it had: see "roundabout pool show ${view.pool}"`] : [];
}

function costOf({ perGB, perRequest, perIpMonth, currency }: NonNullable<PoolView['price']>): string {
  const parts = [
    ...(perGB > 0 || perRequest + perIpMonth === 0 ? [`${perGB}/GB`] : []),
    ...(perRequest > 0 ? [`${perRequest}/request`] : []),
    ...(perIpMonth > 0 ? [`${perIpMonth}/exit and month`] : []),
  ];
  return `${currency} ${parts.join(' + ')}`;
}

/** What is missing where no gateway was asked. */
export function remarksOn(workplace: Workplace, live: boolean): string[] {
  if (live) return [];
  const demo = workplace.settings().hasDemo ? ', and the demo pool has no exits until it does' : '';
  return [`no gateway runs: this is what the pool files say${demo}`];
}
