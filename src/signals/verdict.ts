/** What a site did with an exchange. `served`: it gave what it gives to everybody; `refused`: it turned this exit away;
 *  `challenge`: it asked for a proof of being human instead; `unknown`: nothing that says anything about the exit. */
export type PageVerdict = 'served' | 'refused' | 'challenge' | 'unknown';

/** A judgement, and how much it is worth. */
export interface Verdict {
  readonly page: PageVerdict;
  /** How far it may be believed, 0 to 1: 1 is a page known by name, little is a guess. */
  readonly weight: number;
  /** How long the site asked to be left alone, in ms; null where it didn't say. */
  readonly retryAfterMs: number | null;
  /** The name of the rule that decided; null where none did. */
  readonly rule: string | null;
}

/** Nothing can be said. */
export const unknownVerdict: Verdict = Object.freeze({ page: 'unknown', weight: 0, retryAfterMs: null, rule: null });
