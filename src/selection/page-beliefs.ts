import { elapsedMs } from '../memory/clock.ts';
import { type PairTable, PairWord as pairWord, RefusalWord as refusalWord } from '../memory/pair-table.ts';
import { ANYBODY, type ClientStandings } from './client-standings.ts';
import { fade, log2Of4And } from './fading.ts';
import type { Parameters } from './parameters.ts';
import type { SiteBeliefs } from './site-beliefs.ts';

// An imported name is looked up at each use; a constant of a module's own is compiled in, which makes picks a tenth cheaper.
const PairWord = pairWord;
const RefusalWord = refusalWord;

/** A visit this soon after a refusal, in ms, was under way already and says nothing. */
const UNDER_WAY_MS = 5_000;

/** Doublings of the cool-down by strikes, at most. */
const MOST_DOUBLINGS = 5;

/** Where first refusals of a site are bans with these odds, the first of a pair is a sample of the limit already. */
const SURE = 0.85;

/** Odds of an exit that the site hasn't seen, at least. */
const LEAST_NEW_ODDS = 0.02;

/** Odds after a ban that should be over. */
const COOLED_ODDS = 0.7;

/** No tier was asked for. */
const NO_TIER = -1;

/** Which exit asks which site, for whom. */
export interface Visit {
  readonly slot: number;
  readonly generation: number;
  /** Row of the site, ≥ 0. */
  readonly site: number;
  /** The exit's tier, 0…3. */
  readonly tier: number;
  readonly client: number;
}

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

/** How sites treat exits, pair by pair: the odds of a page, and how worn a pair is. `look` fills the figures of one pair, so that a
 *  pick makes no garbage. */
