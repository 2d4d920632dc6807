import type { Exit, Geo, Pool, Price, Strategy } from '../pool/exit.ts';
import { formatEndpoint } from '../protocol/endpoint.ts';
import type { Tier } from '../protocol/params.ts';

/** What the running gateway knows of an exit. Durations in ms. */
export interface ExitFigures {
  readonly latencyMs: number;
  readonly inFlight: number;
  readonly failuresInRow: number;
  /** How long it stays ejected from now on; 0 where it isn't. */
  readonly ejectedForMs: number;
  /** Exchanges that sites served, and that they refused or challenged, as far as is known. */
  readonly served: number;
  readonly refused: number;
}

/** An exit as it is shown to an operator: without its credential. */
export interface ExitView extends Geo {
  readonly id: string;
  readonly pool: string;
  readonly tier: Tier;
  readonly name: string | null;
  /** `scheme://host:port`, or `direct`. */
  readonly endpoint: string;
  /** Its endpoint carries a session id that was made here. */
  readonly minted: boolean;
  /** Null where no gateway runs. */
  readonly live: ExitFigures | null;
}

/** A pool as it is shown. */
export interface PoolView {
  readonly pool: string;
  readonly tier: Tier;
  readonly strategy: Strategy;
  readonly price: Price | null;
  readonly exits: number;
  /** Exits that are not ejected; null where no gateway runs. */
  readonly usable: number | null;
  /** Its exits' countries, in order, each once. */
  readonly countries: readonly string[];
}

/** `figures` tells what is known of an exit now, null where nothing can be. */
export function exitViews(pools: readonly Pool[], figures: (exit: Exit) => ExitFigures | null): ExitView[] {
  return pools.flatMap((pool) => pool.exits).map((exit) => exitView(exit, figures(exit)));
}

/** Pools, with their exits counted over `exits`. */
export function poolViews(pools: readonly Pool[], exits: readonly ExitView[]): PoolView[] {
  const members = Map.groupBy(exits, ({ pool }) => pool);
  return pools.map(({ name, tier, strategy, price }) => {
    const own = members.get(name) ?? [];
    const countries = [...new Set(own.flatMap(({ country }) => country ?? []))].sort();
    return { pool: name, tier, strategy, price, exits: own.length, usable: usableOf(own), countries };
  });
}

/** How many exits are not ejected; null where that isn't known. */
function usableOf(exits: readonly ExitView[]): number | null {
  if (exits.some(({ live }) => live === null)) return null;
  return exits.filter(({ live }) => live?.ejectedForMs === 0).length;
}

function exitView(exit: Exit, live: ExitFigures | null): ExitView {
  const { id, pool, tier, name, minted, geo } = exit;
  return { id, pool, tier, name, endpoint: formatEndpoint(exit.endpoint), minted, ...geo, live };
}
