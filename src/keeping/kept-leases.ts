import type { PoolRegistry } from '../pool/registry.ts';
import { LeaseStore, type LeaseStoreOptions } from './lease-store.ts';

/** How many leases one sweep looks at, and how often, in ms. */
const SWEEP_LEASES = 20_000;
const SWEEP_MS = 1_000;

export interface KeptLeasesOptions extends Pick<LeaseStoreOptions, 'folder' | 'leases' | 'moment' | 'warn'> {
  readonly registry: PoolRegistry;
  /** Monotonic, in ms. */
  readonly now: () => number;
}

/** The leases of all threads, swept, and kept on the disk. */
export interface KeptLeases {
  /** When not all sessions came back from the last run; null where all did. */
  readonly lostSince: number | null;
  /** Waits, blocking, until the disk has all that changed so far. Throws StoreError where it hasn't. */
  keep(): void;
  /** Saves them for the last time. */
  stop(): Promise<void>;
}

/** Brings back the sessions of the last run before anything serves, and keeps those of this one on the disk from now on. Throws
 *  StoreError. */
export function keepLeases({ registry, now, ...options }: KeptLeasesOptions): KeptLeases {
  const { leases, warn } = options;
  const store = new LeaseStore({
    ...options,
    placeOf: (id) => {
      const slot = registry.slotOf(id);
      return slot === undefined ? null : { slot, generation: registry.generationOf(slot) };
    },
  });
  const lostSince = store.restore().complete ? null : now();
  if (lostSince !== null)
    warn('not all sessions may have come back: an unknown strict one is session_lost while its time could still run');
  store.start();
  const sweeper = setInterval(() => leases.keeper.sweep(now(), SWEEP_LEASES), SWEEP_MS).unref();
  const stop = (): Promise<void> => {
    clearInterval(sweeper);
    return store.stop();
  };
  return { lostSince, keep: () => store.keep(), stop };
}
