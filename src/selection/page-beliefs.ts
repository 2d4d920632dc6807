import type { PairTable } from '../memory/pair-table.ts';
import { ANYBODY, type ClientStandings } from './client-standings.ts';
import { log2Of4And } from './fading.ts';
import type { PairFigures } from './pair-figures.ts';
import type { Parameters } from './parameters.ts';
import type { SiteBeliefs } from './site-beliefs.ts';

/** Odds of an exit that the site hasn't seen, at least. */
const LEAST_NEW_ODDS = 0.02;

/** Odds after a ban that should be over. */
const COOLED_ODDS = 0.7;

/** No tier was asked for. */
const NO_TIER = -1;

/** Which site is asked, by its row, -1 for none, and for whom. */
export interface Errand {
  readonly site: number;
  readonly client?: number | undefined;
}

/** An exit that a pick asks about. */
export interface Candidate {
  readonly slot: number;
  readonly generation: number;
  readonly tier: number;
  /** It has had no exchange at all, so that no pair of it needs to be looked for. */
  readonly isNew: boolean;
}

/** How sites treat exits, pair by pair: the odds of a page, and how worn a pair is, as PageLessons learned it. `look` fills the figures of one pair, so that a
 *  pick makes no garbage. */
export class PageBeliefs {
  readonly #pairs: PairTable;
  readonly #figures: PairFigures;
  readonly #sites: SiteBeliefs;
  readonly #standings: ClientStandings;
  readonly #of: Parameters;

  /** Of the pair looked at: odds that the site serves the exit; … */
  odds = 1;
  /** … doublings of its uses over an even share, times how scarce exits are. */
  wear = 0;
  /** Of the site turned to: the least that `wear` can be. */
  leastWear = 0;
  #site = -1;
  #client = ANYBODY;
  #key = 0;
  #limit = 0;
  #evenUses = 0;
  #evenWear = 0;
  #scarcity = 1;
  #oldOdds = 1;
  /** Of the tier asked for last: odds of a page for an exit that the site hasn't seen, for who asks, and for any exit at best. */
  #tier = NO_TIER;
  #newOdds = 1;
  #clientOdds = 1;
  #mostOdds = 1;

  constructor(
    tables: {
      readonly pairs: PairTable;
      readonly figures: PairFigures;
      readonly sites: SiteBeliefs;
      readonly standings: ClientStandings;
    },
    parameters: Parameters,
  ) {
    this.#pairs = tables.pairs;
    this.#figures = tables.figures;
    this.#sites = tables.sites;
    this.#standings = tables.standings;
    this.#of = parameters;
  }

