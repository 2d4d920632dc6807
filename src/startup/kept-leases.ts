import { readFileSync } from 'node:fs';
import type { DataPlane } from './data-plane.ts';
import { LeaseStore } from './lease-store.ts';

/** Brings back the sessions of the last run before anything serves, and keeps those of this one on the disk from now on. Throws
 *  StoreError. */
export function keepLeases(
  plane: DataPlane,
  { folder, warn }: { readonly folder: string; readonly warn: (line: string) => void },
): LeaseStore {
  const store = new LeaseStore({
    folder,
    leases: plane.leases,
    placeOf: (id) => {
      const slot = plane.registry.slotOf(id);
      return slot === undefined ? null : { slot, generation: plane.registry.generationOf(slot) };
    },
    now: () => performance.now(),
    wallTime: Date.now,
    boot: bootId(),
    warn,
  });
  if (!store.restore().complete) {
    plane.sessionsLostSince = performance.now();
    warn('not all sessions may have come back: an unknown strict one is session_lost while its time could still run');
  }
  store.start();
  return store;
}

/** Which start of the system this is; empty where it doesn't tell. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
