import type { Config } from '../config/config.ts';
import { LoginLimits } from '../policy/login-limits.ts';
import { ReportLimits } from '../policy/report-limits.ts';
import type { SharedMemory } from '../threads/shared-memory.ts';

/** What is over is forgotten so often, in ms. */
const TIDY_MS = 60_000;

export interface BudgetUpkeepOptions {
  readonly config: Config;
  readonly memory: SharedMemory;
  readonly limits: { tidy(): void };
  /** The monotonic clock that all threads share, in ms. */
  readonly now: () => number;
}

/** Forgets what is over of failed logins, reports and limits, which all workers share. */
export class BudgetUpkeep {
  readonly #timer: NodeJS.Timeout;

  constructor({ config, memory, limits, now }: BudgetUpkeepOptions) {
    const logins = new LoginLimits(config.limits.logins, memory.logins);
    const reports = new ReportLimits(config.limits.reports, memory.reports);
    const tidy = (): void => {
      logins.tidy(now());
      reports.tidy(now());
      limits.tidy();
    };
    this.#timer = setInterval(tidy, TIDY_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
