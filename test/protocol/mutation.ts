import { Buffer } from 'node:buffer';
import { seededRandom } from '../support/seeded-random.ts';

/** `count` inputs, each one of `samples` with one to four octets changed, put in, taken out, or the rest cut off. */
export function* mutations(samples: readonly Buffer[], count: number, seed = 1): Generator<Buffer> {
  const random = seededRandom(seed);
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
