import { isWithin } from '../../protocol/suffix.ts';
import type { GuardRule, GuardTable, Visit } from '../../selection/guard.ts';
import type { Exchange } from '../exchange.ts';
import { exitOf } from '../site-signals.ts';

/** A rule, and the site it is about. */
export interface WrittenGuard extends GuardRule {
  /** A host and all below it, as one site; null for every site by itself. */
  readonly site: string | null;
}

export interface ExitGuardsOptions {
  readonly table: GuardTable;
  /** A hash of 32 bits that nobody outside can foresee, never 0. */
  readonly keyOf: (text: string) => number;
  readonly siteOf: (host: string) => string;
  /** Tells the exit that is in a slot now from those before it, and from what it was under former ids. */
  readonly generationOf: (slot: number) => number;
  /** Whether each session and attempt over the slot has an exit of its own, which nobody else has used anywhere. */
  readonly isMinted: (slot: number) => boolean;
  /** The rules as they stand; the first that fits a host holds. */
  readonly rules: () => readonly WrittenGuard[];
}

/** What one exchange may use. */
export interface SiteGuard {
  /** Whether the exit in `slot` may be used, as it looks now. */
  allows(slot: number, now: number): boolean;
  /** Takes it; false where it may not be used after all. */
  take(slot: number, now: number): boolean;
}

/** Guards exits from being used too often on one site. */
export class ExitGuards {
  readonly #options: ExitGuardsOptions;

  constructor(options: ExitGuardsOptions) {
    this.#options = options;
  }

  /** The guard over the exchange's site; null where no rule is about it. */
  for(exchange: Exchange): SiteGuard | null {
    const guarded = this.#visitOf(exchange);
    if (guarded === null) return null;
    const { table, generationOf, isMinted } = this.#options;
    const { visit, rule } = guarded;
    const at = (slot: number) => ({ slot, generation: generationOf(slot) });
    return {
      allows: (slot, now) => isMinted(slot) || table.allows(at(slot), visit, { rule, now }),
      take: (slot, now) => isMinted(slot) || table.take(at(slot), visit, { rule, now }),
    };
  }

  /** The exchange ends: its exit's rest begins. */
  ended(exchange: Exchange, now: number): void {
    const exit = exitOf(exchange);
    const guarded = exit === null ? null : this.#visitOf(exchange);
    if (exit !== null && guarded !== null) this.#options.table.touch(exit, guarded.visit, now);
  }

  #visitOf({ authority, admission }: Exchange): { visit: Visit; rule: WrittenGuard } | null {
    if (authority === null || admission === null) return null;
    const { rules, keyOf, siteOf } = this.#options;
    const { host } = authority;
    const rule = rules().find(({ site }) => site === null || isWithin(host, site));
    if (rule === undefined) return null;
    const { client, leaseKey } = admission;
    // By the authority: the name in a tunnel to an address shows only when its exit has been chosen.
    const site = keyOf(`site ${rule.site ?? siteOf(host)}`);
    const session = leaseKey === null ? 0 : keyOf(`session ${leaseKey}`);
    return { rule, visit: { site, client: keyOf(`client ${client.name}`), session } };
  }
}
