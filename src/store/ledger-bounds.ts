/** Pairs that every client may have in any case, and tags. */
export const LEAST_PAIRS = 50;
const MOST_TAGS = 200;

/** How many sites are told apart, so that the ledger's size has a bound whatever is crawled: in an hour so many pairs of client and
 *  site, of which every client has an equal share, and 200 tags each; in a day as many sites. Counted since the start. */
export class SiteBounds {
  readonly #most: number;
  #hour = -1;
  readonly #pairs = new Map<string, Set<string>>();
  readonly #tags = new Map<string, Set<string>>();
  #day = -1;
  readonly #sites = new Set<string>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Whether this site of the client's is told apart in that hour. */
  ofPair(hour: number, client: string, site: string): boolean {
    this.#turnTo(hour);
    const known = setOf(this.#pairs, client);
    return take(known, site, Math.max(LEAST_PAIRS, Math.floor(this.#most / this.#pairs.size)));
  }

  /** Whether this tag of the client's is told apart in that hour. */
  ofTag(hour: number, client: string, tag: string): boolean {
    this.#turnTo(hour);
    return take(setOf(this.#tags, client), tag, MOST_TAGS);
  }

  /** Whether this site is told apart in that day. */
  ofDay(day: number, site: string): boolean {
    if (day !== this.#day) this.#sites.clear();
    this.#day = day;
    return take(this.#sites, site, this.#most);
  }

  #turnTo(hour: number): void {
    if (hour === this.#hour) return;
    this.#hour = hour;
    this.#pairs.clear();
    this.#tags.clear();
  }
}

function setOf(sets: Map<string, Set<string>>, client: string): Set<string> {
  const known = sets.get(client);
  if (known !== undefined) return known;
  const made = new Set<string>();
  sets.set(client, made);
  return made;
}

function take(known: Set<string>, site: string, most: number): boolean {
  if (known.has(site)) return true;
  if (known.size >= most) return false;
  known.add(site);
  return true;
}
