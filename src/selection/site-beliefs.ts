import { elapsedMs } from '../memory/clock.ts';
import { type SiteTable, SiteWord as siteWord, SITE_WORDS as siteWords } from '../memory/site-table.ts';
import { fade, leftAfter } from './fading.ts';
import type { Parameters } from './parameters.ts';

// An imported name is looked up at each use; a constant of a module's own is compiled in, which makes picks a tenth cheaper.
const SITE_WORDS = siteWords;
const SiteWord = siteWord;

/** What a site that nothing is known of is believed to do. */
const START = Object.freeze({ persist: 0.7, servedOld: 0.99, servedNew: 0.97 });

/** Steps by which a site's shares follow. */
const NEW_STEP = 0.04;
const OLD_STEP = 0.02;

/** A tier's share at a site drifts back to the start with this half-life, so that a cheap tier is tried again. */
const FORGIVE_MS = 3_600_000;

/** Bounds of a learned cool-down, in ms. */
const COOL_LEAST_MS = 10_000;
const COOL_MOST_MS = 3_600_000;

/** Step by which what a site bears follows what it bore, how that fades, and the share of it below which a refusal has another
 *  cause than the uses. */
const BORNE_STEP = 0.3;
const BORNE_FADES = 0.9998;
const BORNE_SHARE = 0.5;

/** What sites do, each by its row ≥ 0: whether and how they refuse. Small steps, because a refusal may look like a page. */
export class SiteBeliefs {
  readonly #sites: SiteTable;
  readonly #of: Parameters;

  constructor(sites: SiteTable, parameters: Parameters) {
    this.#sites = sites;
    this.#of = parameters;
  }

  /** What pairs know the site by. */
  keyOf(site: number): number {
    return this.#sites.keyOf(site);
  }

  /** Whether the site was ever seen to refuse. No site, -1, never was. */
  isWatched(site: number): boolean {
    return site >= 0 && this.#sites.ints[site * SITE_WORDS + SiteWord.watched] === 1;
  }

  /** The first refusal: from now on this site's pairs are kept. */
  watch(site: number): void {
    const { ints, floats } = this.#sites;
    const row = site * SITE_WORDS;
    floats[row + SiteWord.coolMs] = this.#of.firstCool;
    floats[row + SiteWord.persist] = START.persist;
    floats[row + SiteWord.servedOld] = START.servedOld;
    floats.fill(START.servedNew, row + SiteWord.servedNew, row + SiteWord.servedNew + 4);
    ints[row + SiteWord.watched] = 1;
  }

  /** An exchange with the site begins. */
  began(site: number, now: number): void {
    const row = site * SITE_WORDS;
    this.#sites.floats[row + SiteWord.demand] = this.demandOf(site, now) + 1;
    this.#sites.ints[row + SiteWord.demandAt] = now;
  }

