import type { ExitFigures } from '../admin/pool-view.ts';
import type { PoolRegistry } from '../pool/registry.ts';
import type { ExitTable } from '../selection/exit-table.ts';
import type { VerdictLedger } from '../signals/verdict-ledger.ts';

/** What a worker knows of the exit in a slot. */
export interface SlotFigures extends ExitFigures {
  readonly slot: number;
}

/** The figures of all exits in one worker. */
export function figuresOf(
  { registry, exits, verdicts }: { registry: PoolRegistry; exits: ExitTable; verdicts: VerdictLedger },
  now: number,
): readonly SlotFigures[] {
  const figures: SlotFigures[] = [];
  for (let slot = 0; slot < registry.slotCount; slot++) {
    const { latencyMs, inFlight, failuresInRow, ejectedUntil, generation } = exits.row(slot, now);
    const ejectedForMs = Math.max(0, Math.round(ejectedUntil - now));
    const judged = verdicts.of({ slot, generation });
    figures.push({ slot, latencyMs: Math.round(latencyMs), inFlight, failuresInRow, ejectedForMs, ...judged });
  }
  return figures;
}

/** The figures of several workers as one, by slot: what is in flight or was judged anywhere, and otherwise the worst that any of
 *  them knows. */
export function joinFigures(workers: readonly (readonly SlotFigures[])[]): ReadonlyMap<number, ExitFigures> {
  const joined = new Map<number, SlotFigures>();
  for (const figures of workers.flat()) {
    const other = joined.get(figures.slot);
    joined.set(figures.slot, other === undefined ? figures : join(figures, other));
  }
  return joined;
}

function join(one: SlotFigures, other: SlotFigures): SlotFigures {
  return {
    slot: one.slot,
    latencyMs: Math.max(one.latencyMs, other.latencyMs),
    inFlight: one.inFlight + other.inFlight,
    failuresInRow: Math.max(one.failuresInRow, other.failuresInRow),
    ejectedForMs: Math.max(one.ejectedForMs, other.ejectedForMs),
    served: one.served + other.served,
    refused: one.refused + other.refused,
  };
}
