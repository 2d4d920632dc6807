import { mix32 } from './hash.ts';
import type { Words } from './words.ts';

/** Bans that there is room for. */
export const MOST_SITE_BANS = 8192;

/** How far an exit is closed at a site. */
export const BanLevel = Object.freeze({ none: 0, draining: 1, frozen: 2 });
export type BanLevel = (typeof BanLevel)[keyof typeof BanLevel];

/** One exit that is closed at one site. `site` is a hash of its name that nobody outside can foresee. */
export interface SiteBan {
  readonly site: number;
  readonly slot: number;
  readonly generation: number;
  readonly level: BanLevel;
}

/** Each ban takes one place, and each site that has any another one, marked by a slot that is none. */
const PLACES = 4 * MOST_SITE_BANS;
const PLACE_WORDS = 4;
const SITE = 0;
const SLOT = 1;
const GENERATION = 2;
const LEVEL = 3;
const HALF_WORDS = PLACES * PLACE_WORDS;
const ANY_EXIT = -1;

/** How often the table was replaced: whether it is odd says which half of the words stands. */
const VERSION = 0;
const COUNT = 1;
const HEADER_WORDS = 2;

/** Words of the table. */
export const SITE_BAN_WORDS = HEADER_WORDS + 2 * HALF_WORDS;

/** Exits that operators have closed at single sites, for all threads. One thread replaces them all at once, in the half that doesn't
 *  stand; readers that were overtaken look again. A look costs one word while there are none. */
export class SiteBans {
  readonly #words: Words;

  /** SITE_BAN_WORDS words that are all 0, or that other threads use as such a table. */
  constructor(words: Words) {
    this.#words = words;
  }

  /** Control thread: these and no others, MOST_SITE_BANS at most. */
  replace(bans: readonly SiteBan[]): void {
    // Most gateways have none, and whatever changes in the store leads here.
    if (bans.length === 0 && this.isEmpty) return;
    const words = this.#words;
    const next = words.load(VERSION) + 1;
    const half = halfOf(next);
    for (let word = 0; word < HALF_WORDS; word++) words.store(half + word, 0);
    for (const ban of bans.slice(0, MOST_SITE_BANS)) {
      this.#put(half, ban);
      this.#put(half, { ...ban, slot: ANY_EXIT, generation: 0 });
    }
    words.store(COUNT, bans.length);
    words.store(VERSION, next);
  }

  get isEmpty(): boolean {
    return this.#words.load(COUNT) === 0;
  }

  /** Whether any exit is closed at the site. */
  isAbout(site: number): boolean {
    return this.levelOf(site, { slot: ANY_EXIT, generation: 0 }) !== BanLevel.none;
  }

  /** How far the exit is closed at the site. */
  levelOf(site: number, exit: { readonly slot: number; readonly generation: number }): BanLevel {
    for (;;) {
      const version = this.#words.load(VERSION);
      const level = this.#find(halfOf(version), { site, ...exit });
      if (this.#words.load(VERSION) === version) return level;
    }
  }

  #put(half: number, ban: SiteBan): void {
    const words = this.#words;
    for (let place = placeOf(ban); ; place = (place + 1) % PLACES) {
      const at = half + place * PLACE_WORDS;
      if (words.load(at + LEVEL) !== 0 && !this.#isAt(at, ban)) continue;
      words.store(at + SITE, ban.site);
      words.store(at + SLOT, ban.slot);
      words.store(at + GENERATION, ban.generation);
      words.store(at + LEVEL, ban.level);
      return;
    }
  }

  #find(half: number, exit: Omit<SiteBan, 'level'>): BanLevel {
    // A reader that is overtaken may meet a half without an empty place.
    for (let step = 0, place = placeOf(exit); step < PLACES; step++, place = (place + 1) % PLACES) {
      const at = half + place * PLACE_WORDS;
      const level = this.#words.load(at + LEVEL);
      if (level === 0) return BanLevel.none;
      if (this.#isAt(at, exit)) return level as BanLevel;
    }
    return BanLevel.none;
  }

  #isAt(at: number, { site, slot, generation }: Omit<SiteBan, 'level'>): boolean {
    const words = this.#words;
    return (
      words.load(at + SITE) === site && words.load(at + SLOT) === slot && words.load(at + GENERATION) === generation
    );
  }
}

const halfOf = (version: number): number => HEADER_WORDS + (version & 1) * HALF_WORDS;

const placeOf = ({ site, slot, generation }: Omit<SiteBan, 'level'>): number =>
  (mix32(site ^ Math.imul(slot, 0x9e37_79b1) ^ Math.imul(generation, 0x85eb_ca77)) >>> 0) % PLACES;
