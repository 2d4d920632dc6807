import { NO_ROW, NOBODY, type RowKey } from '../memory/limit-rows.ts';
import type { PolicyList } from '../protocol/rate-limit-fields.ts';
import { cellKeyOf } from './cell-key.ts';
import type { Limit } from './limit-book.ts';
import { SparePlaces, UnitsAhead } from './taken-ahead.ts';

/** Limits and sites whose rows a thread remembers; beyond, it finds them anew by their hashes. */
const MOST_KNOWN = 2 ** 16;

/** A limit's count as one thread knows it: of one site, where the limit has one for each. Good for as long as its thread lives. */
export interface LimitCell {
  readonly limit: Limit;
  readonly key: RowKey;
  /** Where it was seen last. */
  row: number;
  /** What this thread has taken of it and not used; null where each is taken when it is used. */
  readonly ahead: UnitsAhead | null;
  readonly spare: SparePlaces | null;
}

/** Limits that replies tell of together. */
export interface ToldCells {
  /** All of them. */
  readonly all: readonly LimitCell[];
  /** How RateLimit-Policy tells them; null until it does. */
  policies: PolicyList | null;
}

/** The cells of one thread. */
export class LimitCells {
  readonly #hashKey: Uint8Array;
  #cells = new WeakMap<Limit, LimitCell | Map<string, LimitCell>>();
  #count = 0;

  /** `hashKey` is that of the memory that they are counted in. */
  constructor(hashKey: Uint8Array) {
    this.#hashKey = hashKey;
  }

  /** Where `limit` is counted: of that site, where it has a count for each. */
  of(limit: Limit, site: string): LimitCell {
    const known = this.#cells.get(limit);
    if (known === undefined) return this.#meet(limit, site);
    if (!(known instanceof Map)) return known;
    return known.get(site) ?? this.#meet(limit, site);
  }

  #meet(limit: Limit, site: string): LimitCell {
    if (this.#count >= MOST_KNOWN) this.#cells = new WeakMap();
    this.#count = (this.#count % MOST_KNOWN) + 1;
    const { perSite, kind, most, pace } = limit;
    const met = {
      limit,
      key: this.#keyOf(limit, site),
      row: NO_ROW,
      ahead: pace === null || kind === 'bandwidth' ? null : UnitsAhead.of(pace),
      spare: pace === null ? SparePlaces.of(most) : null,
    };
    const others = this.#cells.get(limit);
    if (!perSite) this.#cells.set(limit, met);
    else if (others instanceof Map) others.set(site, met);
    else this.#cells.set(limit, new Map([[site, met]]));
    return met;
  }

  #keyOf({ key, perSite, owner }: Limit, site: string): RowKey {
    if (!perSite) return { ...cellKeyOf(this.#hashKey, key), owner: NOBODY };
    return { ...cellKeyOf(this.#hashKey, `${key}\n${site}`), owner: ownerHash(this.#hashKey, owner) };
  }
}

/** Somebody: never NOBODY. */
const ownerHash = (hashKey: Uint8Array, owner: string): number => cellKeyOf(hashKey, owner).print | 0 || 1;
