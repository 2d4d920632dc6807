import type { PoolSwitches } from '../../memory/pool-switches.ts';
import { BanLevel, type SiteBans } from '../../memory/site-bans.ts';
import type { PoolRegistry } from '../../pool/registry.ts';
import type { Exchange } from '../exchange.ts';

export interface OperatorBarsOptions {
  readonly bans: SiteBans;
  readonly switches: PoolSwitches;
  readonly registry: PoolRegistry;
  /** The hash by which a site is banned. */
  readonly keyOf: (site: string) => number;
  readonly siteOf: (host: string) => string;
}

/** Which exits operators have closed at one site. */
export interface SiteBar {
  /** Whether an exchange may begin over the exit in `slot`. */
  mayTake(slot: number): boolean;
  /** Whether sessions that hold it may go on with it. */
  mayServe(slot: number): boolean;
}

/** What operators have closed beside whole exits, which their rows tell: exits at single sites, and pools. */
export class OperatorBars {
  readonly #options: OperatorBarsOptions;

  constructor(options: OperatorBarsOptions) {
    this.#options = options;
  }

  /** Whether the pool of this name takes no exchanges. */
  isDisabled(pool: string): boolean {
    const { registry, switches } = this.#options;
    const number = registry.pool(pool)?.number;
    return number !== undefined && switches.isOff(number);
  }

  /** The bar at the exchange's site; null where no exit is closed there. By the authority, as guards have it. */
  at({ authority }: Exchange): SiteBar | null {
    const { bans, registry, keyOf, siteOf } = this.#options;
    if (authority === null || bans.isEmpty) return null;
    const site = keyOf(siteOf(authority.host));
    if (!bans.isAbout(site)) return null;
    const levelOf = (slot: number) => bans.levelOf(site, { slot, generation: registry.generationOf(slot) });
    return {
      mayTake: (slot) => levelOf(slot) === BanLevel.none,
      mayServe: (slot) => levelOf(slot) !== BanLevel.frozen,
    };
  }
}
