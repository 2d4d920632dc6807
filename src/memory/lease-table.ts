import type { HeldExit, Lease, LeasedExit, LeaseEntry, LeaseKey, LeaseTerms } from './lease.ts';
import { claimedBy, LeaseFlag, type LeaseLayout, Life, lifeOf, movedTo, targetOf } from './lease-layout.ts';
import { LeaseRecords } from './lease-records.ts';
import type { Words } from './words.ts';

/** How many records are looked at for a free one. */
const MOST_LOOKS = 4_096;

/** A use is put among the changes when the last one there is older than this, in ms. */
const NOTE_USES_MS = 5_000;

export interface LeaseTableOptions {
  readonly words: Words;
  readonly layout: LeaseLayout;
  /** This thread's number, used by no other thread at a time; after a death LeaseKeeper.bury comes before its next use. */
  readonly thread: number;
  /** Whether changes are collected for LeaseKeeper.takeChanges. */
  readonly notesChanges?: boolean;
  /** Told, before `confirm` returns, of each strict session whose exit has just been confirmed, as of `now`: from then on it must
   *  never be forgotten. */
  readonly onPinned?: (entry: LeaseEntry, now: number) => void;
}

/** Leases: which exit a session holds, as one thread sees the table that all threads share. Keys are made by the caller,
 *  keyed-hashed from (client, session), so that no chosen name meets another's.
 *
 *  No thread waits for another, and one that dies at any point leaves at most a claim, which LeaseKeeper.bury resolves:
 *  - Buckets are chains. A lease is made whole in a record of its own and then put at the head of its chain by one
 *    compare-and-set, which fails where anything was put there since the chain was looked through: a key has one lease.
 *  - A lease ends, or moves to a record of its own, by one compare-and-set on its life word: one of several movers wins.
 *  - Only the control thread takes records out of chains, and none is used again before every thread has been seen outside of
 *    the operation that it was in. So whoever follows a chain sees whole records of that chain.
 *
 *  Times are ms of the monotonic clock that all threads share. */
export class LeaseTable {
  readonly #words: Words;
  readonly #layout: LeaseLayout;
  readonly #thread: number;
  readonly #notesChanges: boolean;
  readonly #onPinned: LeaseTableOptions['onPinned'];
  readonly #records: LeaseRecords;
  #turn: number;
  /** Where the search for a free record goes on. */
  #cursor: number;
  /** The head of the chain that was looked through last, and the life of the record that was found there. */
  #head = 0;
  #life = 0;

  constructor({ words, layout, thread, notesChanges = false, onPinned }: LeaseTableOptions) {
    this.#words = words;
    this.#layout = layout;
    this.#thread = thread;
    this.#notesChanges = notesChanges;
    this.#onPinned = onPinned;
    this.#records = new LeaseRecords(words, layout);
    this.#turn = words.load(layout.turnAt(thread));
    this.#cursor = Math.floor((layout.records / layout.threads) * thread);
  }

