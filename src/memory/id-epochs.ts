import type { Words } from './words.ts';

/** Words of a slot: the epoch of the id that it goes by, 0 while none was used; and when that was used last. */
const SLOT_WORDS = 2;
const EPOCH = 0;
const USED = 1;

/** How long an id stands for one address, in ms; null where that isn't known to end. */
export interface IdLife {
  readonly lifetimeMs: number | null;
  readonly idleMs: number | null;
}

export interface IdEpochsOptions {
  /** Added to the seconds of the monotonic clock, so that no epoch comes again after a restart: the same for all threads. */
  readonly offsetS: number;
  /** Told that a slot goes by another id from now on: what was learned of the former one is of no use. */
  readonly onRenewed: (slot: number, now: number) => void;
}

/** Which of its ids each slot goes by whose vendor gives an id's address for so long and no longer, as all threads agree. An epoch
 *  is the second in which its id was first used. Times are ms of the monotonic clock that all threads share. */
export class IdEpochs {
  readonly #words: Words;
  readonly #options: IdEpochsOptions;

  constructor(words: Words, options: IdEpochsOptions) {
    this.#words = words;
    this.#options = options;
  }

  static wordsFor(slots: number): number {
    return slots * SLOT_WORDS;
  }

  epochOf(slot: number): number {
    return this.#words.load(slot * SLOT_WORDS + EPOCH);
  }

  /** Uses the slot's id: the one that it goes by, or another where that is over or hasn't `leftMs` left. Returns its epoch. */
  use(slot: number, life: IdLife, { now, leftMs = 0 }: { readonly now: number; readonly leftMs?: number }): number {
    const at = slot * SLOT_WORDS;
    const nowS = this.#secondsAt(now);
    for (;;) {
      const epoch = this.#words.load(at + EPOCH);
      if (epoch !== 0 && !this.#isOver(slot, life, { now, leftMs })) {
        this.#words.store(at + USED, nowS);
        return epoch;
      }
      const next = Math.max(nowS, epoch + 1);
      if (this.#words.compareExchange(at + EPOCH, epoch, next) !== epoch) continue;
      this.#words.store(at + USED, nowS);
      if (epoch !== 0) this.#options.onRenewed(slot, now);
      return next;
    }
  }

  /** Notes that an id was used by which a session goes. */
  touch(slot: number, epoch: number, now: number): void {
    if (this.epochOf(slot) === epoch) this.#words.store(slot * SLOT_WORDS + USED, this.#secondsAt(now));
  }

  /** Lets go of the slot's id if it is over, so that what was learned of it keeps nobody from the next. Returns whether it was. */
  retire(slot: number, life: IdLife, now: number): boolean {
    const epoch = this.epochOf(slot);
    if (epoch === 0 || !this.#isOver(slot, life, { now, leftMs: 0 })) return false;
    if (this.#words.compareExchange(slot * SLOT_WORDS + EPOCH, epoch, 0) !== epoch) return false;
    this.#options.onRenewed(slot, now);
    return true;
  }

  /** How long ago an epoch began; Infinity for what was none. */
  ageMs(epoch: number, now: number): number {
    const age = (this.#secondsAt(now) - epoch) * 1000;
    // The next epoch of the same second is a little ahead.
    return age > -60_000 && epoch > 0 ? Math.max(0, age) : Number.POSITIVE_INFINITY;
  }

  #isOver(
    slot: number,
    { lifetimeMs, idleMs }: IdLife,
    { now, leftMs }: { readonly now: number; readonly leftMs: number },
  ): boolean {
    const at = slot * SLOT_WORDS;
    if (lifetimeMs !== null && this.ageMs(this.#words.load(at + EPOCH), now) + leftMs >= lifetimeMs) return true;
    return idleMs !== null && this.ageMs(this.#words.load(at + USED), now) >= idleMs;
  }

  #secondsAt(now: number): number {
    return (this.#options.offsetS + Math.floor(now / 1000)) | 0;
  }
}
