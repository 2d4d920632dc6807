import { type Page, parseExposition } from '../../support/exposition.ts';
import type { Running } from './peer.ts';
import { numberText } from './table.ts';

const LAG = 'roundabout_event_loop_lag_seconds';

/** What the gateway tells of itself on its page of metrics, for the notes of a row. Null of a proxy without one. */
export async function ownView(one: Running): Promise<{ readonly told: () => Promise<string> } | null> {
  if (one.page === undefined) return null;
  const page = one.page;
  const before = parseExposition(await page());
  return { told: async () => tell(one.name, before, parseExposition(await page())) };
}

/** How late its threads came to their timers in between, how many exchanges ended, and what stands open now. */
export function tell(name: string, before: Page, after: Page): string {
  const looks = buckets(after).map(({ bound, count }, i) => ({
    bound,
    count: count - (buckets(before)[i]?.count ?? 0),
  }));
  const all = looks.at(-1)?.count ?? 0;
  const late = looks.find(({ count }) => count >= all * 0.99)?.bound ?? Number.POSITIVE_INFINITY;
  const ended = sumOf(after, 'roundabout_exchanges_total') - sumOf(before, 'roundabout_exchanges_total');
  const lag = all === 0 ? 'not looked at' : `at most ${numberText(late * 1_000)} ms late in 99 of 100 looks`;
  const open = sumOf(after, 'roundabout_descriptors_open');
  return `${name}, by its own metrics: loops of its workers ${lag}, ${ended} exchanges, ${open} descriptors open`;
}

/** Looks at all workers that found their loop at most so late, in s; the last bound is infinite. */
function buckets(page: Page): { readonly bound: number; readonly count: number }[] {
  const counts = new Map<number, number>();
  for (const { name, labels, value } of page.get(LAG)?.samples ?? []) {
    if (name !== `${LAG}_bucket`) continue;
    const bound = labels['le'] === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels['le']);
    counts.set(bound, (counts.get(bound) ?? 0) + value);
  }
  return [...counts].map(([bound, count]) => ({ bound, count })).toSorted((a, b) => a.bound - b.bound);
}

const sumOf = (page: Page, family: string): number =>
  (page.get(family)?.samples ?? []).reduce((sum, { value }) => sum + value, 0);
