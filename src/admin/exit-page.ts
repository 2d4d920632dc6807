import type { ExitFilter, PoolRegistry } from '../pool/registry.ts';
import type { Tier } from '../protocol/params.ts';
import { type ExitFigures, type ExitKnowledge, type ExitStatus, type ExitView, exitView } from './exit-view.ts';
import { LeastOf } from './least-of.ts';

/** Exits in one answer: the gateway has to hold it whole. */
export const MOST_EXITS = 10_000;

/** By what a list of exits can be sorted: the fastest, those that work best, those with most in flight or most failures first. */
export const exitSorts = ['latency', 'success', 'in-flight', 'failures', 'served', 'refused'] as const;
export type ExitSort = (typeof exitSorts)[number];

/** Which exits are asked for; what is absent doesn't matter. */
export interface ExitQuery {
  readonly pool?: string | undefined;
  readonly tier?: Tier | undefined;
  readonly country?: string | undefined;
  readonly region?: string | undefined;
  readonly state?: string | undefined;
  readonly city?: string | undefined;
  readonly zip?: string | undefined;
  readonly asn?: string | undefined;
  readonly isp?: string | undefined;
  /** Retired ones are left out unless they are asked for. */
  readonly status?: ExitStatus | undefined;
  /** Only those that stand elsewhere than their pool says, as far as probes have seen. */
  readonly mismatch?: boolean | undefined;
  readonly sort?: ExitSort | undefined;
  /** So many at most. */
  readonly limit: number;
}

/** The exits that were asked for, as many as were wanted. */
export interface ExitPage {
  readonly exits: readonly ExitView[];
  /** How many there are. */
  readonly total: number;
}

/** A look at each exit that the places leave; no more of them are read than are shown. */
export function exitPage(registry: PoolRegistry, query: ExitQuery, known: ExitKnowledge): ExitPage {
  const { status, mismatch, sort, limit } = query;
  const filter = filterOf(registry, query);
  const list = mismatch === true ? mismatched(registry, filter, known) : registry.candidates(filter);
  const keyOf = sort === undefined ? null : (slot: number) => sortKey(sort, known.figures(slot));
  const shown = new LeastOf(limit);
  let total = 0;
  for (const slot of list) {
    if (!isShown(known.statusOf(slot), status)) continue;
    shown.offer(slot, keyOf === null ? total : keyOf(slot));
    total += 1;
  }
  const exits = shown.sorted().flatMap((slot) => {
    const exit = registry.exitAt(slot);
    return exit === undefined ? [] : [exitView(exit, slot, known)];
  });
  return { exits, total };
}

/** Those of the pools and places that are asked for. */
export function filterOf(registry: PoolRegistry, query: Omit<ExitQuery, 'limit'>): ExitFilter {
  const { pool, tier, country, region, state, city, zip, asn, isp } = query;
  const pools = pool === undefined ? registry.pools().map(({ name }) => name) : [pool];
  return { pools, tier, country: country === undefined ? undefined : [country], region, state, city, zip, asn, isp };
}

/** Whether an exit that stands so is among those of the status that is asked for; undefined for all but those that are retired. */
export function isShown(stands: ExitStatus, status: ExitStatus | undefined): boolean {
  return status === undefined ? stands !== 'retired' : stands === status;
}

function mismatched(registry: PoolRegistry, filter: ExitFilter, { seen, everSeen }: ExitKnowledge): number[] {
  const slots = [...everSeen()].map((id) => registry.slotOf(id) ?? -1);
  return slots.filter((slot) => {
    const exit = registry.exitAt(slot);
    return exit !== undefined && registry.matches(slot, filter) && seen(exit)?.mismatch != null;
  });
}

/** The lower, the sooner it is shown; what isn't known comes last. */
export function sortKey(sort: ExitSort, figures: ExitFigures | null): number {
  if (figures === null) return Number.POSITIVE_INFINITY;
  switch (sort) {
    case 'latency':
      return figures.latencyMs ?? Number.POSITIVE_INFINITY;
    case 'success':
      return figures.success === null ? Number.POSITIVE_INFINITY : -figures.success;
    case 'in-flight':
      return -figures.inFlight;
    case 'failures':
      return -figures.failuresInRow;
    default:
      return -figures[sort];
  }
}
