/** Where a lease table keeps what, in 32-bit words. */

/** The threads that may work on a table at once. The control thread is number 0. */
const MOST_THREADS = 64;

/** Words of one record. */
export const RECORD_WORDS = 43;

/** Where each field of a record begins. Durations and times are ms as uint32; times wrap and are only compared. */
export const Field = Object.freeze({
  key: 0,
  /** The next record of the same bucket, by number; 0 at the end. */
  next: 4,
  slot: 5,
  generation: 6,
  /** Five characters of the exit's id each. */
  idHead: 7,
  idTail: 8,
  mint: 9,
  createdAt: 10,
  /** 0: without end. */
  ttl: 11,
  idle: 12,
  usedAt: 13,
  /** Bits of LeaseFlag, and above them how often the session has moved. */
  flags: 14,
  /** Autonomous system of the exit; 0 where unknown. */
  asn: 15,
  /** Country of the exit (two octets), octets of the client's name, octets of the session's. */
  sizes: 16,
  /** When its use was last put among the changes. */
  notedAt: 17,
  /** Since when the session has held its exit. */
  heldAt: 18,
  names: 19,
});

export const LeaseFlag = Object.freeze({ strict: 1, confirmed: 2, failed: 4 });
export const MOVES_SHIFT = 3;

export const MOST_CLIENT_OCTETS = 32;
export const MOST_SESSION_OCTETS = 64;

/** What a record is, in the low bits of its life word. */
export const Life = Object.freeze({
  /** Nobody's. */
  free: 0,
  /** Being made by the thread whose number stands above, or just made. In a bucket it counts as standing. */
  claimed: 1,
  /** A lease. */
  standing: 2,
  /** It ended. */
  ended: 3,
  /** The session has moved: its lease is the record whose number stands above. */
  moved: 4,
  /** A lease of a strict session whose exit has been confirmed: it stands, and moves only where that is insisted on. */
  pinned: 5,
});
const LIFE_SHIFT = 3;
/** Whether a life word is that of a lease. */
export const stands = (word: number): boolean => lifeOf(word) === Life.standing || lifeOf(word) === Life.pinned;
export const lifeOf = (word: number): number => word & 7;
export const claimedBy = (thread: number): number => (thread << LIFE_SHIFT) | Life.claimed;
export const movedTo = (record: number): number => (record << LIFE_SHIFT) | Life.moved;
export const targetOf = (word: number): number => word >>> LIFE_SHIFT;

const HEADER_WORDS = 16;
/** Each thread has a cache line for itself. */
const THREAD_WORDS = 16;

export interface LeaseTableShape {
  /** Leases that stand at once. */
  readonly capacity: number;
  /** Room for those that are being replaced or cleared away; a sixteenth more unless told. */
  readonly spare?: number;
  readonly threads?: number;
}

/** Offsets of a table of some shape. Records have numbers from 1. */
export class LeaseLayout {
  readonly capacity: number;
  readonly records: number;
  readonly threads: number;
  readonly buckets: number;
  /** Counters: leases that had to go before their end; leases that found no room. */
  readonly evicted = 0;
  readonly refused = 1;
  /** The open log's descriptor plus 1, 0 for none; and whether something could not be appended to it. */
  readonly log = 2;
  readonly logBroken = 3;
  /** Words in all. */
  readonly length: number;
  readonly #heads: number;
  readonly #lives: number;
  readonly #changes: number;
  readonly #records: number;

  constructor({ capacity, spare = Math.ceil(capacity / 16) + 4, threads = MOST_THREADS }: LeaseTableShape) {
    this.capacity = capacity;
    this.records = capacity + spare;
    this.threads = threads;
    this.buckets = 2 ** Math.ceil(Math.log2(Math.max(2, capacity)));
    this.#heads = HEADER_WORDS + threads * THREAD_WORDS;
    this.#lives = this.#heads + this.buckets;
    this.#changes = this.#lives + this.records;
    this.#records = this.#changes + this.changeWords;
    this.length = this.#records + this.records * RECORD_WORDS;
  }

  /** Words of the set of changed records, a bit for each. */
  get changeWords(): number {
    return Math.ceil(this.records / 32);
  }

  /** Odd while the thread is inside an operation. */
  turnAt(thread: number): number {
    return HEADER_WORDS + thread * THREAD_WORDS;
  }

  /** The record that the thread has claimed; 0 for none. */
  claimAt(thread: number): number {
    return HEADER_WORDS + thread * THREAD_WORDS + 1;
  }

  /** The first record of the key's bucket. Keys are uniform, so any of their bits will do. */
  headAt(firstKeyWord: number): number {
    return this.#heads + (firstKeyWord & (this.buckets - 1));
  }

  lifeAt(record: number): number {
    return this.#lives + record - 1;
  }

  /** The word with the bits of records 32 × index + 1 … 32 × index + 32. */
  changeAt(index: number): number {
    return this.#changes + index;
  }

  recordAt(record: number): number {
    return this.#records + (record - 1) * RECORD_WORDS;
  }
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** An exit's id of ten characters of base32 as two words of 25 bits; of any other text, [0, 0] or less than the whole. */
export function packExitId(id: string): readonly [number, number] {
  const pack = (text: string) => [...text].reduce((bits, character) => (bits << 5) | alphabet.indexOf(character), 0);
  return /^[a-z2-7]{10}$/.test(id) ? [pack(id.slice(0, 5)), pack(id.slice(5))] : [0, 0];
}

/** The id again. */
export function unpackExitId(head: number, tail: number): string {
  const unpack = (bits: number) => [20, 15, 10, 5, 0].map((shift) => alphabet[(bits >> shift) & 31]).join('');
  return unpack(head) + unpack(tail);
}
