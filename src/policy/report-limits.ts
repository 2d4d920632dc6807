import { FailureBudgets } from './failure-budgets.ts';

/** Clients remembered; one that is forgotten begins with a whole budget. */
const CAPACITY = 65_536;

/** How many reports each client may send. Pure: time is an argument, in ms of the monotonic clock. */
export class ReportLimits {
  readonly #budgets: FailureBudgets;

  constructor({ perClient, windowMs }: { readonly perClient: number; readonly windowMs: number }) {
    this.#budgets = new FailureBudgets({ failures: perClient, windowMs, capacity: CAPACITY });
  }

  /** How many reports the client may send now. */
  left(client: string, now: number): number {
    return this.#budgets.left(client, now);
  }

  /** Takes one report of the client's. Returns 0, or the ms to wait where none is left. */
  take(client: string, now: number): number {
    const waitMs = this.#budgets.waitMs(client, now);
    if (waitMs === 0) this.#budgets.spend(client, now);
    return waitMs;
  }
}
