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

/** For whom exits are priced. */
export interface Buyer {
  /** How long its session still needs the exit, in ms; 0 without a session. */
  readonly stayMs: number;
  /** What a failure costs it more than others, in ms: it has failed before. */
  readonly stakesMs: number;
  /** Whether what is not known of an exit may speak for it. */
  readonly curious: boolean;
}

/** Prices exits: the time in ms until a page is there, and what all that may go wrong costs besides. */
export class Price {
  readonly #tables: { readonly rows: ExitRows; readonly groups: GroupTable; readonly sites: SiteTable };
  readonly #paths: PathBeliefs;
  readonly #pages: PageBeliefs;
  readonly #of: Parameters;
  readonly #random: () => number;
  #ownMs = 0;
  #moneyMs = 0;
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

  /** The price of one exchange over the exit, in ms. */
  of(slot: number, buyer: Buyer, now: number): number {
    const { ints, floats } = this.#tables.rows;
    const of = this.#of;
    const paths = this.#paths;
    const base = slot * EXIT_WORDS;
    paths.look(slot, now);
    const pageMs = paths.pageMs;
    const group = ((ints[base + ExitWord.group] as number) & LOW) * GROUP_WORDS;
    const tier = this.#tables.groups.ints[group + GroupWord.tier] as number;
    this.#pages.look(slot, ints[base + ExitWord.generation] as number, { tier, now });
    this.odds = this.#pages.odds;

    let exitMs = paths.ms;
    this.standing = paths.path * exitMs + (1 - paths.path) * (paths.failMs(paths.provider) + pageMs);
    if (buyer.curious) exitMs *= Math.exp(of.curiosity * Math.sqrt(paths.doubt) * deviate(this.#random));
    const ms = Math.max(0.2 * exitMs, exitMs * paths.queue + this.#ownMs);
    const page = this.odds * ms + (1 - this.odds) * (REFUSAL_SHARE * ms + pageMs + of.refusalCost);
    let price = paths.path * page + (1 - paths.path) * (paths.failMs(paths.provider) + pageMs + of.failureCost);
    price += (1 - paths.path * this.odds) * buyer.stakesMs;
    const uses = ((floats[base + ExitWord.good] as number) + (floats[base + ExitWord.bad] as number)) * paths.weight;
    price *= 1 + of.spread * uses;
    price += this.#pages.wear * of.wear;
    price += this.#moneyMs * (this.#tables.groups.floats[group + GroupWord.pricePerGB] as number);
    if (buyer.stayMs > 0) {
      // The old outlive the young.
      const age = Math.max(1_000, elapsedMs(now, ints[base + ExitWord.joined] as number));
      price += of.breakCost * (buyer.stayMs / (age + buyer.stayMs));
    }
    return price;
  }
}
