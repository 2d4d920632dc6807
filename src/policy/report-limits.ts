import { KeyedCells } from '../memory/keyed-cells.ts';
import { cellKeyOf } from './cell-key.ts';
import { FailureBudgets } from './failure-budgets.ts';

/** Where the limits of all threads are kept. */
export interface ReportMemory {
  readonly clients: SharedArrayBuffer;
  /** Hashes clients' names. */
  readonly key: Uint8Array;
}

/** Memory for `capacity` clients; one that is forgotten begins with a whole budget. `key` is random. */
export function createReportMemory(key: Uint8Array, capacity = 65_536): ReportMemory {
  return { clients: new SharedArrayBuffer(KeyedCells.wordsFor(capacity) * Int32Array.BYTES_PER_ELEMENT), key };
}

/** How many reports each client may send, over all threads together. Time is an argument, in ms of the monotonic clock. */
export class ReportLimits {
  readonly #budgets: FailureBudgets;
  readonly #hashKey: Uint8Array;

  constructor(limits: { readonly perClient: number; readonly windowMs: number }, memory: ReportMemory) {
    const { perClient, windowMs } = limits;
    this.#hashKey = memory.key;
    this.#budgets = new FailureBudgets(KeyedCells.over(memory.clients), { failures: perClient, windowMs });
  }

  /** How many reports the client may send now. */
  left(client: string, now: number): number {
    return this.#budgets.left(cellKeyOf(this.#hashKey, client), now);
  }

  /** Takes one report of the client's. Returns 0, or the ms to wait where none is left. */
  take(client: string, now: number): number {
    return this.#budgets.take(cellKeyOf(this.#hashKey, client), now);
  }

  /** Forgets whole budgets. Called now and then, long before times wrap around (49 days). */
  tidy(now: number): void {
    this.#budgets.tidy(now);
  }
}
