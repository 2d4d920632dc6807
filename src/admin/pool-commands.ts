import Type from 'typebox';
import type { DisabledPools } from '../store/disabled-pools.ts';
import { checkReason } from '../store/reason.ts';
import { type Command, command } from './command.ts';
import { CommandError } from './command-error.ts';
import type { PoolStats } from './pool-stats.ts';
import type { FormerPool, PoolView } from './pool-view.ts';

export interface PoolCommandDeps {
  readonly pools: () => readonly PoolView[];
  /** Where it is kept which are disabled: what changes that makes the store, where there is none yet. */
  readonly disabledPools: () => DisabledPools;
  /** The disabled ones by name; a look at them makes no store. */
  readonly disabledByName: () => ReadonlyMap<string, unknown>;
  /** The figures of a pool that there is. */
  readonly poolStats: (view: PoolView) => PoolStats;
  /** Called after each change, once it is on the disk. */
  readonly onStatesChanged: () => void;
}

const named = Type.Object({ name: Type.String() }, { additionalProperties: false });
const switched = Type.Object(
  { name: Type.String(), reason: Type.Optional(Type.String()) },
  { additionalProperties: false },
);

/** `pool.stats` → PoolStats[]; `pool.list` → PoolView[]; `pool.show`, `pool.disable` → PoolView; `pool.enable` → PoolView, or FormerPool. */
export function poolCommands({
  pools,
  disabledPools,
  disabledByName,
  poolStats,
  onStatesChanged,
}: PoolCommandDeps): [string, Command][] {
  return [
    ['pool.list', command(Type.Object({}), () => pools())],
    ['pool.show', command(named, ({ name }) => findPool(pools(), name))],
    [
      'pool.stats',
      command(Type.Object({ name: Type.Optional(Type.String()) }, { additionalProperties: false }), ({ name }) => {
        const chosen = name === undefined ? pools() : [findPool(pools(), name)];
        return chosen.map(poolStats);
      }),
    ],
    [
      'pool.disable',
      command(switched, ({ name, reason = '' }) => {
        const { pool } = findPool(pools(), name);
        checkReason(reason);
        disabledPools().disable(pool, reason);
        onStatesChanged();
        return findPool(pools(), name);
      }),
    ],
    [
      'pool.enable',
      command(named, ({ name }) => {
        const pool = name.toLowerCase();
        if (!disabledByName().has(pool)) return findPool(pools(), name);
        disabledPools().enable(pool);
        onStatesChanged();
        // One that is gone can be let go of, too.
        const former: FormerPool = { pool, disabled: false };
        return pools().find((view) => view.pool === pool) ?? former;
      }),
    ],
  ];
}

/** The pool of this name (case-insensitive). Throws CommandError (not_found). */
export function findPool(pools: readonly PoolView[], name: string): PoolView {
  const found = pools.find(({ pool }) => pool === name.toLowerCase());
  if (found !== undefined) return found;
  throw new CommandError({
    code: 'not_found',
    message: `there is no pool "${name}"`,
    remedy: 'see "roundabout pool list"',
  });
}
