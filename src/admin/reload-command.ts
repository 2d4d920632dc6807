import Type from 'typebox';
import { type Command, command } from './command.ts';

/** How a pool differs from what it was before. */
export interface PoolChange {
  readonly pool: string;
  /** Exits that it has now. */
  readonly exits: number;
  readonly added: number;
  readonly removed: number;
  readonly kept: number;
  /** Exits named more than once, merged into the first. */
  readonly duplicates: number;
  /** `file:line:column path message`. With any, the pool has kept what it had. */
  readonly faults: readonly string[];
}

export interface PoolReload {
  /** The pools that were read again, and those that are no more. */
  readonly pools: readonly PoolChange[];
  /** Faults of no pool that stands, or of several. */
  readonly faults: readonly string[];
}

/** Reads pools again: those named, or all. Rejects with CommandError (not_found) where there is none of a name. */
export type ReloadPools = (pools: readonly string[] | null) => Promise<PoolReload>;

const args = Type.Object(
  { pools: Type.Optional(Type.Array(Type.String(), { maxItems: 10_000 })) },
  { additionalProperties: false },
);

/** `pool.reload` → PoolReload. */
export function reloadCommand(reload: ReloadPools): [string, Command] {
  return ['pool.reload', command(args, ({ pools }) => reload(pools ?? null))];
}
