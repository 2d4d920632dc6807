import { AtomicWideWords, AtomicWords, type WideWords, type Words } from './words.ts';

/** Cells that a key may stand in, next to each other. */
const WAYS = 8;
/** Words of a cell: the key's print, and its value. */
const CELL_WORDS = 2;

/** Which of a cell's words is the lower half of the whole: that depends on the machine. The print is. */
const PRINT = new Int32Array(BigInt64Array.of(1n).buffer)[0] === 1 ? 0 : 1;
const VALUE = 1 - PRINT;

const EMPTY = 0;
const EMPTY_CELL = 0n;
/** In the print of a key that is on its way into the cell: the value is then the mark's number. */
const COMING = 1;

/** How often an update begins anew when another thread was at the same key or cell. */
const TRIES = 100;

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

/** One word for each of the keys lately used, in a table of fixed size over shared memory, for all threads at once. A key stands in
 *  one cell, whoever brings it first; when its cells are taken the one of least rank makes room.
 *
 *  Nothing is locked, and nobody waits. A cell changes as a whole, key and value, and only as who changes it has seen it: so nothing
 *  is counted in a cell that has gone to another key, or is lost in one that is about to go. A key that is new first marks a cell
 *  as the one it comes to, and stands there only once it was nowhere else after that: of two threads that bring one key to two
 *  cells at least one sees the other's mark. Marks are anybody's: who comes by finishes the first one of its key, and removes the
 *  others, so that a thread that sleeps or dies in between hinders nobody. No two marks are alike, so that whoever finishes one
 *  knows that it stood there all the time that it looked elsewhere. */
export class KeyedCells {
  readonly #words: Words;
  readonly #wide: WideWords;
  readonly #sets: number;

  /** Both are views of the same memory, zeros at first; `wordsFor` says how much. */
  constructor(words: Words, wide: WideWords) {
    this.#words = words;
    this.#wide = wide;
    this.#sets = Math.floor(words.length / (WAYS * CELL_WORDS));
  }

  static over(buffer: SharedArrayBuffer): KeyedCells {
    return new KeyedCells(new AtomicWords(buffer), new AtomicWideWords(buffer));
  }

  /** Words of a table of at most `capacity` keys (at least 8), and of the count of its marks. */
  static wordsFor(capacity: number): number {
    return (Math.max(1, Math.floor(capacity / WAYS)) * WAYS + 1) * CELL_WORDS;
  }

  /** The key's value, or null; while its cell goes to another key perhaps what stands there then. By halves: a BigInt for each cell
   *  would cost several times as much. */
  read({ place, print: bits }: CellKey): number | null {
    const print = printOf(bits);
    const first = this.#firstOf(place);
    for (let cell = first; cell < first + WAYS; cell++)
      if (this.#words.load(cell * CELL_WORDS + PRINT) === print) return this.#words.load(cell * CELL_WORDS + VALUE);
    return null;
  }

  /** Gives the key its next value. No other update is lost, whichever thread makes it. */
  update({ place, print: bits }: CellKey, { next, rank }: CellUpdate): void {
    const print = printOf(bits);
    const first = this.#firstOf(place);
    for (let tries = 0; tries < TRIES; tries++) {
      const { cell, seen } = this.#cellFor(print, { first, rank });
      if (printIn(seen) === print) {
        if (this.#change(cell, seen, cellOf(print, next(valueIn(seen))))) return;
        continue;
      }
      const isMarked = printIn(seen) === (print | COMING);
      const mark = isMarked ? seen : cellOf(print | COMING, this.#words.add(this.#cells * CELL_WORDS, 1));
      if (!isMarked && !this.#change(cell, seen, mark)) continue;
      if (!this.#isElsewhere(print, { first, cell })) {
        if (this.#change(cell, mark, cellOf(print, next(null)))) return;
      } else this.#change(cell, mark, EMPTY_CELL);
    }
  }

  /** Empties the cells whose value is of no more use, and those that a thread had marked when it died: one that lives marks
   *  another. Called now and then. */
  tidy(isOver: (value: number) => boolean): void {
    for (let cell = 0; cell < this.#cells; cell++) {
      if (this.#words.load(cell * CELL_WORDS + PRINT) === EMPTY) continue;
      const seen = this.#wide.load(cell);
      if (isComing(seen) || isOver(valueIn(seen))) this.#change(cell, seen, EMPTY_CELL);
    }
  }

  /** Keys held. */
  get size(): number {
    let size = 0;
    for (let cell = 0; cell < this.#cells; cell++) if (this.#words.load(cell * CELL_WORDS + PRINT) !== EMPTY) size++;
    return size;
  }

  get #cells(): number {
    return this.#sets * WAYS;
  }

  #firstOf(place: number): number {
    return ((place >>> 0) % this.#sets) * WAYS;
  }

  #change(cell: number, seen: bigint, next: bigint): boolean {
    return this.#wide.compareExchange(cell, seen, next) === seen;
  }

  /** The key's cell as it was seen; else the first that is marked as its own; else one that is empty, or the one of least rank. */
  #cellFor(
    print: number,
    { first, rank }: { first: number; rank: CellUpdate['rank'] },
  ): { cell: number; seen: bigint } {
    let [marked, least]: { cell: number; seen: bigint }[] = [];
    let leastRank = Infinity;
    for (let cell = first; cell < first + WAYS; cell++) {
      const seen = this.#wide.load(cell);
      const held = printIn(seen);
      if (held === print) return { cell, seen };
      if (held === (print | COMING)) marked ??= { cell, seen };
      const rankHere = held === EMPTY ? -Infinity : isComing(seen) ? Infinity : rank(valueIn(seen));
      if (least === undefined || rankHere < leastRank) [least, leastRank] = [{ cell, seen }, rankHere];
    }
    return marked ?? least ?? { cell: first, seen: EMPTY_CELL };
  }

  /** Whether a key that comes to `cell` stands in another one by now, or comes to one before. Nor does it come to any behind then. */
  #isElsewhere(print: number, { first, cell }: { first: number; cell: number }): boolean {
    for (let other = first; other < first + WAYS; other++) {
      if (other === cell) continue;
      let seen = this.#wide.load(other);
      for (; printIn(seen) === (print | COMING); seen = this.#wide.load(other)) {
        if (other < cell) return true;
        this.#change(other, seen, EMPTY_CELL);
      }
      if (printIn(seen) === print) return true;
    }
    return false;
  }
}

function cellOf(print: number, value: number): bigint {
  return (BigInt(value | 0) << 32n) | BigInt(print >>> 0);
}

function printIn(cell: bigint): number {
  return Number(BigInt.asIntN(32, cell));
}

function valueIn(cell: bigint): number {
  return Number(cell >> 32n);
}

function isComing(cell: bigint): boolean {
  return (printIn(cell) & COMING) !== 0;
}

/** Neither empty nor marked. */
function printOf(print: number): number {
  return print << 1 || 2;
}
