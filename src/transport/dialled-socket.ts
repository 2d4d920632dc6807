import { Buffer } from 'node:buffer';
import { Socket, type SocketConstructorOpts } from 'node:net';
import type { Borrower } from './socket.ts';

/** Most octets that are read at once and kept; as much as Node itself reads. */
const KEPT_BYTES = 64 * 1024;

/** Most octets that are read at once and only lent. */
const LENT_BYTES = 256 * 1024;

/** Where the sockets of one thread read to: each read is over before the next begins. */
export function readingRoom(): Buffer {
  return Buffer.allocUnsafeSlow(LENT_BYTES);
}

/** A socket that reads into a room which it shares with others. Node's own have 64 KiB made for every read, outside of the heap of
 *  JavaScript, and collections come by how much of that there is: they took as much CPU as encrypting the octets.
 *
 *  To whoever uses it as any socket it gives copies. Unlike others it stops reading as soon as it is paused. */
export class DialledSocket extends Socket {
  #borrower: Borrower | null = null;

  constructor(room: Buffer, options: SocketConstructorOpts) {
    // What is read comes later.
    let self: DialledSocket | null = null;
    const kept = room.subarray(0, KEPT_BYTES);
    super({
      ...options,
      onread: {
        buffer: () => (self === null || self.#borrower === null ? kept : room),
        callback: (count) => self === null || self.#take(room.subarray(0, count)),
      },
    });
    self = this;
  }

  /** See Socket of socket.ts. */
  lendTo(borrower: Borrower): void {
    this.#borrower = borrower;
  }

  #take(octets: Buffer): boolean {
    if (this.#borrower !== null && this.readableLength === 0) return this.#borrower(octets);
    return this.push(Buffer.from(octets));
  }
}
