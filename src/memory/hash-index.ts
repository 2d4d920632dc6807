/** Finds numbers by a hash of what they stand for: open addressing with linear probing, at most half full. What is compared lies
 *  elsewhere (rows, texts), so an entry is one word: the number + 1, or 0 where it is empty. Nothing is ever taken out. */
export class HashIndex {
  #entries: Int32Array;
  #count = 0;

  /** `shared` holds an index built before, to be read only. */
  constructor(shared: SharedArrayBuffer = new SharedArrayBuffer(64)) {
    this.#entries = new Int32Array(shared);
  }

  /** The words of the index. Another buffer after it has grown. */
  get shared(): SharedArrayBuffer {
    const { buffer } = this.#entries;
    if (buffer instanceof SharedArrayBuffer) return buffer;
    throw new TypeError('an index lies in shared memory');
  }

  /** The number that `isIt` accepts among those of this hash (any int32), or -1. */
  find(hash: number, isIt: (number: number) => boolean): number {
    const entries = this.#entries;
    const mask = entries.length - 1;
    for (let at = spread(hash) & mask; ; at = (at + 1) & mask) {
      const number = (entries[at] ?? 0) - 1;
      if (number < 0 || isIt(number)) return number;
    }
  }

  /** Adds a number that isn't there yet. `hashOf` tells the hash of any number added so far, for when the index must grow. */
  add(number: number, hashOf: (number: number) => number): void {
    this.#count += 1;
    if (this.#count * 2 > this.#entries.length) this.#grow(hashOf);
    put(this.#entries, hashOf(number), number);
  }

  #grow(hashOf: (number: number) => number): void {
    const grown = new Int32Array(new SharedArrayBuffer(this.#entries.length * 8));
    for (const entry of this.#entries) if (entry > 0) put(grown, hashOf(entry - 1), entry - 1);
    this.#entries = grown;
  }
}

function put(entries: Int32Array, hash: number, number: number): void {
  const mask = entries.length - 1;
  let at = spread(hash) & mask;
  while (entries[at] !== 0) at = (at + 1) & mask;
  entries[at] = number + 1;
}

/** Lets all bits of a hash bear on the low ones. Source: the finaliser of MurmurHash3. */
function spread(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}
