import { ExitFlag, type ExitRows } from '../../memory/exit-rows.ts';
import type { ExitFilter } from '../../pool/exit-filter.ts';
import { filterKey } from '../../pool/exit-filter.ts';
import type { PoolRegistry } from '../../pool/registry.ts';
import type { SiteBar } from './operator-bars.ts';

/** Exits looked at: of more, so many that are spread evenly stand for all. */
const MOST_LOOKS = 32_768;

/** How long a count is good, in ms, and how many are kept. */
const GOOD_MS = 1_000;
const KEPT = 1_024;

/** How the exits that pass a filter stand. */
export interface Standings {
  /** Those that nobody has closed. */
  readonly open: number;
  readonly frozen: number;
  /** Frozen or draining at the site alone. */
  readonly closedHere: number;
  readonly draining: number;
}

export interface StandingCountsOptions {
  readonly registry: PoolRegistry;
  readonly exits: ExitRows;
  readonly now: () => number;
}

/** Counts for errors how exits stand. A count is kept for a second, and never looks at more than a bounded number of exits, so that a
 *  flood of requests that find none costs little. */
export class StandingCounts {
  readonly #options: StandingCountsOptions;
  readonly #kept = new Map<string, { readonly until: number; readonly version: number; readonly counts: Standings }>();

  constructor(options: StandingCountsOptions) {
    this.#options = options;
  }

  /** Of the exits that pass `filter`, at the site of this name behind `bar`. */
  of(filter: ExitFilter, { site, bar }: { readonly site: string; readonly bar: SiteBar | null }): Standings {
    const { registry, now } = this.#options;
    const key = bar === null ? filterKey(filter) : `${filterKey(filter)}|at ${site}`;
    const kept = this.#kept.get(key);
    const moment = now();
    if (kept !== undefined && moment < kept.until && kept.version === registry.version) return kept.counts;
    const counts = this.#count(registry.candidates(filter), bar);
    if (this.#kept.size >= KEPT) this.#kept.clear();
    this.#kept.set(key, { until: moment + GOOD_MS, version: registry.version, counts });
    return counts;
  }

  #count(list: Int32Array, bar: SiteBar | null): Standings {
    const { exits } = this.#options;
    const step = Math.max(1, list.length / MOST_LOOKS);
    let [looks, frozen, draining, closedHere] = [0, 0, 0, 0];
    for (let at = 0; at < list.length; at += step) {
      const slot = list[Math.floor(at)] ?? -1;
      looks += 1;
      if (exits.hasFlag(slot, ExitFlag.frozen)) frozen += 1;
      else if (exits.hasFlag(slot, ExitFlag.draining)) draining += 1;
      else if (bar?.mayTake(slot) === false) closedHere += 1;
    }
    const whole = (count: number) => (looks === 0 ? 0 : Math.round((count * list.length) / looks));
    const closed = { frozen: whole(frozen), draining: whole(draining), closedHere: whole(closedHere) };
    return { ...closed, open: Math.max(0, list.length - closed.frozen - closed.draining - closed.closedHere) };
  }
}
