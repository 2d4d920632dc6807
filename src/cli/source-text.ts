import type { PoolView } from '../admin/pool-view.ts';
import type { SourceView } from '../admin/source-view.ts';
import { countOf } from '../protocol/count-text.ts';
import { formatSpan } from '../protocol/units.ts';
import { type Cell, formatFacts } from './table.ts';

/** How long ago that source of a pool was had which was had longest ago, and whether any fails. */
export function fetchedCell({ sources }: PoolView): Cell {
  if (sources === null || sources.length === 0) return null;
  const failing = sources.some(({ failure }) => failure !== null) ? ', failing' : '';
  if (sources.some(({ ageMs }) => ageMs === null)) return `not yet${failing}`;
  return `${formatSpan(Math.max(...sources.map(({ ageMs }) => ageMs ?? 0)))} ago${failing}`;
}

/** Whether all that a pool is fetched from fails. */
export function hasNoSource({ sources }: PoolView): boolean {
  return sources !== null && sources.length > 0 && sources.every(({ failure }) => failure !== null);
}

/** A pool's sources, as facts below those of the pool. */
export function sourceLines({ sources }: PoolView): string[] {
  if (sources === null || sources.length === 0) return [];
  return formatFacts(sources.map((source) => [source.source, stateOf(source)]));
}

function stateOf({ exits, ageMs, failure, nextMs }: SourceView): string {
  const had = ageMs === null ? 'not had yet' : `${countOf(exits ?? 0, 'exit')}, ${formatSpan(ageMs)} ago`;
  return `${had}; ${failure === null ? '' : `${failure}; `}asked again in ${formatSpan(nextMs)}`;
}
