import type { Config } from '../config/config.ts';

/** Systems on which several sockets may listen at one address, and the system spreads connections over them (SO_REUSEPORT). */
const sharing: ReadonlySet<string> = new Set(['linux', 'freebsd', 'dragonfly', 'sunos', 'aix']);

/** How many data-plane threads run for `workers` of the config. */
export function effectiveWorkers(workers: Config['workers'], platform: string): number {
  if (!sharing.has(platform)) return 1;
  // A session's lease is known to the thread that made it: more than one only where it is asked for.
  return workers === 'auto' ? 1 : workers;
}
