import type { Words } from './words.ts';

/** Ticks of a bucket's own clock that one unit costs at most. A unit may come back a tick early: of a day no more than a tenth of a
 *  second. */
const MOST_COST = 2 ** 20;

/** What may be owed, in ticks, is no more than this: an eighth of what a word can tell apart. */
const MOST_SPAN = 2 ** 28;

/** A bucket's clock wraps no sooner than in so many ms. */
const LEAST_WRAP_MS = 3_600_000;

/** So many reservations may stand beyond the burst: one of each thread. */
const MOST_RESERVED = 64;

/** What may be owed, in ticks, with reservations of all who wait: half of what a word can tell apart, and a quarter of an hour at the
 *  least. */
const MOST_OWED = 2 ** 30;

/** A moment, as a part of the time in which what is given back would have come back by itself. */
const MOMENT = 1 / 1024;

/** A bucket takes two words, next to each other. */
const RESTS = 1;

/** How fast a bucket empties, and how much it holds. Its clock ticks so that a unit costs a whole number of ticks: sums of
 *  fractions would let in one too many, or one too few. */
export interface Pace {
  readonly ticksPerMs: number;
  /** Ticks that one unit costs. */
  readonly cost: number;
  /** Ticks that may be owed at once: the burst. */
  readonly span: number;
  /** Ticks that may be owed with all that is reserved beyond the burst: what is more is no word of this pace. */
  readonly most: number;
}

/** The pace of `count` units in `windowMs`, of which `burst` may come at once. All are positive, and `burst` is at least 1. */
export function paceOf({ count, windowMs, burst }: PaceTerms): Pace {
  const intervalMs = windowMs / count;
  const byWrap = Math.floor((2 ** 32 / LEAST_WRAP_MS) * intervalMs);
  const cost = Math.max(1, Math.min(MOST_COST, byWrap, Math.floor(MOST_SPAN / burst)));
  const span = burst * cost;
  return { ticksPerMs: cost / intervalMs, cost, span, most: span + MOST_RESERVED * cost };
}

/** The pace of what comes one by one, each `intervalMs` behind the one before, where whoever waits has a reservation of its own: as many as
 *  come within MOST_OWED. */
export function gapPaceOf(intervalMs: number): Pace {
  return { ...paceOf({ count: 1, windowMs: intervalMs, burst: 1 }), most: MOST_OWED };
}

export interface PaceTerms {
  readonly count: number;
  readonly windowMs: number;
  readonly burst: number;
}

/** A unit that was taken for later. */
export interface Reservation {
  readonly waitMs: number;
  /** The bucket's word behind it, and what it cost, in ticks. */
  readonly mark: number;
  readonly cost: number;
}

/** Units that are taken now and used by and by, in ms of the clock. */
export interface AheadTerms {
  readonly now: number;
  readonly units: number;
  readonly until: number;
}

/** How much of a flow may come at once, in ms of its pace. */
const FLOW_BURST_MS = 200;

/** The pace of a flow, of which a fifth of a second's worth may come at once. A unit's cost is no whole number of ticks; charges are
 *  rounded up to a microsecond, or, of a flow below 1 MB/s, to what one unit takes. So much is owed at most in any case: 10⁹ units. */
export function flowPaceOf(unitsPerSecond: number): Pace {
  const ticksPerMs = Math.min(1_000, Math.max(1, unitsPerSecond / 1_000));
  return { ticksPerMs, cost: (1_000 * ticksPerMs) / unitsPerSecond, span: FLOW_BURST_MS * ticksPerMs, most: MOST_OWED };
}

/** Buckets of the generic cell rate algorithm (ITU-T I.371) in words that all threads share. A bucket's first word is the tick, of
 *  32 bits that wrap, at which nothing is owed any more; the second one is the same in whole seconds, by which a first word from
 *  before the wrap is known. What is let in is exact, however many threads ask. Time is an argument, in ms of the monotonic clock
 *  that all threads share, so that a change of the wall clock changes nothing. */
