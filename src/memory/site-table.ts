import { elapsedMs } from './clock.ts';
import { asKey, WINDOW, WindowKeys, type WindowRows } from './window-keys.ts';
import { AtomicWords, type Words } from './words.ts';

/** Words of a site's row. */
export const SITE_WORDS = 48;

/** What each word of a site's row holds. `i` are Int32, `f` Float32; times are words of the shared clock. */
export const SiteWord = Object.freeze({
  /** i ×4: the site's key, 128 bits of a keyed hash of its name. */
  key: 0,
  /** i: when an exchange with the site last began or was judged. */
  at: 4,
  /** i: 1 once it was seen to refuse: from then on its pairs are kept. */
  watched: 5,
  /** f: the learned limit of uses by one exit; 0 while none is known. */
  limit: 6,
  /** i: when the limit was last lowered. */
  limitedAt: 7,
  /** f: exchanges with the site in the window, decaying, and i: as of when. */
  demand: 8,
  demandAt: 9,
  /** f: how long a refusal lasts, in ms. */
  coolMs: 10,
  /** f: odds that a first refusal is more than a passing challenge. */
  persist: 11,
  /** f: share of pages served to exits that it has served before. */
  servedOld: 12,
  /** f: its own time over the average site's, in ms, and i: over how many answers. */
  ownMs: 13,
  answers: 14,
  /** f: octets of an exchange with it. */
  octets: 15,
  /** f: uses by one exit that the site was seen to bear. */
  borne: 20,
  /** f ×4: share of pages served to exits that it hasn't seen, by tier, and i: as of when. */
  servedNew: 16,
  servedNewAt: 24,
  /** Its name in UTF-8, up to 64 octets, for people. */
  name: 28,
});

/** Octets of a name in its row. */
export const SITE_NAME_OCTETS = 64;

/** 128 bits of a keyed hash of a site's name, so that no chosen names meet. */
export type SiteKey = readonly [number, number, number, number];

/** What is believed of each site, in shared memory of a fixed size; the one unseen for longest in a window goes first. */
export class SiteTable implements WindowRows {
  readonly ints: Int32Array;
  readonly floats: Float32Array;
  readonly #octets: Uint8Array;
  readonly #keys: WindowKeys;
  #now = 0;

  constructor(
    { keys, rows }: { readonly keys: SharedArrayBuffer; readonly rows: SharedArrayBuffer },
    words: Words = new AtomicWords(keys),
  ) {
    this.#keys = new WindowKeys(words, new Int32Array(keys));
    this.ints = new Int32Array(rows);
    this.floats = new Float32Array(rows);
    this.#octets = new Uint8Array(rows);
  }

  /** Memory for at least `sites` sites. */
  static allocate(sites = 2 ** 14): { keys: SharedArrayBuffer; rows: SharedArrayBuffer } {
    const size = Math.max(WINDOW, 2 ** Math.ceil(Math.log2(sites)));
    return { keys: new SharedArrayBuffer(size * 4), rows: new SharedArrayBuffer(size * SITE_WORDS * 4) };
  }

  /** The site's row number, made if need be with all figures 0; -1 where there is no place. */
  rowOf(key: SiteKey, name: string, now: number): number {
    this.#now = now;
    const row = this.#keys.claim(key[1], asKey(key[0]), this);
    if (row < 0) return -1;
    const base = row * SITE_WORDS;
    if (this.ints[base + SiteWord.name] === 0) this.#introduce(base, key, name);
    this.seen(row, now);
    return row;
  }

  /** Whether the row still is the site's of that key. */
  holds(row: number, key: SiteKey): boolean {
    return row >= 0 && this.#keys.holds(row, asKey(key[0])) && this.ints[row * SITE_WORDS + 1] === key[1];
  }

  /** Makes the row's site the one seen last, so that it isn't the first to go. */
  seen(row: number, now: number): void {
    this.ints[row * SITE_WORDS + SiteWord.at] = now;
  }

  /** What pairs know the row's site by. */
  keyOf(row: number): number {
    return this.ints[row * SITE_WORDS] ?? 0;
  }

  /** Rows that there are, taken or not. */
  get capacity(): number {
    return this.ints.length / SITE_WORDS;
  }

  /** The whole key of the row's site; null where no site stands there. */
  siteKeyOf(row: number): SiteKey | null {
    const [a = 0, b = 0, c = 0, d = 0] = this.ints.subarray(row * SITE_WORDS, row * SITE_WORDS + 4);
    return this.ints[row * SITE_WORDS + SiteWord.name] !== 0 && this.holds(row, [a, b, c, d]) ? [a, b, c, d] : null;
  }

  /** The name of the row's site, or the last 64 octets of it. */
  nameOf(row: number): string {
    const start = (row * SITE_WORDS + SiteWord.name) * 4;
    const octets = this.#octets.slice(start, start + SITE_NAME_OCTETS);
    const end = octets.indexOf(0);
    return new TextDecoder().decode(end < 0 ? octets : octets.subarray(0, end));
  }

  staleness(row: number): number {
    return elapsedMs(this.#now, this.ints[row * SITE_WORDS + SiteWord.at] ?? 0);
  }

  clear(row: number): void {
    this.ints.fill(0, row * SITE_WORDS, (row + 1) * SITE_WORDS);
  }

  #introduce(base: number, key: SiteKey, name: string): void {
    this.ints.set(key, base + SiteWord.key);
    const octets = new TextEncoder().encode(name === '' ? '-' : name).slice(-SITE_NAME_OCTETS);
    this.#octets.set(octets, (base + SiteWord.name) * 4);
  }
}
