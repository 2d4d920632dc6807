import { ExitTruth } from './exit-truth.ts';
import { SiteTruth, type Verdict } from './site-truth.ts';
import type { WorldSpec } from './spec.ts';

/** What an oracle is asked for. */
export interface Wish {
  readonly site: number;
  readonly country: string | null;
  /** Exits tried already. */
  readonly excluded: readonly number[];
  /** A session would stay with the exit. */
  readonly session: boolean;
}

/** What the world has seen. */
export interface WorldFigures {
  /** Exchanges by exit. */
  readonly uses: readonly number[];
  readonly verdicts: Readonly<Record<Verdict, number>>;
}

/** What an exchange that fails costs beyond its own wait, in ms: the wait for the failure, then another exit. */
const lossMs = 3_000;

/** All exits and sites of a world, as they truly are. */
export class World {
  readonly spec: WorldSpec;
  readonly exits: readonly ExitTruth[];
  readonly sites: readonly SiteTruth[];
  readonly #verdicts: Record<Verdict, number> = { page: 0, refused: 0, challenged: 0, disguised: 0 };

  constructor(spec: WorldSpec, options: { seed: number; runMs: number }) {
    this.spec = spec;
    this.exits = Array.from({ length: spec.exits }, (_, number) => new ExitTruth(number, spec, options));
    this.sites = Array.from({ length: spec.sites.count }, (_, number) => new SiteTruth(number, spec, options.seed));
  }

  /** The site's answer to a request that came from an exit's address; undefined where there is no such site or exit. */
  judge(site: number, exit: number, now: number): Verdict | undefined {
    const truth = this.exits[exit];
    const verdict = truth && this.sites[site]?.judge(truth, now);
    if (verdict !== undefined) this.#verdicts[verdict]++;
    return verdict;
  }

  /** The number of the exit that is the cheapest by the truth of this moment (greedy: no foresight beyond a price for tokens), or
   *  -1 where none can serve. */
  cheapest(wish: Wish, now: number): number {
    const country = this.spec.countries.findIndex(({ code }) => code === wish.country);
    let best = -1;
    let least = Infinity;
    for (const exit of this.exits) {
      if ((country >= 0 && exit.country !== country) || wish.excluded.includes(exit.number)) continue;
      const price = this.#priceOf(exit, wish, now);
      if (price >= least) continue;
      best = exit.number;
      least = price;
    }
    return best;
  }

  #priceOf(exit: ExitTruth, wish: Wish, now: number): number {
    const site = this.sites[wish.site];
    if (site === undefined || !exit.aliveAt(now) || site.isBurnt(exit)) return Infinity;
    const { bucket, challengeShare } = site.rules;
    const tokens = site.tokensOf(exit, now);
    if (tokens < 1) return Infinity;
    const chance = (1 - exit.failShareAt(now)) * (1 - challengeShare);
    const wear = bucket === Infinity ? 0 : 800 * (1 - tokens / bucket) ** 2;
    const leaving = wish.session && tokens < 6 && bucket >= 6 ? 1_500 : 0;
    return chance * exit.expectedMs(now) + (1 - chance) * lossMs + wear + leaving;
  }

  figures(): WorldFigures {
    return { uses: this.exits.map(({ uses }) => uses), verdicts: this.#verdicts };
  }
}
