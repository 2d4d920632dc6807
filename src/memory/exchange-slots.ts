import type { Words } from './words.ts';

/** Who takes and who gives back at once: worker threads, and the control thread for its probes. */
export const MOST_TAKERS = 63;

/** What `take` returns where all of the taker's slots are held. */
export const NO_ROOM = -1;

/** What `take` returns where the row counts as many as it may. */
export const FULL = -2;

/** Words from one exit's row to the next; the first word of each row counts what is in flight. */
const ROW_WORDS = 16;

/** A row's count has 24 bits. Above them stands the tag of the last change while its slot doesn't show it yet. */
const COUNT_MASK = 0xff_ffff;

/** More than this no row counts. */
export const MOST_IN_FLIGHT = COUNT_MASK;

/** Each taker has a cache line for itself. Its only word: the slot of its change under way or of its last one, plus 1. */
const TAKER_WORDS = 16;

/** Words per slot: state (at 0), exit slot, its generation. The others are for what an exchange takes besides. */
const SLOT_WORDS = 8;
const EXIT = 1;
const GENERATION = 2;

/** Handles are the lower bits of a sequence number above a slot index: 31 bits, because what has more is an object for V8. Who gives back
 *  forgets its handle, so that they need not tell more than the last two thousand changes apart. */
const SLOT_BITS = 20;
const SLOT_MASK = 2 ** SLOT_BITS - 1;
const HANDLE_SEQUENCE = 2 ** 11 - 1;

/** A state is a phase below a sequence number, which grows with each change that the taker makes. */
const Phase = Object.freeze({ free: 0, taking: 1, held: 2, leaving: 3 });
const SEQUENCE_MASK = 0x3fff_ffff;
const phaseOf = (state: number): number => state & 3;
const stateOf = (sequence: number, phase: number): number => (sequence << 2) | phase;

/** The state once the change is done: a place that was being taken is held, one that was being left is free. */
const settled = (state: number): number => (phaseOf(state) === Phase.taking ? state + 1 : state - 3);
/** The state before the change. */
const undone = (state: number): number => state - 1;
const isChanging = (state: number): boolean => (state & 1) === 1;

/** Of a sequence number its tag shows two bits, so that a tag isn't taken for that of the change before. */
const tagOf = (taker: number, sequence: number): number => ((taker + 1) << 2) | (sequence & 3);
const takerOf = (tag: number): number => (tag >> 2) - 1;

export interface ExchangeSlotsShape {
  /** At most MOST_TAKERS. */
  readonly takers: number;
  /** Exchanges that one taker may have in flight; in all at most 2^20. */
  readonly slotsEach: number;
}

/** Words that the table takes. */
export function exchangeSlotsWords({ takers, slotsEach }: ExchangeSlotsShape): number {
  return takers * (TAKER_WORDS + slotsEach * SLOT_WORDS);
}

/** How many exchanges the word of an exit's row counts. */
export function countIn(inFlightWord: number): number {
  return inFlightWord & COUNT_MASK;
}

/** Running exchanges and the places they hold in flight over exits, as one thread (a taker) sees them. A taker that dies at any
 *  point leaves nothing behind that `bury` doesn't find, and nobody ever waits for another:
 *
 *  1. the slot says what is about to change (taking, leaving);
 *  2. one compare-and-set changes the row's count and lays the taker's tag beside it;
 *  3. the slot says that it is done (held, free);
 *  4. the tag is taken away.
 *
 *  Whoever meets a tag does steps 3 and 4 for its owner first. So a slot in change tells by the tag whether the count has changed.
 *  A taker writes its own slots plainly: others look at one behind a tag alone, and at a dead one's once its thread has ended.
 *  Exact unless a thread sleeps amid helping while the taker makes four or more changes and then dies within such a step. */
export class ExchangeSlots {
  readonly #words: Words;
  readonly #rows: Words;
  readonly #shape: ExchangeSlotsShape;
  readonly #taker: number;
  readonly #vacant: number[];
  #sequence: number;

  /** `taker` is this thread's number, 0 … takers - 1, used by no other thread at a time; after a death `bury` comes before the
   *  number's next use. `rows` are the exits' rows. */
  constructor(
    { words, rows }: { readonly words: Words; readonly rows: Words },
    shape: ExchangeSlotsShape,
    taker: number,
  ) {
    this.#words = words;
    this.#rows = rows;
    this.#shape = shape;
    this.#taker = taker;
    const last = words.load(taker * TAKER_WORDS);
    this.#sequence = last === 0 ? 0 : words.load(this.#slotAt(last - 1)) >>> 2;
    this.#vacant = this.#slotsOf(taker).filter((slot) => phaseOf(words.load(this.#slotAt(slot))) === Phase.free);
  }

