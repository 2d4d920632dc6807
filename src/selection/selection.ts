import type { ExitRows } from '../memory/exit-rows.ts';
import { EVERYTHING, GROUP_WORDS, type GroupTable, GroupWord } from '../memory/group-table.ts';
import type { PairTable } from '../memory/pair-table.ts';
import type { ProviderRows } from '../memory/provider-rows.ts';
import type { SiteTable } from '../memory/site-table.ts';
import { Chance } from './chance.ts';
import { ANYBODY, type ClientStandings } from './client-standings.ts';
import { ExitHealth } from './exit-health.ts';
import { HedgeBudget } from './hedge-budget.ts';
import { LearnedPick, servedRing } from './learned-pick.ts';
import { PageBeliefs, type Errand as SiteErrand } from './page-beliefs.ts';
import { PageLessons } from './page-lessons.ts';
import { PairFigures } from './pair-figures.ts';
import type { Parameters } from './parameters.ts';
import { type FailedAt, PathBeliefs, type PathFailure } from './path-beliefs.ts';
import { NOBODY, Price } from './price.ts';
import { ProviderHealth } from './provider-health.ts';
import type { PickRequest, SlotRef } from './request.ts';
import { RingSet } from './ring.ts';
import { SiteBeliefs } from './site-beliefs.ts';
import { learnOctets, learnOwnMs, octetsOf, ownMsOf } from './site-figures.ts';
import { pickSimply } from './strategies.ts';

/** Rings kept by one thread. */
const MOST_RINGS = 4096;

/** Step by which the time of a page follows. */
const PAGE_STEP = 0.01;

/** Below this doubt an exit is known well enough for what is left over to be the site's. */
const WELL_KNOWN = 0.12;

/** No site. */
const NOWHERE: SiteErrand = Object.freeze({ site: -1 });

/** The tables that selection reads and writes. */
export interface SelectionTables {
  readonly rows: ExitRows;
  readonly pairs: PairTable;
  readonly sites: SiteTable;
  readonly groups: GroupTable;
  readonly providers: ProviderRows;
  readonly standings: ClientStandings;
}

/** An attempt's errand: where to, and under which filters its exit may be remembered. */
export interface Errand {
  /** Row of the site, -1 for none. */
  readonly site: number;
  readonly rings: readonly number[];
  /** Exchanges that were in flight over the exit when it began. */
  readonly queued: number;
}

/** What a site did with an exchange. */
export interface Verdict {
  readonly site: number;
  /** Who asked; absent or ANYBODY where that isn't known. */
  readonly client?: number | undefined;
  /** Filters under which the exit may be remembered. */
  readonly rings: readonly number[];
  readonly served: boolean;
  /** How far the one who says so is to be believed, 0…1. */
  readonly weight: number;
  /** The site's own word on when to come back, or null. */
  readonly retryAfterMs: number | null;
}

/** Selection of one thread, over shared memory: what to take next, and what was learned from it. */
export class Selection {
  /** What the simple strategies know, and people are shown. */
  readonly health: ExitHealth;
  /** How those stand that carry the exits. */
  readonly providers: ProviderHealth;
  readonly #tables: SelectionTables;
  readonly #of: Parameters;
  readonly #random: () => number;
  readonly #paths: PathBeliefs;
  readonly #siteBeliefs: SiteBeliefs;
  readonly #pages: PageBeliefs;
  readonly #lessons: PageLessons;
  readonly #price: Price;
  readonly #fast: RingSet;
  readonly #served: RingSet;
  readonly #learned: LearnedPick;
  readonly #hedges: HedgeBudget;

  constructor(tables: SelectionTables, options: { readonly parameters: Parameters; readonly random: () => number }) {
    const { parameters, random } = options;
    this.#tables = tables;
    this.#of = parameters;
    this.#random = random;
    this.health = new ExitHealth(tables.rows);
    this.providers = new ProviderHealth(tables);
    const chance = new Chance();
    this.#hedges = new HedgeBudget(parameters);
    this.#paths = new PathBeliefs(tables, parameters);
    this.#siteBeliefs = new SiteBeliefs(tables.sites, parameters);
    const { pairs, standings } = tables;
    const figures = new PairFigures(pairs, this.#siteBeliefs, parameters.window);
    this.#pages = new PageBeliefs({ pairs, figures, sites: this.#siteBeliefs, standings }, parameters);
    this.#lessons = new PageLessons({ pairs, figures, sites: this.#siteBeliefs, standings });
    this.#price = new Price(tables, { paths: this.#paths, pages: this.#pages }, { parameters, chance });
    this.#fast = new RingSet({ size: parameters.ring, most: MOST_RINGS });
    this.#served = new RingSet({ size: parameters.servedRing, most: MOST_RINGS });
    this.#learned = new LearnedPick(
      {
        rows: tables.rows,
        price: this.#price,
        sites: this.#siteBeliefs,
        providers: this.providers,
        fast: this.#fast,
        served: this.#served,
        chance,
      },
      options,
    );
  }

