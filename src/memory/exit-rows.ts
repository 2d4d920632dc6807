import { elapsedMs } from './clock.ts';
import { AtomicWords, type Words } from './words.ts';

/** Words of a row: 16, that is one cache line of 64 octets, because a pick at a million exits costs what its cache misses cost. */
export const EXIT_WORDS = 16;

/** What each word of an exit's row holds. `i` are Int32, `f` Float32; times are words of the shared clock. */
export const ExitWord = Object.freeze({
  /** i: exchanges in flight over it, in the low 24 bits; the upper ones are free for a protocol that adds and gives back. */
  inFlight: 0,
  /** i: raised whenever another exit moves in, or its exit leaves. */
  generation: 1,
  /** f: natural logarithm of its latency over its group's. */
  speed: 2,
  /** f: variance of what is known of `speed`, as of `at`; 0 where nothing is. */
  doubt: 3,
  /** f: times its way through worked, and failed; both decay. */
  good: 4,
  bad: 5,
  /** i: when the decaying figures (good, bad, doubt) were last renewed. */
  at: 6,
  /** f: natural logarithm of its width (how many exchanges at once make it take twice as long) over its provider's. */
  width: 7,
  /** i: attempts over it that wait for an answer. Kept exactly but for threads that die; those die out with its exchanges. */
  waiting: 8,
  /** i: when it joined. */
  joined: 9,
  /** i: when it last worked; holds where `history` says that it ever did. */
  workedAt: 10,
  /** i: since when none of those that wait was answered. */
  waitingSince: 11,
  /** i: the fields and bits of `History`. */
  history: 12,
  /** i: until when the simple strategies leave it alone. */
  ejectedUntil: 13,
  /** i: its group in the low 16 bits, then the bits of `ExitFlag`. */
  group: 14,
  /** f: peak-sensitive mean of its latency in ms, for the simple strategies. */
  latency: 15,
});

const IN_FLIGHT_MASK = 0xff_ffff;
const LOW = 0xffff;

/** What the history word is made of. */
export const History = Object.freeze({
  /** Mask: failures in a row, those of one moment counted once, up to 255. */
  failures: 0xff,
  /** Mask, and one of them: failures since it last worked, each counted, up to 255. */
  misses: 0xff00,
  oneMiss: 0x100,
  /** An exchange is trying it after an ejection. */
  onTrial: 1 << 16,
  /** It has worked at least once. */
  worked: 1 << 17,
});

/** Bits of the group word, set by the control thread alone. */
export const ExitFlag = Object.freeze({
  /** Nothing may begin over it: an operator froze it. */
  frozen: 1 << 16,
  /** No exit lives in the slot. */
  vacant: 1 << 17,
  /** Only sessions that hold it go on with it. */
  draining: 1 << 18,
});

const SHUT = ExitFlag.frozen | ExitFlag.vacant;
const CLOSED = SHUT | ExitFlag.draining;

// A name that is exported or imported is looked up at each use; a constant that a module keeps to itself is compiled in.
const Word = ExitWord;
const WORDS = EXIT_WORDS;

/** Added to a generation by each renewal: apart from what the catalogue counts, so that no other exit of the slot has it. */
const RENEWAL = 2 ** 16;

/** Rows reserved at once when there are more exits than rows. */
const ROWS_STEP = 1024;

/** The rows of all exits, by slot, in shared memory that grows. Figures are plain words: two threads that write one at the same
 *  moment lose a sample. Only in-flight and generation are kept exactly. */
