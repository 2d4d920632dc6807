import type { HeldExit, Lease, LeasedExit, LeaseEntry, LeaseKey, LeaseTerms } from './lease.ts';
import {
  Field,
  LeaseFlag,
  type LeaseLayout,
  Life,
  lifeOf,
  MOST_CLIENT_OCTETS,
  MOST_SESSION_OCTETS,
  MOVES_SHIFT,
  packExitId,
  RECORD_WORDS,
  stands,
  unpackExitId,
} from './lease-layout.ts';
import type { Words } from './words.ts';

/** Clocks of threads are read at different moments: what lies so far ahead, in ms, is now. */
const SKEW_MS = 60_000;

/** Ms from an earlier time to now, both as uint32 that wrapped. */
export function elapsedMs(since: number, now: number): number {
  const elapsed = (now - since) >>> 0;
  return elapsed > 0xffff_ffff - SKEW_MS ? 0 : elapsed;
}

const asWord = (ms: number): number => (ms === Number.POSITIVE_INFINITY ? 0 : Math.max(1, Math.floor(ms)) | 0);
const asMs = (word: number): number => (word === 0 ? Number.POSITIVE_INFINITY : word >>> 0);

/** The records of a table: the only code that knows what a record's words mean. From its publication until it is cleared away
 *  only its flags and its times of use change. */
export class LeaseRecords {
  readonly #words: Words;
  readonly #layout: LeaseLayout;
  readonly #octets = new Uint8Array(MOST_CLIENT_OCTETS + MOST_SESSION_OCTETS);

  constructor(words: Words, layout: LeaseLayout) {
    this.#words = words;
    this.#layout = layout;
  }

  /** Their numbers go from 1 to this one. */
  get count(): number {
    return this.#layout.records;
  }

