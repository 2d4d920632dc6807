import type { ExitInsight, RecentFailure, SiteOutlook } from '../admin/exit-detail.ts';
import type { Sessions } from '../admin/session-commands.ts';
import { elapsedMs } from '../memory/clock.ts';
import { EXIT_WORDS, ExitWord } from '../memory/exit-rows.ts';
import { GROUP_WORDS, GroupWord } from '../memory/group-table.ts';
import { SITE_WORDS, SiteWord } from '../memory/site-table.ts';
import { PageBeliefs } from '../selection/page-beliefs.ts';
import { PairFigures } from '../selection/pair-figures.ts';
import type { Parameters } from '../selection/parameters.ts';
import { PathBeliefs } from '../selection/path-beliefs.ts';
import type { SelectionTables } from '../selection/selection.ts';
import { SiteBeliefs } from '../selection/site-beliefs.ts';
import { ownMsOf } from '../selection/site-figures.ts';
import type { FailedAttempt } from '../signals/failure-ledger.ts';

/** Sites, sessions and failures shown of one exit. */
const SHOWN = 20;

const NO_SITE = -1;

export interface ExitInsightsOptions {
  readonly tables: SelectionTables;
  readonly parameters: () => Parameters;
  readonly sessions: Sessions;
  readonly failures: (slot: number) => Promise<readonly (readonly FailedAttempt[])[]>;
  readonly now: () => number;
}

/** Tells all that is known of single exits, by what selection goes by. */
export class ExitInsights {
  readonly #options: ExitInsightsOptions;

  constructor(options: ExitInsightsOptions) {
    this.#options = options;
  }

  /** Of the exit of this id, in `slot`. Looks at every pair and site that is known. */
  async of(id: string, slot: number): Promise<ExitInsight> {
    const { tables, sessions, failures, now } = this.#options;
    const generation = tables.rows.generationOf(slot);
    const failed = (await failures(slot)).flat().filter((one) => one.generation === generation);
    const moment = now();
    const { sessions: held, more } = sessions.list({ exit: id }, SHOWN);
    return {
      path: this.#pathOf(slot, moment),
      sites: this.#sitesOf(slot, moment).slice(0, SHOWN),
      failures: newestOf(failed, moment),
      sessions: held,
      moreSessions: more,
    };
  }

  #pathOf(slot: number, now: number): ExitInsight['path'] {
    const { tables, parameters } = this.#options;
    const paths = new PathBeliefs(tables, parameters());
    paths.look(slot, now);
    const joined = tables.rows.ints[slot * EXIT_WORDS + ExitWord.joined] ?? 0;
    return {
      odds: rounded(paths.path),
      expectedMs: Math.round(paths.answerMs(ownMsOf(tables.sites, NO_SITE))),
      joinedAgoMs: elapsedMs(now, joined),
    };
  }

  #sitesOf(slot: number, now: number): SiteOutlook[] {
    const { tables, parameters } = this.#options;
    const { pairs, sites, rows, groups, standings } = tables;
    const beliefs = new SiteBeliefs(sites, parameters());
    const figures = new PairFigures(pairs, beliefs, parameters().window);
    const pages = new PageBeliefs({ pairs, figures, sites: beliefs, standings }, parameters());
    const generation = rows.generationOf(slot);
    const tier = groups.ints[rows.groupOf(slot) * GROUP_WORDS + GroupWord.tier] ?? 0;
    const outlooks: SiteOutlook[] = [];
    for (let site = 0; site < sites.capacity; site++) {
      if (sites.ints[site * SITE_WORDS + SiteWord.watched] !== 1) continue;
      const pair = pairs.find(slot, generation, sites.keyOf(site));
      if (pair < 0) continue;
      pages.turnTo({ site }, 1, now);
      pages.look({ slot, generation, tier, isNew: false }, now);
      const refusals = pairs.strikesOf(pair);
      outlooks.push({
        site: sites.nameOf(site),
        odds: rounded(pages.odds),
        coolsForMs: Math.round(figures.coolsForMs(pair, { site, now })),
        refusals,
        refusedAgoMs: refusals === 0 ? null : figures.sinceRefusalMs(pair, now),
        pages: pairs.goodsOf(pair),
        uses: rounded(figures.usesOf(pair, now)),
      });
    }
    return outlooks.sort((a, b) => a.odds - b.odds);
  }
}

function newestOf(failed: readonly FailedAttempt[], now: number): RecentFailure[] {
  const newest = failed.toSorted((a, b) => b.at - a.at).slice(0, SHOWN);
  return newest.map(({ kind, site, at }) => ({ kind, site, agoMs: Math.round(Math.max(0, now - at)) }));
}

const rounded = (share: number): number => Math.round(1000 * share) / 1000;
