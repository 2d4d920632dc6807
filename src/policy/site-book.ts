import { gapPaceOf, paceOf } from '../memory/gcra.ts';
import type { SiteRule } from '../protocol/site-rule.ts';
import { isWithin } from '../protocol/suffix.ts';
import type { Limit } from './limit-book.ts';
import type { LimitCell, ToldCells } from './limit-cells.ts';
import type { LimitCounts } from './limit-counts.ts';

/** How fast all clients together may go to one site. */
export interface PacedSite extends ToldCells {
  /** The site as it is counted: that of the rule, or the one that was asked for. */
  readonly name: string;
  readonly rate: LimitCell | null;
  readonly exchanges: LimitCell | null;
  /** How often one exit may go there; its count is each exit's own. */
  readonly exitInterval: Limit | null;
  /** … in ms; 0 where it isn't limited. */
  readonly exitIntervalMs: number;
  /** Requests that may wait in one thread before one of a client's, and how long, in ms. */
  readonly queue: number;
  readonly waitMs: number;
  /** From one request to the next, in ms; 0 where none is asked for. */
  readonly intervalMs: number;
}

/** Sites that are remembered; beyond, they are forgotten and made anew. */
const MOST_SITES = 10_000;

/** Which sites are paced, and where they are counted, by the first rule that fits, those that name a site before those that don't. */
export class SiteBook {
  readonly #rules: readonly SiteRule[];
  readonly #counts: Pick<LimitCounts, 'cellOf'>;
  readonly #known = new Map<string, PacedSite>();
  #edition: object = {};

  constructor(rules: readonly SiteRule[], counts: Pick<LimitCounts, 'cellOf'>) {
    this.#counts = counts;
    this.#rules = rules.toSorted((one, other) => Number(one.site === undefined) - Number(other.site === undefined));
  }

  /** Another one once sites were forgotten: what was made before stands for a site no more. */
  get edition(): object {
    return this.#edition;
  }

  /** The pace at which `host`, which belongs to `site`, may be gone to; null where it isn't limited. */
  of(host: string, site: string): PacedSite | null {
    const rule = this.#rules.find((one) => one.site === undefined || isWithin(host, one.site));
    if (rule === undefined) return null;
    const name = rule.site ?? site;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    if (this.#known.size >= MOST_SITES) {
      this.#known.clear();
      this.#edition = {};
    }
    const paced = pacedSite(name, rule, this.#counts);
    this.#known.set(name, paced);
    return paced;
  }
}

/** Whose the rests of exits are: the rule's, so that no site's exits take the room of another's, nor that of sites that are counted. */
const exitsOwner = ({ site }: SiteRule): string => `\nexits of ${site ?? 'any site'}`;

function pacedSite(name: string, rule: SiteRule, counts: Pick<LimitCounts, 'cellOf'>): PacedSite {
  const { requests, exchanges, exitIntervalMs, queue, waitMs } = rule;
  // Sites that no rule names are as many as clients go to.
  const common = { perSite: rule.site === undefined, owner: '', most: 1, pace: null };
  const rate: Limit | null =
    requests === undefined
      ? null
      : {
          ...common,
          kind: 'requests',
          name: `paced-requests site=${name}`,
          key: `\npaced ${name}\n${requests.count}/${requests.windowMs} ${requests.burst}`,
          most: requests.burst,
          pace: paceOf(requests),
        };
  const places: Limit | null =
    exchanges === undefined
      ? null
      : { ...common, kind: 'exchanges', name: `paced-exchanges site=${name}`, key: `\npaced ${name}`, most: exchanges };
  const [rateCell, placesCell] = [rate && counts.cellOf(rate, name), places && counts.cellOf(places, name)];
  return {
    name,
    rate: rateCell,
    exchanges: placesCell,
    all: [rateCell, placesCell].filter((cell) => cell !== null),
    policies: null,
    exitInterval:
      exitIntervalMs === undefined
        ? null
        : {
            kind: 'siteRequests',
            name: `exit-interval site=${name}`,
            key: `\nexits of ${name} ${exitIntervalMs}`,
            perSite: true,
            owner: exitsOwner(rule),
            most: 1,
            pace: gapPaceOf(exitIntervalMs),
          },
    exitIntervalMs: exitIntervalMs ?? 0,
    queue,
    waitMs,
    intervalMs: requests === undefined ? 0 : requests.windowMs / requests.count,
  };
}