  /** Whether it is a lease now. */
  stands(record: number): boolean {
    return stands(this.#words.load(this.#layout.lifeAt(record)));
  }

  isOf(record: number, key: LeaseKey): boolean {
    const at = this.#layout.recordAt(record);
    return (
      this.#words.load(at) === key[0] &&
      this.#words.load(at + 1) === key[1] &&
      this.#words.load(at + 2) === key[2] &&
      this.#words.load(at + 3) === key[3]
    );
  }

  keyOf(record: number): LeaseKey {
    const at = this.#layout.recordAt(record);
    const words = this.#words;
    return [words.load(at), words.load(at + 1), words.load(at + 2), words.load(at + 3)];
  }

  nextOf(record: number): number {
    return this.#words.load(this.#layout.recordAt(record) + Field.next);
  }

  setNext(record: number, next: number): void {
    this.#words.store(this.#layout.recordAt(record) + Field.next, next);
  }

  /** Whether it ended by its ttl or by idleness. */
  isOver(record: number, now: number): boolean {
    const ttl = this.#load(record, Field.ttl);
    if (ttl !== 0 && elapsedMs(this.#load(record, Field.createdAt), now) >= ttl >>> 0) return true;
    const idle = this.#load(record, Field.idle);
    return idle !== 0 && this.restedMs(record, now) >= idle >>> 0;
  }

  restedMs(record: number, now: number): number {
    return elapsedMs(this.#load(record, Field.usedAt), now);
  }

  /** Tells its client from others: a hash of the name (FNV-1a over words). */
  clientOf(record: number): number {
    const size = (this.#load(record, Field.sizes) >> 8) & 0xff;
    let hash = 0x811c9dc5 ^ size;
    for (let at = 0; at < size; at += 4) {
      const word = this.#load(record, Field.names + at / 4);
      // The session's name follows without a gap.
      const own = size - at < 4 ? word & (2 ** (8 * (size - at)) - 1) : word;
      hash = Math.imul(hash ^ own, 0x01000193);
    }
    return hash;
  }

  /** Whether the session holds the exit in this slot, of this generation and, where that is told, of this mint. */
  holds(record: number, { slot, generation, mint }: HeldExit): boolean {
    const isThere = this.#load(record, Field.slot) === slot && this.#load(record, Field.generation) === generation;
    return isThere && (mint === undefined || this.#load(record, Field.mint) === (mint | 0));
  }

  /** Sets a flag. Returns whether it was not set before. */
  flag(record: number, flag: number): boolean {
    const at = this.#layout.recordAt(record) + Field.flags;
    for (;;) {
      const flags = this.#words.load(at);
      if ((flags & flag) !== 0) return false;
      if (this.#words.compareExchange(at, flags, flags | flag) === flags) return true;
    }
  }

  isStrict(record: number): boolean {
    return (this.#load(record, Field.flags) & LeaseFlag.strict) !== 0;
  }

  /** Whether it is a strict session's that has been served: by its life, or, where it came back from the disk, by its flags. */
  isPinned(record: number): boolean {
    const both = LeaseFlag.strict | LeaseFlag.confirmed;
    return this.#hasPinnedLife(record) || (this.#load(record, Field.flags) & both) === both;
  }

  #hasPinnedLife(record: number): boolean {
    return lifeOf(this.#words.load(this.#layout.lifeAt(record))) === Life.pinned;
  }

  /** Notes a use. Returns whether the last one that was put among the changes is older than `noteMs`. */
  use(record: number, now: number, noteMs: number): boolean {
    this.#store(record, Field.usedAt, now | 0);
    if (elapsedMs(this.#load(record, Field.notedAt), now) < noteMs) return false;
    this.#store(record, Field.notedAt, now | 0);
    return true;
  }

  /** Fills a record that nobody else sees. */
  fill(record: number, key: LeaseKey, { terms, now }: { readonly terms: LeaseTerms; readonly now: number }): void {
    const at = this.#layout.recordAt(record);
    key.forEach((word, index) => {
      this.#words.store(at + index, word);
    });
    this.#store(record, Field.createdAt, now | 0);
    this.#store(record, Field.usedAt, now | 0);
    this.#store(record, Field.notedAt, now | 0);
    this.#store(record, Field.heldAt, now | 0);
    this.#store(record, Field.ttl, asWord(terms.ttlMs));
    this.#store(record, Field.idle, asWord(terms.idleMs));
    this.#store(record, Field.flags, terms.strict ? LeaseFlag.strict : 0);
    this.#storeNames(record, terms);
    this.#storeExit(record, terms);
  }

  /** Fills a record that nobody else sees with another one's lease, over another exit: neither confirmed nor failed. Where that is the
   *  former one again, for want of others, the session has not moved. */
  fillMoved(record: number, from: number, { to, now }: { readonly to: LeasedExit; readonly now: number }): void {
    const source = this.#layout.recordAt(from);
    const target = this.#layout.recordAt(record);
    for (let i = 0; i < RECORD_WORDS; i++)
      if (i !== Field.next) this.#words.store(target + i, this.#words.load(source + i));
    const flags = this.#load(from, Field.flags);
    const moves = (flags >>> MOVES_SHIFT) + (this.holds(from, to) ? 0 : 1);
    this.#store(record, Field.flags, (moves << MOVES_SHIFT) | (flags & LeaseFlag.strict));
    this.#store(record, Field.heldAt, now | 0);
    this.#storeExit(record, to);
  }

  /** Fills a record that nobody else sees with a lease from the disk. */
  fillRestored(record: number, entry: LeaseEntry, now: number): void {
    const { endsInMs, ageMs, heldMs, restedMs, strict, confirmed, failed, moves } = entry;
    this.fill(record, entry.key, { terms: { ...entry, ttlMs: endsInMs + ageMs }, now });
    this.#store(record, Field.createdAt, (now - ageMs) | 0);
    this.#store(record, Field.usedAt, (now - restedMs) | 0);
    this.#store(record, Field.heldAt, (now - heldMs) | 0);
    const bits =
      (strict ? LeaseFlag.strict : 0) | (confirmed ? LeaseFlag.confirmed : 0) | (failed ? LeaseFlag.failed : 0);
    this.#store(record, Field.flags, bits | (moves << MOVES_SHIFT));
  }

  read(record: number, now: number): Lease {
    const flags = this.#load(record, Field.flags);
    const ageMs = elapsedMs(this.#load(record, Field.createdAt), now);
    const country = this.#load(record, Field.sizes) >>> 16;
    return {
      slot: this.#load(record, Field.slot),
      generation: this.#load(record, Field.generation),
      mint: this.#load(record, Field.mint),
      ageMs,
      heldMs: elapsedMs(this.#load(record, Field.heldAt), now),
      endsInMs: asMs(this.#load(record, Field.ttl)) - ageMs,
      idleMs: asMs(this.#load(record, Field.idle)),
      restedMs: this.restedMs(record, now),
      strict: (flags & LeaseFlag.strict) !== 0,
      confirmed: (flags & LeaseFlag.confirmed) !== 0 || this.#hasPinnedLife(record),
      failed: (flags & LeaseFlag.failed) !== 0,
      moves: flags >>> MOVES_SHIFT,
      country: country === 0 ? '' : String.fromCharCode(country >> 8, country & 0xff),
      asn: this.#load(record, Field.asn) >>> 0,
    };
  }

  readEntry(record: number, now: number): LeaseEntry {
    const sizes = this.#load(record, Field.sizes);
    const client = (sizes >> 8) & 0xff;
    const names = this.#loadOctets(record, client + (sizes & 0xff));
    return {
      ...this.read(record, now),
      key: this.keyOf(record),
      exit: unpackExitId(this.#load(record, Field.idHead), this.#load(record, Field.idTail)),
      client: textOf(names.subarray(0, client)),
      session: textOf(names.subarray(client)),
    };
  }

  #storeExit(record: number, { slot, generation, mint, exit, country, asn }: LeasedExit): void {
    const [head, tail] = packExitId(exit);
    this.#store(record, Field.slot, slot);
    this.#store(record, Field.generation, generation);
    this.#store(record, Field.idHead, head);
    this.#store(record, Field.idTail, tail);
    this.#store(record, Field.mint, mint | 0);
    this.#store(record, Field.asn, asn | 0);
    const code = /^[a-z]{2}$/.test(country) ? (country.charCodeAt(0) << 8) | country.charCodeAt(1) : 0;
    this.#store(record, Field.sizes, (code << 16) | (this.#load(record, Field.sizes) & 0xffff));
  }

  #storeNames(record: number, { client, session }: Pick<LeaseTerms, 'client' | 'session'>): void {
    const octets = this.#octets.fill(0);
    const encoder = new TextEncoder();
    const clientSize = encoder.encodeInto(client, octets.subarray(0, MOST_CLIENT_OCTETS)).written;
    const rest = octets.subarray(clientSize, clientSize + MOST_SESSION_OCTETS);
    const sessionSize = encoder.encodeInto(session, rest).written;
    this.#store(record, Field.sizes, (clientSize << 8) | sessionSize);
    const view = new DataView(octets.buffer);
    for (let i = 0; i < clientSize + sessionSize; i += 4)
      this.#store(record, Field.names + i / 4, view.getInt32(i, true));
  }

  #loadOctets(record: number, size: number): Uint8Array {
    const view = new DataView(new ArrayBuffer((size + 3) & ~3));
    for (let i = 0; i < size; i += 4) view.setInt32(i, this.#load(record, Field.names + i / 4), true);
    return new Uint8Array(view.buffer, 0, size);
  }

  #load(record: number, field: number): number {
    return this.#words.load(this.#layout.recordAt(record) + field);
  }

  #store(record: number, field: number, value: number): void {
    this.#words.store(this.#layout.recordAt(record) + field, value);
  }
}

const textOf = (octets: Uint8Array): string => new TextDecoder().decode(octets);
