import type { RelayCounts, RelayHandle } from './relay.ts';
import type { Socket } from './socket.ts';

/** The octets of one connection toward an exit, at its TCP socket: handshakes and TLS records included, which is what a vendor
 *  counts; the headers of packets are not. Each octet is taken once, however many use the connection one after the other. */
export class Wire {
  /** Null once the octets pass outside of it. */
  #socket: Socket | null;
  #relay: RelayHandle | null = null;
  /** What had passed before the relay began, what it counts again taken off; and what was left unread at the end. */
  #sentBefore = 0;
  #receivedBefore = 0;
  #sent = 0;
  #received = 0;

  /** `socket` is the one under it all; it may be gone already. Null where the octets pass outside of any. */
  constructor(socket: Socket | null) {
    this.#socket = socket;
  }

  /** Goes on where `taken` of what passes by the relay have been taken. */
  static over(relay: RelayHandle, taken: RelayCounts): Wire {
    const wire = new Wire(null);
    wire.#relay = relay;
    wire.#sent = taken.bytesAtoB;
    wire.#received = taken.bytesBtoA;
    return wire;
  }

  /** What its relay counts, where the octets pass outside and all of them have been taken; else null. */
  get allTaken(): RelayCounts | null {
    if (this.#relay === null) return null;
    const counts = this.#relay.counts();
    const [sent, received] = [this.#sentBefore + counts.bytesAtoB, this.#receivedBefore + counts.bytesBtoA];
    return sent === this.#sent && received === this.#received ? counts : null;
  }

  /** Whether more may pass over its socket; what `onceClosed` is told of then. */
  get isOpen(): boolean {
    return this.#socket?.destroyed === false;
  }

  /** Whether something has come over it of which nobody was told yet, as far as is known: records of TLS too. */
  hasNews(): boolean {
    return this.#socket?.hasNews?.() === true;
  }

  onceClosed(closed: () => void): void {
    this.#socket?.once('close', closed);
  }

  /** Of what was taken that which its relay has counted; nothing before it has one. */
  get relayed(): { readonly sent: number; readonly received: number } | null {
    if (this.#relay === null) return null;
    return { sent: this.#sent - this.#sentBefore, received: this.#received - this.#receivedBefore };
  }

  /** Adds what has moved since this was asked last. Of what was written to a connection that was reset some may not have arrived. */
  takeInto(sum: { sent: number; received: number }): void {
    const { bytesAtoB, bytesBtoA } = this.#counts();
    // While the record of a relay's end is on its way, less is known than before.
    const sent = Math.max(0, bytesAtoB - this.#sent);
    const received = Math.max(0, bytesBtoA - this.#received);
    this.#sent += sent;
    this.#received += received;
    sum.sent += sent;
    sum.received += received;
  }

  /** The relay has ended the connection while so many octets lay there unread: its peer has sent them, and a vendor bills them. */
  leave(unread: number): void {
    this.#receivedBefore += unread;
  }

  /** The octets pass by a relay outside of the socket from now on; `early` of those read before are counted by that relay too. */
  handTo(relay: RelayHandle, early: number): void {
    const { bytesAtoB, bytesBtoA } = this.#counts();
    this.#sentBefore = bytesAtoB;
    this.#receivedBefore = bytesBtoA - early;
    this.#relay = relay;
    this.#socket = null;
  }

  /** From the client to the exit, and back. */
  #counts(): RelayCounts {
    if (this.#socket !== null)
      return {
        bytesAtoB: this.#socket.bytesWritten ?? 0,
        bytesBtoA: (this.#socket.bytesRead ?? 0) + (this.#socket.unread ?? 0),
      };
    const { bytesAtoB = 0, bytesBtoA = 0 } = this.#relay?.counts() ?? {};
    return { bytesAtoB: this.#sentBefore + bytesAtoB, bytesBtoA: this.#receivedBefore + bytesBtoA };
  }
}
