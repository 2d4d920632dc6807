import type { ExitStateView } from './exit-state-view.ts';
import type { ExitView } from './exit-view.ts';
import type { SessionView } from './session-view.ts';

/** What one site is believed to do with an exit. Durations in ms. */
export interface SiteOutlook {
  readonly site: string;
  /** Odds of a page, 0…1, as a pick sees them now. */
  readonly odds: number;
  /** How long it had better be left alone there; 0 where it needn't. */
  readonly coolsForMs: number;
  /** Refusals in a row, and how long ago the last one was; null where there was none. */
  readonly refusals: number;
  readonly refusedAgoMs: number | null;
  /** Pages since the last refusal. */
  readonly pages: number;
  /** Uses within the window. */
  readonly uses: number;
}

/** How a pick sees the way through an exit. */
export interface PathOutlook {
  /** Odds that it works, 0…1. */
  readonly odds: number;
  /** Time in ms that an answer over it is expected to take. */
  readonly expectedMs: number;
  /** How long ago it joined, in ms. */
  readonly joinedAgoMs: number;
}

/** A failed attempt. */
export interface RecentFailure {
  /** A kind of the error catalogue. */
  readonly kind: string;
  readonly site: string | null;
  readonly agoMs: number;
}

/** What the running gateway knows of one exit beside its figures. */
export interface ExitInsight {
  readonly path: PathOutlook;
  /** The sites that were seen to refuse exits, and have met this one; those with the worst odds first. */
  readonly sites: readonly SiteOutlook[];
  /** The newest first. */
  readonly failures: readonly RecentFailure[];
  /** Some of the sessions that hold it, and how many more there are. */
  readonly sessions: readonly SessionView[];
  readonly moreSessions: number;
}

/** All that is known of one exit. */
export interface ExitDetail extends ExitView {
  /** What operators said of it. */
  readonly states: readonly ExitStateView[];
  /** Null where no gateway runs. */
  readonly insight: ExitInsight | null;
}
