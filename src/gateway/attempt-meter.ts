import type { Socket } from 'node:net';
import { Wire } from '../transport/wire.ts';

/** The octets that one attempt has moved at the sockets toward its exit: handshakes, TLS records, and a kept link that turned out
 *  dead before the one that served. */
export class AttemptMeter {
  #wire: Wire | null = null;
  /** As of the last settle(). */
  sent = 0;
  received = 0;

  /** The connection under way; null where none was made. */
  get wire(): Wire | null {
    return this.#wire;
  }

  /** Goes on over this connection. */
  follow(wire: Wire): void {
    this.settle();
    this.#wire = wire;
  }

  /** For the dialler: a connection was made. */
  readonly dialled = (socket: Socket): void => this.follow(new Wire(socket));

  /** Takes in what has moved since. */
  settle(): void {
    this.#wire?.takeInto(this);
  }
}
