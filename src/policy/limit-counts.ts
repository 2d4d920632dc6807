import { ExchangeSlots, type ExchangeSlotsShape, exchangeSlotsWords, FULL } from '../memory/exchange-slots.ts';
import { Gcra, type Reservation } from '../memory/gcra.ts';
import type { CellKey } from '../memory/keyed-cells.ts';
import { LimitRows, NO_ROW } from '../memory/limit-rows.ts';
import { AtomicWords } from '../memory/words.ts';
import { cellKeyOf } from './cell-key.ts';
import type { Limit } from './limit-book.ts';

/** What is counted at once, over all threads: clients, and clients on sites. */
const CAPACITY = 2 ** 17;
/** Limits of exchanges under way that one thread may hold. */
const MOST_PLACES_EACH = 2 ** 16;
const MOST_PLACES = 2 ** 20;

/** Limits and sites whose rows a thread remembers; beyond, it finds them anew by their hashes. */
const MOST_KNOWN = 2 ** 16;

const NO_GENERATION = 0;

/** Where all threads count. */
export interface LimitMemory {
  readonly rows: SharedArrayBuffer;
  readonly places: SharedArrayBuffer;
  readonly shape: ExchangeSlotsShape;
  /** Hashes what is counted. */
  readonly key: Uint8Array;
}

/** Memory for so many workers, and the control thread. `key` is random, so that nobody can choose whom to meet. */
export function createLimitMemory(workers: number, key: Uint8Array): LimitMemory {
  const takers = workers + 1;
  const shape = { takers, slotsEach: Math.min(MOST_PLACES_EACH, Math.floor(MOST_PLACES / takers)) };
  const words = (count: number) => new SharedArrayBuffer(count * Int32Array.BYTES_PER_ELEMENT);
  return { rows: words(LimitRows.wordsFor(CAPACITY)), places: words(exchangeSlotsWords(shape)), shape, key };
}

/** What came of asking for one of a limit: it was taken (of an exchange under way `place` gives it back), or how long to wait, or
 *  there is no room to count it. */
export type Taken =
  | { readonly taken: true; readonly place: number }
  | { readonly taken: false; readonly waitMs: number | null };

/** How much of a limit is left. */
export interface LimitFigure {
  readonly limit: Limit;
  readonly left: number;
  /** Ms until all of it is back, or, where nothing is left, some of it; null where that is up to those under way. */
  readonly backInMs: number | null;
}

const NO_PLACE = -1;
const granted = Object.freeze({ taken: true, place: NO_PLACE } as const);
const noRoom = Object.freeze({ taken: false, waitMs: null } as const);

/** What all threads count against limits, as one thread (`taker`) sees it: exact over all of them, without a lock or a message. Time
 *  is an argument, in ms of the monotonic clock that all threads share. */
export class LimitCounts {
  readonly #memory: LimitMemory;
  readonly #taker: number;
  readonly #rows: LimitRows;
  readonly #words: AtomicWords;
  readonly #gcra: Gcra;
  #known = new WeakMap<Limit, Known | Map<string, Known>>();
  #knownCount = 0;
  #slots: ExchangeSlots | null = null;
  #marked: ReadonlySet<number> = new Set();

  constructor(memory: LimitMemory, taker: number) {
    this.#memory = memory;
    this.#taker = taker;
    const words = new AtomicWords(memory.rows);
    this.#words = words;
    this.#gcra = new Gcra(words);
    this.#rows = new LimitRows(words, (at, now) => this.#gcra.rests(at, now));
  }

