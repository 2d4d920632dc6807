import type { Words } from '../memory/words.ts';

/** How sparingly exits are used on a site. Zero switches a part off. */
export interface GuardRule {
  /** An exit that touched the site rests from it for so long, in ms. */
  readonly reuseAfterMs: number;
  /** Clients, and sessions, that may use one exit on the site: at most MOST_MEMBERS. */
  readonly clientsPerExit: number;
  readonly sessionsPerExit: number;
  /** How long a client or session counts after its last use, in ms. */
  readonly forgetAfterMs: number;
}

/** Who wants to use an exit on which site: keyed hashes of 32 bits, none of them 0 but that of no session. Two that meet in a hash
 *  cost an exit that is avoided needlessly, or once in 2^32 times one that is not. */
export interface Visit {
  readonly site: number;
  readonly client: number;
  readonly session: number;
}

/** An exit, by its slot and which of the exits that were ever in it. */
export interface GuardedExit {
  readonly slot: number;
  readonly generation: number;
}

/** Members kept of each kind. */
export const MOST_MEMBERS = 4;

/** The first word counts rows that had to go before their time. Then buckets: a lock, and rows of TAG, TOUCHED_AT, clients and
 *  sessions, each member with the time of its last use. Times are uint32 ms of the clock that all threads share, which begins anew after 49 days; 0 is never. */
const HEADER_WORDS = 1;
const TAG = 0;
const TOUCHED_AT = 1;
const CLIENTS = 2;
const SESSIONS = CLIENTS + 2 * MOST_MEMBERS;
const ROW_WORDS = SESSIONS + 2 * MOST_MEMBERS;
const ROWS = 4;
const BUCKET_WORDS = 1 + ROWS * ROW_WORDS;

/** A bucket is locked for microseconds. One that has been for this long was left so by a thread that died. */
const ABANDONED_MS = 1_000;
const MOST_TRIES = 10_000;

/** How far the clocks of two threads may be apart. */
const AHEAD_MS = 60_000;

/** How many words a table for about `rows` pairs of exit and site takes. */
export function guardWords(rows: number): number {
  return HEADER_WORDS + Math.max(1, Math.ceil(rows / ROWS)) * BUCKET_WORDS;
}

/** Which exits have lately been used on which site, and by whom: of a bounded number of pairs, those touched longest ago going
 *  first. Its words may be shared by threads: taking an exit is one step, so that no two threads take what only one may have. */
export class GuardTable {
  readonly #words: Words;
  readonly #buckets: number;

  /** Words that are all 0, or that other threads use as such a table of the same length. */
  constructor(words: Words) {
    this.#words = words;
    this.#buckets = Math.floor((words.length - HEADER_WORDS) / BUCKET_WORDS);
  }

  /** Rows that had to go while a rule might still have asked for them: with many of these the table is too small. */
  get evicted(): number {
    return this.#words.load(0) >>> 0;
  }

  /** Whether the exit may be used so, as it looks now: fit for a pick. Only take() makes sure. */
  allows(exit: GuardedExit, visit: Visit, { rule, now }: { rule: GuardRule; now: number }): boolean {
    const { bucket, tag } = this.#placeOf(exit, visit.site);
    const row = this.#find(bucket, tag);
    return row === null || this.#mayUse(row, visit, { rule, now });
  }

