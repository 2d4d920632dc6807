import type { PoolChange, PoolReload } from '../admin/reload-command.ts';
import type { CommandSpec } from './command-spec.ts';
import { exitCodes } from './exit-code.ts';
import { printable } from './printable.ts';
import { hasNoSource } from './source-text.ts';
import { type Cell, formatTable } from './table.ts';
import type { Workplace } from './workplace.ts';

/** A reload may wait for another one, and for lists that are fetched: so long at most, in ms. */
const DEADLINE_MS = 600_000;

/** The command that reads pools again. */
export const reloadCommands: readonly CommandSpec[] = [
  {
    path: 'pool reload',
    summary: 'read pools again, all or those named, without a restart and without the rest of the configuration',
    operands: 'names of pools',
    notes: [
      'Exits that are still named keep what was learned about them. A pool with a fault keeps what it had;',
      `the others go on, and the exit code is ${exitCodes.misused}.`,
      `It is ${exitCodes.failed} where nothing that a pool is fetched from could be had.`,
    ],
    run: async ({ operands }, workplace) => {
      const args = operands.length === 0 ? {} : { pools: operands };
      const { result } = await workplace.run('pool.reload', args, DEADLINE_MS);
      const head = ['POOL', 'EXITS', 'ADDED', 'REMOVED', 'KEPT', 'DUPLICATES', 'FAULTS'];
      const lines =
        result.pools.length === 0 ? ['no pools'] : formatTable(head, result.pools.map(rowOf), workplace.screen);
      const faults = [...result.pools.flatMap((pool) => pool.faults), ...result.faults];
      const { failures, isAll } = await failuresOf(result, workplace);
      const told = failures.map(({ pool, source, failure }) => `pool ${pool}: ${source}: ${failure}`);
      const exitCode = faults.length > 0 ? exitCodes.misused : isAll ? exitCodes.failed : exitCodes.ok;
      return { json: { ...result, failures }, lines, remarks: [...faults, ...told].map(printable), exitCode };
    },
  },
];

/** What could not be fetched for the pools that were read again, and whether that is all that one of them is fetched from. */
async function failuresOf({ pools }: PoolReload, workplace: Workplace) {
  const { result } = await workplace.run('pool.list', {});
  const views = result.filter((view) => pools.some(({ pool }) => pool === view.pool));
  const failures = views.flatMap(({ pool, sources }) =>
    (sources ?? []).flatMap(({ source, failure }) => (failure === null ? [] : [{ pool, source, failure }])),
  );
  return { failures, isAll: views.some(hasNoSource) };
}

function rowOf({ pool, exits, added, removed, kept, duplicates, faults }: PoolChange): Cell[] {
  return [pool, exits, added, removed, kept, duplicates, faults.length === 0 ? null : `${faults.length}: as before`];
}