  /** Takes one of `limit`, of that site's where it has a count for each. */
  take(limit: Limit, site: string, now: number): Taken {
    const known = this.#knownOf(limit, site);
    for (;;) {
      const row = this.#rowOf(known, now);
      if (row === NO_ROW) return noRoom;
      const taken = limit.pace === null ? this.#takePlace(row, limit.most) : this.#takeRate(row, limit.pace, now);
      // Between the look-up and the change the row may have become another key's.
      if (this.#rows.holds(row, known.key)) return taken;
      if (taken.taken) this.#undo(row, limit, taken.place);
    }
  }

  /** Takes `units` of a rate where they may come now; false where they may not, or can't be counted. */
  takeNow(limit: Limit, now: number, units: number): boolean {
    const known = this.#knownOf(limit, '');
    const { pace } = limit;
    for (;;) {
      const row = this.#rowOf(known, now);
      if (row === NO_ROW || pace === null) return false;
      const isTaken = this.#gcra.takeUnits(this.#rows.bucketAt(row), pace, { now, units }) === 0;
      if (this.#rows.holds(row, known.key)) return isTaken;
      if (isTaken) this.#gcra.giveBack(this.#rows.bucketAt(row), pace, units);
    }
  }

  /** Takes the next units of a rate that nobody has taken, for later; null where there is no room to count it. */
  reserve(limit: Limit, now: number, units = 1): Reservation | null {
    const known = this.#knownOf(limit, '');
    const { pace } = limit;
    for (;;) {
      const row = this.#rowOf(known, now);
      if (row === NO_ROW || pace === null) return null;
      const reservation = this.#gcra.reserve(this.#rows.bucketAt(row), pace, { now, units });
      if (this.#rows.holds(row, known.key)) return reservation;
      this.#gcra.cancel(this.#rows.bucketAt(row), reservation);
    }
  }

  /** Takes such a unit back where it can be. */
  cancel(limit: Limit, reservation: Reservation): void {
    const { key, row } = this.#knownOf(limit, '');
    if (this.#rows.holds(row, key)) this.#gcra.cancel(this.#rows.bucketAt(row), reservation);
  }

  /** Tells the other threads whether this one waits for a place of `limit`. */
  setWaiting(limit: Limit, isWaiting: boolean): void {
    const { key, row } = this.#knownOf(limit, '');
    if (this.#rows.holds(row, key)) this.#rows.setWaiting(row, this.#taker, isWaiting);
  }

  /** Whether other threads wait for a place of `limit`. */
  othersWait(limit: Limit): boolean {
    const { key, row } = this.#knownOf(limit, '');
    return this.#rows.holds(row, key) && this.#rows.othersWait(row, this.#taker);
  }

  /** Gives back a place. Only the first call does. */
  giveBack(place: number): void {
    this.#slots?.giveBack(place);
  }

  /** Gives back what was taken of a rate, and not used. */
  refund(limit: Limit, site: string, units = 1): void {
    const { key, row } = this.#knownOf(limit, site);
    if (limit.pace !== null && this.#rows.holds(row, key))
      this.#gcra.giveBack(this.#rows.bucketAt(row), limit.pace, units);
  }

  /** Ms until no more of a rate is owed than may be. */
  debtMs(limit: Limit, now: number): number {
    const row = this.#rows.find(this.#knownOf(limit, '').key);
    return row === NO_ROW || limit.pace === null ? 0 : this.#gcra.debtMs(this.#rows.bucketAt(row), limit.pace, now);
  }

  /** What is left of `limit`, of that site's where it has a count for each. */
  figure(limit: Limit, site: string, now: number): LimitFigure {
    const { most, pace } = limit;
    const { key } = this.#knownOf(limit, site);
    const row = this.#rows.find(key);
    if (pace === null) {
      const held = row === NO_ROW ? 0 : this.#placesOf().inFlight(row);
      return { limit, left: Math.max(0, most - held), backInMs: null };
    }
    if (row === NO_ROW) return { limit, left: Math.floor(pace.span / pace.cost), backInMs: 0 };
    const at = this.#rows.bucketAt(row);
    return { limit, left: this.#gcra.left(at, pace, now), backInMs: this.#gcra.backInMs(at, pace, now) };
  }

  /** Gives back all that a thread held when it died. Called by the control thread. */
  bury(taker: number): void {
    this.#placesOf().bury(taker);
    this.#rows.forgetWaiting(taker);
  }

  /** Frees what threads left half done when they died. Called by the control thread now and then. */
  tidy(): void {
    this.#marked = this.#rows.tidy(this.#marked);
  }

  #takePlace(row: number, most: number): Taken {
    const place = this.#placesOf().take(row, NO_GENERATION, most);
    if (place >= 0) return { taken: true, place };
    return place === FULL ? { taken: false, waitMs: 0 } : noRoom;
  }

  #takeRate(row: number, pace: NonNullable<Limit['pace']>, now: number): Taken {
    const waitMs = this.#gcra.take(this.#rows.bucketAt(row), pace, now);
    return waitMs === 0 ? granted : { taken: false, waitMs };
  }

  #undo(row: number, { pace }: Limit, place: number): void {
    if (pace === null) this.giveBack(place);
    else this.#gcra.giveBack(this.#rows.bucketAt(row), pace);
  }

  #rowOf(known: Known, now: number): number {
    if (!this.#rows.holds(known.row, known.key)) known.row = this.#rows.rowOf(known.key, now);
    return known.row;
  }

  /** Made when first needed: most threads need none, and their slots are many. */
  #placesOf(): ExchangeSlots {
    if (this.#slots === null) {
      const { places, shape } = this.#memory;
      this.#slots = new ExchangeSlots({ words: new AtomicWords(places), rows: this.#words }, shape, this.#taker);
    }
    return this.#slots;
  }

  /** Asked several times for each exchange: by the limit itself, so that no name has to be put together. */
  #knownOf(limit: Limit, site: string): Known {
    const known = this.#known.get(limit);
    if (known === undefined) return this.#meet(limit, site);
    if (!(known instanceof Map)) return known;
    return known.get(site) ?? this.#meet(limit, site);
  }

  #meet(limit: Limit, site: string): Known {
    if (this.#knownCount >= MOST_KNOWN) this.#known = new WeakMap();
    this.#knownCount = (this.#knownCount % MOST_KNOWN) + 1;
    const { key, perSite } = limit;
    const met: Known = { key: cellKeyOf(this.#memory.key, perSite ? `${key}\n${site}` : key), row: NO_ROW };
    const others = this.#known.get(limit);
    if (!perSite) this.#known.set(limit, met);
    else if (others instanceof Map) others.set(site, met);
    else this.#known.set(limit, new Map([[site, met]]));
    return met;
  }
}

interface Known {
  readonly key: CellKey;
  row: number;
}
