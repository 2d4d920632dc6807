import type { Words } from './words.ts';

/** Cells that a key may stand in, next to each other. */
const WAYS = 8;
/** Words of a cell: the key's print, and its value. */
const CELL_WORDS = 2;

const EMPTY = 0;
/** Being given to another key. */
const BUSY = -1;

/** How often an update begins anew when another thread was at the same key or cell. */
const TRIES = 100;

const NO_CELL = -1;

/** A key as 64 bits of a keyed hash, so that nobody can choose a key that meets another's. */
export interface CellKey {
  readonly place: number;
  readonly print: number;
}

export interface CellUpdate {
  /** The value that follows `value`; null where the key has none yet. Called again where another thread was faster. */
  readonly next: (value: number | null) => number;
  /** How little would be lost if the cell of this value were given away: the least goes. */
  readonly rank: (value: number) => number;
}

/** One word for each of the keys lately used, in a table of fixed size over shared memory, for all threads at once. Nothing is
 *  locked. A key stands in one cell, whoever brings it first; when its cells are taken the one of least rank makes room. */
export class KeyedCells {
  readonly #words: Words;
  readonly #sets: number;
  /** Cells that were busy when tidy() was called last. */
  #busy: ReadonlySet<number> = new Set();

  /** `words` are zeros at first; `wordsFor` says how many. */
  constructor(words: Words) {
    this.#words = words;
    this.#sets = Math.floor(words.length / (WAYS * CELL_WORDS));
  }

  /** Words of a table of at most `capacity` keys (at least 8). */
  static wordsFor(capacity: number): number {
    return Math.max(1, Math.floor(capacity / WAYS)) * WAYS * CELL_WORDS;
  }

  /** The key's value, or null. */
  read({ place, print }: CellKey): number | null {
    const cell = this.#find(place, printOf(print));
    return cell === NO_CELL ? null : this.#words.load(cell + 1);
  }

  /** Gives the key its next value. No other update is lost, whichever thread makes it. */
  update(key: CellKey, { next, rank }: CellUpdate): void {
    const place = key.place;
    const print = printOf(key.print);
    for (let tries = 0; tries < TRIES; tries++) {
      const cell = this.#find(place, print);
      if (cell === NO_CELL) {
        if (this.#bring({ place, print }, next(null), rank)) return;
        continue;
      }
      const value = this.#words.load(cell + 1);
      if (this.#words.load(cell) !== print) continue;
      if (this.#words.compareExchange(cell + 1, value, next(value)) === value) return;
    }
  }

  /** Empties the cells whose value is of no more use, and those that a thread held when it died. Called by one thread, now and then: a
   *  cell that is busy may be so for a moment only, and is nobody's once it was at the call before, too. */
  tidy(isOver: (value: number) => boolean): void {
    const busy = new Set<number>();
    for (let cell = 0; cell < this.#cells; cell += CELL_WORDS) {
      const print = this.#words.load(cell);
      if (print === EMPTY) continue;
      const isNobodys = print === BUSY ? this.#busy.has(cell) : isOver(this.#words.load(cell + 1));
      if (isNobodys) this.#words.compareExchange(cell, print, EMPTY);
      else if (print === BUSY) busy.add(cell);
    }
    this.#busy = busy;
  }

  /** Keys held. */
  get size(): number {
    let size = 0;
    for (let cell = 0; cell < this.#cells; cell += CELL_WORDS) if (this.#words.load(cell) !== EMPTY) size++;
    return size;
  }

  get #cells(): number {
    return this.#sets * WAYS * CELL_WORDS;
  }

  #firstOf(place: number): number {
    return ((place >>> 0) % this.#sets) * WAYS * CELL_WORDS;
  }

  #find(place: number, print: number, besides = NO_CELL): number {
    const first = this.#firstOf(place);
    for (let cell = first; cell < first + WAYS * CELL_WORDS; cell += CELL_WORDS) {
      if (cell !== besides && this.#words.load(cell) === print) return cell;
    }
    return NO_CELL;
  }

  /** Gives a new key a cell with its first value; false where another thread was at that cell or key. */
  #bring({ place, print }: CellKey, value: number, rank: (value: number) => number): boolean {
    const { cell, print: former } = this.#leastOf(place, print, rank);
    if (cell === NO_CELL || this.#words.compareExchange(cell, former, BUSY) !== former) return false;
    this.#words.store(cell + 1, value);
    this.#words.store(cell, print);
    // Another thread may have brought the same key meanwhile. At least one of the two sees the other, and withdraws.
    if (this.#find(place, print, cell) === NO_CELL) return true;
    this.#words.compareExchange(cell, print, EMPTY);
    return false;
  }

  /** The cell that makes room for `own`; none where another thread has brought that key by now. */
  #leastOf(place: number, own: number, rank: (value: number) => number): { cell: number; print: number } {
    const first = this.#firstOf(place);
    let least = { cell: NO_CELL, print: EMPTY };
    let leastRank = Infinity;
    for (let cell = first; cell < first + WAYS * CELL_WORDS; cell += CELL_WORDS) {
      const print = this.#words.load(cell);
      if (print === EMPTY) return { cell, print };
      if (print === own) return { cell: NO_CELL, print };
      const rankHere = print === BUSY ? Infinity : rank(this.#words.load(cell + 1));
      if (rankHere < leastRank) [least, leastRank] = [{ cell, print }, rankHere];
    }
    return least;
  }
}

/** Neither empty nor busy. */
function printOf(print: number): number {
  const word = print | 0;
  return word === EMPTY || word === BUSY ? 1 : word;
}
