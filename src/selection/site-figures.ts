import { SITE_WORDS, type SiteTable, SiteWord } from '../memory/site-table.ts';

/** Answers over which a site's own time is a plain mean; afterwards it follows. */
const ANSWERS = 40;

/** Step by which the octets of an exchange follow. */
const OCTETS_STEP = 0.1;

/** Octets of an exchange with a site that nothing is known of: a page of today without its pictures. */
export const PRIOR_OCTETS = 200_000;

/** How much longer a site's answers take than the average site's, in ms; negative for a quicker one. */
export function ownMsOf(sites: SiteTable, site: number): number {
  return site < 0 ? 0 : (sites.floats[site * SITE_WORDS + SiteWord.ownMs] as number);
}

/** An answer of the site took `ms`, over an exit whose own part of it was expected to be `exitMs`. One sample moves the figure by no
 *  more than the whole expectation. */
export function learnOwnMs(sites: SiteTable, site: number, { ms, exitMs }: { ms: number; exitMs: number }): void {
  if (site < 0) return;
  const row = site * SITE_WORDS;
  const answers = Math.min(ANSWERS, (sites.ints[row + SiteWord.answers] as number) + 1);
  const own = sites.floats[row + SiteWord.ownMs] as number;
  const off = Math.max(-exitMs, Math.min(exitMs, ms - exitMs - own));
  sites.ints[row + SiteWord.answers] = answers;
  // The first answers are drawn toward 0 by some that were none.
  sites.floats[row + SiteWord.ownMs] = own + off / (answers + 4);
}

/** Octets that an exchange with the site is expected to carry. */
export function octetsOf(sites: SiteTable, site: number): number {
  const known = site < 0 ? 0 : (sites.floats[site * SITE_WORDS + SiteWord.octets] as number);
  return known === 0 ? PRIOR_OCTETS : known;
}

/** An exchange with the site carried so many octets, both ways. */
export function learnOctets(sites: SiteTable, site: number, octets: number): void {
  if (site < 0) return;
  const known = octetsOf(sites, site);
  sites.floats[site * SITE_WORDS + SiteWord.octets] = known + OCTETS_STEP * (octets - known);
}