  pick(request: PickRequest, now: number): number {
    if (request.strategy === 'learned') return this.#learned.pick(request, now);
    return pickSimply(request, { health: this.health, providers: this.providers, now, random: this.#random });
  }

  mayStay(slot: number, errand: SiteErrand, now: number): boolean {
    return this.#pages.mayStay(slot, this.#tables.rows.generationOf(slot), errand, now);
  }

  begin(slot: number, site: number, now: number): number {
    this.health.began(slot, now);
    if (site >= 0) this.#lessons.began({ slot, generation: this.#tables.rows.generationOf(slot), site }, now);
    this.#hedges.began();
    return this.#tables.rows.await(slot, now);
  }

  /** The attempt that began over the exit waits no longer, however it ended. */
  ended(at: SlotRef, now: number): void {
    this.#tables.rows.settleWait(at.slot, at.generation, now);
  }

  arrived(at: SlotRef, ms: number, { site, rings, queued, now }: Errand & { readonly now: number }): void {
    const { rows, sites } = this.#tables;
    if (!rows.holds(at.slot, at.generation)) return;
    const paths = this.#paths;
    paths.look(at.slot, now, queued);
    const ownMs = ownMsOf(sites, site);
    const exitMs = paths.ms * paths.queue;
    if (paths.doubt < WELL_KNOWN) learnOwnMs(sites, site, { ms, exitMs });
    this.health.succeeded(at.slot, ms, now);
    paths.worked(at.slot, { ms, ownMs, now });
    this.#tables.groups.noteLearned();
    this.#learnPage(ms);
    this.#price.turnTo(NOWHERE, 1, now);
    this.#price.look(at.slot, NOBODY, now);
    const standing = this.#price.standing;
    for (const ring of rings) this.#fast.of(ring).offer(at, standing, this.#random);
  }

  failed(at: SlotRef, how: PathFailure, moment: FailedAt): void {
    if (!this.#tables.rows.holds(at.slot, at.generation)) return;
    if (!moment.ofMany) this.health.failed(at.slot, moment.now);
    this.#paths.failed(at.slot, how, moment);
    this.#tables.groups.noteLearned();
  }

  judged(at: SlotRef, verdict: Verdict, now: number): void {
    const { rows, groups } = this.#tables;
    const { site, served, weight, client = ANYBODY } = verdict;
    if (site < 0 || !rows.holds(at.slot, at.generation)) return;
    if (weight < 1 && this.#random() >= weight) return;
    const tier = groups.ints[rows.groupOf(at.slot) * GROUP_WORDS + GroupWord.tier] as number;
    const visit = { slot: at.slot, generation: at.generation, site, tier, client };
    if (served) this.#lessons.served(visit, now);
    else this.#lessons.refused(visit, verdict.retryAfterMs, now);
    groups.noteLearned();
    if (!served) return;
    if (!this.#siteBeliefs.isWatched(site)) return;
    this.#paths.look(at.slot, now);
    for (const ring of verdict.rings)
      this.#served.of(servedRing({ site, ring })).offer(at, this.#paths.ms, this.#random);
  }

  /** An exchange with the site (-1 for none) carried so many octets, both ways. */
  carried(site: number, octets: number): void {
    this.#hedges.carried(octets);
    learnOctets(this.#tables.sites, site, octets);
  }

  expectedMs(slot: number, site: number, now: number): number {
    this.#paths.look(slot, now);
    return this.#paths.answerMs(ownMsOf(this.#tables.sites, site));
  }

  attemptTimeoutMs(slot: number, site: number, now: number): number {
    return Math.max(this.#of.leastPatience, this.lateAfterMs(slot, site, now) * this.#of.patience);
  }

  /** After how long an attempt over the exit is late by what it is expected to take, in ms. `queued`: how many wait beside it; those that
   *  do now, unless told. */
  lateAfterMs(slot: number, site: number, now: number, queued?: number): number {
    this.#paths.look(slot, now, queued);
    return this.#paths.answerMs(ownMsOf(this.#tables.sites, site)) * this.#paths.lateness;
  }

  /** After how long an attempt over the exit is late enough to be raced, in ms; 0 where the budget for that is spent. */
  hedgeDelayMs(slot: number, site: number, now: number): number {
    if (!this.mayHedge) return 0;
    return Math.max(this.#of.leastHedge, this.lateAfterMs(slot, site, now));
  }

  /** Whether another attempt may be raced now. */
  get mayHedge(): boolean {
    return !this.#hedges.isSpent;
  }

  /** An attempt at the site (-1 for none) is raced by another: it is booked at what an exchange with the site is expected to carry. */
  hedged(site: number): void {
    this.#hedges.spend(octetsOf(this.#tables.sites, site));
  }

  #learnPage(ms: number): void {
    const { floats } = this.#tables.groups;
    const at = EVERYTHING + GroupWord.pageMs;
    floats[at] = (floats[at] as number) + PAGE_STEP * (ms - (floats[at] as number));
  }
}
