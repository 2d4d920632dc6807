/** How often sites served and refused an exit. */
export interface VerdictCounts {
  readonly served: number;
  readonly refused: number;
}

/** The same of the exit in a slot. */
export interface JudgedExit extends VerdictCounts {
  readonly slot: number;
  readonly generation: number;
}

interface Row {
  readonly generation: number;
  served: number;
  refused: number;
}

/** Exits counted at most; those judged first go first. */
const CAPACITY = 100_000;

const none: VerdictCounts = Object.freeze({ served: 0, refused: 0 });

/** Counts verdicts by exit, for people. */
export class VerdictLedger {
  readonly #capacity: number;
  readonly #rows = new Map<number, Row>();

  constructor({ capacity = CAPACITY }: { readonly capacity?: number } = {}) {
    this.#capacity = capacity;
  }

  /** Counts one verdict on the exit that is, or was, in the slot: what concerns a former one is ignored. */
  judged(
    at: { readonly slot: number; readonly generation: number },
    _site: string,
    { verdict }: { readonly verdict: 'served' | 'refused' },
  ): void {
    const row = this.#rows.get(at.slot);
    if (row !== undefined && row.generation > at.generation) return;
    if (row?.generation === at.generation) row[verdict]++;
    else this.#begin(at.slot, { generation: at.generation, served: 0, refused: 0, [verdict]: 1 });
  }

  of({ slot, generation }: { readonly slot: number; readonly generation: number }): VerdictCounts {
    const row = this.#rows.get(slot);
    return row?.generation === generation ? { served: row.served, refused: row.refused } : none;
  }

  /** All that was counted. */
  entries(): readonly JudgedExit[] {
    return [...this.#rows].map(([slot, row]) => ({ slot, ...row }));
  }

  #begin(slot: number, row: Row): void {
    this.#rows.delete(slot);
    this.#rows.set(slot, row);
    if (this.#rows.size <= this.#capacity) return;
    const oldest = this.#rows.keys().next();
    if (!oldest.done) this.#rows.delete(oldest.value);
  }
}
