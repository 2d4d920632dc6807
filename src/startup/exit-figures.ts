import type { ExitFigures } from '../admin/pool-view.ts';
import type { ExitHealth } from '../selection/exit-health.ts';
import type { JudgedExit } from '../signals/verdict-ledger.ts';

/** What is known of the exit in a slot, by the rows that all threads share and the verdicts that each of them counted. */
export function exitFigures(
  { health, now }: { readonly health: ExitHealth; readonly now: number },
  counted: readonly (readonly JudgedExit[])[],
): (slot: number) => ExitFigures {
  const verdicts = Map.groupBy(counted.flat(), ({ slot }) => slot);
  return (slot) => {
    const { latencyMs, inFlight, failuresInRow, ejectedForMs, generation } = health.viewOf(slot, now);
    let [served, refused] = [0, 0];
    for (const judged of verdicts.get(slot) ?? []) {
      if (judged.generation !== generation) continue;
      served += judged.served;
      refused += judged.refused;
    }
    return {
      latencyMs: Math.round(latencyMs),
      inFlight,
      failuresInRow,
      ejectedForMs: Math.round(ejectedForMs),
      served,
      refused,
    };
  };
}
