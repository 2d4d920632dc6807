import { Buffer } from 'node:buffer';
import { octetsOf } from './growing.ts';
import { AtomicWords, type Words } from './words.ts';

/** Each thread's words have a cache line of their own. */
const HEAD_WORDS = 32;
const WRITTEN = 0;
const TAKEN = 16;
const WATCHED = 17;

/** A ring that carries octets from one thread to another, in order: one writes, one takes, and neither ever waits. How much was
 *  written and taken are counts that wrap at 32 bits, of which the lower ones say where in the ring. Nothing that is written can
 *  be taken before it is whole: the count is raised behind it, by an atomic store. It outlives who writes: a successor goes on
 *  where the last whole piece ended. */
export interface OctetRing {
  readonly words: Words;
  /** A power of two of them, 2^30 at most. */
  readonly octets: Buffer<ArrayBufferLike>;
}

/** Memory for a ring of so many octets, a power of two. Empty at first, and nobody watches it. */
export function createOctetRing(bytes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(HEAD_WORDS * Int32Array.BYTES_PER_ELEMENT + bytes);
}

/** The ring in that memory. */
export function octetRingOf(shared: SharedArrayBuffer): OctetRing {
  const octets = octetsOf(shared).subarray(HEAD_WORDS * Int32Array.BYTES_PER_ELEMENT);
  return { words: new AtomicWords(shared), octets };
}

/** The side of the one thread that writes. */
export class RingWriter {
  readonly octets: Buffer<ArrayBufferLike>;
  readonly #words: Words;
  #written: number;
  /** As it was when last looked at. */
  #taken: number;

  constructor({ words, octets }: OctetRing) {
    this.octets = octets;
    this.#words = words;
    this.#written = words.load(WRITTEN);
    this.#taken = words.load(TAKEN);
  }

  /** Where the next octet stands in `octets`. */
  get start(): number {
    return this.#written & (this.octets.length - 1);
  }

  /** The end of the free octets that follow `start` without a break. It may be further away than this says, where that is at least
   *  `wanted` octets away already. */
  endFor(wanted: number): number {
    const { length } = this.octets;
    return Math.min(this.start + this.#roomFor(Math.min(wanted, length - this.start)), length);
  }

  /** Hands over so many octets that were written from `start` on, no further than endFor() said. */
  publish(count: number): void {
    this.#written = (this.#written + count) | 0;
    this.#words.store(WRITTEN, this.#written);
  }

  /** Writes octets, all of them or none, and hands them over. False where there is no room. */
  put(octets: Uint8Array): boolean {
    if (this.#roomFor(octets.length) < octets.length) return false;
    const { start } = this;
    const untilBreak = Math.min(octets.length, this.octets.length - start);
    this.octets.set(octets.subarray(0, untilBreak), start);
    this.octets.set(octets.subarray(untilBreak), 0);
    this.publish(octets.length);
    return true;
  }

  /** Whether nobody would look at what was handed over, so that whoever takes must be told. True once, until that one rests again. */
  wakes(): boolean {
    return this.#words.load(WATCHED) === 0 && this.#words.compareExchange(WATCHED, 0, 1) === 0;
  }

  /** Free octets. Looks at what was taken only where there are fewer than wanted: to look is dear. */
  #roomFor(wanted: number): number {
    const { length } = this.octets;
    const room = length - ((this.#written - this.#taken) | 0);
    if (room >= wanted) return room;
    this.#taken = this.#words.load(TAKEN);
    return length - ((this.#written - this.#taken) | 0);
  }
}

/** The side of the one thread that takes. */
export class RingReader {
  readonly #ring: OctetRing;
  #taken: number;

  constructor(ring: OctetRing) {
    this.#ring = ring;
    this.#taken = ring.words.load(TAKEN);
  }

  /** What `read` makes of all that was handed over, which is good while it reads; null where there is nothing. */
  take<Value>(read: (octets: Buffer<ArrayBufferLike>) => Value): Value | null {
    const { words, octets } = this.#ring;
    const count = (words.load(WRITTEN) - this.#taken) | 0;
    if (count === 0) return null;
    const start = this.#taken & (octets.length - 1);
    const first = octets.subarray(start, start + count);
    const value = read(
      first.length === count ? first : Buffer.concat([first, octets.subarray(0, count - first.length)]),
    );
    this.#taken = (this.#taken + count) | 0;
    words.store(TAKEN, this.#taken);
    return value;
  }

  /** Looks no more until it is told. False where something came meanwhile, of which it may not be told. */
  rest(): boolean {
    const { words } = this.#ring;
    // In this order: whoever writes hands over first and then sees whether anybody looks.
    words.store(WATCHED, 0);
    return words.load(WRITTEN) === this.#taken;
  }
}
