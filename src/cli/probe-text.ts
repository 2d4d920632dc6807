import type { ExitView } from '../admin/exit-view.ts';
import type { PoolView } from '../admin/pool-view.ts';
import { formatSize } from '../protocol/units.ts';
import { type Cell, formatFacts } from './table.ts';

/** How a pool is probed, as facts below those of the pool. */
export function probingLines({ probing }: PoolView): string[] {
  if (probing === null) return [];
  const { targets, day, budget, spent, left, byKind, octets } = probing;
  const kinds = Object.entries(byKind).map(([kind, count]) => `${kind} ${count}`);
  return formatFacts([
    ['probed by', targets.join(' ')],
    [
      'budget',
      budget === 0 ? 'none: no probes' : `${formatSize(budget)} a day; ${day}: ${spent} octets spent, ${left} left`,
    ],
    ['probes', `${kinds.join(', ') || 'none'}; ${octets} octets since the start`],
  ]);
}

/** Where probes saw an exit, and whether its pool says something else. */
export function seenCell({ seen }: ExitView): Cell {
  if (seen === null) return null;
  const place = [seen.country, seen.asn === null ? null : `AS${seen.asn}`].filter((part) => part !== null).join(' ');
  return seen.mismatch ?? (place === '' ? seen.address : place);
}
