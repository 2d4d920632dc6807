import type { Exit, Geo, Price, Strategy } from '../pool/exit.ts';
import type { PoolRegistry } from '../pool/registry.ts';
import { formatEndpoint } from '../protocol/endpoint.ts';
import type { Tier } from '../protocol/params.ts';
import type { ExitSeen, PoolProbingView } from './probe-view.ts';

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
  /** Null where no probe has asked it yet. */
  readonly seen: ExitSeen | null;
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
  /** Null where no gateway runs. */
  readonly probing: PoolProbingView | null;
}

/** Exits in one answer: a longer one nobody reads, and the gateway would have to hold it whole. */
export const MOST_EXITS = 10_000;

/** Which exits are asked for. */
export interface ExitQuery {
  /** Only those of this pool. */
  readonly pool?: string;
  /** Only those in this country. */
  readonly country?: string;
  /** Only those that stand elsewhere than their pool says, as far as probes have seen. */
  readonly mismatch?: boolean;
  /** So many at most. */
  readonly limit: number;
}

/** The exits that were asked for, as many as were wanted. */
export interface ExitPage {
  readonly exits: readonly ExitView[];
  /** How many there are. */
  readonly total: number;
}

/** What is known of exits beyond their pool file. */
export interface ExitKnowledge {
  /** What is known now of the exit in a slot, null where nothing can be. */
  readonly figures: (slot: number) => ExitFigures | null;
  /** What probes saw of an exit. */
  readonly seen: (exit: Exit) => ExitSeen | null;
  /** The ids of all exits that probes saw. */
  readonly everSeen: () => Iterable<string>;
}

/** No more exits are looked at than are shown, but for those in other places than they should: then all that probes saw. */
export function exitPage(registry: PoolRegistry, query: ExitQuery, known: ExitKnowledge): ExitPage {
  const { pool, country, limit } = query;
  if (query.mismatch === true) return mismatchPage(registry, query, known);
  const pools = pool === undefined ? registry.pools().map(({ name }) => name) : [pool];
  const list = registry.drawFrom({ pools, country: country === undefined ? undefined : [country] }).list;
  const exits: ExitView[] = [];
  for (let index = 0; index < list.length && exits.length < limit; index += 1) {
    const slot = list.at(index) ?? -1;
    const exit = registry.exitAt(slot);
    if (exit !== undefined) exits.push(exitView(exit, slot, known));
  }
  return { exits, total: list.length };
}

function mismatchPage(registry: PoolRegistry, { pool, country, limit }: ExitQuery, known: ExitKnowledge): ExitPage {
  const exits: ExitView[] = [];
  let total = 0;
  for (const id of known.everSeen()) {
    const slot = registry.slotOf(id) ?? -1;
    const exit = registry.exitAt(slot);
    if (exit === undefined || known.seen(exit)?.mismatch == null) continue;
    if ((pool ?? exit.pool) !== exit.pool || (country?.toLowerCase() ?? exit.geo.country) !== exit.geo.country)
      continue;
    total += 1;
    if (exits.length < limit) exits.push(exitView(exit, slot, known));
  }
  return { exits, total };
}

/** What is known of pools beyond their files. */
export interface PoolKnowledge {
  readonly disabled: ReadonlyMap<string, unknown>;
  /** Whether the exit in a slot may be picked now; null where that isn't known. */
  readonly isUsable: ((slot: number) => boolean) | null;
  /** How a pool is probed; null where that isn't known. */
  readonly probingOf?: ((pool: string) => PoolProbingView) | null;
}

/** All pools. */
export function poolViews(registry: PoolRegistry, { disabled, isUsable, probingOf = null }: PoolKnowledge): PoolView[] {
  return registry.pools().map(({ name, tier, strategy, price, exits }) => {
    const usable = isUsable === null ? null : disabled.has(name) ? 0 : countUsable(registry, name, isUsable);
    const [countries, probing] = [registry.countriesOf(name), probingOf?.(name) ?? null];
    return { pool: name, tier, strategy, price, exits, usable, disabled: disabled.has(name), countries, probing };
  });
}

/** How many exits of a pool are usable. */
export function countUsable(registry: PoolRegistry, pool: string, isUsable: (slot: number) => boolean): number {
  let count = 0;
  for (const slot of registry.candidates({ pools: [pool] })) if (isUsable(slot)) count += 1;
  return count;
}

function exitView(exit: Exit, slot: number, { figures, seen }: ExitKnowledge): ExitView {
  const { id, pool, tier, name, minted, geo } = exit;
  return {
    id,
    pool,
    tier,
    name,
    endpoint: formatEndpoint(exit.endpoint),
    minted,
    ...geo,
    live: figures(slot),
    seen: seen(exit),
  };
}
