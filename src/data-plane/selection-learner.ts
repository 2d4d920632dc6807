import type { FilterRings } from '../gateway/choosing/filter-rings.ts';
import type { Learner, SlotRef } from '../gateway/site-signals.ts';
import type { PoolRegistry } from '../pool/registry.ts';
import type { Selection } from '../selection/selection.ts';
import type { VerdictLedger } from '../signals/verdict-ledger.ts';

export interface SelectionLearnerOptions {
  readonly selection: () => Selection;
  /** Counts verdicts for people. */
  readonly verdicts: VerdictLedger;
  readonly registry: PoolRegistry;
  readonly rings: FilterRings;
  readonly siteRowOf: (site: string, now: number) => number;
  readonly now: () => number;
}

/** Lets selection learn what sites did with exits. */
export class SelectionLearner implements Learner {
  readonly #options: SelectionLearnerOptions;

  constructor(options: SelectionLearnerOptions) {
    this.#options = options;
  }

  judged(at: SlotRef, site: string, judgement: Parameters<Learner['judged']>[2]): void {
    const { selection, verdicts, registry, rings, siteRowOf, now } = this.#options;
    verdicts.judged(at, site, judgement);
    const exit = registry.exitAt(at.slot);
    if (exit === undefined) return;
    const { verdict, ...said } = judgement;
    const served = verdict === 'served';
    const moment = now();
    const row = siteRowOf(site, moment);
    selection().judged(at, { ...said, site: row, rings: rings.ringsOf(exit), served }, moment);
  }
}
