import { GrowingWords } from './growing.ts';
import { HashIndex } from './hash-index.ts';

/** The words of one slot: the number of its exit's terms; where its dialling facts stand in the arena, or which session of its
 *  template it is; its id, 25 bits a word; and its generation. */
const WORDS = 5;
const TERMS = 0;
const PLACE = 1;
const ID_HIGH = 2;
const ID_LOW = 3;
const GENERATION = 4;

/** In place of terms where there is no exit. Exits that have left have their terms' complement: any other negative number. */
const VACANT = -(2 ** 31);

/** Ids have 50 bits, and rows many owners: beyond this many nothing was thought through. */
export const MAX_SLOTS = 2 ** 24;

/** What the slot of an exit that has left says of it. */
export interface Former {
  readonly terms: number;
  /** uint32. */
  readonly place: number;
}

/** Rows as handed to other threads. They never change. */
export interface SlotRecord {
  readonly rows: SharedArrayBuffer;
  readonly index: SharedArrayBuffer;
  readonly count: number;
}

/** The rows of all slots: those that others read, or those of the next version. */
export class SlotView {
  readonly count: number;
  readonly #words: Int32Array;
  readonly #index: HashIndex;

  constructor({ rows, index, count }: SlotRecord) {
    this.count = count;
    this.#words = new Int32Array(rows, 0, count * WORDS);
    this.#index = new HashIndex(index);
  }

  /** The terms of the exit in `slot`; negative where none stands. */
  termsOf(slot: number): number {
    return termsIn(this.#words, slot);
  }

  /** The terms of the exit that left `slot` in this version; negative where none did. */
  formerTermsOf(slot: number): number {
    return formerTermsIn(this.#words, slot);
  }

  placeOf(slot: number): number {
    return (this.#words[slot * WORDS + PLACE] ?? 0) >>> 0;
  }

  idHighOf(slot: number): number {
    return this.#words[slot * WORDS + ID_HIGH] ?? 0;
  }

  idLowOf(slot: number): number {
    return this.#words[slot * WORDS + ID_LOW] ?? 0;
  }

  /** 0 for a slot that never held an exit. */
  generationOf(slot: number): number {
    return this.#words[slot * WORDS + GENERATION] ?? 0;
  }

  /** The slot of the standing exit of this id, or -1. */
  slotOfId(high: number, low: number): number {
    return this.#index.find(hashId(high, low), (slot) => this.idLowOf(slot) === low && this.idHighOf(slot) === high);
  }
}

/** The rows of the next version while they are made. They begin as those of the version that stands, with every exit about to
 *  leave; `keep` and `place` say which stay and which are new. */
export class NextSlots {
  readonly #rows = new GrowingWords(MAX_SLOTS * WORDS);
  readonly #before: SlotView;
  readonly #index = new HashIndex();
  readonly #vacant: number[] = [];
  readonly #added: number[] = [];
  #count: number;
  #standing = 0;

  constructor(before: SlotView) {
    this.#before = before;
    this.#count = before.count;
    this.#rows.reserve(before.count * WORDS);
    for (let slot = 0; slot < before.count; slot += 1) this.#leave(slot);
  }

  get standing(): number {
    return this.#standing;
  }

  /** The slot of an exit that was kept or placed, or -1. */
  slotOfId(high: number, low: number): number {
    const { words } = this.#rows;
    return this.#index.find(hashId(high, low), (slot) => {
      return words[slot * WORDS + ID_LOW] === low && words[slot * WORDS + ID_HIGH] === high;
    });
  }

  termsOf(slot: number): number {
    return termsIn(this.#rows.words, slot);
  }

  placeOf(slot: number): number {
    return (this.#rows.words[slot * WORDS + PLACE] ?? 0) >>> 0;
  }

  /** An exit that stood in slot `former` stays there under its generation; a new one (-1) gets a slot that was vacant before, or a
   *  fresh one. An id may be placed once. Returns the slot. */
  place(
    row: { readonly terms: number; readonly idHigh: number; readonly idLow: number },
    { place, former }: { readonly place: number; readonly former: number },
  ): number {
    const slot = former >= 0 ? former : this.#takeSlot();
    const { words } = this.#rows;
    const at = slot * WORDS;
    words[at + TERMS] = row.terms;
    words[at + PLACE] = place;
    words[at + ID_HIGH] = row.idHigh;
    words[at + ID_LOW] = row.idLow;
    if (former >= 0) words[at + GENERATION] = this.#before.generationOf(slot);
    else this.#added.push(slot);
    this.#standing += 1;
    this.#index.add(slot, (one) => hashId(words[one * WORDS + ID_HIGH] ?? 0, words[one * WORDS + ID_LOW] ?? 0));
    return slot;
  }

  /** Another exit stands in the slot from now on, under the same id. */
  replace(slot: number, { terms, place }: Former): void {
    const { words } = this.#rows;
    words[slot * WORDS + TERMS] = terms;
    words[slot * WORDS + PLACE] = place;
  }

  /** Rewrites what is said of exits that leave, for other tables. */
  moveFormer(move: (former: Former) => Former): void {
    const { words } = this.#rows;
    for (let slot = 0; slot < this.#before.count; slot += 1) {
      const terms = formerTermsIn(words, slot);
      if (terms < 0) continue;
      const moved = move({ terms, place: this.placeOf(slot) });
      words[slot * WORDS + TERMS] = -1 - moved.terms;
      words[slot * WORDS + PLACE] = moved.place;
    }
  }

  /** The version that was made, and how it differs from the former one. */
  finish(): { record: SlotRecord; added: Int32Array; removed: Int32Array } {
    const removed: number[] = [];
    for (let slot = 0; slot < this.#before.count; slot += 1) {
      if (formerTermsIn(this.#rows.words, slot) >= 0) removed.push(slot);
    }
    const record = { rows: this.#rows.shared, index: this.#index.shared, count: this.#count };
    return { record, added: Int32Array.from(this.#added), removed: Int32Array.from(removed) };
  }

  /** What stood leaves, under the next generation; what had left before is gone, and its slot may be given away. */
  #leave(slot: number): void {
    const before = this.#before;
    const { words } = this.#rows;
    const at = slot * WORDS;
    const terms = before.termsOf(slot);
    const stood = terms >= 0;
    words[at + TERMS] = stood ? -1 - terms : VACANT;
    words[at + PLACE] = before.placeOf(slot);
    words[at + ID_HIGH] = before.idHighOf(slot);
    words[at + ID_LOW] = before.idLowOf(slot);
    words[at + GENERATION] = before.generationOf(slot) + (stood ? 1 : 0);
    if (!stood) this.#vacant.push(slot);
  }

  #takeSlot(): number {
    const vacant = this.#vacant.pop();
    if (vacant !== undefined) return vacant;
    const slot = this.#count;
    this.#rows.reserve((slot + 1) * WORDS);
    this.#rows.words[slot * WORDS + GENERATION] = 1;
    this.#count += 1;
    return slot;
  }
}

function termsIn(words: Int32Array, slot: number): number {
  return words[slot * WORDS + TERMS] ?? VACANT;
}

function formerTermsIn(words: Int32Array, slot: number): number {
  const terms = words[slot * WORDS + TERMS] ?? VACANT;
  return terms < 0 && terms !== VACANT ? -1 - terms : -1;
}

function hashId(high: number, low: number): number {
  return (high << 25) ^ (high >>> 7) ^ low;
}
