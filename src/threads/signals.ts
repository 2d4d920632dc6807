import { createHmac } from 'node:crypto';
import type { Config } from '../config/config.ts';
import { ExitGuards } from '../gateway/choosing/exit-guards.ts';
import { RecentExchanges, type RecentLookUp } from '../gateway/internal/recent-exchanges.ts';
import type { Learner, SiteSignals } from '../gateway/site-signals.ts';
import type { Words } from '../memory/words.ts';
import type { ReportLimits } from '../policy/report-limits.ts';
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
  readonly blocks: () => BlockRules;
  readonly learner: Learner;
  /** Finds recent exchanges in all threads. */
  readonly lookUp: RecentLookUp;
  readonly reports: ReportLimits;
}

/** What one thread needs to tell how sites treat exits. */
export function createSiteSignals(options: SiteSignalsOptions): SiteSignals {
  return {
    sites: new Sites(),
    pages: new PageReader(),
    norms: new NormTable(),
    recent: new RecentExchanges(),
    ...options,
  };
}

/** Pairs of exit and site that guards remember. */
const GUARDED_PAIRS = 65_536;

/** Words that the guards of all threads share. */
export const GUARD_WORDS = guardWords(GUARDED_PAIRS);

export interface ExitGuardsOptions {
  /** GUARD_WORDS of them. */
  readonly words: Words;
  readonly sites: Sites;
  /** Keys the hashes of names. */
  readonly secret: Uint8Array;
  readonly generationOf: (slot: number) => number;
  readonly isMinted: (slot: number) => boolean;
  readonly rules: () => Config['guards'];
}

/** Guards over the table of all threads. */
export function createExitGuards({ words, sites, secret, ...others }: ExitGuardsOptions): ExitGuards {
  const table = new GuardTable(words);
  // Never 0, which stands for nobody.
  const keyOf = (text: string) => createHmac('sha256', secret).update(text).digest().readInt32BE() || 1;
  return new ExitGuards({ table, keyOf, siteOf: (host) => sites.of(host), ...others });
}
