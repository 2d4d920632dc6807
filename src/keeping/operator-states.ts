import { ExitFlag, type ExitRows } from '../memory/exit-rows.ts';
import { MOST_SWITCHES, PoolSwitches } from '../memory/pool-switches.ts';
import { BanLevel, type SiteBan, SiteBans } from '../memory/site-bans.ts';
import { AtomicWords } from '../memory/words.ts';
import type { PoolRegistry } from '../pool/registry.ts';
import type { Store } from '../store/database.ts';
import { DisabledPools } from '../store/disabled-pools.ts';
import { type ExitStateName, ExitStates } from '../store/exit-states.ts';
import { siteBanKey } from '../threads/operator-bars.ts';
import type { SharedMemory } from '../threads/shared-memory.ts';

/** A timer can't be set for longer, in ms; and a clock that was set has passed an end unnoticed for so long at most. */
const LOOK_MS = 30_000;

/** What operators said of exits and pools, as the store keeps it. */
export interface StoredStates {
  readonly exits: ExitStates;
  readonly pools: DisabledPools;
}

/** Reads them. Throws StoreError. */
export function openStoredStates(store: Store): StoredStates {
  return { exits: new ExitStates(store), pools: new DisabledPools(store) };
}

export interface OperatorStatesOptions {
  readonly stored: StoredStates;
  readonly registry: PoolRegistry;
  readonly rows: ExitRows;
  readonly memory: Pick<SharedMemory, 'siteBans' | 'poolSwitches'>;
  /** Keys the hashes of sites. */
  readonly secret: Uint8Array;
  /** In ms since the epoch. */
  readonly wallTime: () => number;
  readonly warn: (line: string) => void;
}

/** Puts into shared memory what operators said of exits and pools, where every thread sees it with its next look, and ends what ends
 *  by itself. The store is the one truth: this is its image over the pools that stand. For the control thread. */
export class OperatorStates {
  readonly #options: OperatorStatesOptions;
  readonly #bans: SiteBans;
  readonly #switches: PoolSwitches;
  /** Exits that bear a flag, by id. */
  #flagged: ReadonlySet<string> = new Set();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: OperatorStatesOptions) {
    this.#options = options;
    this.#bans = new SiteBans(new AtomicWords(options.memory.siteBans));
    this.#switches = new PoolSwitches(new AtomicWords(options.memory.poolSwitches));
    this.apply();
  }

  get stored(): StoredStates {
    return this.#options.stored;
  }

  /** Makes shared memory say what the store says, of the pools that stand now: after a change of either. */
  apply(): void {
    const { stored, registry } = this.#options;
    const flagged = new Set<string>();
    const bans: SiteBan[] = [];
    for (const [exit, states] of stored.exits.byExit) {
      const slot = registry.slotOf(exit);
      if (slot === undefined) continue;
      for (const { site, state } of states) {
        if (site === null) {
          this.#flag(slot, state);
          flagged.add(exit);
        } else {
          const level = state === 'draining' ? BanLevel.draining : BanLevel.frozen;
          bans.push({ site: this.#keyOf(site), slot, generation: registry.generationOf(slot), level });
        }
      }
    }
    for (const exit of this.#flagged) {
      const slot = flagged.has(exit) ? undefined : registry.slotOf(exit);
      if (slot !== undefined) this.#flag(slot, null);
    }
    this.#flagged = flagged;
    this.#bans.replace(bans);
    const off = [...stored.pools.byName.keys()].map((name) => registry.pool(name)?.number ?? MOST_SWITCHES);
    this.#switches.replace(off.filter((number) => number < MOST_SWITCHES));
    this.#schedule();
  }

  /** Reads the store again, where another process may have changed it. */
  refresh(): void {
    const { exits, pools } = this.#options.stored;
    exits.refresh();
    pools.refresh();
    this.apply();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #flag(slot: number, state: ExitStateName | null): void {
    const { rows } = this.#options;
    rows.setFlag(slot, ExitFlag.frozen, state === 'frozen' || state === 'retired');
    rows.setFlag(slot, ExitFlag.draining, state === 'draining');
  }

  #schedule(): void {
    const { stored, wallTime } = this.#options;
    clearTimeout(this.#timer);
    const end = stored.exits.nextEnd;
    if (end === null) return;
    const leftMs = Math.max(0, end - wallTime());
    this.#timer = setTimeout(() => this.#endExpired(), Math.min(leftMs, LOOK_MS)).unref();
  }

  #endExpired(): void {
    const { stored, warn } = this.#options;
    try {
      stored.exits.endExpired();
      this.apply();
    } catch (cause) {
      warn(
        `states of exits that have ended can't be taken away yet: ${cause instanceof Error ? cause.message : cause}`,
      );
      this.#timer = setTimeout(() => this.#endExpired(), LOOK_MS).unref();
    }
  }

  #keyOf(site: string): number {
    return siteBanKey(this.#options.secret, site);
  }
}
