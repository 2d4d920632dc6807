import { type PairTable, PairWord as pairWord, RefusalWord as refusalWord } from '../memory/pair-table.ts';
import { ANYBODY, type ClientStandings } from './client-standings.ts';
import type { PairFigures } from './pair-figures.ts';
import type { SiteBeliefs } from './site-beliefs.ts';

// An imported name is looked up at each use; a constant of a module's own is compiled in.
const PairWord = pairWord;
const RefusalWord = refusalWord;

/** A visit this soon after a refusal, in ms, was under way already and says nothing. */
const UNDER_WAY_MS = 5_000;

/** Where first refusals of a site are bans with these odds, the first of a pair is a sample of the limit already. */
const SURE = 0.85;

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

/** What visits teach of how sites treat exits, pair by pair, and clients. */
export class PageLessons {
  readonly #pairs: PairTable;
  readonly #figures: PairFigures;
  readonly #sites: SiteBeliefs;
  readonly #standings: ClientStandings;

  constructor(parts: {
    readonly pairs: PairTable;
    readonly figures: PairFigures;
    readonly sites: SiteBeliefs;
    readonly standings: ClientStandings;
  }) {
    this.#pairs = parts.pairs;
    this.#figures = parts.figures;
    this.#sites = parts.sites;
    this.#standings = parts.standings;
  }

