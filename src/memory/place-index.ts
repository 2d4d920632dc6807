import type { SlotView } from './slot-rows.ts';
import { Term, type TermsView } from './terms-table.ts';

/** Places by which exits are found here; countries have lists of their own. */
const columns = [Term.region, Term.state, Term.city, Term.zip, Term.asn, Term.isp] as const;

/** In place of a place, which has no key 0: rows of exits that are minted, which may be had in places that no row names. */
const MINTED = 0;

/** The index as handed to other threads. It never changes. */
export interface PlaceRecord {
  /** Rows of terms by the key of a place: where those of each key begin, and the rows. */
  readonly termStarts: SharedArrayBuffer;
  readonly terms: SharedArrayBuffer;
  /** Slots by row of terms: where those of each row begin, and the slots, ascending. */
  readonly slotStarts: SharedArrayBuffer;
  readonly slots: SharedArrayBuffer;
}

/** What it is made from. `keyOf` is the number under which a place is compared, below `keys`. */
export interface PlaceSources {
  readonly slots: SlotView;
  readonly terms: TermsView;
  readonly exitsOf: (terms: number) => number;
  readonly keyOf: (place: number) => number;
  readonly keys: number;
}

/** Finds the rows of terms that name a place, and the exits of a row, so that exits in a rare place are found without a look at all
 *  others. Takes 4 octets an exit, and up to 28 a row of terms. */
export function indexPlaces({ slots, terms, exitsOf, keyOf, keys }: PlaceSources): PlaceRecord {
  const standing = (visit: (terms: number) => void) => {
    for (let number = 0; number < terms.count; number += 1) if (exitsOf(number) > 0) visit(number);
  };
  const places = (visit: (key: number, terms: number) => void) => {
    const seen: number[] = [];
    standing((number) => {
      if (terms.word(number, Term.template) !== 0) {
        visit(MINTED, number);
        return;
      }
      seen.length = 0;
      for (const column of columns) {
        const place = terms.word(number, column);
        const key = place === 0 ? 0 : keyOf(place);
        // Some rows name one place twice: Berlin is a state and a city.
        if (key === 0 || seen.includes(key)) continue;
        seen.push(key);
        visit(key, number);
      }
    });
  };
  const byPlace = group(keys, places);
  const bySlot = group(terms.count, (visit) => {
    for (let slot = 0; slot < slots.count; slot += 1) {
      const number = slots.termsOf(slot);
      if (number >= 0) visit(number, slot);
    }
  });
  return { termStarts: byPlace.starts, terms: byPlace.items, slotStarts: bySlot.starts, slots: bySlot.items };
}

/** Items by group, in two passes: how many each group has, then each to its place. */
function group(groups: number, each: (visit: (group: number, item: number) => void) => void) {
  const starts = new Int32Array(new SharedArrayBuffer((groups + 1) * 4));
  each((at) => {
    starts[at + 1] = (starts[at + 1] ?? 0) + 1;
  });
  for (let at = 0; at < groups; at += 1) starts[at + 1] = (starts[at + 1] ?? 0) + (starts[at] ?? 0);
  const items = new Int32Array(new SharedArrayBuffer((starts[groups] ?? 0) * 4));
  const next = Int32Array.from(starts);
  each((at, item) => {
    const place = next[at] ?? 0;
    items[place] = item;
    next[at] = place + 1;
  });
  return { starts: starts.buffer, items: items.buffer };
}

/** Reads the index. */
export class PlaceIndex {
  readonly #termStarts: Int32Array;
  readonly #terms: Int32Array;
  readonly #slotStarts: Int32Array;
  readonly #slots: Int32Array;

  constructor({ termStarts, terms, slotStarts, slots }: PlaceRecord) {
    this.#termStarts = new Int32Array(termStarts);
    this.#terms = new Int32Array(terms);
    this.#slotStarts = new Int32Array(slotStarts);
    this.#slots = new Int32Array(slots);
  }

  /** The rows of terms of exits that are minted, whatever their places; no other look-up finds them. */
  get mintedTerms(): Int32Array {
    return this.termsAt(MINTED);
  }

  /** The rows of terms that name the place of this key, as whatever; none for a key that isn't there. */
  termsAt(key: number): Int32Array {
    return this.#terms.subarray(this.#termStarts[key] ?? 0, this.#termStarts[key + 1] ?? 0);
  }

  /** The slots of all exits of these terms, ascending. */
  slotsOf(terms: number): Int32Array {
    return this.#slots.subarray(this.#slotStarts[terms] ?? 0, this.#slotStarts[terms + 1] ?? 0);
  }
}