export class PageBeliefs {
  readonly #pairs: PairTable;
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
    tables: { readonly pairs: PairTable; readonly sites: SiteBeliefs; readonly standings: ClientStandings },
    parameters: Parameters,
  ) {
    this.#pairs = tables.pairs;
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
    const uses = this.#usesOf(pair, now);
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
    return (this.#usesOf(pair, now) + 1) / this.#sites.limitOf(site, now) <= this.#of.rebind;
  }

  /** How long, in ms, the site is believed to go on refusing the exit of the pair whose row begins at `pair`; 0 where it isn't. */
  coolsForMs(pair: number, { site, now }: { site: number; now: number }): number {
    const strikes = this.#pairs.strikesOf(pair);
    if (strikes === 0) return 0;
    const told = this.#toldMs(pair);
    const learned = this.#sites.coolMsOf(site) * 2 ** Math.min(MOST_DOUBLINGS, Math.max(0, strikes - 2));
    return Math.max(0, (told > 0 ? told : learned) - this.#idleMs(pair, now));
  }

  /** An exchange with a site begins. */
  began({ slot, generation, site }: Omit<Visit, 'tier' | 'client'>, now: number): void {
    if (!this.#sites.isWatched(site)) return;
    this.#sites.began(site, now);
    const pair = this.#pairs.claim({ slot, generation, site: this.#sites.keyOf(site) }, now);
    if (pair < 0) return;
    this.#pairs.floats[pair + PairWord.uses] = this.#usesOf(pair, now) + 1;
    this.#pairs.ints[pair + PairWord.at] = now;
  }

  /** The site served the exit a page. */
  served(visit: Visit, now: number): void {
    if (!this.#sites.isWatched(visit.site)) return;
    const pair = this.#pairOf(visit, now);
    if (pair < 0) return;
    this.#standings.served(visit.client, this.#sites.keyOf(visit.site), now);
    this.#learnShare(visit, pair, { served: 1, now });
    const strikes = this.#pairs.strikesOf(pair);
    if (strikes > 0) this.#servedAfter(visit, pair, now);
    this.#pairs.count(pair, { strikes: 0, goods: this.#pairs.goodsOf(pair) + 1 });
    this.#sites.bore(visit.site, this.#usesOf(pair, now), now);
  }

  /** The site refused the exit. `retryAfterMs`: its own word on when to come back, or null. */
  refused(visit: Visit, retryAfterMs: number | null, now: number): void {
    if (!this.#sites.isWatched(visit.site)) this.#sites.watch(visit.site);
    const pair = this.#pairOf(visit, now);
    if (pair < 0) return;
    const { ints, floats, refusals } = this.#pairs;
    const isAlone = this.#standings.isAlone(visit.client, this.#sites.keyOf(visit.site), now);
    if (!isAlone) this.#learnShare(visit, pair, { served: 0, now });
    else this.#standings.refused(visit.client, this.#sites.keyOf(visit.site), { tier: visit.tier, now });
    const strikes = this.#agree(visit, pair, { isAlone, now });
    if (strikes === null) return;
    if (isAlone) refusals.floats[this.#pairs.refusalOf(pair) + RefusalWord.uses] = 0;
    else if (strikes === 0) this.#firstRefusal(visit.site, pair, now);
    else if (strikes === 1) this.#confirmRefusal(visit.site, pair, now);
    else this.#sites.learnCool(visit.site, this.#idleMs(pair, now), false);
    this.#pairs.count(pair, { strikes: strikes + 1, goods: 0 });
    const refusal = this.#pairs.refusalOf(pair);
    refusals.ints[refusal + RefusalWord.at] = now;
    refusals.ints[refusal + RefusalWord.coolMs] = retryAfterMs ?? 0;
    floats[pair + PairWord.uses] = 0;
    ints[pair + PairWord.at] = now;
  }

  /** A page where refusals came before: what became of them, and of whose word they were. */
  #servedAfter({ site, client }: Visit, pair: number, now: number): void {
    const by = this.#refusedBy(pair);
    const key = this.#sites.keyOf(site);
    const isOthers = by !== ANYBODY && client !== ANYBODY && by !== client;
    if (isOthers && this.coolsForMs(pair, { site, now }) > 0) this.#standings.judge(by, key, { borneOut: 0, now });
    if (this.#standings.isAlone(by, key, now)) return;
    if (this.#pairs.strikesOf(pair) === 1) this.#sites.learnPersist(site, false);
    else this.#sites.learnCool(site, this.#idleMs(pair, now), true);
  }

  /** Notes who is refused. Returns how many refusals in a row came before; null where this one says nothing new. */
  #agree({ site, client }: Visit, pair: number, { isAlone, now }: { isAlone: boolean; now: number }): number | null {
    const { ints } = this.#pairs.refusals;
    const at = this.#pairs.refusalOf(pair) + RefusalWord.by;
    const strikes = this.#pairs.strikesOf(pair);
    const by = ints[at] as number;
    const isOver = strikes === 0 || this.coolsForMs(pair, { site, now }) === 0;
    // Whose refusals are its own says nothing of those that others met, while they last.
    if (isAlone && strikes > 0 && by !== client && !isOver) return null;
    if (strikes === 0 || (isAlone && by !== client)) {
      ints[at] = client;
      return 0;
    }
    if (by !== client) {
      const isOthers = by !== ANYBODY && client !== ANYBODY;
      if (isOthers && !isOver) this.#standings.judge(by, this.#sites.keyOf(site), { borneOut: 1, now });
      ints[at] = ANYBODY;
    }
    return this.#idleMs(pair, now) > UNDER_WAY_MS ? strikes : null;
  }

  /** If the pair had served before, its uses may have brought the refusal on. */
  #firstRefusal(site: number, pair: number, now: number): void {
    const isFresh = this.#pairs.goodsOf(pair) === 0;
    const uses = isFresh ? 0 : this.#usesOf(pair, now);
    const isSure = this.#sites.persistOf(site) >= SURE;
    if (isSure) this.#sites.learnLimit(site, uses, now);
    this.#pairs.refusals.floats[this.#pairs.refusalOf(pair) + RefusalWord.uses] = isSure ? 0 : uses;
  }

  /** Refused again on a later visit: it is a ban, and what it took is a sample of the limit. */
  #confirmRefusal(site: number, pair: number, now: number): void {
    this.#sites.learnPersist(site, true);
    const uses = this.#pairs.refusals.floats[this.#pairs.refusalOf(pair) + RefusalWord.uses] as number;
    this.#sites.learnLimit(site, uses, now);
  }

  /** Odds after refusals. Where one other client alone met them they count as far as its word does; `unrefused` are the odds without
   *  them. */
  #oddsAfterRefusal(
    pair: number,
    { site, client, unrefused }: { readonly site: number; readonly client: number; readonly unrefused: number },
    now: number,
  ): number {
    const odds = this.#afterRefusal(site, pair, now);
    const by = this.#refusedBy(pair);
    if (by === ANYBODY || client === ANYBODY || by === client) return odds;
    const trust = this.#standings.trustOf(by, this.#sites.keyOf(site), now);
    return trust * odds + (1 - trust) * unrefused;
  }

  /** Odds after refusals: one is a challenge or a ban, the site's record says which is likelier; more are a ban that ends with the
   *  learned cool-down, which doubles with each. The site's own word outweighs what was learned. */
  #afterRefusal(site: number, pair: number, now: number): number {
    const strikes = this.#pairs.strikesOf(pair);
    const idle = this.#idleMs(pair, now);
    const told = this.#toldMs(pair);
    if (told > 0) return idle < told ? 0 : COOLED_ODDS;
    const cool = this.#sites.coolMsOf(site);
    if (strikes === 1) {
      if (idle < this.#of.firstPause) return 0.05;
      const over = Math.min(1, idle / cool);
      return this.#sites.servedOld(site) * (1 - this.#sites.persistOf(site) * (1 - COOLED_ODDS * over * over));
    }
    const over = idle / (cool * 2 ** Math.min(MOST_DOUBLINGS, strikes - 2));
    return over < 1 ? 0.02 + 0.5 * over * over : COOLED_ODDS;
  }

  #turnToTier(tier: number, now: number): void {
    if (tier === this.#tier) return;
    this.#tier = tier;
    this.#clientOdds = this.#standings.mostOdds(this.#client, this.#key, { tier, now });
    this.#newOdds = Math.min(this.#clientOdds, this.#sites.servedNew(this.#site, tier, now));
    this.#mostOdds = Math.max(COOLED_ODDS, this.#of.poor, this.#oldOdds, this.#newOdds);
  }

  #learnShare({ site, tier }: Visit, pair: number, { served, now }: { served: number; now: number }): void {
    if (this.#pairs.goodsOf(pair) === 0) {
      if (this.#pairs.strikesOf(pair) === 0) this.#sites.learnServedNew(site, tier, { served, now });
      return;
    }
    const isWorn = this.#usesOf(pair, now) >= 0.5 * this.#sites.limitOf(site, now);
    if (served === 1 || !isWorn) this.#sites.learnServedOld(site, served);
  }

  /** Uses of the pair within the window, decayed to `now`. */
  #usesOf(pair: number, now: number): number {
    const aged = elapsedMs(now, this.#pairs.ints[pair + PairWord.at] as number);
    return (this.#pairs.floats[pair + PairWord.uses] as number) * fade(aged / this.#of.window);
  }

  #idleMs(pair: number, now: number): number {
    return elapsedMs(now, this.#pairs.refusals.ints[this.#pairs.refusalOf(pair) + RefusalWord.at] as number);
  }

  /** The site's own word on how long to stay away, in ms; 0 for none. */
  #toldMs(pair: number): number {
    return this.#pairs.refusals.ints[this.#pairs.refusalOf(pair) + RefusalWord.coolMs] as number;
  }

  /** Who alone was refused over the pair's exit, or ANYBODY. */
  #refusedBy(pair: number): number {
    return this.#pairs.refusals.ints[this.#pairs.refusalOf(pair) + RefusalWord.by] as number;
  }

  #pairOf({ slot, generation, site }: Visit, now: number): number {
    return this.#pairs.claim({ slot, generation, site: this.#sites.keyOf(site) }, now);
  }
}
