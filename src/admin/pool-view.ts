import type { Price, Strategy } from '../pool/exit.ts';
import type { PoolRegistry } from '../pool/registry.ts';
import type { Tier } from '../protocol/params.ts';
import type { DisabledPool } from '../store/disabled-pools.ts';
import type { PoolProbingView } from './probe-view.ts';
import type { ProviderView } from './provider-view.ts';
import type { SourceView } from './source-view.ts';

/** A pool as it is shown. */
export interface PoolView {
  readonly pool: string;
  readonly tier: Tier;
  readonly strategy: Strategy;
  readonly price: Price | null;
  readonly exits: number;
  /** Exits that may be picked now; null where no gateway runs. */
  readonly usable: number | null;
  /** Whether an operator disabled it: it takes no exchanges. */
  readonly disabled: boolean;
  /** Since when, in ISO 8601, and why, which is empty where nobody said; null where it isn't disabled. */
  readonly disabledSince: string | null;
  readonly disabledReason: string | null;
  /** Its exits' countries, in order, each once. */
  readonly countries: readonly string[];
  /** What carries many of its exits, and how that stands; empty where no gateway runs. */
  readonly providers: readonly ProviderView[];
  /** Null where no gateway runs. */
  readonly probing: PoolProbingView | null;
  /** What its exits are fetched from; null where no gateway runs. */
  readonly sources: readonly SourceView[] | null;
  /** What was wrong when it was read last, so that it is as it was before; null where no gateway runs. */
  readonly faults: readonly string[] | null;
}

/** A pool that is none now, and was disabled when it was one. */
export type FormerPool = Pick<PoolView, 'pool' | 'disabled'>;

/** What is known of pools beyond their files. */
export interface PoolKnowledge {
  readonly disabled: ReadonlyMap<string, DisabledPool>;
  /** Whether the exit in a slot may be picked now; null where that isn't known. */
  readonly isUsable: ((slot: number) => boolean) | null;
  /** How a pool is probed; null where that isn't known. */
  readonly probingOf?: ((pool: string) => PoolProbingView) | null;
  /** What a pool is fetched from; null where that isn't known. */
  readonly sourcesOf?: ((pool: string) => readonly SourceView[]) | null;
  /** Why a pool keeps what it had; null where that isn't known. */
  readonly faultsOf?: ((pool: string) => readonly string[]) | null;
  /** Of all pools. */
  readonly providers?: readonly ProviderView[];
}

/** All pools. */
export function poolViews(registry: PoolRegistry, known: PoolKnowledge): PoolView[] {
  const { disabled, isUsable, probingOf = null, sourcesOf = null, faultsOf = null, providers = [] } = known;
  return registry.pools().map(({ name, tier, strategy, price, exits }) => {
    const off = disabled.get(name);
    const usable = isUsable === null ? null : off !== undefined ? 0 : countUsable(registry, name, isUsable);
    const [countries, probing] = [registry.countriesOf(name), probingOf?.(name) ?? null];
    const own = providers.filter(({ pool }) => pool === name);
    const [sources, faults] = [sourcesOf?.(name) ?? null, faultsOf?.(name) ?? null];
    const shown = { ...disabledFacts(off), countries, providers: own, probing, sources, faults };
    return { pool: name, tier, strategy, price, exits, usable, ...shown };
  });
}

function disabledFacts(off: DisabledPool | undefined) {
  const disabledSince = off === undefined ? null : new Date(off.since).toISOString();
  return { disabled: off !== undefined, disabledSince, disabledReason: off?.reason ?? null };
}

/** How many exits of a pool are usable. */
export function countUsable(registry: PoolRegistry, pool: string, isUsable: (slot: number) => boolean): number {
  let count = 0;
  for (const slot of registry.candidates({ pools: [pool] })) if (isUsable(slot)) count += 1;
  return count;
}
