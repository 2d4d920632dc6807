import type { Pace } from '../memory/gcra.ts';

/** For how long units are taken ahead, in ms. */
const AHEAD_MS = 2;

/** Who takes the second one within this takes some ahead, in ms. */
const BUSY_MS = AHEAD_MS / 4;

/** So many units at once, and no more than this part of the burst: what one thread holds isn't there for another's requests. */
const LEAST_UNITS = 4;
const MOST_UNITS = 32;
const PART_OF_BURST = 256;

/** The lead by which they are booked later than they may be used, in ticks, as a part of the burst. */
const MOST_LEAD = 1 / 128;

/** Units of a rate that one thread has taken for requests that it expects within 2 ms, because they come one upon the other: each then
 *  costs no access to shared memory. Only of large bursts, and none where half of the burst is owed (see Gcra.takeAhead): who
 *  comes near a limit is counted one by one. What isn't used in time is lost to everyone. */
export class UnitsAhead {
  readonly #most: number;
  #batch = 0;
  #left = 0;
  #until = Number.NEGATIVE_INFINITY;
  #askedAt = Number.NEGATIVE_INFINITY;

  private constructor(most: number) {
    this.#most = most;
  }

  /** Null where the burst is too small for it. */
  static of({ span, cost, ticksPerMs }: Pace): UnitsAhead | null {
    const most = Math.min(MOST_UNITS, Math.floor(span / cost / PART_OF_BURST));
    return most < LEAST_UNITS || AHEAD_MS * ticksPerMs > span * MOST_LEAD ? null : new UnitsAhead(most);
  }

  /** Uses one of them `now`; false where there is none. */
  use(now: number): boolean {
    if (this.#left === 0 || now > this.#until) return false;
    this.#left--;
    return true;
  }

  /** One is asked of all threads' count `now`: how many to take with it, it among them; 0 where one is enough. As many as were used up in
   *  time the last time, and more each time. */
  wanted(now: number): number {
    const [wasLeft, isBusy] = [this.#left > 0, now - this.#askedAt <= BUSY_MS];
    this.#left = 0;
    this.#askedAt = now;
    if (wasLeft) this.#batch >>= 1;
    else if (this.#batch > 0 && now <= this.#until) this.#batch = Math.min(this.#most, 2 * this.#batch);
    else this.#batch = isBusy ? LEAST_UNITS : 0;
    if (this.#batch < LEAST_UNITS) this.#batch = 0;
    return this.#batch;
  }

  /** Until when those that are taken `now` may be used. */
  until(now: number): number {
    return now + AHEAD_MS;
  }

  /** So many were taken, of which the first is used at once. */
  took(units: number, until: number): void {
    this.#left = units - 1;
    this.#until = until;
  }
}

/** How many places one thread keeps of one limit, and no more than this part of all. */
const MOST_PLACES = 32;
const PART_OF_PLACES = 64;

/** What `use` returns where none is kept. */
export const NO_SPARE = -1;

/** Places of exchanges that have ended, which one thread keeps for those that it expects next: they cost no access to shared memory then.
 *  Only of limits that let many in, and no more than this thread has in use: whoever holds none keeps none. What isn't used for a while
 *  is given back: see `unused`. */
export class SparePlaces {
  readonly #most: number;
  readonly #kept: number[] = [];
  #count = 0;
  #used = 0;
  /** The fewest that were kept since `unused` was asked. */
  #least = 0;
  /** Whether there is somebody who looks at them. */
  isWatched = false;

  private constructor(most: number) {
    this.#most = most;
  }

  /** Null where so few may be under way that each counts. */
  static of(most: number): SparePlaces | null {
    const kept = Math.min(MOST_PLACES, Math.floor(most / PART_OF_PLACES));
    return kept === 0 ? null : new SparePlaces(kept);
  }

  /** Whether none is kept. */
  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** Uses one that was kept. */
  use(): number {
    if (this.#count === 0) return NO_SPARE;
    this.#used++;
    return this.#takeOut();
  }

  /** One was taken of all threads' count, and is in use. */
  took(): void {
    this.#used++;
  }

  /** One is in use no more. Keeps it where it may, and `isRoomy`: false where it is to be given back. */
  keep(place: number, isRoomy: boolean): boolean {
    this.#used--;
    if (!isRoomy || this.#count >= Math.min(this.#most, this.#used)) return false;
    this.#kept[this.#count++] = place;
    return true;
  }

  /** One that is to be given back: it is kept beyond those in use, or where it isn't roomy any more. NO_SPARE where there is none. */
  surplus(isRoomy: boolean): number {
    return this.#count > (isRoomy ? this.#used : 0) ? this.#takeOut() : NO_SPARE;
  }

  /** Those that weren't used since this was asked last, and are to be given back. */
  unused(): readonly number[] {
    this.#count -= this.#least;
    const unused = this.#kept.slice(this.#count, this.#count + this.#least);
    this.#least = this.#count;
    return unused;
  }

  #takeOut(): number {
    const place = this.#kept[--this.#count] ?? NO_SPARE;
    if (this.#count < this.#least) this.#least = this.#count;
    return place;
  }
}
