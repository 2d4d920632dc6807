import { elapsedMs } from '../memory/clock.ts';
import { EXIT_WORDS, type ExitRows, ExitWord } from '../memory/exit-rows.ts';
import { GROUP_WORDS, type GroupTable, GroupWord } from '../memory/group-table.ts';
import type { SiteTable } from '../memory/site-table.ts';
import { deviate } from './fading.ts';
import type { PageBeliefs } from './page-beliefs.ts';
import type { Parameters } from './parameters.ts';
import type { PathBeliefs } from './path-beliefs.ts';
import { octetsOf, ownMsOf } from './site-figures.ts';

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
  readonly #random: () => number;
  #ownMs = 0;
  #moneyMs = 0;
  #slot = 0;
  #tier = 0;
  #isNew = false;
  #buyer: Buyer = NOBODY;
  #spread = 1;
  #answerMs = 0;
  #failureMs = 0;
  #besidesMs = 0;
  /** Odds of a page over the exit priced last, … */
  odds = 1;
  /** … and what it costs an exchange with an average site that comes alone: the figure that rings compare. */
  standing = 0;

  constructor(
    tables: { readonly rows: ExitRows; readonly groups: GroupTable; readonly sites: SiteTable },
    beliefs: { readonly paths: PathBeliefs; readonly pages: PageBeliefs },
    options: { readonly parameters: Parameters; readonly random: () => number },
  ) {
    this.#tables = tables;
    this.#paths = beliefs.paths;
    this.#pages = beliefs.pages;
    this.#of = options.parameters;
    this.#random = options.random;
  }

  /** Takes in a site for the prices that follow; `exits` is how many could serve it. */
  turnTo(site: number, exits: number, now: number): void {
    this.#pages.turnTo(site, exits, now);
    this.#ownMs = ownMsOf(this.#tables.sites, site);
    // Seconds per unit of currency, and octets of a gigabyte, to ms per price of a gigabyte.
    this.#moneyMs = (this.#of.money * 1000 * octetsOf(this.#tables.sites, site)) / 1e9;
  }

  /** Looks at an exit. Returns what one exchange over it costs at least, in ms: if the site serves it for certain and has hardly
   *  seen it. The rest, `whole`, costs a look at another table. */
  atLeast(slot: number, buyer: Buyer, now: number): number {
    const of = this.#of;
    const paths = this.#paths;
    paths.look(slot, now);
    this.#slot = slot;
    this.#buyer = buyer;
    const failure = paths.failMs(paths.provider) + paths.pageMs;
    this.standing = paths.path * paths.ms + (1 - paths.path) * failure;
    const luck = buyer.curious ? of.curiosity * Math.sqrt(paths.doubt) * deviate(this.#random) : 0;
    const exitMs = paths.ms * (1 + luck * (1 + luck * (0.5 + luck * 0.167)));
    this.#answerMs = Math.max(LEAST_SHARE * exitMs, exitMs * paths.crowding + this.#ownMs);
    this.#failureMs = (1 - paths.path) * (failure + of.failureCost);
    this.#besidesMs = this.#besides(slot, buyer, now);
    const served = paths.path * this.#answerMs + this.#failureMs + (1 - paths.path) * buyer.stakesMs;
    return served * this.#spread + this.#besidesMs + this.#pages.leastWear * of.wear;
  }

  /** The price in ms of one exchange over the exit looked at. */
  whole(now: number): number {
    const { ints } = this.#tables.rows;
    const of = this.#of;
    const { path, pageMs } = this.#paths;
    const base = this.#slot * EXIT_WORDS;
    const generation = ints[base + ExitWord.generation] as number;
    this.#pages.look(this.#slot, generation, { tier: this.#tier, isNew: this.#isNew, now });
    this.odds = this.#pages.odds;
    const refusedMs = REFUSAL_SHARE * this.#answerMs + pageMs + of.refusalCost;
    const page = this.odds * this.#answerMs + (1 - this.odds) * refusedMs;
    const stakes = (1 - path * this.odds) * this.#buyer.stakesMs;
    return (path * page + this.#failureMs + stakes) * this.#spread + this.#besidesMs + this.#pages.wear * of.wear;
  }

  /** What it costs besides time: money, and a session's risk to lose its exit; takes in the exit's tier and its share of use. */
  #besides(slot: number, buyer: Buyer, now: number): number {
    const { ints, floats } = this.#tables.rows;
    const { groups } = this.#tables;
    const base = slot * EXIT_WORDS;
    const group = ((ints[base + ExitWord.group] as number) & LOW) * GROUP_WORDS;
    this.#tier = groups.ints[group + GroupWord.tier] as number;
    const uses = (floats[base + ExitWord.good] as number) + (floats[base + ExitWord.bad] as number);
    this.#isNew = uses === 0;
    this.#spread = 1 + this.#of.spread * uses * this.#paths.weight;
    const money = this.#moneyMs * (groups.floats[group + GroupWord.pricePerGB] as number);
    if (buyer.stayMs === 0) return money;
    // The old outlive the young.
    const age = Math.max(1_000, elapsedMs(now, ints[base + ExitWord.joined] as number));
    return money + this.#of.breakCost * (buyer.stayMs / (age + buyer.stayMs));
  }
}
