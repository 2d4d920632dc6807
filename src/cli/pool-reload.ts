import type { PoolChange } from '../admin/reload-command.ts';
import type { CommandSpec } from './command-spec.ts';
import { exitCodes } from './exit-code.ts';
import { printable } from './printable.ts';
import { type Cell, formatTable } from './table.ts';

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
    ],
    run: async ({ operands }, workplace) => {
      const args = operands.length === 0 ? {} : { pools: operands };
      const { result } = await workplace.run('pool.reload', args, DEADLINE_MS);
      const head = ['POOL', 'EXITS', 'ADDED', 'REMOVED', 'KEPT', 'DUPLICATES', 'FAULTS'];
      const lines =
        result.pools.length === 0 ? ['no pools'] : formatTable(head, result.pools.map(rowOf), workplace.screen);
      const faults = [...result.pools.flatMap((pool) => pool.faults), ...result.faults];
      const exitCode = faults.length === 0 ? exitCodes.ok : exitCodes.misused;
      return { json: result, lines, remarks: faults.map(printable), exitCode };
    },
  },
];

function rowOf({ pool, exits, added, removed, kept, duplicates, faults }: PoolChange): Cell[] {
  return [pool, exits, added, removed, kept, duplicates, faults.length === 0 ? null : `${faults.length}: as before`];
}
