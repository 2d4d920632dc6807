import type { Config } from '../config/config.ts';
import { LoginLimits } from '../policy/login-limits.ts';
import { ReportLimits } from '../policy/report-limits.ts';
import type { Parking } from '../transport/relay-binding.ts';
import type { SharedMemory } from './shared-memory.ts';

/** What is over is forgotten so often, in ms: longer than a connection is on its way between workers. */
const TIDY_MS = 60_000;

export interface BudgetUpkeepOptions {
  readonly config: Config;
  readonly memory: SharedMemory;
  readonly limits: { tidy(): void };
  readonly parking: Pick<Parking, 'sweep'> | null;
  /** The monotonic clock that all threads share, in ms. */
  readonly now: () => number;
}

/** Forgets what is over of failed logins, reports and limits, which all workers share, and of connections that were lost between
 *  them. */
export class BudgetUpkeep {
  readonly #timer: NodeJS.Timeout;

  constructor({ config, memory, limits, parking, now }: BudgetUpkeepOptions) {
    const logins = new LoginLimits(config.limits.logins, memory.logins);
    const reports = new ReportLimits(config.limits.reports, memory.reports);
    const tidy = (): void => {
      logins.tidy(now());
      reports.tidy(now());
      limits.tidy();
      parking?.sweep();
    };
    this.#timer = setInterval(tidy, TIDY_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
