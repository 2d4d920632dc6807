import { elapsedMs } from '../memory/clock.ts';
import { type ExitRows, ExitWord as exitWord, EXIT_WORDS as exitWords } from '../memory/exit-rows.ts';
import { type GroupTable, GroupWord as groupWord, GROUP_WORDS as groupWords } from '../memory/group-table.ts';
import type { SiteTable } from '../memory/site-table.ts';
import type { Chance } from './chance.ts';
import type { Errand, PageBeliefs } from './page-beliefs.ts';
import type { Parameters } from './parameters.ts';
import type { PathBeliefs } from './path-beliefs.ts';
import { octetsOf, ownMsOf } from './site-figures.ts';

// An imported name is looked up at each use; a constant of a module's own is compiled in, which makes picks a tenth cheaper.
const EXIT_WORDS = exitWords;
const ExitWord = exitWord;
const GROUP_WORDS = groupWords;
const GroupWord = groupWord;

const LOW = 0xffff;

/** What a refused page costs of its exit's time: sites refuse sooner than they serve. */
const REFUSAL_SHARE = 0.8;

/** An answer takes at least this share of its exit's part, whatever its site's own time. */
const LEAST_SHARE = 0.2;

/** For whom exits are priced. */
export interface Buyer {
  /** How long its session still needs the exit, in ms; 0 without a session. */
  readonly stayMs: number;
  /** What a failure costs it more than others, in ms: it has failed before. */
  readonly stakesMs: number;
  /** Whether what is not known of an exit may speak for it. */
  readonly curious: boolean;
}

/** An exchange with an average site that comes alone. */
export const NOBODY: Buyer = Object.freeze({ stayMs: 0, stakesMs: 0, curious: false });

/** Prices exits: the time in ms until a page is there, and what all that may go wrong costs besides. */
export class Price {
  readonly #tables: { readonly rows: ExitRows; readonly groups: GroupTable; readonly sites: SiteTable };
  readonly #paths: PathBeliefs;
  readonly #pages: PageBeliefs;
  readonly #of: Parameters;
  readonly #chance: Chance;
  #ownMs = 0;
  #moneyMs = 0;
  readonly #exit = { slot: 0, generation: 0, tier: 0, isNew: false };
  /** What the exit looked at costs if the site serves it for certain and has hardly seen it, and what a refusal adds. */
  #servedMs = 0;
  #refusalMs = 0;
  /** Of the exit looked at: what one exchange over it costs at least, in ms; … */
  leastMs = 0;
  /** … what it costs an exchange with an average site that comes alone: the figure that rings compare; … */
  standing = 0;
  /** … and, once its whole price was asked for, the odds of a page. */
  odds = 1;

  constructor(
    tables: { readonly rows: ExitRows; readonly groups: GroupTable; readonly sites: SiteTable },
    beliefs: { readonly paths: PathBeliefs; readonly pages: PageBeliefs },
    options: { readonly parameters: Parameters; readonly chance: Chance },
  ) {
    this.#tables = tables;
    this.#paths = beliefs.paths;
    this.#pages = beliefs.pages;
    this.#of = options.parameters;
    this.#chance = options.chance;
  }

  /** Takes in a site for the prices that follow, and who asks; `exits` is how many could serve it. */
  turnTo(errand: Errand, exits: number, now: number): void {
    const { site } = errand;
    this.#pages.turnTo(errand, exits, now);
    this.#ownMs = ownMsOf(this.#tables.sites, site);
    // Seconds per unit of currency, and octets of a gigabyte, to ms per price of a gigabyte.
    this.#moneyMs = (this.#of.money * 1000 * octetsOf(this.#tables.sites, site)) / 1e9;
  }

  /** Looks at an exit for this buyer: takes in what is known of it, whichever site is asked. The rest, `whole`, costs a look at
   *  another table. */
  look(slot: number, buyer: Buyer, now: number): void {
    const of = this.#of;
    const paths = this.#paths;
    paths.look(slot, now);
    const { path, ms, pageMs } = paths;
    const failMs = paths.failMs(paths.provider) + pageMs;
    this.standing = path * ms + (1 - path) * failMs;
    const luck = buyer.curious ? of.curiosity * Math.sqrt(paths.doubt) * this.#chance.deviate() : 0;
    const exitMs = ms * (1 + luck * (1 + luck * (0.5 + luck * 0.167)));
    const answerMs = Math.max(LEAST_SHARE * exitMs, exitMs * paths.crowding + this.#ownMs);
    const servedMs = path * answerMs + (1 - path) * (failMs + of.failureCost + buyer.stakesMs);
    const refusedMs = REFUSAL_SHARE * answerMs + pageMs + of.refusalCost + buyer.stakesMs;
    const { rows, groups } = this.#tables;
    const base = slot * EXIT_WORDS;
    const group = ((rows.ints[base + ExitWord.group] as number) & LOW) * GROUP_WORDS;
    const uses = (rows.floats[base + ExitWord.good] as number) + (rows.floats[base + ExitWord.bad] as number);
    const spread = 1 + of.spread * uses * paths.weight;
    const exit = this.#exit;
    exit.slot = slot;
    exit.generation = rows.ints[base + ExitWord.generation] as number;
    exit.tier = groups.ints[group + GroupWord.tier] as number;
    exit.isNew = uses === 0;
    const moneyMs = this.#moneyMs * (groups.floats[group + GroupWord.pricePerGB] as number);
    const besidesMs = moneyMs + (buyer.stayMs === 0 ? 0 : this.#breakMs(base, buyer.stayMs, now));
    this.#servedMs = servedMs * spread + besidesMs + this.#pages.leastWear * of.wear;
    this.#refusalMs = path * (refusedMs - answerMs) * spread;
    const leastRefused = 1 - this.#pages.mostOdds(exit.tier, now);
    this.leastMs = this.#servedMs + leastRefused * Math.max(0, this.#refusalMs);
  }

  /** The price in ms of one exchange over the exit looked at. */
  whole(now: number): number {
    const pages = this.#pages;
    pages.look(this.#exit, now);
    this.odds = pages.odds;
    return this.#servedMs + (1 - pages.odds) * this.#refusalMs + (pages.wear - pages.leastWear) * this.#of.wear;
  }

  /** What a session's risk to lose the exit costs, in ms. */
  #breakMs(base: number, stayMs: number, now: number): number {
    const joined = this.#tables.rows.ints[base + ExitWord.joined] as number;
    // The old outlive the young.
    const age = Math.max(1_000, elapsedMs(now, joined));
    return this.#of.breakCost * (stayMs / (age + stayMs));
  }
}
