import { availableParallelism } from 'node:os';
import type { Config } from '../config/config.ts';
import { MOST_TAKERS } from '../memory/exchange-slots.ts';

/** Systems on which several sockets may listen at one address, and the system spreads connections over them (SO_REUSEPORT). */
const sharing: ReadonlySet<string> = new Set(['linux', 'freebsd', 'dragonfly', 'sunos', 'aix']);

/** How many workers the tables of all threads have room for, beside the control thread. */
const MOST_WORKERS = MOST_TAKERS - 1;

/** How many data-plane threads run for `workers` of the config: for `auto`, one for each core. */
export function effectiveWorkers(workers: Config['workers'], platform: string): number {
  if (!sharing.has(platform)) return 1;
  return Math.min(MOST_WORKERS, workers === 'auto' ? availableParallelism() : workers);
}
