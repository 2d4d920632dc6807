import { createHmac } from 'node:crypto';
import type { Config } from '../config/config.ts';
import { ExitGuards } from '../gateway/exit-guards.ts';
import { RecentExchanges } from '../gateway/recent-exchanges.ts';
import type { Learner, SiteSignals } from '../gateway/site-signals.ts';
import { AtomicWords } from '../memory/words.ts';
import { ReportLimits } from '../policy/report-limits.ts';
import { GuardTable, guardWords } from '../selection/guard.ts';
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

/** Pairs of exit and site that guards remember. */
const GUARDED_PAIRS = 65_536;

export interface ExitGuardsOptions {
  readonly sites: Sites;
  /** Keys the hashes of names. */
  readonly secret: Buffer;
  readonly generationOf: (slot: number) => number;
  readonly rules: () => Config['guards'];
}

/** Guards over a table of their own. */
export function createExitGuards({ sites, secret, generationOf, rules }: ExitGuardsOptions): ExitGuards {
  const table = new GuardTable(new AtomicWords(new SharedArrayBuffer(4 * guardWords(GUARDED_PAIRS))));
  // Never 0, which stands for nobody.
  const keyOf = (text: string) => createHmac('sha256', secret).update(text).digest().readInt32BE() || 1;
  return new ExitGuards({ table, keyOf, siteOf: (host) => sites.of(host), generationOf, rules });
}