export class ExitRows {
  /** The rows word by word, for what must be exact. */
  words: Words;
  /** Views over the rows that stood when they were made, with a fixed length: one that follows a growing buffer costs sixteen
   *  times as much per access. */
  ints: Int32Array;
  floats: Float32Array;
  readonly buffer: SharedArrayBuffer;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.words = new AtomicWords(buffer);
    this.ints = new Int32Array(0);
    this.floats = new Float32Array(0);
    this.#look();
  }

  /** Memory for rows: `rows` of them now, and room to grow to `most`, which costs address space only. */
  static allocate({ rows = ROWS_STEP, most = 4 * 2 ** 20 }: { rows?: number; most?: number } = {}): SharedArrayBuffer {
    const octets = WORDS * 4;
    return new SharedArrayBuffer(rows * octets, { maxByteLength: Math.max(rows, most) * octets });
  }

  /** Rows that can be read now. */
  get length(): number {
    return this.ints.length / WORDS;
  }

  /** Whether the row of `slot` exists; takes in rows that another thread has added since. */
  reaches(slot: number): boolean {
    if (slot >= 0 && slot * WORDS < this.ints.length) return true;
    if (this.ints.byteLength < this.buffer.byteLength) this.#look();
    return slot >= 0 && slot < this.length;
  }

  /** Control thread: a new exit moves into `slot`. Nothing that was learned of the former one remains. Where `generation` is given
   *  what is in flight over the former one counts there until ExchangeSlots gives it back; else it is the next one, and the count
   *  begins anew. Returns the generation. */
  settle(
    slot: number,
    { group, now, generation }: { readonly group: number; readonly now: number; readonly generation?: number },
  ): number {
    this.#reserve(slot);
    const base = slot * WORDS;
    if (generation === undefined) {
      this.words.add(base + Word.generation, 1);
      this.words.store(base + Word.inFlight, 0);
    } else this.words.store(base + Word.generation, generation);
    this.ints.fill(0, base + Word.speed, base + WORDS);
    this.ints[base + Word.at] = now;
    this.ints[base + Word.joined] = now;
    this.ints[base + Word.group] = group & LOW;
    return this.generationOf(slot);
  }

  /** Control thread: the exit in `slot` is gone. Whatever still names its generation finds nothing. */
  vacate(slot: number): void {
    if (!this.reaches(slot)) return;
    const base = slot * WORDS;
    this.words.add(base + Word.generation, 1);
    this.ints[base + Word.group] = ExitFlag.vacant;
  }

  /** The exit in `slot` is another from now on, though it is the same to its pool: nothing that was learned of it remains. */
  renew(slot: number, now: number): void {
    if (!this.reaches(slot)) return;
    const base = slot * WORDS;
    this.words.add(base + Word.generation, RENEWAL);
    this.ints.fill(0, base + Word.speed, base + Word.group);
    this.ints[base + Word.latency] = 0;
    this.ints[base + Word.at] = now;
    this.ints[base + Word.joined] = now;
  }

  /** Control thread: sets or clears one of `ExitFlag`. */
  setFlag(slot: number, flag: number, on: boolean): void {
    if (!this.reaches(slot)) return;
    const at = slot * WORDS + Word.group;
    const word = this.ints[at] ?? 0;
    this.ints[at] = on ? word | flag : word & ~flag;
  }

  /** An exchange goes over the exit. Returns the generation it took, to be given back exactly once. */
  take(slot: number): number {
    if (!this.reaches(slot)) this.#reserve(slot);
    const base = slot * WORDS;
    this.words.add(base + Word.inFlight, 1);
    return this.generationOf(slot);
  }

  /** Gives back what `take` took; nothing where another exit has moved in since. The count never falls below 0. */
  giveBack(slot: number, generation: number): void {
    const at = slot * WORDS + Word.inFlight;
    while (generation === this.generationOf(slot)) {
      const held = this.words.load(at);
      if ((held & IN_FLIGHT_MASK) === 0 || this.words.compareExchange(at, held, held - 1) === held) return;
    }
  }

  /** An attempt begins to wait for an answer over the exit; it counts in flight there. Returns how many wait already. */
  await(slot: number, now: number): number {
    const base = slot * WORDS;
    // Where nobody else is in flight nobody waits, whatever a thread that died has left behind.
    if (this.inFlightOf(slot) <= 1) this.words.store(base + Word.waiting, 0);
    const before = this.waitingOf(slot);
    this.words.add(base + Word.waiting, 1);
    if (before === 0) this.ints[base + Word.waitingSince] = now;
    return before;
  }

  /** The attempt that waited over the exit of that generation waits no longer. */
  settleWait(slot: number, generation: number, now: number): void {
    const at = slot * WORDS + Word.waiting;
    while (this.holds(slot, generation)) {
      const held = this.words.load(at);
      if (held > 0 && this.words.compareExchange(at, held, held - 1) !== held) continue;
      this.ints[slot * WORDS + Word.waitingSince] = now;
      return;
    }
  }

  /** Attempts over the exit that wait for an answer. */
  waitingOf(slot: number): number {
    if (!this.reaches(slot)) return 0;
    const base = slot * WORDS;
    const inFlight = (this.ints[base + Word.inFlight] as number) & IN_FLIGHT_MASK;
    return Math.min(inFlight, this.ints[base + Word.waiting] as number);
  }

  inFlightOf(slot: number): number {
    return this.reaches(slot) ? (this.ints[slot * WORDS + Word.inFlight] ?? 0) & IN_FLIGHT_MASK : 0;
  }

  /** 0 where no exit ever was. */
  generationOf(slot: number): number {
    return this.reaches(slot) ? (this.ints[slot * WORDS + Word.generation] ?? 0) : 0;
  }

  /** Whether the slot still holds the exit of that generation. */
  holds(slot: number, generation: number): boolean {
    return this.reaches(slot) && (this.ints[slot * WORDS + Word.generation] as number) === generation;
  }

  /** Whether an exit lives there that may be picked. */
  isOpen(slot: number): boolean {
    if (!this.reaches(slot)) return false;
    return ((this.ints[slot * WORDS + Word.group] as number) & CLOSED) === 0;
  }

  /** Whether an exit lives there that sessions which hold it may go on with. */
  mayServe(slot: number): boolean {
    return this.reaches(slot) && ((this.ints[slot * WORDS + Word.group] as number) & SHUT) === 0;
  }

  /** Whether one of `ExitFlag` is set. */
  hasFlag(slot: number, flag: number): boolean {
    return this.reaches(slot) && ((this.ints[slot * WORDS + Word.group] as number) & flag) !== 0;
  }

  groupOf(slot: number): number {
    return this.reaches(slot) ? (this.ints[slot * WORDS + Word.group] ?? 0) & LOW : 0;
  }

  failuresInRowOf(slot: number): number {
    return this.reaches(slot) ? (this.ints[slot * WORDS + Word.history] ?? 0) & History.failures : 0;
  }

  /** Failures since it last worked, each counted, up to 255. */
  missesOf(slot: number): number {
    return this.reaches(slot) ? ((this.ints[slot * WORDS + Word.history] ?? 0) & History.misses) >> 8 : 0;
  }

  /** How long ago the exit last worked, in ms; Infinity where it never did. */
  workedAgoMs(slot: number, now: number): number {
    if (!this.reaches(slot)) return Number.POSITIVE_INFINITY;
    const base = slot * WORDS;
    const worked = ((this.ints[base + Word.history] ?? 0) & History.worked) !== 0;
    return worked ? elapsedMs(now, this.ints[base + Word.workedAt] ?? 0) : Number.POSITIVE_INFINITY;
  }

  /** How long ago anything was last learned of the exit, or it came, in ms. */
  heardAgoMs(slot: number, now: number): number {
    return this.reaches(slot) ? elapsedMs(now, this.ints[slot * WORDS + Word.at] ?? 0) : 0;
  }

  #reserve(slot: number): void {
    if (this.reaches(slot)) return;
    const rows = Math.ceil((slot + 1) / ROWS_STEP) * ROWS_STEP;
    const octets = Math.max(rows, Math.ceil(this.length * 1.25)) * WORDS * 4;
    this.buffer.grow(Math.min(this.buffer.maxByteLength, Math.max(this.buffer.byteLength, octets)));
    this.#look();
  }

  #look(): void {
    const words = Math.floor(this.buffer.byteLength / (WORDS * 4)) * WORDS;
    this.ints = new Int32Array(this.buffer, 0, words);
    this.floats = new Float32Array(this.buffer, 0, words);
    this.words = new AtomicWords(this.buffer);
  }
}
