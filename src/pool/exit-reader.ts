import type { CatalogueView } from '../memory/catalogue.ts';
import { Term } from '../memory/terms-table.ts';
import { idText } from './digest.ts';
import type { Exit } from './exit.ts';
import { MINTS } from './exit-draft.ts';
import { type ExitTerms, readTerms } from './exit-terms.ts';
import { type Minting, mintingOf } from './template.ts';

/** Exits, and rows of terms, that one thread keeps at hand once they were read. */
const KEPT_EXITS = 2048;
const KEPT_TERMS = 1024;

/** Terms as read, with their template at work. */
interface ReadTerms {
  readonly terms: ExitTerms;
  readonly minting: Minting | null;
}

/** Makes exits from the rows of one version of the catalogue, when they are asked for. */
export class ExitReader {
  readonly #view: CatalogueView;
  /** The exit read last of all slots that share a place here. */
  readonly #slots = new Int32Array(KEPT_EXITS).fill(-1);
  readonly #exits: Exit[] = [];
  readonly #terms = new Map<number, ReadTerms>();

  constructor(view: CatalogueView) {
    this.#view = view;
  }

  /** The exit in `slot`, undefined where none stands. */
  standingIn(slot: number): Exit | undefined {
    const { slots } = this.#view;
    const place = slot & (KEPT_EXITS - 1);
    if (this.#slots[place] === slot) return this.#exits[place];
    const terms = slots.termsOf(slot);
    if (terms < 0) return undefined;
    const exit = this.#read(slot, terms);
    this.#slots[place] = slot;
    this.#exits[place] = exit;
    return exit;
  }

  /** The exit that left `slot` in this version, undefined where none did. */
  formerIn(slot: number): Exit | undefined {
    const terms = this.#view.slots.formerTermsOf(slot);
    return terms < 0 ? undefined : this.#read(slot, terms);
  }

  #read(slot: number, number: number): Exit {
    const { slots, facts, terms: rows } = this.#view;
    const { terms, minting } = this.#termsOf(number);
    const { scheme, template, ...shown } = terms;
    const session = slots.placeOf(slot);
    const mints = minting !== null && session === MINTS;
    const listed = rows.word(number, Term.template) === 0;
    return Object.freeze({
      id: idText(slots.idHighOf(slot), slots.idLowOf(slot)),
      ...shown,
      endpoint: minting?.endpointOf(mints ? 0 : session) ?? { scheme, ...facts.read(session) },
      minted: !listed,
      mint: mints ? minting.mint : null,
    });
  }

  #termsOf(number: number): ReadTerms {
    const known = this.#terms.get(number);
    if (known !== undefined) return known;
    const terms = readTerms(this.#view, number);
    const minting = terms.template === null ? null : mintingOf(terms.pool, terms.template);
    if (this.#terms.size >= KEPT_TERMS) this.#terms.clear();
    this.#terms.set(number, { terms, minting });
    return { terms, minting };
  }
}
