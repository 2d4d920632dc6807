import type { CatalogueView } from '../memory/catalogue.ts';
import { Term } from '../memory/terms-table.ts';
import { type ExitTerms, isOpenTo, readTerms } from './exit-terms.ts';
import { type Minting, mintingOf } from './minting.ts';

/** Rows of terms that one thread keeps at hand once they were read. */
const KEPT_TERMS = 1024;

/** Terms as read, with their template at work. */
export interface ReadTerms {
  readonly terms: ExitTerms;
  readonly minting: Minting | null;
}

/** Reads the terms of one version of the catalogue, when they are asked for. */
export class Mintings {
  readonly #view: CatalogueView;
  readonly #terms = new Map<number, ReadTerms>();
  #asking: ReadonlySet<number> | null = null;

  constructor(view: CatalogueView) {
    this.#view = view;
  }

  of(number: number): ReadTerms {
    const known = this.#terms.get(number);
    if (known !== undefined) return known;
    const terms = readTerms(this.#view, number);
    const minting = terms.template === null ? null : mintingOf(terms.pool, terms.template);
    if (this.#terms.size >= KEPT_TERMS) this.#terms.clear();
    this.#terms.set(number, { terms, minting });
    return { terms, minting };
  }

  /** Whether the ids of exits of these terms are over after a time. */
  rotates(number: number): boolean {
    return this.#view.terms.word(number, Term.template) !== 0 && this.of(number).minting?.rotationOf(0) != null;
  }

  /** Whether the pool of this label has exits whose vendor can be asked for a country. */
  asksForCountries(pool: number): boolean {
    this.#asking ??= this.#poolsThatAsk();
    return this.#asking.has(pool);
  }

  #poolsThatAsk(): ReadonlySet<number> {
    const { terms, lists } = this.#view;
    const pools = new Set<number>();
    for (let number = 0; number < terms.count; number += 1) {
      if (isOpenTo(terms.word(number, Term.flags), 'country') && lists.exitsOf(number) > 0)
        pools.add(terms.word(number, Term.pool));
    }
    return pools;
  }
}
