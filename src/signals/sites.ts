import { isIP } from 'node:net';
import { getDomain } from 'tldts';

/** Hosts remembered at most. */
const CAPACITY = 16_384;

/** The site of a host: what everything is learned by that is learned of a target. */
export class Sites {
  readonly #capacity: number;
  readonly #sites = new Map<string, string>();

  constructor({ capacity = CAPACITY }: { readonly capacity?: number } = {}) {
    this.#capacity = capacity;
  }

  /** The registrable domain of `host` (canonical as in Authority), by the public suffix list, private suffixes included: two users
   *  of github.io are two sites. An address, a public suffix itself, and a name of one label are their own site. */
  of(host: string): string {
    const known = this.#sites.get(host);
    if (known !== undefined) return known;
    const site = siteOf(host);
    // Cheaper than an order of use on each look-up, and as good: what is asked for often is back at once.
    if (this.#sites.size >= this.#capacity) this.#sites.clear();
    this.#sites.set(host, site);
    return site;
  }

  /** Hosts remembered. */
  get size(): number {
    return this.#sites.size;
  }
}

/** Names that a host name can't have (`_` is one that many have) are no reason for another key. */
const options = { allowPrivateDomains: true, extractHostname: false, validateHostname: false, detectIp: false };

function siteOf(host: string): string {
  return isIP(host) === 0 ? (getDomain(host, options) ?? host) : host;
}
