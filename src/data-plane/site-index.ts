import { createHmac } from 'node:crypto';
import type { SiteKey, SiteTable } from '../memory/site-table.ts';

/** Names whose rows are remembered; beyond, the one remembered first goes. */
const MOST_NAMES = 10_000;

/** Finds the shared row of a site. Its key is hashed with a secret, so that no chosen name meets another's; the hash of a name is
 *  remembered, because one costs as much as a pick. */
export class SiteIndex {
  readonly #sites: SiteTable;
  readonly #secret: Uint8Array;
  readonly #known = new Map<string, { readonly key: SiteKey; row: number }>();

  constructor(sites: SiteTable, secret: Uint8Array) {
    this.#sites = sites;
    this.#secret = secret;
  }

  /** The row of the site of this name, made if need be; -1 where there is no place. */
  rowOf(name: string, now: number): number {
    const known = this.#known.get(name);
    if (known !== undefined && this.#sites.holds(known.row, known.key)) {
      this.#sites.seen(known.row, now);
      return known.row;
    }
    const key = known?.key ?? this.#keyOf(name);
    const row = this.#sites.rowOf(key, name, now);
    if (this.#known.size >= MOST_NAMES) this.#forgetOldest();
    this.#known.set(name, { key, row });
    return row;
  }

  #keyOf(name: string): SiteKey {
    const octets = createHmac('sha256', this.#secret).update(`site\n${name}`).digest();
    return [octets.readInt32LE(0), octets.readInt32LE(4), octets.readInt32LE(8), octets.readInt32LE(12)];
  }

  #forgetOldest(): void {
    for (const name of this.#known.keys()) {
      this.#known.delete(name);
      return;
    }
  }
}
