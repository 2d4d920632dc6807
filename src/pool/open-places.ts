import { type Geo, type Place, places } from '../protocol/places.ts';
import type { Criterion, ExitFilter } from './exit-filter.ts';
import type { Minting } from './minting.ts';
import type { Mintings } from './mintings.ts';

/** In the place of a country, for exits that have none. */
export const NOWHERE = 0;

/** What a filter asks of the vendors of exits that are minted for each request: their places are open, and may be asked for. */
export class OpenPlaces {
  readonly #filter: ExitFilter;
  readonly #mintings: Mintings;
  readonly #asked: readonly Place[];
  /** By number of terms. */
  readonly #verdicts = new Map<number, Criterion | null>();
  readonly #reasons = new Set<string>();

  constructor(filter: ExitFilter, mintings: Mintings) {
    this.#filter = filter;
    this.#mintings = mintings;
    this.#asked = places.filter((place) => filter[place] !== undefined);
  }

  /** Whether the pool of this label has exits whose vendor can be asked for a country. */
  asksForCountries(pool: number): boolean {
    return this.#mintings.asksForCountries(pool);
  }

  /** Why vendors couldn't be asked, as far as they were judged: fit to be shown. */
  get reasons(): ReadonlySet<string> {
    return this.#reasons;
  }

  /** What the vendor of exits of these terms can't be asked for; null where it can, for what isn't settled by its pool. */
  judge(terms: number): Criterion | null {
    if (this.#asked.length === 0) return null;
    const known = this.#verdicts.get(terms);
    if (known !== undefined) return known;
    const { minting } = this.#mintings.of(terms);
    const verdict = minting === null ? null : this.#refusalOf(minting);
    this.#verdicts.set(terms, verdict);
    return verdict;
  }

  #refusalOf(minting: Minting): Criterion | null {
    const asked = this.#asked.filter((place) => minting.open.has(place));
    if (asked.length === 0) return null;
    const { country: countries, ...others } = this.#filter;
    const values: Geo = Object.fromEntries(
      asked.flatMap((place) => (place === 'country' ? [] : [[place, others[place]]])),
    );
    const choices = asked.includes('country') ? (countries ?? []).map((country) => ({ ...values, country })) : [values];
    let refused: ReturnType<Minting['refusal']> = null;
    for (const choice of choices) {
      refused = minting.refusal(choice);
      if (refused === null) return null;
    }
    if (refused !== null) this.#reasons.add(refused.message);
    return refused?.place ?? asked.at(-1) ?? 'country';
  }
}