  /** Takes in a site for the looks that follow, -1 for none, and who asks; `exits` is how many could serve it. */
  turnTo({ site, client = ANYBODY }: Errand, exits: number, now: number): void {
    this.odds = 1;
    this.wear = 0;
    this.leastWear = 0;
    this.#site = this.#sites.isWatched(site) ? site : -1;
    if (this.#site < 0) return;
    this.#client = client;
    this.#key = this.#sites.keyOf(site);
    this.#oldOdds = this.#sites.servedOld(site);
    this.#tier = NO_TIER;
    this.#limit = this.#sites.limitOf(site, now);
    this.#evenUses = this.#sites.demandOf(site, now) / Math.max(1, exits);
    const limited = this.#limit === Number.POSITIVE_INFINITY ? 1 : 2;
    this.#scarcity = limited * (1 + this.#of.scarcity * Math.min(4, this.#evenUses));
    this.#evenWear = log2Of4And(this.#evenUses);
    this.leastWear = (log2Of4And(0) - this.#evenWear) * this.#scarcity;
  }

  /** Odds of a page at the site turned to that no exit of the tier exceeds. */
  mostOdds(tier: number, now: number): number {
    if (this.#site < 0) return 1;
    this.#turnToTier(tier, now);
    return this.#mostOdds;
  }

  look({ slot, generation, tier, isNew }: Candidate, now: number): void {
    if (this.#site < 0) return;
    this.#turnToTier(tier, now);
    const pair = isNew ? -1 : this.#pairs.find(slot, generation, this.#key);
    if (pair < 0) {
      this.wear = this.leastWear;
      this.odds = Math.max(LEAST_NEW_ODDS, this.#newOdds);
      return;
    }
    if (this.#pairs.strikesOf(pair) > 0) {
      const asked = { site: this.#site, client: this.#client, unrefused: this.#newOdds };
      this.odds = Math.min(this.#clientOdds, this.#oddsAfterRefusal(pair, asked, now));
      // Rest makes no refused exit cheap.
      this.wear = 0;
      return;
    }
    const uses = this.#figures.usesOf(pair, now);
    // Four uses are too few to make a difference.
    this.wear = (log2Of4And(uses) - this.#evenWear) * this.#scarcity;
    const odds = this.#pairs.goodsOf(pair) > 0 ? Math.min(this.#clientOdds, this.#oldOdds) : this.#newOdds;
    const used = (uses + 1) / this.#limit - this.#of.headroom;
    // A learned limit is a guess: it makes an exit dear, never poor.
    this.odds = used <= 0 ? odds : odds * Math.max(this.#of.poor / odds, 1 - this.#of.overuse * used * used);
  }

  /** Whether a session may go on with its exit: not where the site has refused it, or is about to. */
  mayStay(slot: number, generation: number, { site, client = ANYBODY }: Errand, now: number): boolean {
    if (!this.#sites.isWatched(site)) return true;
    const pair = this.#pairs.find(slot, generation, this.#sites.keyOf(site));
    if (pair < 0) return true;
    if (this.#pairs.strikesOf(pair) > 0) {
      const unrefused = this.#sites.servedOld(site);
      return this.#oddsAfterRefusal(pair, { site, client, unrefused }, now) >= this.#of.poor;
    }
    return (this.#figures.usesOf(pair, now) + 1) / this.#sites.limitOf(site, now) <= this.#of.rebind;
  }

  /** Odds after refusals. Where one other client alone met them they count as far as its word does; `unrefused` are the odds without
   *  them. */
  #oddsAfterRefusal(
    pair: number,
    { site, client, unrefused }: { readonly site: number; readonly client: number; readonly unrefused: number },
    now: number,
  ): number {
    const odds = this.#afterRefusal(site, pair, now);
    const by = this.#figures.refusedBy(pair);
    if (by === ANYBODY || client === ANYBODY || by === client) return odds;
    const trust = this.#standings.trustOf(by, this.#sites.keyOf(site), now);
    return trust * odds + (1 - trust) * unrefused;
  }

  /** Odds after refusals: one is a challenge or a ban, the site's record says which is likelier; more are a ban that ends with the
   *  learned cool-down, which doubles with each. The site's own word outweighs what was learned. */
  #afterRefusal(site: number, pair: number, now: number): number {
    const strikes = this.#pairs.strikesOf(pair);
    const idle = this.#figures.sinceRefusalMs(pair, now);
    const told = this.#figures.toldMs(pair);
    if (told > 0) return idle < told ? 0 : COOLED_ODDS;
    const over = idle / this.#figures.learnedCoolMs(site, strikes);
    if (strikes === 1) {
      if (idle < this.#of.firstPause) return 0.05;
      const cooled = Math.min(1, over * over);
      return this.#sites.servedOld(site) * (1 - this.#sites.persistOf(site) * (1 - COOLED_ODDS * cooled));
    }
    return over < 1 ? 0.02 + 0.5 * over * over : COOLED_ODDS;
  }

  #turnToTier(tier: number, now: number): void {
    if (tier === this.#tier) return;
    this.#tier = tier;
    this.#clientOdds = this.#standings.mostOdds(this.#client, this.#key, { tier, now });
    this.#newOdds = Math.min(this.#clientOdds, this.#sites.servedNew(this.#site, tier, now));
    this.#mostOdds = Math.max(COOLED_ODDS, this.#of.poor, this.#oldOdds, this.#newOdds);
  }
}
