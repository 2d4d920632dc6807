import type { Probing } from '../probing/probing.ts';
import type { Family } from '../telemetry/exposition.ts';
import { counter, gauge } from './metric-families.ts';

/** What probes did and what they may cost, by pool. */
export function probeFamilies(
  probing: Probing | undefined,
  pools: readonly { readonly name: string }[],
): readonly Family[] {
  if (probing === undefined) return [];
  const views = pools.map(({ name }) => ({ pool: name, view: probing.viewOf(name) }));
  return [
    counter(
      'roundabout_probes_total',
      'Probes of exits, by pool and how they ended.',
      ...views.flatMap(({ pool, view }) =>
        Object.entries(view.byKind).map(([kind, value]) => ({ labels: { pool, kind }, value })),
      ),
    ),
    counter(
      'roundabout_probe_bytes_total',
      'Octets of those probes on the wire to the exits, both ways.',
      ...views.map(({ pool, view }) => ({ labels: { pool }, value: view.octets })),
    ),
    gauge(
      'roundabout_probe_budget_bytes',
      'Octets that probes of a pool may cost in a day.',
      ...views.map(({ pool, view }) => ({ labels: { pool }, value: view.budget })),
    ),
    gauge(
      'roundabout_probe_budget_left_bytes',
      'Octets left of it today.',
      ...views.map(({ pool, view }) => ({ labels: { pool }, value: view.left })),
    ),
  ];
}
