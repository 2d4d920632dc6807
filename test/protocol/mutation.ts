import { Buffer } from 'node:buffer';

/** A seeded source of numbers in [0, 1) (mulberry32), so that a failure can be repeated. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `count` inputs, each one of `samples` with one to four octets changed, put in, taken out, or the rest cut off. */
export function* mutations(samples: readonly Buffer[], count: number, seed = 1): Generator<Buffer> {
  const random = seeded(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  for (let n = 0; n < count; n++) {
    let octets = Buffer.from(samples[below(samples.length)]!);
    for (let changes = 1 + below(4); changes > 0; changes--) {
      const at = below(octets.length + 1);
      const octet = random() < 0.3 ? [0, 1, 5, 10, 13, 32, 58, 127, 128, 255][below(10)]! : below(256);
      const skipped = [1, 0, 1, octets.length][below(4)]!;
      const put = skipped === 1 && random() < 0.5 ? [] : [octet];
      octets = Buffer.concat([octets.subarray(0, at), Buffer.from(put), octets.subarray(at + skipped)]);
    }
    yield octets;
  }
}
