import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { seededRandom } from './seeded-random.ts';

// A prime, so that content moved by a power of two is seen.
const period = 65_521;

function makeBlock(): Buffer {
  const random = seededRandom(1);
  return Buffer.from(Uint8Array.from({ length: period }, () => Math.floor(random() * 256)));
}

const block = makeBlock();

/** The first `length` octets of the one pattern that origins send and tests expect. */
export function patternOf(length: number): Buffer {
  return Buffer.alloc(length, block);
}

/** The same octets as a stream, which never holds them all. */
export function streamPattern(length: number): Readable {
  return Readable.from(slices(length));
}

function* slices(length: number): Generator<Buffer> {
  for (let left = length; left > 0; left -= period) yield left < period ? block.subarray(0, left) : block;
}

export function sha256(octets: Buffer | string): string {
  return createHash('sha256').update(octets).digest('hex');
}
