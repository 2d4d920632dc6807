import type { CellKey } from './keyed-cells.ts';
import type { Words } from './words.ts';

/** Words of a row: as in the rows of exits the first one counts what is in flight, so that ExchangeSlots serves both. */
const ROW_WORDS = 16;
const COUNT = 0;
const PRINT = 1;
const BUCKET = 2;
const BUCKET_RESTS = 3;
/** A bit for each thread that waits for a place. */
const WAITING = 4;
/** What a quota has used: 64 bits. */
const SPENT = 6;
/** Marks about a quota: see QuotaCounts. */
const MARKS = 8;
const MARK_WORDS = 4;
/** Whose the key is, from when it gets the row. */
const OWNER = 12;
/** Words of what a row is used for, cleared before another key gets it. */
const USED_WORDS = [BUCKET, BUCKET_RESTS, WAITING, SPENT, SPENT + 1, MARKS, MARKS + 1, MARKS + 2, MARKS + 3] as const;

/** Rows that a key may stand in, next to each other. */
const WAYS = 16;

/** Of the rows of a window an owner may use so many times as many as nobody uses, give or take what threads take at the same moment: one
 *  alone has eleven, two that come together have six or seven (dynamic thresholds: Choudhury and Hahne 1998). Of 16 rows three owners who take
 *  all that they may, one behind the other, leave none. */
const SHARE = 2;

/** Of the windows one in so many is for keys without an owner. */
const PARTS = 5;

const EMPTY = 0;
/** Being given to a key, or taken from it. */
const BUSY = -1;

/** How often who finds a row of its window busy looks again. */
const TRIES = 10_000;

/** The owner of keys that are no more than the operator's rules and clients make. */
export const NOBODY = 0;

/** What is counted in a row. Of keys that come as they are asked for, such as a client's sites, `owner` is a hash of who asks. */
export interface RowKey extends CellKey {
  readonly owner: number;
}

/** What `rowOf` returns where there is no room. */
export const NO_ROW = -1;

/** Rows in which all threads count what is limited: one per key, such as a client, or a client on a site. A key has one row,
 *  whoever brings it first, and loses it only when nothing is owed or held there and another key needs the room.
 *
 *  Keys that have an owner stand apart from those that haven't, and no owner has all rows of a window: whoever brings so many that they
 *  are in use is the one who finds no room.
 *
 *  Who uses a row checks behind its change that the row is still the key's (`holds`), and does it again elsewhere otherwise. A row is
 *  taken from its key in an order that makes this enough: it is marked, then looked at, then cleared or given back. */
export class LimitRows {
  readonly #words: Words;
  readonly #windows: number;
  /** Windows of keys without an owner, which come first. */
  readonly #plainWindows: number;
  /** When nothing is owed to a row's bucket any more: see Gcra. */
  readonly #rests: (at: number, now: number) => boolean;

  /** `words` are zeros at first; `wordsFor` says how many. */
  constructor(words: Words, rests: (at: number, now: number) => boolean) {
    this.#words = words;
    this.#windows = Math.floor(words.length / (WAYS * ROW_WORDS));
    this.#plainWindows = Math.floor(this.#windows / PARTS);
    this.#rests = rests;
  }

  /** Words of a table of `capacity` keys without an owner, and of four times as many that have one. */
  static wordsFor(capacity: number): number {
    return Math.ceil(capacity / WAYS) * PARTS * WAYS * ROW_WORDS;
  }

  /** Where the bucket of a row stands: see Gcra. */
  bucketAt(row: number): number {
    return row * ROW_WORDS + BUCKET;
  }

  /** Where among words of 64 bits the row tells what a quota has used. */
  spentAt(row: number): number {
    return (row * ROW_WORDS + SPENT) / 2;
  }

  /** Where a mark of the row stands, 0 to 3. */
  markAt(row: number, mark: number): number {
    return row * ROW_WORDS + MARKS + (mark % MARK_WORDS);
  }

