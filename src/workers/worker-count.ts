import { availableParallelism } from 'node:os';
import type { Config } from '../config/config.ts';
import { MOST_TAKERS } from '../memory/exchange-slots.ts';
import { canShare } from '../threads/listener-plan.ts';

/** How many workers the tables of all threads have room for, beside the control thread. */
const MOST_WORKERS = MOST_TAKERS - 1;

/** How many data-plane threads run for `workers` of the config: for `auto`, one for each core. */
export function effectiveWorkers(workers: Config['workers'], platform: string): number {
  if (!canShare(platform)) return 1;
  return Math.min(MOST_WORKERS, workers === 'auto' ? availableParallelism() : workers);
}
