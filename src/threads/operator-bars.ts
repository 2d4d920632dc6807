import { createHmac } from 'node:crypto';
import { OperatorBars } from '../gateway/choosing/operator-bars.ts';
import { PoolSwitches } from '../memory/pool-switches.ts';
import { SiteBans } from '../memory/site-bans.ts';
import { AtomicWords } from '../memory/words.ts';
import type { PoolRegistry } from '../pool/registry.ts';
import type { Sites } from '../signals/sites.ts';
import type { SharedMemory } from './shared-memory.ts';

/** What a site is known by among bans: a keyed hash, never 0. */
export function siteBanKey(secret: Uint8Array, site: string): number {
  return createHmac('sha256', secret).update(`ban\n${site}`).digest().readInt32BE() || 1;
}

/** What one worker sees of what operators said of exits and pools. */
export function createOperatorBars(
  { siteBans, poolSwitches }: Pick<SharedMemory, 'siteBans' | 'poolSwitches'>,
  { registry, sites, secret }: { readonly registry: PoolRegistry; readonly sites: Sites; readonly secret: Uint8Array },
): OperatorBars {
  return new OperatorBars({
    bans: new SiteBans(new AtomicWords(siteBans)),
    switches: new PoolSwitches(new AtomicWords(poolSwitches)),
    registry,
    keyOf: (site) => siteBanKey(secret, site),
    siteOf: (host) => sites.of(host),
  });
}
