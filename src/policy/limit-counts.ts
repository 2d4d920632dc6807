import { ExchangeSlots, type ExchangeSlotsShape, exchangeSlotsWords, FULL } from '../memory/exchange-slots.ts';
import { Gcra, type Pace, type Reservation } from '../memory/gcra.ts';
import { LimitRows, NO_ROW } from '../memory/limit-rows.ts';
import { AtomicWords } from '../memory/words.ts';
import type { Limit } from './limit-book.ts';
import { type LimitCell, LimitCells } from './limit-cells.ts';
import { NO_SPARE, type SparePlaces } from './taken-ahead.ts';

/** What is counted at once, over all threads: so many limits of clients and quotas, and four times as many of sites. */
const CAPACITY = 2 ** 17;
/** Limits of exchanges under way that one thread may hold. */
const MOST_PLACES_EACH = 2 ** 16;
const MOST_PLACES = 2 ** 20;
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

/** What `take` returns beside places, which are 0 or more: one of a rate was taken; none is left; there is no room to count it. */
export const TAKEN = -1;
export const NONE_LEFT = -2;
export const UNCOUNTED = -3;

/** How much of a limit is left. */
export interface LimitFigure {
  readonly limit: Limit;
  readonly left: number;
  /** Ms until all of it is back, or, where nothing is left, some of it; null where that is up to those under way. */
  readonly backInMs: number | null;
}

/** What all threads count against limits, as one thread (`taker`) sees it: exact over all of them, without a lock or a message. Time
 *  is an argument, in ms of the monotonic clock that all threads share. */
export class LimitCounts {
  readonly #memory: LimitMemory;
  readonly #taker: number;
  readonly #rows: LimitRows;
  readonly #words: AtomicWords;
  readonly #gcra: Gcra;
  readonly #cells: LimitCells;
  #slots: ExchangeSlots | null = null;
  /** Of places that are in use, by their index, the cells that may keep them; null of those that are kept. */
  readonly #keepers: (LimitCell | null | undefined)[] = [];
  /** Where places may be kept. */
  readonly #keeping = new Set<SparePlaces>();
  #marked: ReadonlySet<number> = new Set();

  constructor(memory: LimitMemory, taker: number) {
    this.#memory = memory;
    this.#taker = taker;
    this.#cells = new LimitCells(memory.key);
    const words = new AtomicWords(memory.rows);
    this.#words = words;
    this.#gcra = new Gcra(words);
    this.#rows = new LimitRows(words, (at, now) => this.#gcra.rests(at, now));
  }

  /** Where `limit` is counted: of that site, where it has a count for each. Worth keeping by who asks often. */
  cellOf(limit: Limit, site = ''): LimitCell {
    return this.#cells.of(limit, site);
  }

  /** Takes one. Of exchanges under way it returns what gives it back, 0 or more; else TAKEN, or why nothing was taken: NONE_LEFT
   *  (see `waitMs`) or UNCOUNTED. */
  take(cell: LimitCell, now: number): number {
    const { ahead, spare } = cell;
    if (ahead?.use(now)) return TAKEN;
    if (spare === null) return this.#take(cell, now);
    const kept = spare.use();
    const place = kept === NO_SPARE ? this.#take(cell, now) : kept;
    if (place < 0) return place;
    if (kept === NO_SPARE) spare.took();
    this.#keepers[this.#placesOf().indexOf(place)] = cell;
    return place;
  }

