import type { PoolRegistry } from '../pool/registry.ts';
import type { ExitTable } from '../selection/exit-table.ts';

/** What a worker knows of an exit. Durations in ms. */
export interface ExitFigures {
  readonly id: string;
  readonly latencyMs: number;
  readonly inFlight: number;
  readonly failuresInRow: number;
  /** How long it stays ejected from now on; 0 where it isn't. */
  readonly ejectedForMs: number;
}

/** The figures of all exits in one worker. */
export function figuresOf(registry: PoolRegistry, exits: ExitTable, now: number): readonly ExitFigures[] {
  const all = registry.pools().flatMap((pool) => pool.exits);
  return all.flatMap(({ id }) => {
    const slot = registry.slotOf(id);
    if (slot === undefined) return [];
    const { latencyMs, inFlight, failuresInRow, ejectedUntil } = exits.row(slot, now);
    const ejectedForMs = Math.max(0, Math.round(ejectedUntil - now));
    return [{ id, latencyMs: Math.round(latencyMs), inFlight, failuresInRow, ejectedForMs }];
  });
}

/** The figures of several workers as one, by exit: what is in flight anywhere, and otherwise the worst that any of them knows. */
export function joinFigures(workers: readonly (readonly ExitFigures[])[]): ReadonlyMap<string, ExitFigures> {
  const joined = new Map<string, ExitFigures>();
  for (const figures of workers.flat()) {
    const other = joined.get(figures.id);
    joined.set(figures.id, other === undefined ? figures : join(figures, other));
  }
  return joined;
}

function join(one: ExitFigures, other: ExitFigures): ExitFigures {
  return {
    id: one.id,
    latencyMs: Math.max(one.latencyMs, other.latencyMs),
    inFlight: one.inFlight + other.inFlight,
    failuresInRow: Math.max(one.failuresInRow, other.failuresInRow),
    ejectedForMs: Math.max(one.ejectedForMs, other.ejectedForMs),
  };
}
