import type { LeaseEntry, LeaseKey } from './lease.ts';
import { claimedBy, type LeaseLayout, Life, lifeOf, targetOf } from './lease-layout.ts';
import { LeaseRecords } from './lease-records.ts';
import { longRests } from './lease-shares.ts';
import type { Words } from './words.ts';

/** What has become of a session since changes were taken last: its lease, or its end. */
export type LeaseChange = LeaseEntry | { readonly key: LeaseKey; readonly exit: null };

/** The control thread's work on the table of leases: it ends what is over, clears away what ended, makes room, cleans up behind
 *  dead threads, and tells what changed. One per table, since only one thread may take records out of chains. Never waits. */
export class LeaseKeeper {
  readonly #words: Words;
  readonly #layout: LeaseLayout;
  readonly #records: LeaseRecords;
  /** Records taken out of their chains that are not free yet: a mark each. */
  readonly #removed: Uint8Array;
  /** Those that were taken out since the last batch began to rest … */
  #leaving: number[] = [];
  /** … and those that rest until every thread has left the operation it was in then. */
  #resting: { readonly records: readonly number[]; readonly turns: readonly number[] } | null = null;
  #cursor = 0;
  #swept = 0;
  /** All threads' turns when the last sweep began, if it left an empty table, and when changes were last taken; null where that
   *  says nothing. As long as they stand nobody has touched the table, and a look over all of it, many times a second, would
   *  find nothing. */
  #turnsWhenEmptied: readonly number[] | null = null;
  #turnsWhenTold: readonly number[] | null = null;

  constructor(words: Words, layout: LeaseLayout) {
    this.#words = words;
    this.#layout = layout;
    this.#records = new LeaseRecords(words, layout);
    this.#removed = new Uint8Array(layout.records + 1);
  }

