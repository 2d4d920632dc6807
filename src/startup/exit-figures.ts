import type { ExitFigures } from '../admin/exit-view.ts';
import { EXIT_WORDS, type ExitRows, ExitWord } from '../memory/exit-rows.ts';
import type { ExitHealth } from '../selection/exit-health.ts';
import type { JudgedExit } from '../signals/verdict-ledger.ts';

/** What is known of the exit in a slot, by the rows that all threads share and the verdicts that each of them counted. */
export function exitFigures(
  { health, now }: { readonly health: ExitHealth; readonly now: number },
  counted: readonly (readonly JudgedExit[])[],
): (slot: number) => ExitFigures {
  const verdicts = Map.groupBy(counted.flat(), ({ slot }) => slot);
  return (slot) => {
    const { inFlight, failuresInRow, ejectedForMs, workedAgoMs, generation } = health.viewOf(slot, now);
    const latencyMs = health.learnedLatencyAt(slot, now);
    let [served, refused] = [0, 0];
    for (const judged of verdicts.get(slot) ?? []) {
      if (judged.generation !== generation) continue;
      served += judged.served;
      refused += judged.refused;
    }
    return {
      latencyMs: latencyMs === null ? null : Math.round(latencyMs),
      inFlight,
      failuresInRow,
      ejectedForMs: Math.round(ejectedForMs),
      success: successOf(health.rows, slot),
      workedAgoMs: workedAgoMs === Number.POSITIVE_INFINITY ? null : Math.round(workedAgoMs),
      served,
      refused,
    };
  };
}

/** The share of attempts of late whose way through the exit worked; null where there were none. */
function successOf({ floats }: ExitRows, slot: number): number | null {
  const good = floats[slot * EXIT_WORDS + ExitWord.good] ?? 0;
  const bad = floats[slot * EXIT_WORDS + ExitWord.bad] ?? 0;
  return good + bad === 0 ? null : Math.round((1000 * good) / (good + bad)) / 1000;
}
