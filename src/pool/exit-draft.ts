import type { DialFacts } from '../memory/fact-arena.ts';
import type { ExitTerms } from './exit-terms.ts';

/** In place of the number of a session: each gateway session mints its own. */
export const MINTS = 0xffffffff;

/** An exit as a pool file names it. Exits of one entry share one `terms`. */
export interface ExitDraft {
  readonly terms: ExitTerms;
  /** How it is dialled; null where that follows from the template among its terms, and `session`. */
  readonly facts: DialFacts | null;
  /** Which session of the template it is, or MINTS. */
  readonly session: number;
  /** What tells it apart, beside its endpoint. */
  readonly label: string;
  /** Its port is another one at each start, and tells nothing: its label does. */
  readonly portVaries?: true;
}

/** Takes an exit. */
export type DraftSink = (draft: ExitDraft) => void;