  /** The session's lease, unless it has none or it ended by its ttl or by idleness: then a new one may be made, strict or not.
   *  A look alone is no use: see `touch`. */
  find(key: LeaseKey, now: number): Lease | undefined {
    return this.#inside(() => {
      const record = this.#standing(key, now);
      return record === 0 ? undefined : this.#records.read(record, now);
    });
  }

  /** Makes a lease unless the session has one. Returns the one that it has then: where others make one at the same time, all
   *  get the same. Undefined where the table has no room. */
  create(key: LeaseKey, terms: LeaseTerms, now: number): Lease | undefined {
    return this.#inside(() => {
      const found = this.#standing(key, now);
      if (found !== 0) return this.#records.read(found, now);
      const made = this.#claim();
      if (made === 0) return undefined;
      this.#records.fill(made, key, { terms, now });
      return this.#records.read(this.#publish(made, key, now), now);
    });
  }

  /** The session goes on over another exit, if it still holds `from`; its absolute end stays. One that is strict and has been
   *  confirmed stays, unless told `pinnedToo`. Returns the lease that it has then, whoever moved it; undefined where it has none,
   *  or there is no room for another record. */
  move(
    key: LeaseKey,
    { from, to, pinnedToo = false }: { readonly from: HeldExit; readonly to: LeasedExit; readonly pinnedToo?: boolean },
    now: number,
  ): Lease | undefined {
    return this.#inside(() => {
      let claimed = 0;
      for (;;) {
        const record = this.#standing(key, now);
        const life = this.#life;
        const stays = record !== 0 && !pinnedToo && this.#records.isPinned(record);
        if (record === 0 || stays || !this.#records.holds(record, from)) {
          if (claimed !== 0) this.#abandon(claimed);
          return record === 0 ? undefined : this.#records.read(record, now);
        }
        if (claimed === 0) claimed = this.#claim();
        if (claimed === 0) return undefined;
        this.#records.fillMoved(claimed, record, { to, now });
        if (this.#words.compareExchange(this.#layout.lifeAt(record), life, movedTo(claimed)) !== life) continue;
        this.#settle(claimed);
        return this.#records.read(claimed, now);
      }
    });
  }

  /** The exit that the session holds has served it. Does nothing where it holds another by now. Of a strict one it is told by its
   *  life, which a move changes as well: so it has moved before, or stays. */
  confirm(key: LeaseKey, hold: HeldExit, now: number): void {
    this.#inside(() => {
      let record: number;
      do {
        record = this.#standing(key, now);
        if (record === 0 || !this.#records.holds(record, hold)) return;
      } while (this.#records.isStrict(record) && !this.#pin(record, this.#life));
      if (!this.#records.flag(record, LeaseFlag.confirmed)) return;
      this.#noteChange(record);
      if (this.#records.isStrict(record)) this.#onPinned?.(this.#records.readEntry(record, now), now);
    });
  }

  /** The exit that the session holds has failed it: it moves at its next attempt. Does nothing where it holds another by now. */
  fail(key: LeaseKey, hold: HeldExit, now: number): void {
    this.#inside(() => {
      const record = this.#standing(key, now);
      if (record !== 0 && this.#records.holds(record, hold) && this.#records.flag(record, LeaseFlag.failed))
        this.#noteChange(record);
    });
  }

  /** The session was used: its idle time starts again. */
  touch(key: LeaseKey, now: number): void {
    this.#inside(() => {
      const record = this.#standing(key, now);
      if (record !== 0 && this.#records.use(record, now, NOTE_USES_MS)) this.#noteChange(record);
    });
  }

  /** Ends the session's lease. Returns whether there was one. */
  remove(key: LeaseKey, now: number): boolean {
    return this.#inside(() => {
      for (;;) {
        const record = this.#standing(key, now);
        if (record === 0) return false;
        if (this.#end(record, this.#life)) return true;
      }
    });
  }

  /** Puts a lease from the disk in its place. Returns whether there was room and the session had none. */
  restore(entry: LeaseEntry, now: number): boolean {
    return this.#inside(() => {
      if (this.#standing(entry.key, now) !== 0) return false;
      const made = this.#claim();
      if (made === 0) return false;
      this.#records.fillRestored(made, entry, now);
      return this.#publish(made, entry.key, now) === made;
    });
  }

  /** Puts a filled record at the head of its chain, unless the session has got a lease meanwhile. Returns the one it has. */
  #publish(made: number, key: LeaseKey, now: number): number {
    const head = this.#layout.headAt(key[0]);
    for (;;) {
      const found = this.#standing(key, now);
      if (found !== 0) {
        this.#abandon(made);
        return found;
      }
      this.#records.setNext(made, this.#head);
      if (this.#words.compareExchange(head, this.#head, made) !== this.#head) continue;
      this.#settle(made);
      return made;
    }
  }

  /** The record of the session's lease, 0 for none; one that is over is ended first. */
  #standing(key: LeaseKey, now: number): number {
    for (;;) {
      const record = this.#locate(key);
      if (record === 0 || !this.#records.isOver(record, now)) return record;
      this.#end(record, this.#life);
    }
  }

  #locate(key: LeaseKey): number {
    this.#head = this.#words.load(this.#layout.headAt(key[0]));
    for (let link = this.#head; link !== 0; link = this.#records.nextOf(link)) {
      if (!this.#records.isOf(link, key)) continue;
      let record = link;
      let life = this.#words.load(this.#layout.lifeAt(record));
      while (lifeOf(life) === Life.moved) {
        record = targetOf(life);
        life = this.#words.load(this.#layout.lifeAt(record));
      }
      this.#life = life;
      if (lifeOf(life) !== Life.ended) return record;
    }
    return 0;
  }

  #pin(record: number, life: number): boolean {
    if (lifeOf(life) === Life.pinned) return true;
    return this.#words.compareExchange(this.#layout.lifeAt(record), life, Life.pinned) === life;
  }

  #end(record: number, life: number): boolean {
    if (this.#words.compareExchange(this.#layout.lifeAt(record), life, Life.ended) !== life) return false;
    this.#noteChange(record);
    return true;
  }

  /** Takes a free record for this thread; 0 where none was found, which is counted. The claim stands before the record is taken,
   *  so that the control thread finds it after a death. */
  #claim(): number {
    const { records } = this.#layout;
    const claim = this.#layout.claimAt(this.#thread);
    for (let looks = Math.min(records, MOST_LOOKS); looks > 0; looks--) {
      const record = (this.#cursor % records) + 1;
      this.#cursor = record;
      const life = this.#layout.lifeAt(record);
      if (this.#words.load(life) !== Life.free) continue;
      this.#words.store(claim, record);
      if (this.#words.compareExchange(life, Life.free, claimedBy(this.#thread)) === Life.free) return record;
      this.#words.store(claim, 0);
    }
    this.#words.add(this.#layout.refused, 1);
    return 0;
  }

  /** Gives up a record that nobody else has seen. */
  #abandon(record: number): void {
    this.#words.store(this.#layout.lifeAt(record), Life.free);
    this.#words.store(this.#layout.claimAt(this.#thread), 0);
  }

  /** What this thread has made is public: it is its own no more. Another may have ended or moved it already. */
  #settle(record: number): void {
    this.#words.compareExchange(this.#layout.lifeAt(record), claimedBy(this.#thread), Life.standing);
    this.#noteChange(record);
    this.#words.store(this.#layout.claimAt(this.#thread), 0);
  }

  #noteChange(record: number): void {
    if (!this.#notesChanges) return;
    const at = this.#layout.changeAt((record - 1) >>> 5);
    const bit = 1 << ((record - 1) & 31);
    for (;;) {
      const bits = this.#words.load(at);
      if ((bits & bit) !== 0 || this.#words.compareExchange(at, bits, bits | bit) === bits) return;
    }
  }

  #inside<T>(operation: () => T): T {
    const at = this.#layout.turnAt(this.#thread);
    this.#words.store(at, ++this.#turn);
    try {
      return operation();
    } finally {
      this.#words.store(at, ++this.#turn);
    }
  }
}
