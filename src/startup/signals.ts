import type { Config } from '../config/config.ts';
import { RecentExchanges } from '../gateway/recent-exchanges.ts';
import type { Learner, SiteSignals } from '../gateway/site-signals.ts';
import { ReportLimits } from '../policy/report-limits.ts';
import { wholeRule } from '../signals/block-rule.ts';
import { BlockRules } from '../signals/block-rules.ts';
import { PageReader } from '../signals/page-text.ts';
import { NormTable } from '../signals/site-norm.ts';
import { Sites } from '../signals/sites.ts';

/** The block rules of a config. One without a name goes by its place. */
export function blockRulesOf({ blocks }: Config): BlockRules {
  return new BlockRules(blocks.map((rule, index) => wholeRule(rule, `blocks[${index}]`)));
}

export interface SiteSignalsOptions {
  /** Monotonic clock in ms. */
  readonly now: () => number;
  readonly blocks: () => BlockRules;
  readonly learner: Learner;
  readonly reports: Config['limits']['reports'];
}

/** What one thread needs to tell how sites treat exits, where it asks nobody but itself for recent exchanges. */
export function createSiteSignals({ now, blocks, learner, reports }: SiteSignalsOptions): SiteSignals {
  const recent = new RecentExchanges();
  return {
    sites: new Sites(),
    blocks,
    pages: new PageReader(),
    norms: new NormTable(),
    learner,
    recent,
    lookUp: {
      find: async (query) => recent.find(query, now()),
      claim: async (id) => recent.claim(id, now()),
    },
    reports: new ReportLimits(reports),
  };
}