  #take(cell: LimitCell, now: number): number {
    const { most, pace } = cell.limit;
    for (;;) {
      const row = this.#rowOf(cell, now);
      if (row === NO_ROW) return UNCOUNTED;
      if (pace !== null && this.#takeAhead(cell, pace, now)) return TAKEN;
      const taken = pace === null ? this.#takePlace(row, most) : this.#takeRate(row, pace, now);
      // Between the look-up and the change the row may have become another key's.
      if (this.#rows.holds(row, cell.key)) return taken;
      if (taken >= 0) this.#slots?.giveBack(taken);
      else if (taken === TAKEN && pace !== null) this.#gcra.giveBack(this.#rows.bucketAt(row), pace);
    }
  }

  /** Takes several at once for what is expected next, of a rate that is asked often; false where it isn't, or hasn't as many. */
  #takeAhead({ ahead, key, row }: LimitCell, pace: Pace, now: number): boolean {
    const units = ahead === null ? 0 : ahead.wanted(now);
    if (ahead === null || units === 0) return false;
    const until = ahead.until(now);
    const at = this.#rows.bucketAt(row);
    if (!this.#gcra.takeAhead(at, pace, { now, units, until })) return false;
    if (!this.#rows.holds(row, key)) {
      this.#gcra.giveBack(at, pace, units);
      return false;
    }
    ahead.took(units, until);
    return true;
  }

  /** Of a rate of which none is left: after how many ms it is worth asking again. 0 for exchanges under way, which is up to them. */
  waitMs(cell: LimitCell, now: number): number {
    const { pace } = cell.limit;
    const row = this.#find(cell);
    return row === NO_ROW || pace === null ? 0 : Math.max(1, this.#gcra.backInMs(this.#rows.bucketAt(row), pace, now));
  }

  /** Takes `units` of a rate where they may come now; false where they may not, or can't be counted. */
  takeNow(cell: LimitCell, now: number, units: number): boolean {
    const { pace } = cell.limit;
    for (;;) {
      const row = this.#rowOf(cell, now);
      if (row === NO_ROW || pace === null) return false;
      const isTaken = this.#gcra.takeUnits(this.#rows.bucketAt(row), pace, { now, units }) === 0;
      if (this.#rows.holds(row, cell.key)) return isTaken;
      if (isTaken) this.#gcra.giveBack(this.#rows.bucketAt(row), pace, units);
    }
  }

  /** Takes the next units of a rate that nobody has taken, for later; null where there is no room to count it. */
  reserve(cell: LimitCell, now: number, units = 1): Reservation | null {
    const { pace } = cell.limit;
    for (;;) {
      const row = this.#rowOf(cell, now);
      if (row === NO_ROW || pace === null) return null;
      const reservation = this.#gcra.reserve(this.#rows.bucketAt(row), pace, { now, units });
      if (this.#rows.holds(row, cell.key)) return reservation;
      this.#gcra.cancel(this.#rows.bucketAt(row), reservation);
    }
  }

  /** Takes such a unit back where it can be. */
  cancel({ key, row }: LimitCell, reservation: Reservation): void {
    if (this.#rows.holds(row, key)) this.#gcra.cancel(this.#rows.bucketAt(row), reservation);
  }

  /** The count behind one that was taken at `now`, of a rate without a burst. */
  markOf({ limit: { pace } }: LimitCell, now: number): number {
    return pace === null ? 0 : this.#gcra.markOf(pace, now);
  }

  /** One of a rate without a burst, with this mark, is used only now: the next may come that much later. False where others were taken
   *  behind it, and nothing changes. */
  postpone({ limit: { pace }, key, row }: LimitCell, mark: number, now: number): boolean {
    return (
      pace !== null && this.#rows.holds(row, key) && this.#gcra.postpone(this.#rows.bucketAt(row), pace, { mark, now })
    );
  }

  /** Tells the other threads whether this one waits for a place. */
  setWaiting({ key, row }: LimitCell, isWaiting: boolean): void {
    if (this.#rows.holds(row, key)) this.#rows.setWaiting(row, this.#taker, isWaiting);
  }

  /** Whether other threads wait for a place. */
  othersWait({ key, row }: LimitCell): boolean {
    return this.#rows.seemsToHold(row, key) && this.#rows.othersWait(row, this.#taker);
  }

  /** Gives back a place. Only the first call does: who gives one back forgets it. */
  giveBack(place: number): void {
    if (place < 0) return;
    const places = this.#placesOf();
    const keeper = this.#keepers[places.indexOf(place)];
    if (keeper === undefined) places.giveBack(place);
    else if (keeper !== null) this.#endUse(keeper, place);
  }

  /** Gives back places that are kept and weren't used since the last call: another thread may be in need of them, and those of a limit that
   *  a reload has made anew are used no more. To be called a few times a second. */
  giveBackUnused(): void {
    for (const spare of this.#keeping) {
      for (const place of spare.unused()) this.#release(place);
      if (!spare.isEmpty) continue;
      spare.isWatched = false;
      this.#keeping.delete(spare);
    }
  }

  /** Gives back what was taken of a rate, and not used. */
  refund({ limit: { pace }, key, row }: LimitCell, units = 1): void {
    if (pace !== null && this.#rows.seemsToHold(row, key)) this.#gcra.giveBack(this.#rows.bucketAt(row), pace, units);
  }

  /** The same of what was taken so many ms ago: worth what can't have come back since. */
  refundLate({ limit: { pace }, key, row }: LimitCell, heldMs: number, units = 1): void {
    if (pace !== null && this.#rows.seemsToHold(row, key))
      this.#gcra.giveBackLate(this.#rows.bucketAt(row), pace, { units, heldMs });
  }

  /** Ms until no more of a rate is owed than may be. */
  debtMs(cell: LimitCell, now: number): number {
    const { pace } = cell.limit;
    const row = this.#find(cell);
    return row === NO_ROW || pace === null ? 0 : this.#gcra.debtMs(this.#rows.bucketAt(row), pace, now);
  }

  /** How much of it is left, and when some more of it is back. */
  figure(cell: LimitCell, now: number): LimitFigure {
    return { limit: cell.limit, left: this.left(cell, now), backInMs: this.backInMs(cell, now) };
  }

  /** As a figure tells it, by what all threads have taken. */
  left(cell: LimitCell, now: number): number {
    const { most, pace } = cell.limit;
    const row = this.#find(cell);
    if (pace !== null)
      return row === NO_ROW ? Math.floor(pace.span / pace.cost) : this.#gcra.left(this.#rows.bucketAt(row), pace, now);
    return row === NO_ROW ? most : Math.max(0, most - this.#placesOf().inFlightAbout(row));
  }

  /** As a figure tells it. */
  backInMs(cell: LimitCell, now: number): number | null {
    const { pace } = cell.limit;
    if (pace === null) return null;
    const row = this.#find(cell);
    return row === NO_ROW ? 0 : this.#gcra.backInMs(this.#rows.bucketAt(row), pace, now);
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

  /** A place of a cell that keeps some is in use no more. */
  #endUse({ spare, row, limit: { most } }: LimitCell, place: number): void {
    if (spare === null) return;
    const places = this.#placesOf();
    // Where half of them are taken another thread may be in need of it, and of those that are kept.
    const isRoomy = 2 * places.inFlightAbout(row) <= most;
    if (spare.keep(place, isRoomy)) {
      this.#keepers[places.indexOf(place)] = null;
      if (!spare.isWatched) this.#keeping.add(spare);
      spare.isWatched = true;
    } else this.#release(place);
    for (let more = spare.surplus(isRoomy); more !== NO_SPARE; more = spare.surplus(isRoomy)) this.#release(more);
  }

  #release(place: number): void {
    const places = this.#placesOf();
    this.#keepers[places.indexOf(place)] = undefined;
    places.giveBack(place);
  }

  #takePlace(row: number, most: number): number {
    const place = this.#placesOf().take(row, NO_GENERATION, most);
    if (place >= 0) return place;
    return place === FULL ? NONE_LEFT : UNCOUNTED;
  }

  #takeRate(row: number, pace: Pace, now: number): number {
    return this.#gcra.take(this.#rows.bucketAt(row), pace, now) === 0 ? TAKEN : NONE_LEFT;
  }

  /** The cell's row, made if need be. */
  #rowOf(cell: LimitCell, now: number): number {
    if (!this.#rows.seemsToHold(cell.row, cell.key)) cell.row = this.#rows.rowOf(cell.key, now);
    return cell.row;
  }

  /** The cell's row, or NO_ROW. */
  #find(cell: LimitCell): number {
    if (!this.#rows.seemsToHold(cell.row, cell.key)) cell.row = this.#rows.find(cell.key);
    return cell.row;
  }

  /** Made when first needed: most threads need none, and their slots are many. */
  #placesOf(): ExchangeSlots {
    if (this.#slots === null) {
      const { places, shape } = this.#memory;
      this.#slots = new ExchangeSlots({ words: new AtomicWords(places), rows: this.#words }, shape, this.#taker);
    }
    return this.#slots;
  }
}
