import type { SourceView } from '../admin/source-view.ts';
import type { Family } from '../telemetry/exposition.ts';
import { counter, gauge } from './metric-families.ts';

/** How what exits are fetched from does. `now` is Unix time in ms. */
export function sourceFamilies(views: readonly SourceView[], now: number): readonly Family[] {
  const sources = labelled(views);
  return [
    gauge(
      'roundabout_source_up',
      'Whether the last refresh of what exits are fetched from held (1), or failed (0); not told before the first one.',
      ...sources.flatMap(({ labels, view: { failure, ageMs } }) =>
        failure === null && ageMs === null ? [] : [{ labels, value: failure === null ? 1 : 0 }],
      ),
    ),
    gauge(
      'roundabout_source_last_success_time_seconds',
      'When it last said that this is what it has, since the Unix epoch, over restarts too; not told where it never did.',
      ...sources.flatMap(({ labels, view: { ageMs } }) =>
        ageMs === null ? [] : [{ labels, value: Math.round((now - ageMs) / 1e3) }],
      ),
    ),
    counter(
      'roundabout_source_failures_total',
      'Refreshes of it that failed.',
      ...sources.map(({ labels, view }) => ({ labels, value: view.failures })),
    ),
  ];
}

/** Without credentials several sources of a pool may read alike, and no two samples may: the further ones are numbered. */
function labelled(views: readonly SourceView[]) {
  const seen = new Map<string, number>();
  return views.map((view) => {
    const { pool, source } = view;
    const key = JSON.stringify([pool, source]);
    const number = (seen.get(key) ?? 0) + 1;
    seen.set(key, number);
    return { view, labels: { pool, source: number === 1 ? source : `${source} ${number}` } };
  });
}