  /** Takes the exit for this visit, if it may be used so. From then on it has touched the site. */
  take(exit: GuardedExit, visit: Visit, { rule, now }: { rule: GuardRule; now: number }): boolean {
    const { bucket, tag } = this.#placeOf(exit, visit.site);
    return this.#locked(bucket, now, () => {
      const row = this.#find(bucket, tag) ?? this.#begin(bucket, tag, { rule, now });
      if (!this.#mayUse(row, visit, { rule, now })) return false;
      this.#note(row, visit, now);
      return true;
    });
  }

  /** The visit goes on, or has ended: its rest is counted from now. */
  touch(exit: GuardedExit, visit: Visit, now: number): void {
    const { bucket, tag } = this.#placeOf(exit, visit.site);
    this.#locked(bucket, now, () => {
      const row = this.#find(bucket, tag);
      if (row !== null) this.#note(row, visit, now);
      return row !== null;
    });
  }

  #placeOf({ slot, generation }: GuardedExit, site: number): { bucket: number; tag: number } {
    const hash = mixed(mixed(mixed(slot) ^ generation) ^ site);
    const bucket = HEADER_WORDS + ((mixed(hash ^ site) >>> 0) % this.#buckets) * BUCKET_WORDS;
    return { bucket, tag: hash === 0 ? 1 : hash };
  }

  #find(bucket: number, tag: number): number | null {
    for (let i = 0; i < ROWS; i++) {
      const row = rowAt(bucket, i);
      if (this.#words.load(row + TAG) === tag) return row;
    }
    return null;
  }

  /** A row for a new pair: an empty one, or the one touched longest ago. */
  #begin(bucket: number, tag: number, { rule, now }: { rule: GuardRule; now: number }): number {
    let oldest = rowAt(bucket, 0);
    for (let i = 1; i < ROWS; i++) {
      const row = rowAt(bucket, i);
      if (this.#ageOf(row + TOUCHED_AT, now) > this.#ageOf(oldest + TOUCHED_AT, now)) oldest = row;
    }
    if (this.#ageOf(oldest + TOUCHED_AT, now) < Math.max(rule.reuseAfterMs, rule.forgetAfterMs)) this.#words.add(0, 1);
    for (let word = 0; word < ROW_WORDS; word++) this.#words.store(oldest + word, 0);
    this.#words.store(oldest + TAG, tag);
    return oldest;
  }

  #mayUse(row: number, { client, session }: Visit, { rule, now }: { rule: GuardRule; now: number }): boolean {
    const clients = this.#membership(row + CLIENTS, client, { rule, now });
    if (rule.clientsPerExit > 0 && !clients.isMember && clients.count >= rule.clientsPerExit) return false;
    const sessions = this.#membership(row + SESSIONS, session, { rule, now });
    // A session that has used the exit here goes on: its own visit is not another one.
    if (session !== 0 && sessions.isMember) return true;
    if (session !== 0 && rule.sessionsPerExit > 0 && sessions.count >= rule.sessionsPerExit) return false;
    return this.#ageOf(row + TOUCHED_AT, now) >= rule.reuseAfterMs;
  }

  #membership(
    members: number,
    who: number,
    { rule, now }: { rule: GuardRule; now: number },
  ): { isMember: boolean; count: number } {
    let count = 0;
    let isMember = false;
    for (let i = 0; i < MOST_MEMBERS; i++) {
      const member = members + 2 * i;
      if (this.#ageOf(member + 1, now) >= rule.forgetAfterMs) continue;
      count++;
      isMember ||= this.#words.load(member) === who;
    }
    return { isMember, count };
  }

  #note(row: number, { client, session }: Visit, now: number): void {
    this.#words.store(row + TOUCHED_AT, stampOf(now));
    this.#noteMember(row + CLIENTS, client, now);
    if (session !== 0) this.#noteMember(row + SESSIONS, session, now);
  }

  /** In its own place, or in that of the member seen longest ago. */
  #noteMember(members: number, who: number, now: number): void {
    let place = members;
    for (let i = 0; i < MOST_MEMBERS; i++) {
      const member = members + 2 * i;
      if (this.#words.load(member) === who) {
        place = member;
        break;
      }
      if (this.#ageOf(member + 1, now) > this.#ageOf(place + 1, now)) place = member;
    }
    this.#words.store(place, who);
    this.#words.store(place + 1, stampOf(now));
  }

  /** How long ago, in ms; infinite where never. */
  #ageOf(word: number, now: number): number {
    const at = this.#words.load(word);
    if (at === 0) return Number.POSITIVE_INFINITY;
    const age = (stampOf(now) - at) >>> 0;
    // Another thread's now may be a moment ahead of ours.
    return age > 2 ** 32 - AHEAD_MS ? 0 : age;
  }

  /** Runs `change` while no other thread changes the bucket; false where that can't be had. */
  #locked(bucket: number, now: number, change: () => boolean): boolean {
    const stamp = stampOf(now);
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const holder = this.#words.compareExchange(bucket, 0, stamp);
      const isAbandoned = holder !== 0 && ((stamp - holder) | 0) > ABANDONED_MS;
      if (holder !== 0 && !(isAbandoned && this.#words.compareExchange(bucket, holder, stamp) === holder)) continue;
      try {
        return change();
      } finally {
        this.#words.compareExchange(bucket, stamp, 0);
      }
    }
    return false;
  }
}

const rowAt = (bucket: number, index: number): number => bucket + 1 + index * ROW_WORDS;

/** The time as a word, never 0. */
const stampOf = (now: number): number => Math.floor(now) | 0 || 1;

/** Spreads 32 bits over 32 bits (the finaliser of MurmurHash3, public domain). */
function mixed(word: number): number {
  let hash = word | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) | 0;
}
