import type { Chance } from './chance.ts';

/** Entries for which a new ring has room. */
const FIRST_ROOM = 8;

/** Words of an entry, next to each other because a pick looks at all of them: the exit's slot, its generation, and its cost in
 *  sixteenths of a ms. */
const WORDS = 3;
const SLOT = 0;
const GENERATION = 1;
const COST = 2;
const COST_STEPS = 16;
const MOST_COST = 2 ** 31 - 1;

/** Exits worth remembering, a bounded handful, in no order. Each entry keeps the generation of its exit and what it cost when it was
 *  last looked at. One thread's own. */
export class Ring {
  readonly #size: number;
  #entries: Int32Array;
  length = 0;

  /** At most `size` entries; room is made for them as they come, because most rings stay small. */
  constructor(size: number) {
    this.#size = size;
    this.#entries = new Int32Array(Math.min(size, FIRST_ROOM) * WORDS);
  }

  slotAt(position: number): number {
    return this.#entries[position * WORDS + SLOT] as number;
  }

  generationAt(position: number): number {
    return this.#entries[position * WORDS + GENERATION] as number;
  }

  /** A position to look at: the cheaper of two drawn. The ring isn't empty. */
  draw(chance: Chance): number {
    const one = chance.below(this.length);
    const other = chance.below(this.length);
    return this.#costAt(other) < this.#costAt(one) ? other : one;
  }

  /** Notes what the entry costs now, in ms. */
  reprice(position: number, cost: number): void {
    this.#entries[position * WORDS + COST] = Math.min(MOST_COST, cost * COST_STEPS);
  }

  /** Takes an exit in, or renews its entry; `cost` in ms. In a full ring it takes the place of the dearest of four, if it is
   *  cheaper. */
  offer(exit: { readonly slot: number; readonly generation: number }, cost: number, random: () => number): void {
    const known = this.#positionOf(exit.slot);
    if (known >= 0) {
      this.#put(known, exit, cost);
      return;
    }
    if (this.length * WORDS === this.#entries.length) this.#grow();
    if (this.length * WORDS < this.#entries.length) {
      this.#put(this.length++, exit, cost);
      return;
    }
    const dearest = this.#dearestOfFour(random);
    if (this.#costAt(dearest) > cost * COST_STEPS) this.#put(dearest, exit, cost);
  }

  drop(position: number): void {
    const last = --this.length * WORDS;
    this.#entries.copyWithin(position * WORDS, last, last + WORDS);
  }

  #positionOf(slot: number): number {
    const entries = this.#entries;
    const end = this.length * WORDS;
    for (let at = SLOT; at < end; at += WORDS) if (entries[at] === slot) return (at - SLOT) / WORDS;
    return -1;
  }

  #costAt(position: number): number {
    return this.#entries[position * WORDS + COST] as number;
  }

  #grow(): void {
    const room = Math.min(this.#size * WORDS, this.#entries.length * 2);
    if (room === this.#entries.length) return;
    const entries = this.#entries;
    this.#entries = new Int32Array(room);
    this.#entries.set(entries);
  }

  #dearestOfFour(random: () => number): number {
    let dearest = 0;
    for (let draw = 0; draw < 4; draw++) {
      const position = Math.floor(random() * this.length);
      if (draw === 0 || this.#costAt(position) > this.#costAt(dearest)) dearest = position;
    }
    return dearest;
  }

  #put(position: number, { slot, generation }: { slot: number; generation: number }, cost: number): void {
    const at = position * WORDS;
    this.#entries[at + SLOT] = slot;
    this.#entries[at + GENERATION] = generation;
    this.reprice(position, cost);
  }
}

/** Rings by number, made when first asked for; the one made first goes first. */
export class RingSet {
  readonly #rings = new Map<number, Ring>();
  readonly #size: number;
  readonly #most: number;

  /** Rings of `size` entries, `most` of them. */
  constructor({ size, most }: { readonly size: number; readonly most: number }) {
    this.#size = size;
    this.#most = most;
  }

  /** The ring, where there is one. */
  find(id: number): Ring | undefined {
    return this.#rings.get(id);
  }

  /** The ring, new where there is none. */
  of(id: number): Ring {
    const known = this.#rings.get(id);
    if (known !== undefined) return known;
    if (this.#rings.size >= this.#most) this.#dropOldest();
    const ring = new Ring(this.#size);
    this.#rings.set(id, ring);
    return ring;
  }

  #dropOldest(): void {
    for (const id of this.#rings.keys()) {
      this.#rings.delete(id);
      return;
    }
  }
}