  /** Leases that stand, counted over all records. */
  get size(): number {
    let count = 0;
    for (let record = 1; record <= this.#layout.records; record++) if (this.#records.stands(record)) count++;
    return count;
  }

  /** Leases that stood after the last sweep: known without a look at all records. */
  get swept(): number {
    return this.#swept;
  }

  /** Leases that had to go before their end because the table was full. Such a session, strict or not, begins anew. */
  get evicted(): number {
    return this.#words.load(this.#layout.evicted) >>> 0;
  }

  /** Leases that found no room, because none was made in time. */
  get refused(): number {
    return this.#words.load(this.#layout.refused) >>> 0;
  }

  /** One round: looks at up to `max` leases, going on where the last round stopped, and ends those that are over; ends those of whom
   *  has most that have rested longest where more stand than may; clears away all that ended. Returns how many leases it ended. */
  sweep(now: number, max: number): number {
    const turns = this.#turns();
    if (isAtRest(turns, this.#turnsWhenEmptied)) return 0;
    let ended = 0;
    for (let looks = Math.min(max, this.#layout.records); looks > 0; looks--) {
      const record = (this.#cursor % this.#layout.records) + 1;
      this.#cursor = record;
      if (this.#records.stands(record) && this.#records.isOver(record, now) && this.#end(record)) ended++;
    }
    const standing = this.#clearEnded();
    const surplus = standing - this.#layout.capacity;
    if (surplus > 0) {
      ended += this.#evict(now, { surplus, standing });
      this.#clearEnded();
    }
    this.#freeRested();
    const isEmpty = standing === 0 && this.#leaving.length === 0 && this.#resting === null;
    this.#turnsWhenEmptied = isEmpty ? turns : null;
    return ended;
  }

  /** Cleans up behind a thread that has ended in whatever step: what it had made and published stands, what it hadn't is free. */
  bury(thread: number): void {
    this.#turnsWhenEmptied = null;
    this.#turnsWhenTold = null;
    const claim = this.#layout.claimAt(thread);
    const record = this.#words.load(claim);
    const life = this.#layout.lifeAt(record);
    if (record !== 0 && this.#words.load(life) === claimedBy(thread)) {
      const isPublic = this.#chainOf(record).some((link) => this.#trailOf(link).includes(record));
      this.#words.compareExchange(life, claimedBy(thread), isPublic ? Life.standing : Life.free);
    }
    this.#words.store(claim, 0);
    const turn = this.#words.load(this.#layout.turnAt(thread));
    if (turn % 2 !== 0) this.#words.store(this.#layout.turnAt(thread), turn + 1);
  }

  /** All leases that stand and are not over. */
  *entries(now: number): Generator<LeaseEntry, undefined> {
    for (let record = 1; record <= this.#layout.records; record++)
      if (this.#records.stands(record) && !this.#records.isOver(record, now))
        yield this.#records.readEntry(record, now);
  }

  /** What changed since the last call, each session once, as it is now. Only where the threads note changes. */
  *takeChanges(now: number): Generator<LeaseChange, undefined> {
    const turns = this.#turns();
    if (isAtRest(turns, this.#turnsWhenTold)) return;
    this.#turnsWhenTold = null;
    for (let index = 0; index < this.#layout.changeWords; index++) {
      const at = this.#layout.changeAt(index);
      const bits = this.#takeBits(at);
      for (let bit = 0; bits !== 0 && bit < 32; bit++)
        if ((bits & (1 << bit)) !== 0) yield this.#changeOf(index * 32 + bit + 1, now);
    }
    this.#turnsWhenTold = turns;
  }

  /** Of every thread: odd while it is inside an operation, and another after each. */
  #turns(): readonly number[] {
    return Array.from({ length: this.#layout.threads }, (_, thread) => this.#words.load(this.#layout.turnAt(thread)));
  }

  /** Clears a word of the changes. They are forgotten before they are read, so that what changes meanwhile comes again. */
  #takeBits(at: number): number {
    let bits = this.#words.load(at);
    while (bits !== 0) {
      const seen = this.#words.compareExchange(at, bits, 0);
      if (seen === bits) break;
      bits = seen;
    }
    return bits;
  }

  #changeOf(record: number, now: number): LeaseChange {
    const key = this.#records.keyOf(record);
    const current = this.#chainOf(record)
      .filter((link) => this.#records.isOf(link, key))
      .map((link) => this.#trailOf(link).at(-1) ?? link)
      .find((last) => this.#isLive(last));
    return current === undefined ? { key, exit: null } : this.#records.readEntry(current, now);
  }

  #lifeOf(record: number): number {
    return lifeOf(this.#words.load(this.#layout.lifeAt(record)));
  }

  /** Standing, or about to in the eyes of the thread that published it. */
  #isLive(record: number): boolean {
    return this.#records.stands(record) || this.#lifeOf(record) === Life.claimed;
  }

  #end(record: number): boolean {
    const at = this.#layout.lifeAt(record);
    const ends = (life: number) => this.#words.compareExchange(at, life, Life.ended) === life;
    return ends(Life.standing) || ends(Life.pinned);
  }

  /** Ends those leases of the clients that have most which have rested longest (`longRests`). */
  #evict(now: number, { surplus, standing }: { readonly surplus: number; readonly standing: number }): number {
    const rests = longRests(this.#records, { part: 1 - surplus / standing, now });
    const least = Math.min(...rests.values());
    let ended = 0;
    for (let record = 1; record <= this.#layout.records && ended < surplus; record++) {
      const restedMs = this.#records.stands(record) ? this.#records.restedMs(record, now) : -1;
      // Whose it is takes longer to see.
      if (restedMs < least) continue;
      const longRest = rests.get(this.#records.clientOf(record)) ?? Number.POSITIVE_INFINITY;
      if (restedMs >= longRest && this.#end(record)) ended++;
    }
    this.#words.add(this.#layout.evicted, ended);
    return ended;
  }

  /** Takes all that ended or moved out of the chains. Returns how many leases stand. */
  #clearEnded(): number {
    let standing = 0;
    for (let record = 1; record <= this.#layout.records; record++) {
      const life = this.#lifeOf(record);
      if (life === Life.standing || life === Life.pinned) standing++;
      else if ((life === Life.ended || life === Life.moved) && this.#removed[record] === 0)
        this.#clearChain(this.#layout.headAt(this.#records.keyOf(record)[0]));
    }
    this.#swept = standing;
    return standing;
  }

  /** Goes through one chain: what ended leaves it, and a moved lease's last record takes the place of the first. A link behind
   *  the head is changed by nobody else; the head may get another record before it at any time. */
  #clearChain(head: number): void {
    let before = 0;
    let link = this.#words.load(head);
    while (link !== 0) {
      const next = this.#records.nextOf(link);
      const trail = this.#trailOf(link);
      const last = trail.at(-1) ?? link;
      const stays = this.#lifeOf(last) !== Life.ended;
      if (stays && last === link) {
        before = link;
        link = next;
        continue;
      }
      if (stays) this.#records.setNext(last, next);
      const instead = stays ? last : next;
      if (before !== 0) this.#records.setNext(before, instead);
      else if (this.#words.compareExchange(head, link, instead) !== link) return this.#clearChain(head);
      for (const record of trail) if (record !== last || !stays) this.#remove(record);
      if (stays) before = last;
      link = next;
    }
  }

  #remove(record: number): void {
    this.#removed[record] = 1;
    this.#leaving.push(record);
  }

  /** Frees removed records once no thread can be at one of them any more. */
  #freeRested(): void {
    const turns = this.#turns();
    const then = this.#resting?.turns ?? turns;
    if (this.#resting !== null && then.every((turn, thread) => turn % 2 === 0 || turn !== turns[thread])) {
      for (const record of this.#resting.records) this.#free(record);
      this.#resting = null;
    }
    if (this.#resting !== null || this.#leaving.length === 0) return;
    const records = this.#leaving;
    this.#leaving = [];
    if (turns.some((turn) => turn % 2 !== 0)) this.#resting = { records, turns };
    else for (const record of records) this.#free(record);
  }

  /** One that changed and has not been told of keeps its key until it has. */
  #free(record: number): void {
    const changes = this.#words.load(this.#layout.changeAt((record - 1) >>> 5));
    if ((changes & (1 << ((record - 1) & 31))) !== 0) {
      this.#leaving.push(record);
      return;
    }
    this.#removed[record] = 0;
    this.#words.store(this.#layout.lifeAt(record), Life.free);
  }

  /** The links of the chain that the record's key belongs to. */
  #chainOf(record: number): number[] {
    const links: number[] = [];
    const head = this.#layout.headAt(this.#records.keyOf(record)[0]);
    for (let link = this.#words.load(head); link !== 0; link = this.#records.nextOf(link)) links.push(link);
    return links;
  }

  /** A record and those that its lease has moved to since, in order. */
  #trailOf(record: number): number[] {
    const trail = [record];
    for (;;) {
      const life = this.#words.load(this.#layout.lifeAt(trail.at(-1) ?? record));
      if (lifeOf(life) !== Life.moved) return trail;
      trail.push(targetOf(life));
    }
  }
}

/** Whether no thread has been inside an operation since its turns were `then`. */
const isAtRest = (turns: readonly number[], then: readonly number[] | null): boolean =>
  then?.every((turn, thread) => turn % 2 === 0 && turn === turns[thread]) ?? false;
