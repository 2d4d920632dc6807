import type { Exit, Geo, Price, Strategy } from '../pool/exit.ts';
import type { PoolRegistry } from '../pool/registry.ts';
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
  /** Exits that may be picked now; null where no gateway runs. */
  readonly usable: number | null;
  /** Whether an operator disabled it: it takes no exchanges. */
  readonly disabled: boolean;
  /** Its exits' countries, in order, each once. */
  readonly countries: readonly string[];
}

/** Exits in one answer: a longer one nobody reads, and the gateway would have to hold it whole. */
export const MOST_EXITS = 10_000;

/** Which exits are asked for. */
export interface ExitQuery {
  /** Only those of this pool. */
  readonly pool?: string;
  /** Only those in this country. */
  readonly country?: string;
  /** So many at most. */
  readonly limit: number;
}

/** The exits that were asked for, as many as were wanted. */
export interface ExitPage {
  readonly exits: readonly ExitView[];
  /** How many there are. */
  readonly total: number;
}

/** `figures` tells what is known now of the exit in a slot, null where nothing can be. No more exits are looked at than are
 *  shown. */
export function exitPage(
  registry: PoolRegistry,
  { pool, country, limit }: ExitQuery,
  figures: (slot: number) => ExitFigures | null,
): ExitPage {
  const pools = pool === undefined ? registry.pools().map(({ name }) => name) : [pool];
  const list = registry.drawFrom({ pools, country: country === undefined ? undefined : [country] }).list;
  const exits: ExitView[] = [];
  for (let index = 0; index < list.length && exits.length < limit; index += 1) {
    const slot = list.at(index) ?? -1;
    const exit = registry.exitAt(slot);
    if (exit !== undefined) exits.push(exitView(exit, figures(slot)));
  }
  return { exits, total: list.length };
}

/** All pools. `isUsable` tells whether the exit in a slot may be picked now; null where that isn't known. */
export function poolViews(
  registry: PoolRegistry,
  { disabled, isUsable }: { disabled: ReadonlyMap<string, unknown>; isUsable: ((slot: number) => boolean) | null },
): PoolView[] {
  return registry.pools().map(({ name, tier, strategy, price, exits }) => {
    const usable = isUsable === null ? null : disabled.has(name) ? 0 : countUsable(registry, name, isUsable);
    const countries = registry.countriesOf(name);
    return { pool: name, tier, strategy, price, exits, usable, disabled: disabled.has(name), countries };
  });
}

/** How many exits of a pool are usable. */
export function countUsable(registry: PoolRegistry, pool: string, isUsable: (slot: number) => boolean): number {
  let count = 0;
  for (const slot of registry.candidates({ pools: [pool] })) if (isUsable(slot)) count += 1;
  return count;
}

function exitView(exit: Exit, live: ExitFigures | null): ExitView {
  const { id, pool, tier, name, minted, geo } = exit;
  return { id, pool, tier, name, endpoint: formatEndpoint(exit.endpoint), minted, ...geo, live };
}
