/** The time of a site that never was. */
const NEVER = Number.NEGATIVE_INFINITY;

/** No site has this row; -1 is of those that have none. */
const NOWHERE = -2;

/** When each provider last worked at the site that it did last, and at another one, as one thread saw it: written with each success, so
 *  it is no shared memory. */
export class ServedSites {
  /** By the row of the provider. */
  readonly #sites: Int32Array;
  readonly #at: Float64Array;
  /** At any other site than that. */
  readonly #otherAt: Float64Array;

  constructor(providers: number) {
    this.#sites = new Int32Array(providers).fill(NOWHERE);
    this.#at = new Float64Array(providers).fill(NEVER);
    this.#otherAt = new Float64Array(providers).fill(NEVER);
  }

  /** The provider has worked at `site`. */
  note(row: number, site: number, now: number): void {
    if (this.#sites[row] !== site) {
      this.#otherAt[row] = this.#at[row] ?? NEVER;
      this.#sites[row] = site;
    }
    this.#at[row] = now;
  }

  /** When the provider last worked at another site than this; -Infinity where it never did. */
  workedBesides(row: number, site: number): number {
    const at = this.#sites[row] === site ? this.#otherAt[row] : this.#at[row];
    return at ?? NEVER;
  }
}
