import { randomBytes } from 'node:crypto';
import type { Config } from '../config/config.ts';
import { VendorAccounts } from '../gateway/choosing/vendor-accounts.ts';
import { createLimitMemory, LimitCounts } from '../policy/limit-counts.ts';
import type { PoolRegistry } from '../pool/registry.ts';
import type { Store } from '../store/database.ts';
import { ExitSightings } from '../store/exit-sightings.ts';
import { sharedClock } from '../threads/clock.ts';
import { ExitChecks } from './exit-checks.ts';
import { ExitsSeen } from './exits-seen.ts';
import { GeoDatabases } from './geo-databases.ts';
import { ProbeDesk } from './probe-desk.ts';
import { openProbePage } from './probe-page.ts';

export interface OfflineChecksOptions {
  readonly config: Config;
  readonly registry: PoolRegistry;
  readonly store: Store;
  readonly warn: (line: string) => void;
}

/** Connections to its page: nobody else needs descriptors here. */
const VISITORS = 256;

/** Checks of a process that ends with them. */
export type OfflineChecks = ExitChecks & { readonly end: () => Promise<void> };

/** Checks in a process without a gateway: what is found is kept for the next start of one, but for what it would have learned. The
 *  page for exits on this machine is at a port of its own, unless the config has one that the world knows. Rejects with StoreError. */
export async function openOfflineChecks(options: OfflineChecksOptions): Promise<OfflineChecks> {
  const { config, registry, store, warn } = options;
  const now = sharedClock();
  const page = await openProbePage({ ...config.probe, most: VISITORS }).catch(() => null);
  const own = () => ({ listeners: config.listeners, admin: [config.admin] });
  const desk = new ProbeDesk({ config: () => config, page, own, now });
  const databases = GeoDatabases.open(config.geo.mmdb, warn);
  const placeOf = (address: string) => databases.placeOf(address);
  const seen = new ExitsSeen({ store: new ExitSightings(store), placeOf, wallTime: Date.now, warn });
  const counts = new LimitCounts(createLimitMemory(0, randomBytes(32)), 0);
  const checks = new ExitChecks({
    registry: () => registry,
    desk,
    accounts: new VendorAccounts({ registry, counts, now }),
    placeOf,
    onResult: (exit, _, result) => seen.take(exit, result, 'check'),
    dataFolder: config.data,
    now,
    wallTime: Date.now,
    warn,
  });
  const end = async () => {
    await checks.close();
    await page?.close();
    desk.close();
    seen.close();
  };
  return Object.assign(checks, { end });
}
