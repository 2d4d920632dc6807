import type { CatalogueView } from '../memory/catalogue.ts';
import { Term } from '../memory/terms-table.ts';
import type { Tier } from '../protocol/params.ts';
import { type Place, placeKey } from '../protocol/places.ts';
import { type IdWords, parseId } from './digest.ts';
import { type Criterion, type ExitFilter, poolsOf, singlePlaces } from './exit-filter.ts';
import { isOpenTo, type TermFlags, tierOf, unpackFlags } from './exit-terms.ts';
import type { Mintings } from './mintings.ts';
import { NOWHERE, OpenPlaces } from './open-places.ts';

/** A filter made ready to be asked of the exits of one version: all texts are numbers. */
export class FilterJudge {
  readonly #view: CatalogueView;
  readonly #pools: readonly number[];
  readonly #tier: Tier | undefined;
  readonly #countries: readonly number[] | null;
  readonly #wanted: readonly { readonly place: (typeof singlePlaces)[number]; readonly keys: readonly number[] }[];
  readonly #ip: 4 | 6 | undefined;
  readonly #open: OpenPlaces;
  /** The slot of the one exit that is asked for; -1 where it isn't there, null where any will do. */
  readonly slot: number | null;

  constructor(view: CatalogueView, filter: ExitFilter, mintings: Mintings) {
    const keyOf = (name: string) => view.places.numberOf(placeKey(name));
    this.#view = view;
    this.#pools = poolsOf(filter).map((name) => view.labels.numberOf(name));
    this.#tier = filter.tier;
    this.#countries = filter.country === undefined ? null : [...new Set(filter.country.map(keyOf))];
    this.#wanted = singlePlaces.flatMap((place) => {
      const value = filter[place];
      return value === undefined ? [] : [{ place, keys: [keyOf(value)] }];
    });
    this.#ip = filter.ip;
    this.#open = new OpenPlaces(filter, mintings);
    this.slot = filter.exit === undefined ? null : slotOf(view, parseId(filter.exit));
  }

  /** Whether it asks more than pools and countries, by which lists stand. */
  get asksMore(): boolean {
    const more = this.#tier !== undefined || this.#wanted.length > 0 || this.#ip !== undefined || this.slot !== null;
    return more || (this.#countries !== null && this.#pools.some((pool) => this.#open.asksForCountries(pool)));
  }

  /** The narrowest standing lists that hold every exit that passes. */
  get lists(): readonly Int32Array[] {
    const { lists } = this.#view;
    const countries = this.#countries;
    const parts =
      countries === null
        ? this.#pools.map((pool) => lists.pool(pool))
        : this.#pools.flatMap((pool) => {
            const asking = this.#open.asksForCountries(pool) ? [lists.country(pool, NOWHERE)] : [];
            return [...countries.map((country) => lists.country(pool, country)), ...asking];
          });
    return parts.filter(({ length }) => length > 0);
  }

  /** The first criterion that exits of these terms fail, in the order of the filter's words; null where they pass all but `slot`. */
  judge(terms: number): Criterion | null {
    const flags = this.#view.terms.word(terms, Term.flags);
    if (this.#tier !== undefined && tierOf(flags) !== this.#tier) return 'tier';
    if (this.#countries !== null && !this.#is(terms, 'country', this.#countries)) return 'country';
    for (const { place, keys } of this.#wanted) if (!this.#is(terms, place, keys)) return place;
    const refused = isOpenTo(flags) ? this.#open.judge(terms) : null;
    if (refused !== null) return refused;
    return this.#ip === undefined || speaks(unpackFlags(flags), this.#ip) ? null : 'ip';
  }

  /** Whether exits of these terms are in such a place, or can be had there. */
  #is(terms: number, place: Place, keys: readonly number[]): boolean {
    const { terms: rows, places: names } = this.#view;
    return keys.includes(names.keyOf(rows.word(terms, Term[place]))) || isOpenTo(rows.word(terms, Term.flags), place);
  }

  /** Whether exits of these terms are in one of the filter's pools. */
  covers(terms: number): boolean {
    return this.#pools.includes(this.#view.terms.word(terms, Term.pool));
  }

  /** Whether the exit in `slot` passes. False for a slot without one. */
  matches(slot: number): boolean {
    const terms = this.#view.slots.termsOf(slot);
    if (terms < 0 || (this.slot !== null && slot !== this.slot)) return false;
    return this.covers(terms) && this.judge(terms) === null;
  }

  /** Few rows of terms that hold all which pass: those of the rarest place that is asked for, and those that are minted, which may be
   *  had in any; null where no place is asked for. */
  get narrow(): Int32Array | null {
    const { index } = this.#view;
    let rarest: Int32Array | null = null;
    for (const { keys } of this.#wanted) {
      const rows = index.termsAt(keys[0] ?? -1);
      if (rarest === null || rows.length < rarest.length) rarest = rows;
    }
    if (rarest === null) return null;
    const minted = index.mintedTerms;
    if (minted.length === 0) return rarest;
    const both = new Int32Array(rarest.length + minted.length);
    both.set(rarest);
    both.set(minted, rarest.length);
    return both;
  }

  /** Why vendors couldn't be asked, as far as their exits were judged: fit to be shown. */
  get reasons(): ReadonlySet<string> {
    return this.#open.reasons;
  }

  /** Whether `count` looks at few rows of terms, however many there are. */
  get countsSoon(): boolean {
    return this.slot !== null || !this.asksMore || this.#wanted.length > 0;
  }

  /** How many exits pass. Costs a look at each row of terms, or where a place is asked for, at those of the rarest. */
  count(): number {
    if (this.slot !== null) return this.matches(this.slot) ? 1 : 0;
    if (!this.asksMore) return this.lists.reduce((sum, { length }) => sum + length, 0);
    const { terms, lists } = this.#view;
    const { narrow } = this;
    const rows = narrow?.length ?? terms.count;
    let count = 0;
    for (let row = 0; row < rows; row += 1) {
      const number = narrow === null ? row : (narrow[row] as number);
      const exits = lists.exitsOf(number);
      if (exits > 0 && this.covers(number) && this.judge(number) === null) count += exits;
    }
    return count;
  }

  /** The slots of all exits that pass, found by the rarest place, row by row of terms; null where no place is asked for. */
  placed(): Int32Array<SharedArrayBuffer> | null {
    const rows = this.narrow;
    if (rows === null || this.slot !== null) return null;
    const { index } = this.#view;
    const passing = rows.filter((number) => this.covers(number) && this.judge(number) === null);
    const parts = [...passing].map((number) => index.slotsOf(number));
    const slots = new Int32Array(new SharedArrayBuffer(4 * parts.reduce((sum, { length }) => sum + length, 0)));
    let at = 0;
    for (const part of parts) {
      slots.set(part, at);
      at += part.length;
    }
    return slots;
  }
}

function slotOf({ slots }: CatalogueView, id: IdWords | null): number {
  return id === null ? -1 : slots.slotOfId(id.high, id.low);
}

/** An exit that says nothing is taken for IPv4, as all are that don't say so; where we resolve, we choose the family. */
function speaks({ ip, scheme, dns }: TermFlags, family: 4 | 6): boolean {
  if (ip !== null) return ip === family;
  return family === 4 || scheme === 'direct' || (dns === 'local' && scheme !== 'socks4');
}
