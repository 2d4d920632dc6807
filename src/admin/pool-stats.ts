import type { PoolRegistry } from '../pool/registry.ts';
import { type ExitFigures, type ExitStatus, exitStatuses } from './exit-view.ts';
import type { PoolView } from './pool-view.ts';

/** Countries told apart; the others are counted together. */
const MOST_COUNTRIES = 50;

/** What a pool has carried since the start, as far as pools are counted by themselves. */
export interface PoolTraffic {
  /** Exchanges that ended, by who was to blame; `nobody`: well. */
  readonly ended: Readonly<Record<'nobody' | 'client' | 'gateway' | 'exit' | 'origin', number>>;
  /** Octets of content and tunnels. */
  readonly clientToOrigin: number;
  readonly originToClient: number;
}

/** How a pool stands. */
export interface PoolStats {
  readonly pool: string;
  readonly exits: number;
  /** Those that may be picked now; null where no gateway runs. */
  readonly usable: number | null;
  /** Exits by how they stand. */
  readonly byStatus: Readonly<Record<ExitStatus, number>>;
  /** Exits by country, most first; without the countries that come after the first 50. */
  readonly byCountry: readonly { readonly country: string; readonly exits: number }[];
  /** Latency in ms that so many of a hundred exits don't exceed, of those that have worked of late. Null where no gateway runs, or none
   *  has. */
  readonly latencyMs: { readonly p50: number; readonly p90: number; readonly p99: number } | null;
  /** Exchanges in flight; null where no gateway runs. */
  readonly inFlight: number | null;
  /** Null where no gateway runs, or the pool isn't counted by itself. */
  readonly traffic: PoolTraffic | null;
}

export interface PoolStatsSources {
  readonly statusOf: (slot: number) => ExitStatus;
  readonly figures: (slot: number) => Pick<ExitFigures, 'latencyMs' | 'inFlight'> | null;
  readonly traffic: (poolNumber: number) => PoolTraffic | null;
}

/** The figures of a pool, of which as many exits are usable as its view says. Looks at each of its exits. */
export function poolStats(
  registry: PoolRegistry,
  { pool: name, usable }: Pick<PoolView, 'pool' | 'usable'>,
  sources: PoolStatsSources,
): PoolStats {
  const { statusOf, figures, traffic } = sources;
  const list = registry.candidates({ pools: [name] });
  const counts = new Map<ExitStatus, number>();
  const latencies: number[] = [];
  let inFlight: number | null = null;
  for (const slot of list) {
    const status = statusOf(slot);
    counts.set(status, (counts.get(status) ?? 0) + 1);
    const live = figures(slot);
    if (live === null) continue;
    inFlight = (inFlight ?? 0) + live.inFlight;
    if (live.latencyMs !== null) latencies.push(live.latencyMs);
  }
  const count = (status: ExitStatus) => counts.get(status) ?? 0;
  return {
    pool: name,
    exits: list.length,
    usable,
    byStatus: Object.fromEntries(exitStatuses.map((status) => [status, count(status)])) as Record<ExitStatus, number>,
    byCountry: countriesOf(registry, name),
    latencyMs: quantilesOf(latencies),
    inFlight,
    traffic: traffic(registry.pool(name)?.number ?? -1),
  };
}

function countriesOf(registry: PoolRegistry, name: string): PoolStats['byCountry'] {
  const counts = registry.countriesOf(name).map((country) => {
    return { country, exits: registry.candidates({ pools: [name], country: [country] }).length };
  });
  return counts.sort((a, b) => b.exits - a.exits).slice(0, MOST_COUNTRIES);
}

function quantilesOf(values: readonly number[]): PoolStats['latencyMs'] {
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99) };
}