export class Gcra {
  readonly #words: Words;
  /** What take() asks for, so that it makes nothing. */
  readonly #one = { now: 0, units: 1 };

  /** Buckets stand anywhere in `words`, all zeros at first. */
  constructor(words: Words) {
    this.#words = words;
  }

  /** Takes one unit of the bucket at `at`. Returns 0, or after how many ms it is worth asking again. */
  take(at: number, pace: Pace, now: number): number {
    this.#one.now = now;
    return this.takeUnits(at, pace, this.#one);
  }

  /** Takes so many units, or none. Returns the same. */
  takeUnits(at: number, pace: Pace, { now, units }: { readonly now: number; readonly units: number }): number {
    const { ticksPerMs, span, most } = pace;
    const cost = Math.ceil(pace.cost * units);
    const tick = Math.floor(now * ticksPerMs);
    for (;;) {
      const seen = this.#words.load(at);
      const restsAt = this.#words.peek(at + RESTS);
      const owed = isPast(restsAt, now) ? 0 : owedBy(seen, tick, most);
      if (owed + cost > span) return Math.max(1, (owed + cost - span) / ticksPerMs);
      this.#restsBy(at, restsAt, now + (owed + cost) / ticksPerMs);
      if (this.#words.compareExchange(at, seen, (tick + owed + cost) | 0) === seen) return 0;
    }
  }

  /** Takes so many units, one of them `now` and the others until `until`, whenever that is: they are booked as if all were used only then,
   *  so no window ever sees more than the pace allows. False where half of the burst would be owed behind it, and nothing is taken. */
  takeAhead(at: number, pace: Pace, { now, units, until }: AheadTerms): boolean {
    const { ticksPerMs, cost, span, most } = pace;
    const tick = Math.floor(now * ticksPerMs);
    const lead = Math.ceil(until * ticksPerMs) - tick;
    for (;;) {
      const seen = this.#words.load(at);
      const restsAt = this.#words.peek(at + RESTS);
      const owed = Math.max(lead, isPast(restsAt, now) ? 0 : owedBy(seen, tick, most)) + cost * units;
      if (2 * owed > span) return false;
      this.#restsBy(at, restsAt, now + owed / ticksPerMs);
      if (this.#words.compareExchange(at, seen, (tick + owed) | 0) === seen) return true;
    }
  }

  /** Takes the next units that aren't taken yet, and tells in how many ms they may be used: 0 where that is now. Units are given in
   *  the order in which they are asked for. */
  reserve(at: number, pace: Pace, { now, units }: { readonly now: number; readonly units: number }): Reservation {
    const { ticksPerMs, span, most } = pace;
    const cost = Math.ceil(pace.cost * units);
    const tick = Math.floor(now * ticksPerMs);
    for (;;) {
      const seen = this.#words.load(at);
      const restsAt = this.#words.peek(at + RESTS);
      const owed = isPast(restsAt, now) ? 0 : owedBy(seen, tick, most);
      const mark = (tick + owed + cost) | 0;
      this.#restsBy(at, restsAt, now + (owed + cost) / ticksPerMs);
      if (this.#words.compareExchange(at, seen, mark) !== seen) continue;
      return { waitMs: Math.max(0, (owed + cost - span) / ticksPerMs), mark, cost };
    }
  }

  /** Takes a reservation back, if none was made behind it. */
  cancel(at: number, { mark, cost }: Reservation): void {
    this.#words.compareExchange(at, mark, (mark - cost) | 0);
  }

  /** The bucket's word behind a unit that was taken at `now` when nothing was owed. */
  markOf({ ticksPerMs, cost }: Pace, now: number): number {
    return (Math.floor(now * ticksPerMs) + cost) | 0;
  }

  /** Of a bucket whose word is still `mark`: as if its last unit had been taken at `now`, when nothing was owed. False for another. */
  postpone(at: number, pace: Pace, { mark, now }: { readonly mark: number; readonly now: number }): boolean {
    const later = this.markOf(pace, now);
    if (((later - mark) | 0) < 0) return this.#words.load(at) === mark;
    this.#restsBy(at, this.#words.peek(at + RESTS), now + pace.cost / pace.ticksPerMs);
    return this.#words.compareExchange(at, mark, later) === mark;
  }

  /** Gives back units that were taken and not used. */
  giveBack(at: number, { cost }: Pace, units = 1): void {
    this.#words.add(at, -Math.floor(cost * units));
  }

  /** The same `heldMs` after they were taken: of what has drained since nothing is given back, or it would be taken off what others have
   *  taken meanwhile. But after a moment all of it is: of many that were held side by side only one drained. */
  giveBackLate(
    at: number,
    { ticksPerMs, cost }: Pace,
    { units, heldMs }: { readonly units: number; readonly heldMs: number },
  ): void {
    const whole = Math.floor(cost * units);
    const drained = Math.ceil(heldMs * ticksPerMs);
    const worth = drained <= whole * MOMENT ? whole : whole - drained;
    if (worth > 0) this.#words.add(at, -worth);
  }

  /** Units that may be taken at once, now. */
  left(at: number, pace: Pace, now: number): number {
    return Math.max(0, Math.floor((pace.span - this.#owedNow(at, pace, now)) / pace.cost));
  }

  /** Ms until no more than the burst is owed. */
  debtMs(at: number, pace: Pace, now: number): number {
    return Math.max(0, this.#owedNow(at, pace, now) - pace.span) / pace.ticksPerMs;
  }

  /** Ms until the bucket is whole again; of one that lets nothing in, until it does. */
  backInMs(at: number, pace: Pace, now: number): number {
    return backInMs(pace, this.#owedNow(at, pace, now));
  }

  /** Whether nothing is owed to the bucket at `at`, whatever its pace. */
  rests(at: number, now: number): boolean {
    return isPast(this.#words.load(at + RESTS), now);
  }

  /** The bucket at `at`, which holds nothing itself, is not to rest before `untilMs`. */
  keep(at: number, untilMs: number): void {
    this.#restsBy(at, this.#words.load(at + RESTS), Math.min(untilMs, LAST_MS));
  }

  /** An estimate: others go on meanwhile. */
  #owedNow(at: number, { ticksPerMs, most }: Pace, now: number): number {
    const seen = this.#words.peek(at);
    return isPast(this.#words.peek(at + RESTS), now) ? 0 : owedBy(seen, Math.floor(now * ticksPerMs), most);
  }

  /** Before the first word changes the second one does: who sees a new first word, and reads the second one behind it, sees one that
   *  is no older. `lastSeen`: of the second word, which only ever grows. */
  #restsBy(at: number, lastSeen: number, whenMs: number): void {
    const second = secondOf(whenMs) + 1;
    for (let seen = lastSeen; seen - second < 0; ) {
      const before = this.#words.compareExchange(at + RESTS, seen, second);
      if (before === seen) return;
      seen = before;
    }
  }
}

const backInMs = ({ cost, span, ticksPerMs }: Pace, owed: number): number =>
  (owed + cost > span ? owed + cost - span : owed) / ticksPerMs;

/** Ticks owed at `tick` by a first word `seen`. */
function owedBy(seen: number, tick: number, most: number): number {
  const ahead = (seen - tick) | 0;
  // More than may be owed is the skew of another thread's clock, or another pace's word: it must neither open nor freeze.
  return ahead < 0 ? 0 : Math.min(ahead, most);
}

/** Whether the second that a bucket's second word tells has passed. */
const isPast = (restsAt: number, now: number): boolean => secondOf(now) - restsAt >= 0;

/** No second is later: see secondOf. */
const LAST_MS = (2 ** 31 - 3) * 1000;

/** Seconds since the clock's beginning, from 1 on; a word holds 68 years of them. */
const secondOf = (ms: number): number => Math.floor(ms / 1000) + 1;
