import type { ReportLimits } from '../policy/report-limits.ts';
import type { BlockRules } from '../signals/block-rules.ts';
import type { PageReader } from '../signals/page-text.ts';
import type { SiteNorms } from '../signals/site-norm.ts';
import type { Sites } from '../signals/sites.ts';
import type { Verdict } from '../signals/verdict.ts';
import type { Collaborators } from './collaborators.ts';
import type { Exchange } from './exchange.ts';
import type { RecentExchanges, RecentLookUp } from './internal/recent-exchanges.ts';

/** An exit by its slot, and which of the exits that were ever in that slot. */
export interface SlotRef {
  readonly slot: number;
  readonly generation: number;
}

/** Who learns from verdicts. */
export interface Learner {
  /** The site treated the exit so, `weight` (0 to 1) worth believing. What concerns an exit that has left its slot is ignored.
   *  It may come much later than the exchange. */
  judged(
    at: SlotRef,
    site: string,
    judgement: {
      readonly verdict: 'served' | 'refused';
      readonly weight: number;
      readonly retryAfterMs: number | null;
      /** Who asked, as 32 bits. */
      readonly client: number | undefined;
    },
  ): void;
}

/** All that it takes to tell how sites treat exits. */
export interface SiteSignals {
  readonly sites: Sites;
  readonly blocks: () => BlockRules;
  readonly pages: PageReader;
  readonly norms: SiteNorms;
  readonly learner: Learner;
  /** Exchanges of this thread that a report may still be about. */
  readonly recent: RecentExchanges;
  /** The same, over all threads. */
  readonly lookUp: RecentLookUp;
  readonly reports: ReportLimits;
}

/** The exit that serves the exchange; null before one does and after the exchange has ended. */
export function exitOf({ choice, inFlight }: Exchange): SlotRef | null {
  return choice === null || inFlight === null ? null : { slot: choice.slot, generation: inFlight };
}

/** An exit serves the exchange: from now on a report may be about it. */
export function remember(deps: Collaborators, exchange: Exchange): void {
  const at = exitOf(exchange);
  const { admission, choice, site } = exchange;
  if (at === null || admission === null || choice === null || site === null) return;
  const { session = null, tag = null } = admission.params;
  exchange.ticket = deps.signals.recent.add({
    id: exchange.id,
    client: admission.client.name,
    session,
    tag,
    site,
    exit: choice.exit.id,
    at,
    startedAt: exchange.startedAt,
  });
}

/** Lets selection learn from a verdict; an unknown one teaches nothing. */
export function learn(
  deps: Pick<Collaborators, 'signals'>,
  { at, site, client }: { at: SlotRef; site: string; client: number | undefined },
  verdict: Verdict,
): void {
  const { page, weight, retryAfterMs } = verdict;
  if (page === 'unknown') return;
  const judgement = { verdict: page === 'served' ? page : 'refused', weight, retryAfterMs, client } as const;
  deps.signals.learner.judged(at, site, judgement);
}