  /** The key's row, or NO_ROW. */
  find(key: RowKey): number {
    const print = printOf(key.print);
    const first = this.#firstOf(key);
    for (let row = first; row < first + WAYS; row++) if (this.#printAt(row) === print) return row;
    return NO_ROW;
  }

  /** Whether the row was the key's when it was seen last: for who asks `holds` behind its change. */
  seemsToHold(row: number, key: CellKey): boolean {
    return row >= 0 && this.#words.peek(row * ROW_WORDS + PRINT) === printOf(key.print);
  }

  /** Whether the row is the key's. */
  holds(row: number, key: CellKey): boolean {
    return row >= 0 && this.#printAt(row) === printOf(key.print);
  }

  /** The key's row, made if need be; NO_ROW where the rows of its window are in use by others, or as many by its owner as may be. */
  rowOf(key: RowKey, now: number): number {
    const { owner } = key;
    const print = printOf(key.print);
    const first = this.#firstOf(key);
    for (let tries = 0; tries < TRIES; tries++) {
      let [empty, empties, busy, owned] = [NO_ROW, 0, false, 0];
      for (let row = first; row < first + WAYS; row++) {
        const held = this.#printAt(row);
        if (held === print) return row;
        if (held === BUSY) busy = true;
        else if (held === EMPTY) {
          empty = empty < 0 ? row : empty;
          empties++;
        } else if (owner !== NOBODY && this.#ownerOf(row) === owner) owned++;
      }
      // What is busy may be this key's own, and come back.
      if (busy) continue;
      // Mostly there are enough that are empty; those that rest cost another look.
      if (owner !== NOBODY && owned >= SHARE * empties && !this.#isWithinShare(first, now, owner)) return NO_ROW;
      if (empty < 0) {
        if (!this.#makeRoom(first, now)) return NO_ROW;
      } else if (this.#claim(empty, key, first)) return empty;
    }
    return NO_ROW;
  }

  /** Whether an owner may use another row of the window. */
  #isWithinShare(first: number, now: number, owner: number): boolean {
    let [used, unused] = [0, 0];
    for (let row = first; row < first + WAYS; row++) {
      if (this.#printAt(row) === EMPTY || this.#isIdle(row, now)) unused++;
      else if (this.#ownerOf(row) === owner) used++;
    }
    return used < SHARE * unused;
  }

  /** Notes whether a thread waits for what is held in the row. Beyond 32 threads some share a bit. */
  setWaiting(row: number, thread: number, isWaiting: boolean): void {
    const at = row * ROW_WORDS + WAITING;
    const bit = 1 << (thread & 31);
    for (;;) {
      const seen = this.#words.load(at);
      const next = isWaiting ? seen | bit : seen & ~bit;
      if (seen === next || this.#words.compareExchange(at, seen, next) === seen) return;
    }
  }

  /** Whether other threads wait for what is held in the row. */
  othersWait(row: number, thread: number): boolean {
    return (this.#words.load(row * ROW_WORDS + WAITING) & ~(1 << (thread & 31))) !== 0;
  }

  /** A thread that has died waits for nothing. */
  forgetWaiting(thread: number): void {
    for (let row = 0; row < this.#windows * WAYS; row++)
      if (this.#words.load(row * ROW_WORDS + WAITING) !== 0) this.setWaiting(row, thread, false);
  }

  /** Frees rows that a thread had marked when it died. Called by one thread, now and then: a row that was marked at the call
   *  before, too, is nobody's. */
  tidy(before: ReadonlySet<number>): ReadonlySet<number> {
    const marked = new Set<number>();
    for (let row = 0; row < this.#windows * WAYS; row++) {
      if (this.#printAt(row) !== BUSY) continue;
      if (before.has(row) && this.#words.load(row * ROW_WORDS + COUNT) === 0) this.#clear(row);
      else marked.add(row);
    }
    return marked;
  }

  /** Gives an empty row to the key, unless another thread is at work in the window, which may be about the same key. */
  #claim(row: number, key: RowKey, first: number): boolean {
    const at = row * ROW_WORDS + PRINT;
    const print = printOf(key.print);
    if (this.#words.compareExchange(at, EMPTY, BUSY) !== EMPTY) return false;
    let alone = true;
    for (let other = first; other < first + WAYS; other++) {
      const held = this.#printAt(other);
      if (other !== row && (held === print || held === BUSY)) alone = false;
    }
    if (alone) this.#words.store(row * ROW_WORDS + OWNER, key.owner);
    this.#words.store(at, alone ? print : EMPTY);
    return alone;
  }

  /** Takes a row from a key that has no use for it. False where there is none. */
  #makeRoom(first: number, now: number): boolean {
    for (let row = first; row < first + WAYS; row++) {
      const at = row * ROW_WORDS;
      const print = this.#words.load(at + PRINT);
      if (print === EMPTY) return true;
      if (print === BUSY || !this.#isIdle(row, now)) continue;
      if (this.#words.compareExchange(at + PRINT, print, BUSY) !== print) continue;
      // Who counted in this row meanwhile did so before the mark, and is seen; or after it, and will see that.
      if (!this.#isIdle(row, now)) {
        this.#words.store(at + PRINT, print);
        continue;
      }
      this.#clear(row);
      return true;
    }
    return false;
  }

  #isIdle(row: number, now: number): boolean {
    return this.#words.load(row * ROW_WORDS + COUNT) === 0 && this.#rests(this.bucketAt(row), now);
  }

  #clear(row: number): void {
    for (const word of USED_WORDS) this.#words.store(row * ROW_WORDS + word, 0);
    this.#words.store(row * ROW_WORDS + PRINT, EMPTY);
  }

  #printAt(row: number): number {
    return this.#words.load(row * ROW_WORDS + PRINT);
  }

  #ownerOf(row: number): number {
    return this.#words.load(row * ROW_WORDS + OWNER);
  }

  #firstOf({ place, owner }: RowKey): number {
    const plain = this.#plainWindows;
    const window = owner === NOBODY ? (place >>> 0) % plain : plain + ((place >>> 0) % (this.#windows - plain));
    return window * WAYS;
  }
}

/** Neither empty nor busy. */
function printOf(print: number): number {
  const word = print | 0;
  return word === EMPTY || word === BUSY ? 1 : word;
}
