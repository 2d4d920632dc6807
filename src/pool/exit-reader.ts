import type { CatalogueView } from '../memory/catalogue.ts';
import { Term } from '../memory/terms-table.ts';
import { formatEndpoint } from '../protocol/endpoint.ts';
import { digestWord, idText } from './digest.ts';
import type { Carrier, Exit } from './exit.ts';
import { MINTS } from './exit-draft.ts';
import type { Mintings } from './mintings.ts';

/** Exits that one thread keeps at hand once they were read. */
const KEPT_EXITS = 2048;

/** Characters that tell carriers of a pool apart. */
const CARRIER_LENGTH = 8;
const CARRIER_CHARACTERS = 'abcdefghijklmnopqrstuvwxyz234567';

/** Makes exits from the rows of one version of the catalogue, when they are asked for. */
export class ExitReader {
  readonly #view: CatalogueView;
  /** The exit read last of all slots that share a place here. */
  readonly #slots = new Int32Array(KEPT_EXITS).fill(-1);
  readonly #exits: Exit[] = [];
  /** The epochs of those that rotate, as they were read. */
  readonly #epochs = new Int32Array(KEPT_EXITS);
  readonly #epochOf: (slot: number) => number;
  readonly #mintings: Mintings;

  constructor(
    view: CatalogueView,
    { mintings, epochOf }: { readonly mintings: Mintings; readonly epochOf: (slot: number) => number },
  ) {
    this.#epochOf = epochOf;
    this.#view = view;
    this.#mintings = mintings;
  }

  /** The exit in `slot`, undefined where none stands. */
  standingIn(slot: number): Exit | undefined {
    const { slots } = this.#view;
    const place = slot & (KEPT_EXITS - 1);
    const kept = this.#slots[place] === slot ? this.#exits[place] : undefined;
    if (kept !== undefined && (kept.rotation === null || this.#epochs[place] === this.#epochOf(slot))) return kept;
    const terms = slots.termsOf(slot);
    if (terms < 0) return undefined;
    const exit = this.#read(slot, terms);
    this.#slots[place] = slot;
    this.#epochs[place] = exit.rotation === null ? 0 : this.#epochOf(slot);
    this.#exits[place] = exit;
    return exit;
  }

  /** The exit that left `slot` in this version, undefined where none did. */
  formerIn(slot: number): Exit | undefined {
    const terms = this.#view.slots.formerTermsOf(slot);
    return terms < 0 ? undefined : this.#read(slot, terms);
  }

  /** What carries the exit in `slot` among others; null where it has a way of its own. */
  carrierOf(slot: number): Carrier | null {
    const exit = this.standingIn(slot);
    const minting = exit === undefined ? null : this.#mintings.of(this.#view.slots.termsOf(slot)).minting;
    if (exit === undefined || minting === null) return null;
    // Scheme, host, port and the account's name, without what makes one exit of them.
    const account = minting.identity.slice(1, 5);
    return {
      key: digestWord(['carrier', ...account], CARRIER_CHARACTERS, CARRIER_LENGTH),
      name: formatEndpoint(exit.endpoint),
    };
  }

  #read(slot: number, number: number): Exit {
    const { slots, facts, terms: rows } = this.#view;
    const { terms, minting } = this.#mintings.of(number);
    const { scheme, template, ...shown } = terms;
    const session = slots.placeOf(slot);
    const mints = minting !== null && session === MINTS;
    const listed = rows.word(number, Term.template) === 0;
    const rotation = minting === null || mints ? null : minting.rotationOf(session);
    const epoch = rotation === null ? 0 : this.#epochOf(slot);
    return Object.freeze({
      id: idText(slots.idHighOf(slot), slots.idLowOf(slot)),
      ...shown,
      endpoint: minting?.endpointOf(mints ? 0 : session, epoch) ?? { scheme, ...facts.read(session) },
      minted: !listed,
      life: mints ? minting : null,
      rotation,
      mint: mints ? minting : null,
    });
  }
}
