import { workerData } from 'node:worker_threads';
import { octetRingOf, RingWriter } from '../../src/memory/octet-ring.ts';

/** What a thread writes into a ring: so many pieces of 1, 2, 3 … octets, which count from 1 to 255 over all pieces; each piece ends
 *  with a 0. By turns they are put in, and written where they stand. */
export interface RingLoad {
  readonly shared: SharedArrayBuffer;
  readonly pieces: number;
  readonly longest: number;
}

const { shared, pieces, longest }: RingLoad = workerData;
const writer = new RingWriter(octetRingOf(shared));
const nap = new Int32Array(new SharedArrayBuffer(4));
let octet = 0;

for (let i = 0; i < pieces; i++) {
  const piece = Uint8Array.from({ length: (i % longest) + 1 }, (_, at) => {
    if (at === i % longest) return 0;
    octet = (octet % 255) + 1;
    return octet;
  });
  if (i % 2 === 0 && writer.endFor(piece.length) - writer.start >= piece.length) {
    writer.octets.set(piece, writer.start);
    writer.publish(piece.length);
  } else while (!writer.put(piece)) Atomics.wait(nap, 0, 0, 1);
}
