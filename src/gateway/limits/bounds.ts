import type { Sum } from '../../ledger/tally.ts';
import { hashText } from '../../memory/hash.ts';
import type { PacedSite } from '../../policy/site-book.ts';
import type { Mode } from '../exchange.ts';
import type { QuotaPlan } from '../quotas/quota-plans.ts';
import type { RestingKind } from '../tunnels/resting-kind.ts';
import type { LimitPlan } from './limit-plans.ts';

/** Hosts that are remembered of one client and tag; beyond, they are looked up anew. */
const MOST_HOSTS = 64;

/** What exchanges of one client, with one tag, to one host come under, as it was looked up last, by which rules, and over which pool.
 *  Who keeps something here looks whether it holds still: an exchange that asks for a host again costs a look-up less in each of its
 *  tables, none of which is in the processor's cache by then. */
export class Bounds {
  /** Whose they are, as 32 bits. */
  readonly client: number;
  readonly host: string;
  readonly site: string;
  /** Kept by authorise(): by which rules (their mark) its target was found open to all of these pools, and as what. */
  openBy: object | null = null;
  openTo: readonly string[] = [];
  openAs: Mode | null = null;
  openPort = 0;
  /** Kept by ExchangeLimits. */
  limits: LimitPlan | null = null;
  limitsBy: object | null = null;
  limitsOver: string | null = null;
  /** Kept by SitePacing. */
  pace: PacedSite | null = null;
  paceBy: object | null = null;
  /** Kept by QuotaPlans. */
  quotas: QuotaPlan | null = null;
  quotasBy: object | null = null;
  quotasOver = '';
  /** Kept by the ledger: under what the last exchange was booked. */
  sum: Sum | null = null;
  /** Kept by RestingTunnel: what the last one had in common with others. */
  resting: RestingKind | null = null;
  #port = 0;
  #authority = '';

  constructor(client: number, host: string, site: string) {
    this.client = client;
    this.host = host;
    this.site = site;
  }

  /** What their authority at this port is known by: while that is the same, the very same string. */
  authorityAt(port: number): string {
    if (port !== this.#port) {
      this.#port = port;
      this.#authority = `${this.host}:${port}`;
    }
    return this.#authority;
  }
}

/** The bounds of one client with one tag, by host. */
export class BoundsByHost {
  readonly #client: number;
  readonly #most: number;
  #last: Bounds | null = null;
  readonly #known = new Map<string, Bounds>();

  /** `client`: its name. */
  constructor(client: string, most = MOST_HOSTS) {
    this.#client = hashText(client);
    this.#most = most;
  }

  /** Those at `host`, which belongs to a site of `sites`. */
  of(host: string, sites: { of(host: string): string }): Bounds {
    if (this.#last?.host === host) return this.#last;
    const bounds = this.#known.get(host) ?? this.#meet(host, sites.of(host));
    this.#last = bounds;
    return bounds;
  }

  #meet(host: string, site: string): Bounds {
    if (this.#known.size >= this.#most) this.#known.clear();
    const met = new Bounds(this.#client, host, site);
    this.#known.set(host, met);
    return met;
  }
}