  /** Exchanges with the site within the window, decayed. */
  demandOf(site: number, now: number): number {
    const row = site * SITE_WORDS;
    const aged = elapsedMs(now, this.#sites.ints[row + SiteWord.demandAt] as number);
    return this.#figure(site, SiteWord.demand) * fade(aged / this.#of.window);
  }

  /** Odds of a page for an exit that the site has served before. */
  servedOld(site: number): number {
    return this.#figure(site, SiteWord.servedOld);
  }

  /** Odds of a page for an exit of the tier that the site hasn't seen. */
  servedNew(site: number, tier: number, now: number): number {
    const share = this.#figure(site, SiteWord.servedNew + tier);
    const aged = elapsedMs(now, this.#sites.ints[site * SITE_WORDS + SiteWord.servedNewAt + tier] as number);
    return START.servedNew + (share - START.servedNew) * leftAfter(aged, FORGIVE_MS);
  }

  learnServedOld(site: number, served: number): void {
    const at = site * SITE_WORDS + SiteWord.servedOld;
    this.#sites.floats[at] = this.servedOld(site) + OLD_STEP * (served - this.servedOld(site));
  }

  learnServedNew(site: number, tier: number, { served, now }: { readonly served: number; readonly now: number }): void {
    const row = site * SITE_WORDS;
    const share = this.servedNew(site, tier, now);
    this.#sites.floats[row + SiteWord.servedNew + tier] = share + NEW_STEP * (served - share);
    this.#sites.ints[row + SiteWord.servedNewAt + tier] = now;
  }

  /** Odds that a first refusal is more than a passing challenge. */
  persistOf(site: number): number {
    return this.#figure(site, SiteWord.persist);
  }

  /** What came after a first refusal: another, or a page. */
  learnPersist(site: number, persisted: boolean): void {
    const known = this.persistOf(site);
    this.#sites.floats[site * SITE_WORDS + SiteWord.persist] = persisted ? known + 0.2 * (1 - known) : known * 0.8;
  }

  /** How long a ban lasts, in ms. */
  coolMsOf(site: number): number {
    return this.#figure(site, SiteWord.coolMs);
  }

  /** A visit after a ban, `idleMs` after it was told: was it over? Most of the visits made in time should find it over, because
   *  one that comes too soon prolongs it on some sites. */
  learnCool(site: number, idleMs: number, over: boolean): void {
    const cool = this.coolMsOf(site);
    const due = idleMs >= cool;
    const next = over ? (due ? cool * 0.9 : 0.9 * cool + 0.1 * idleMs) : cool * (due ? 1.25 : 1.03);
    this.#sites.floats[site * SITE_WORDS + SiteWord.coolMs] = Math.min(COOL_MOST_MS, Math.max(COOL_LEAST_MS, next));
  }

  /** The learned limit of uses within the window, relaxed while no ban contradicts it; Infinity while none is known. */
  limitOf(site: number, now: number): number {
    const limit = this.#figure(site, SiteWord.limit);
    if (limit === 0) return Number.POSITIVE_INFINITY;
    const aged = elapsedMs(now, this.#sites.ints[site * SITE_WORDS + SiteWord.limitedAt] as number);
    return limit * (1 + (this.#of.relax * aged) / 60_000);
  }

  /** So many uses brought on a ban. A low quantile of such samples is tracked, never cut step by step: many pairs may confirm one
   *  old mistake. Far below what others were seen to bear it was a challenge, or a ban of before. */
  learnLimit(site: number, uses: number, now: number): void {
    if (uses < 2 || uses < BORNE_SHARE * this.#figure(site, SiteWord.borne)) return;
    const row = site * SITE_WORDS;
    const { cut } = this.#of;
    const known = this.limitOf(site, now);
    const limit = known === Number.POSITIVE_INFINITY ? uses : known;
    const next = uses < limit ? Math.max(uses, limit * (1 - cut)) : limit * (1 + cut / 9);
    this.#sites.floats[row + SiteWord.limit] = Math.max(1.5, next);
    this.#sites.ints[row + SiteWord.limitedAt] = now;
  }

  /** A page was served after so many uses: near the learned limit that raises it a little, beyond it much. */
  bore(site: number, uses: number, now: number): void {
    const { floats } = this.#sites;
    const row = site * SITE_WORDS;
    const borne = this.#figure(site, SiteWord.borne);
    floats[row + SiteWord.borne] = uses > borne ? borne + BORNE_STEP * (uses - borne) : borne * BORNE_FADES;
    const limit = this.limitOf(site, now);
    if (limit === Number.POSITIVE_INFINITY || uses <= this.#of.headroom * limit) return;
    const growth = uses > limit ? BORNE_STEP * Math.min(1, uses / limit - 1) : this.#of.grow;
    floats[row + SiteWord.limit] = this.#figure(site, SiteWord.limit) * (1 + growth);
  }

  #figure(site: number, word: number): number {
    return this.#sites.floats[site * SITE_WORDS + word] as number;
  }
}
