import { elapsedMs } from './clock.ts';

/** How a word of a row is saved. */
export const SavedAs = Object.freeze({
  /** As it is. */
  bits: 0,
  /** A float32. */
  figure: 1,
  /** A time that has passed: how many ms ago that was. */
  past: 2,
  /** A time that may be to come: in how many ms it is, 0 where it has passed. */
  due: 3,
});

/** Times further off than this, in ms, come back as so far off: half of the time that the shared clock takes to wrap. */
const FURTHEST_MS = 2 ** 31 - 1;

/** The bits of a float32 that are all 1 where it is infinite or no number. */
const EXPONENT = 0x7f80_0000;

/** One word of a row, and how it is saved. */
export interface SavedWord {
  readonly word: number;
  readonly as: (typeof SavedAs)[keyof typeof SavedAs];
}

/** Where a row stands: `base` is its first word. */
export interface RowPlace {
  readonly ints: Int32Array;
  readonly base: number;
}

/** A row as it was saved: `at` is its first octet. */
export interface SavedPlace {
  readonly view: DataView;
  readonly at: number;
}

/** When rows are restored: now by the shared clock, and the ms that have passed since they were saved. */
export interface RestoreMoment {
  readonly now: number;
  readonly elapsedMs: number;
}

/** Puts some words of a row into bytes that mean the same to a later process, whose clock has another beginning, and back: four
 *  octets each, little-endian. */
export class RowCodec {
  readonly #words: readonly SavedWord[];

  constructor(words: readonly SavedWord[]) {
    this.#words = words;
  }

  /** Octets of a saved row. */
  get octets(): number {
    return this.#words.length * 4;
  }

  /** Writes the row as of `now`. */
  save({ ints, base }: RowPlace, { view, at }: SavedPlace, now: number): void {
    let offset = at;
    for (const { word, as } of this.#words) {
      view.setInt32(offset, savedWord(ints[base + word] ?? 0, as, now), true);
      offset += 4;
    }
  }

  /** Whether all figures of a saved row are finite. */
  isSound({ view, at }: SavedPlace): boolean {
    return this.#words.every(({ as }, index) => {
      return as !== SavedAs.figure || (view.getInt32(at + index * 4, true) & EXPONENT) !== EXPONENT;
    });
  }

  /** Writes a saved row back. Words that aren't saved stay as they are. */
  restore({ view, at }: SavedPlace, { ints, base }: RowPlace, moment: RestoreMoment): void {
    let offset = at;
    for (const { word, as } of this.#words) {
      ints[base + word] = restoredWord(view.getInt32(offset, true), as, moment);
      offset += 4;
    }
  }
}

function savedWord(word: number, as: SavedWord['as'], now: number): number {
  if (as === SavedAs.past) return elapsedMs(now, word);
  return as === SavedAs.due ? Math.max(0, (word - now) | 0) : word;
}

function restoredWord(saved: number, as: SavedWord['as'], { now, elapsedMs: elapsed }: RestoreMoment): number {
  if (as === SavedAs.past) return now - Math.min(FURTHEST_MS, (saved >>> 0) + elapsed);
  return as === SavedAs.due ? now + Math.max(0, saved - elapsed) : saved;
}

/** Rows that are looked at for one part: between two parts others may work. */
const ROWS_A_PART = 2_048;

/** Saves rows in parts. `count` is asked before each part, because rows may be added meanwhile. `save` writes one row, or returns
 *  false where there is nothing to save. Most rows of a table are free: a part is as large as what it holds, because memory that is
 *  taken outside of V8's heap and given up makes it collect the whole of that. */
export function* savedParts(
  octets: number,
  { count, save }: { readonly count: () => number; readonly save: (index: number, place: SavedPlace) => boolean },
): Generator<Uint8Array, undefined> {
  const room = new Uint8Array(ROWS_A_PART * octets);
  const view = new DataView(room.buffer);
  for (let first = 0; first < count(); first += ROWS_A_PART) {
    const end = Math.min(count(), first + ROWS_A_PART);
    let at = 0;
    for (let index = first; index < end; index += 1) if (save(index, { view, at })) at += octets;
    yield room.slice(0, at);
  }
}

/** Goes through what `savedParts` made; false where the parts are no whole rows, and then none was looked at. */
export function eachSaved(octets: number, parts: readonly Uint8Array[], take: (place: SavedPlace) => void): boolean {
  if (parts.some(({ length }) => length % octets !== 0)) return false;
  for (const part of parts) {
    const view = new DataView(part.buffer, part.byteOffset, part.length);
    for (let at = 0; at < part.length; at += octets) take({ view, at });
  }
  return true;
}
