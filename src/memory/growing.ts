import { Buffer } from 'node:buffer';

/** Memory is committed in steps of this many octets. */
const STEP_BYTES = 64 * 1024;

/** Shared memory that grows in place: who holds the buffer sees what is appended later, and nothing ever moves. Only one thread
 *  may append. Views have a fixed length and are renewed when it grows: on Node 26 an access through a view that tracks the
 *  length of a growable buffer costs fifteen times as much. */
class Growing {
  readonly shared: SharedArrayBuffer;
  /** To ask the buffer for its length each time costs more than to append. */
  #bytes = 0;

  constructor(maxBytes: number) {
    this.shared = new SharedArrayBuffer(0, { maxByteLength: maxBytes });
  }

  /** Makes room for `bytes` octets in all. Returns whether it grew. Throws RangeError beyond the maximum. */
  protected grow(bytes: number): boolean {
    if (bytes <= this.#bytes) return false;
    const { maxByteLength } = this.shared;
    const wanted = Math.ceil(Math.max(bytes, this.#bytes * 1.125) / STEP_BYTES) * STEP_BYTES;
    this.shared.grow(bytes > maxByteLength ? bytes : Math.min(wanted, maxByteLength));
    this.#bytes = this.shared.byteLength;
    return true;
  }
}

/** Words (int32) in shared memory that grow in place. */
export class GrowingWords extends Growing {
  /** All words there is room for now. Renewed by `reserve`: don't keep it. */
  words: Int32Array<ArrayBufferLike> = new Int32Array(0);

  constructor(maxWords: number) {
    super(maxWords * 4);
  }

  /** Makes room for `count` words in all; fresh ones are 0. Throws RangeError beyond the maximum. */
  reserve(count: number): void {
    if (this.grow(count * 4)) this.words = new Int32Array(this.shared, 0, this.shared.byteLength >> 2);
  }
}

/** Octets in shared memory that grow in place. */
export class GrowingOctets extends Growing {
  /** All octets there is room for now. Renewed by `reserve`: don't keep it. */
  octets: Buffer<ArrayBufferLike> = Buffer.alloc(0);

  /** Makes room for `count` octets in all. Throws RangeError beyond the maximum. */
  reserve(count: number): void {
    if (this.grow(count)) this.octets = octetsOf(this.shared);
  }
}

/** The octets of a shared buffer, as many as there are now. */
export function octetsOf(shared: SharedArrayBuffer): Buffer<ArrayBufferLike> {
  return Buffer.from(shared, 0, shared.byteLength);
}
