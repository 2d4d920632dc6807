import { elapsedMs } from '../memory/clock.ts';
import { mix32 } from '../memory/hash.ts';
import { leftAfter } from './fading.ts';

/** Nobody in particular: several clients, or who isn't known. */
export const ANYBODY = 0;

/** How far a client's word is believed before anything is known of it: little enough for an exit that it alone was refused over to be
 *  tried by others where there is no better one. */
const START_TRUST = 0.75;

/** Step by which that follows what others meet. */
const TRUST_STEP = 0.4;

/** Below this a client's refusals are taken for its own. */
const DOUBTED = 0.25;

/** What is known fades with this half-life, so that a client that holds itself back tries again; and a page is remembered for so long, in ms. */
const FORGIVE_MS = 3_600_000;
const SERVED_MS = 3_600_000;

/** Odds of a page for a client that has had none, and the step by which they follow its refusals. */
const START_ODDS = 0.97;
const ODDS_STEP = 0.04;

/** A row: whose it is; how far it is believed, and as of when; when it was last served; and the odds of a page for a client that wasn't,
 *  by tier. */
const ROW_WORDS = 8;
const TRUST = 1;
const AT = 2;
const SERVED_AT = 3;
const ODDS = 4;

/** How sites treat single clients. A site may refuse a client whatever exit it comes by: its account, or pages that are closed to it; and
 *  what such a client meets says nothing of exits. One that the site serves nothing teaches nobody but itself; and how far one is
 *  believed by others they tell: whom the site serves over an exit that it should refuse speaks against the client, whom it refuses
 *  as well speaks for it. In shared memory of a fixed size, a row for each client and site (by its key); of two that meet in one row the
 *  latest counts. Threads may write at once: a figure more or less is lost by that, and none is made up. */
export class ClientStandings {
  readonly #ints: Int32Array;
  readonly #floats: Float32Array;
  readonly #rows: number;

  constructor(buffer: SharedArrayBuffer) {
    this.#ints = new Int32Array(buffer);
    this.#floats = new Float32Array(buffer);
    this.#rows = Math.floor(this.#ints.length / ROW_WORDS);
  }

  /** Memory for so many clients and sites. */
  static allocate(rows = 2 ** 17): SharedArrayBuffer {
    return new SharedArrayBuffer(rows * ROW_WORDS * Int32Array.BYTES_PER_ELEMENT);
  }

  /** How far the client's word is believed by others, 0…1. */
  trustOf(client: number, site: number, now: number): number {
    const row = this.#find(client, site);
    return row < 0 ? START_TRUST : this.#trustAt(row, now);
  }

  /** Whether what the client meets is taken for its own: it was refused where others weren't, or had no page at all. */
  isAlone(client: number, site: number, now: number): boolean {
    if (client === ANYBODY) return false;
    const row = this.#find(client, site);
    return row < 0 || !this.#isServed(row, now) || this.#trustAt(row, now) < DOUBTED;
  }

  /** The odds of a page over an exit of the tier (0…3), at most: less than 1 for a client that has had none. */
  mostOdds(client: number, site: number, { tier, now }: { readonly tier: number; readonly now: number }): number {
    const row = client === ANYBODY ? -1 : this.#find(client, site);
    return row < 0 || this.#isServed(row, now) ? 1 : this.#faded(row + ODDS + tier, START_ODDS, this.#keptOf(row, now));
  }

  /** Another was refused over an exit over which the client was: 1; or served: 0. */
  judge(client: number, site: number, { borneOut, now }: { readonly borneOut: 0 | 1; readonly now: number }): void {
    const row = this.#claim(client, site, now);
    this.#renew(row, now);
    const known = this.#floats[row + TRUST] as number;
    this.#floats[row + TRUST] = known + TRUST_STEP * (borneOut - known);
  }

  /** The site served the client. */
  served(client: number, site: number, now: number): void {
    // 0 is never.
    if (client !== ANYBODY) this.#ints[this.#claim(client, site, now) + SERVED_AT] = now | 0 || 1;
  }

  /** The site refused the client over an exit of the tier. */
  refused(client: number, site: number, { tier, now }: { readonly tier: number; readonly now: number }): void {
    if (client === ANYBODY) return;
    const row = this.#claim(client, site, now);
    this.#renew(row, now);
    const at = row + ODDS + tier;
    this.#floats[at] = (this.#floats[at] as number) * (1 - ODDS_STEP);
  }

  #trustAt(row: number, now: number): number {
    return this.#faded(row + TRUST, START_TRUST, this.#keptOf(row, now));
  }

  /** Which share of what is known in the row is known still. */
  #keptOf(row: number, now: number): number {
    return leftAfter(elapsedMs(now, this.#ints[row + AT] as number), FORGIVE_MS);
  }

  #faded(at: number, start: number, kept: number): number {
    return start + ((this.#floats[at] as number) - start) * kept;
  }

  /** Takes off what has faded. */
  #renew(row: number, now: number): void {
    const kept = this.#keptOf(row, now);
    this.#floats[row + TRUST] = this.#faded(row + TRUST, START_TRUST, kept);
    for (let at = row + ODDS; at < row + ROW_WORDS; at++) this.#floats[at] = this.#faded(at, START_ODDS, kept);
    this.#ints[row + AT] = now;
  }

  #isServed(row: number, now: number): boolean {
    const at = this.#ints[row + SERVED_AT] as number;
    return at !== 0 && elapsedMs(now, at) < SERVED_MS;
  }

  #find(client: number, site: number): number {
    const key = keyOf(client, site);
    const row = this.#rowOf(key);
    return this.#ints[row] === key ? row : -1;
  }

  #claim(client: number, site: number, now: number): number {
    const key = keyOf(client, site);
    const row = this.#rowOf(key);
    if (this.#ints[row] === key) return row;
    this.#ints[row] = key;
    this.#floats[row + TRUST] = START_TRUST;
    this.#ints[row + AT] = now;
    this.#ints[row + SERVED_AT] = 0;
    this.#floats.fill(START_ODDS, row + ODDS, row + ROW_WORDS);
    return row;
  }

  #rowOf(key: number): number {
    return ((key >>> 0) % this.#rows) * ROW_WORDS;
  }
}

/** Never 0, which is the key of a row that is free. */
const keyOf = (client: number, site: number): number => mix32(client ^ Math.imul(site, 0x9e37_79b1)) || 1;
