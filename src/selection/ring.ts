/** Entries for which a new ring has room. */
const FIRST_ROOM = 8;

/** Exits worth remembering, a bounded handful, in no order. Each entry keeps the generation of its exit and what it cost when it was
 *  last looked at. One thread's own. */
export class Ring {
  readonly #size: number;
  slots: Int32Array;
  #generations: Int32Array;
  #costs: Float32Array;
  length = 0;

  /** At most `size` entries; room is made for them as they come, because most rings stay small. */
  constructor(size: number) {
    this.#size = size;
    const room = Math.min(size, FIRST_ROOM);
    this.slots = new Int32Array(room);
    this.#generations = new Int32Array(room);
    this.#costs = new Float32Array(room);
  }

  generationAt(position: number): number {
    return this.#generations[position] as number;
  }

  /** A position to look at: the cheaper of two drawn. */
  draw(random: () => number): number {
    const one = Math.floor(random() * this.length);
    const other = Math.floor(random() * this.length);
    return (this.#costs[other] as number) < (this.#costs[one] as number) ? other : one;
  }

  /** Notes what the entry costs now. */
  reprice(position: number, cost: number): void {
    this.#costs[position] = cost;
  }

  /** Takes an exit in, or renews its entry. In a full ring it takes the place of the dearest of four, if it is cheaper. */
  offer(exit: { readonly slot: number; readonly generation: number }, cost: number, random: () => number): void {
    const known = this.slots.indexOf(exit.slot);
    const standing = known >= 0 && known < this.length;
    if (!standing && this.length === this.slots.length) this.#grow();
    if (!standing && this.length === this.slots.length) {
      const dearest = this.#dearestOfFour(random);
      if ((this.#costs[dearest] as number) > cost) this.#put(dearest, exit, cost);
      return;
    }
    this.#put(standing ? known : this.length++, exit, cost);
  }

  drop(position: number): void {
    const last = --this.length;
    this.slots[position] = this.slots[last] as number;
    this.#generations[position] = this.#generations[last] as number;
    this.#costs[position] = this.#costs[last] as number;
  }

  #grow(): void {
    const room = Math.min(this.#size, this.slots.length * 2);
    if (room === this.slots.length) return;
    const [slots, generations, costs] = [this.slots, this.#generations, this.#costs];
    this.slots = new Int32Array(room);
    this.#generations = new Int32Array(room);
    this.#costs = new Float32Array(room);
    this.slots.set(slots);
    this.#generations.set(generations);
    this.#costs.set(costs);
  }

  #dearestOfFour(random: () => number): number {
    let dearest = 0;
    for (let draw = 0; draw < 4; draw++) {
      const position = Math.floor(random() * this.length);
      if (draw === 0 || (this.#costs[position] as number) > (this.#costs[dearest] as number)) dearest = position;
    }
    return dearest;
  }

  #put(position: number, { slot, generation }: { slot: number; generation: number }, cost: number): void {
    this.slots[position] = slot;
    this.#generations[position] = generation;
    this.#costs[position] = cost;
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
