import { Buffer } from 'node:buffer';
import type { Decoded } from './decoded.ts';

const nothing = Buffer.alloc(0);

/** A decoder of short messages that arrive in pieces: `read` sees all octets so far, from the first one on. Every message read
 *  so has a small greatest length, so what is held is bounded and reading it again costs little. */
export class AccumulatingDecoder<T> {
  readonly #read: (octets: Buffer) => Decoded<T>;
  #held: Buffer = nothing;

  constructor(read: (octets: Buffer) => Decoded<T>) {
    this.#read = read;
  }

  /** Takes the next octets. After a value the decoder is fresh for another message; after a fault it must not be used again. */
  push(chunk: Buffer): Decoded<T> {
    const octets = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const result = this.#read(octets);
    this.#held = result.state === 'more' ? octets : nothing;
    return result;
  }
}
