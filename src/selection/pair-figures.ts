import { elapsedMs } from '../memory/clock.ts';
import { type PairTable, PairWord as pairWord, RefusalWord as refusalWord } from '../memory/pair-table.ts';
import { fade } from './fading.ts';
import type { SiteBeliefs } from './site-beliefs.ts';

// An imported name is looked up at each use; a constant of a module's own is compiled in, which makes picks a tenth cheaper.
const PairWord = pairWord;
const RefusalWord = refusalWord;

/** Doublings of the cool-down by strikes, at most. */
const MOST_DOUBLINGS = 5;

/** What the table holds of single pairs, each by where its row begins, as of now. */
export class PairFigures {
  readonly #pairs: PairTable;
  readonly #sites: SiteBeliefs;
  readonly #windowMs: number;

  /** Uses decay within `windowMs`. */
  constructor(pairs: PairTable, sites: SiteBeliefs, windowMs: number) {
    this.#pairs = pairs;
    this.#sites = sites;
    this.#windowMs = windowMs;
  }

  /** Uses of the pair within the window, decayed to `now`. */
  usesOf(pair: number, now: number): number {
    const aged = elapsedMs(now, this.#pairs.ints[pair + PairWord.at] as number);
    return (this.#pairs.floats[pair + PairWord.uses] as number) * fade(aged / this.#windowMs);
  }

  /** How long ago the site last refused the exit, in ms. */
  sinceRefusalMs(pair: number, now: number): number {
    return elapsedMs(now, this.#pairs.refusals.ints[this.#pairs.refusalOf(pair) + RefusalWord.at] as number);
  }

  /** The site's own word, when it last refused the exit, on how long to stay away, in ms; 0 for none. */
  toldMs(pair: number): number {
    return this.#pairs.refusals.ints[this.#pairs.refusalOf(pair) + RefusalWord.coolMs] as number;
  }

  /** Who alone was refused over the exit, or ANYBODY. */
  refusedBy(pair: number): number {
    return this.#pairs.refusals.ints[this.#pairs.refusalOf(pair) + RefusalWord.by] as number;
  }

  /** How long a ban lasts after so many refusals in a row, as the site's bans are known, in ms. */
  learnedCoolMs(site: number, strikes: number): number {
    return this.#sites.coolMsOf(site) * 2 ** Math.min(MOST_DOUBLINGS, Math.max(0, strikes - 2));
  }

  /** How long, in ms, the site is believed to go on refusing the exit; 0 where it isn't. */
  coolsForMs(pair: number, { site, now }: { readonly site: number; readonly now: number }): number {
    const strikes = this.#pairs.strikesOf(pair);
    if (strikes === 0) return 0;
    const told = this.toldMs(pair);
    const coolMs = told > 0 ? told : this.learnedCoolMs(site, strikes);
    return Math.max(0, coolMs - this.sinceRefusalMs(pair, now));
  }
}