  /** Takes a place in flight over the exit, of which there are `most`. Returns a handle for `giveBack`, NO_ROOM or FULL. */
  take(exitSlot: number, generation: number, most = COUNT_MASK): number {
    const slot = this.#vacant.pop();
    if (slot === undefined) return NO_ROOM;
    const at = this.#slotAt(slot);
    this.#words.put(at + EXIT, exitSlot);
    this.#words.put(at + GENERATION, generation);
    const changing = this.#announce(slot, Phase.taking);
    const counted = this.#count(exitSlot * ROW_WORDS, 1, most);
    if (counted === null) {
      this.#words.put(at, undone(changing));
      this.#vacant.push(slot);
      return FULL;
    }
    this.#finish(slot, changing, counted);
    return ((this.#sequence & HANDLE_SEQUENCE) << SLOT_BITS) | slot;
  }

  /** Gives back what `take` returned. Only the first call does; the others return false. */
  giveBack(handle: number): boolean {
    if (handle < 0) return false;
    const slot = handle & SLOT_MASK;
    // No other thread changes a place that is held, as long as this one lives.
    const state = this.#words.peek(this.#slotAt(slot));
    if (phaseOf(state) !== Phase.held || ((state >>> 2) & HANDLE_SEQUENCE) !== handle >> SLOT_BITS) return false;
    const changing = this.#announce(slot, Phase.leaving);
    const counted = this.#count(this.#rowAt(slot), -1, COUNT_MASK);
    if (counted !== null) this.#finish(slot, changing, counted);
    this.#vacant.push(slot);
    return true;
  }

  /** A number below `slotsEach` for a handle of this taker's: of all that it holds each has its own, small ones first. */
  indexOf(handle: number): number {
    return (handle & SLOT_MASK) - this.#taker * this.#shape.slotsEach;
  }

  /** Gives back all that a dead taker held, in whatever step it died. Called by one thread only, once the taker's thread has
   *  ended and before its number is used again. Returns how many places were given back. */
  bury(taker: number): number {
    const last = this.#words.load(taker * TAKER_WORDS);
    if (last !== 0) this.#settleDead(taker, last - 1);
    let given = 0;
    for (const slot of this.#slotsOf(taker)) {
      const at = this.#slotAt(slot);
      const state = this.#words.load(at);
      if (phaseOf(state) !== Phase.held) continue;
      // No tag is needed: with this thread the whole process would end.
      this.#rows.add(this.#rowAt(slot), -1);
      this.#words.store(at, state - Phase.held);
      given++;
    }
    return given;
  }

  /** Exchanges in flight over the exit now, whoever's they are. */
  inFlight(exitSlot: number): number {
    return countIn(this.#rows.load(exitSlot * ROW_WORDS));
  }

  /** The same at a glance: perhaps as it was a moment ago. */
  inFlightAbout(exitSlot: number): number {
    return countIn(this.#rows.peek(exitSlot * ROW_WORDS));
  }

  /** Begins the taker's next change: the slot says what. Returns its state. */
  #announce(slot: number, phase: number): number {
    this.#sequence = (this.#sequence + 1) & SEQUENCE_MASK;
    const changing = stateOf(this.#sequence, phase);
    this.#words.put(this.#taker * TAKER_WORDS, slot + 1);
    this.#words.put(this.#slotAt(slot), changing);
    return changing;
  }

  /** Changes a row's count and lays the change's tag beside it, once nobody else's is there. Returns the row's word as it left it;
   *  null where it would count more than `most`, and nothing has changed. */
  #count(row: number, by: number, most: number): number | null {
    const tag = tagOf(this.#taker, this.#sequence);
    for (;;) {
      const seen = this.#rows.peek(row);
      const counted = (seen + by) | (tag << 24);
      if (countIn(seen) + by > most) return null;
      if (seen >>> 24 !== 0) this.#help(row);
      else if (this.#rows.compareExchange(row, seen, counted) === seen) return counted;
    }
  }

  /** Ends the change: the slot says so, and the tag goes. `counted`: the row's word as #count left it. */
  #finish(slot: number, changing: number, counted: number): void {
    // Whoever helps writes the same, and only over `changing`.
    this.#words.put(this.#slotAt(slot), settled(changing));
    this.#clearTag(this.#rowAt(slot), counted);
  }

  /** Finishes the change whose tag stands in a row. Does nothing where there is none, or its taker has gone on since. */
  #help(row: number): void {
    const seen = this.#rows.load(row);
    const tag = seen >>> 24;
    if (tag === 0) return;
    const slot = this.#words.load(takerOf(tag) * TAKER_WORDS) - 1;
    const at = this.#slotAt(slot);
    const state = this.#words.load(at);
    // Only where the tag still stands after the state was read do the two belong together.
    if (tagOf(takerOf(tag), state >>> 2) !== tag || this.#rows.compareExchange(row, seen, seen) !== seen) return;
    if (isChanging(state)) this.#words.compareExchange(at, state, settled(state));
    this.#rows.compareExchange(row, seen, countIn(seen));
  }

  /** `last` is the row's word as it was seen with the tag; the count may have changed since. */
  #clearTag(row: number, last: number): void {
    let expected = last;
    do {
      const seen = this.#rows.compareExchange(row, expected, countIn(expected));
      if (seen === expected) return;
      expected = seen;
    } while (expected >>> 24 === last >>> 24);
  }

  /** Brings the last change of a dead taker to one of its two ends: its slot is held or free, and its tag is gone. */
  #settleDead(taker: number, slot: number): void {
    const row = this.#rowAt(slot);
    const at = this.#slotAt(slot);
    // In this order: a tag that isn't there while the state still shows the change was never laid.
    const seen = this.#rows.load(row);
    const state = this.#words.load(at);
    const counted = seen >>> 24 !== 0 && takerOf(seen >>> 24) === taker;
    if (isChanging(state)) this.#words.compareExchange(at, state, counted ? settled(state) : undone(state));
    if (counted) this.#clearTag(row, seen);
  }

  #slotsOf(taker: number): number[] {
    const { slotsEach } = this.#shape;
    return Array.from({ length: slotsEach }, (_, i) => taker * slotsEach + slotsEach - 1 - i);
  }

  #slotAt(slot: number): number {
    return this.#shape.takers * TAKER_WORDS + slot * SLOT_WORDS;
  }

  #rowAt(slot: number): number {
    return this.#words.peek(this.#slotAt(slot) + EXIT) * ROW_WORDS;
  }
}