  /** An exchange with a site begins. */
  began({ slot, generation, site }: Omit<Visit, 'tier' | 'client'>, now: number): void {
    if (!this.#sites.isWatched(site)) return;
    this.#sites.began(site, now);
    const pair = this.#pairs.claim({ slot, generation, site: this.#sites.keyOf(site) }, now);
    if (pair < 0) return;
    this.#pairs.floats[pair + PairWord.uses] = this.#figures.usesOf(pair, now) + 1;
    this.#pairs.ints[pair + PairWord.at] = now;
  }

  /** The site served the exit a page. */
  served(visit: Visit, now: number): void {
    if (!this.#sites.isWatched(visit.site)) return;
    const pair = this.#pairOf(visit, now);
    if (pair < 0) return;
    this.#standings.served(visit.client, this.#sites.keyOf(visit.site), now);
    this.#learnShare(visit, pair, { served: 1, now });
    if (this.#pairs.strikesOf(pair) > 0) this.#servedAfter(visit, pair, now);
    this.#pairs.count(pair, { strikes: 0, goods: this.#pairs.goodsOf(pair) + 1 });
    this.#sites.bore(visit.site, this.#figures.usesOf(pair, now), now);
  }

  /** The site refused the exit. `retryAfterMs`: its own word on when to come back, or null. */
  refused(visit: Visit, retryAfterMs: number | null, now: number): void {
    const { site, client, tier } = visit;
    if (!this.#sites.isWatched(site)) this.#sites.watch(site);
    const pair = this.#pairOf(visit, now);
    if (pair < 0) return;
    const key = this.#sites.keyOf(site);
    const isAlone = this.#standings.isAlone(client, key, now);
    if (isAlone) this.#standings.refused(client, key, { tier, now });
    else this.#learnShare(visit, pair, { served: 0, now });

    const strikes = this.#pairs.strikesOf(pair);
    const isOthers = strikes > 0 && this.#figures.refusedBy(pair) !== client;
    const startsAnew = isAlone && isOthers;
    // Whose refusals are its own says nothing of those that others met, while they last.
    if (startsAnew && this.#figures.coolsForMs(pair, { site, now }) > 0) return;
    if (isOthers && !isAlone) this.#shared(visit, pair, now);
    else this.#pairs.refusals.ints[this.#pairs.refusalOf(pair) + RefusalWord.by] = client;
    const before = startsAnew ? 0 : strikes;
    if (before > 0 && this.#figures.sinceRefusalMs(pair, now) <= UNDER_WAY_MS) return;
    if (isAlone) this.#noteUses(pair, 0);
    else if (before === 0) this.#firstRefusal(site, pair, now);
    else if (before === 1) this.#confirmRefusal(site, pair, now);
    else this.#sites.learnCool(site, this.#figures.sinceRefusalMs(pair, now), false);
    this.#strike(pair, { strikes: before + 1, retryAfterMs, now });
  }

  #strike(
    pair: number,
    { strikes, retryAfterMs, now }: { strikes: number; retryAfterMs: number | null; now: number },
  ): void {
    const { ints, floats, refusals } = this.#pairs;
    this.#pairs.count(pair, { strikes, goods: 0 });
    const refusal = this.#pairs.refusalOf(pair);
    refusals.ints[refusal + RefusalWord.at] = now;
    refusals.ints[refusal + RefusalWord.coolMs] = retryAfterMs ?? 0;
    floats[pair + PairWord.uses] = 0;
    ints[pair + PairWord.at] = now;
  }

  /** A page where refusals came before: what became of them, and of whose word they were. */
  #servedAfter({ site, client }: Visit, pair: number, now: number): void {
    const by = this.#figures.refusedBy(pair);
    const key = this.#sites.keyOf(site);
    const isOthers = by !== ANYBODY && client !== ANYBODY && by !== client;
    const lasts = isOthers && this.#figures.coolsForMs(pair, { site, now }) > 0;
    if (lasts) this.#standings.judge(by, key, { borneOut: 0, now });
    if (this.#standings.isAlone(by, key, now)) return;
    if (this.#pairs.strikesOf(pair) === 1) this.#sites.learnPersist(site, false);
    else this.#sites.learnCool(site, this.#figures.sinceRefusalMs(pair, now), true);
  }

  /** Refusals that another met are met by this client as well: they are the exit's, and while they last the other was right. */
  #shared({ site, client }: Visit, pair: number, now: number): void {
    const by = this.#figures.refusedBy(pair);
    const isOthers = by !== ANYBODY && client !== ANYBODY;
    const lasts = isOthers && this.#figures.coolsForMs(pair, { site, now }) > 0;
    if (lasts) this.#standings.judge(by, this.#sites.keyOf(site), { borneOut: 1, now });
    this.#pairs.refusals.ints[this.#pairs.refusalOf(pair) + RefusalWord.by] = ANYBODY;
  }

  /** If the pair had served before, its uses may have brought the refusal on. */
  #firstRefusal(site: number, pair: number, now: number): void {
    const isFresh = this.#pairs.goodsOf(pair) === 0;
    const uses = isFresh ? 0 : this.#figures.usesOf(pair, now);
    const isSure = this.#sites.persistOf(site) >= SURE;
    if (isSure) this.#sites.learnLimit(site, uses, now);
    this.#noteUses(pair, isSure ? 0 : uses);
  }

  /** Refused again on a later visit: it is a ban, and what it took is a sample of the limit. */
  #confirmRefusal(site: number, pair: number, now: number): void {
    this.#sites.learnPersist(site, true);
    const uses = this.#pairs.refusals.floats[this.#pairs.refusalOf(pair) + RefusalWord.uses] as number;
    this.#sites.learnLimit(site, uses, now);
  }

  /** Uses that may have brought a first refusal on, kept until the next. */
  #noteUses(pair: number, uses: number): void {
    this.#pairs.refusals.floats[this.#pairs.refusalOf(pair) + RefusalWord.uses] = uses;
  }

  #learnShare({ site, tier }: Visit, pair: number, { served, now }: { served: number; now: number }): void {
    if (this.#pairs.goodsOf(pair) === 0) {
      if (this.#pairs.strikesOf(pair) === 0) this.#sites.learnServedNew(site, tier, { served, now });
      return;
    }
    const isWorn = this.#figures.usesOf(pair, now) >= 0.5 * this.#sites.limitOf(site, now);
    if (served === 1 || !isWorn) this.#sites.learnServedOld(site, served);
  }

  #pairOf({ slot, generation, site }: Visit, now: number): number {
    return this.#pairs.claim({ slot, generation, site: this.#sites.keyOf(site) }, now);
  }
}
