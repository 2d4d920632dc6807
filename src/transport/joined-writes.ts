import { Buffer } from 'node:buffer';

/** Octets that are copied together so as to leave in one call. */
const JOINED_BYTES = 64 * 1024;

const NOTHING = new Uint8Array(0);

/** The first write that waits in `queue`, joined there with small ones behind it. */
export function joinFront(queue: Uint8Array[]): Uint8Array {
  const [first = NOTHING, second] = queue;
  if (second === undefined || first.length + second.length > JOINED_BYTES) return first;
  let count = 0;
  let length = 0;
  for (const octets of queue) {
    if (length + octets.length > JOINED_BYTES) break;
    length += octets.length;
    count++;
  }
  const joined = Buffer.concat(queue.slice(0, count), length);
  queue.splice(0, count, joined);
  return joined;
}
