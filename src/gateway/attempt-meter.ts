import type { RunningBooking } from '../ledger/booking.ts';
import type { Socket } from '../transport/socket.ts';
import { Wire } from '../transport/wire.ts';

/** A meter whose octets are all booked: the connection under way, and what moved over all of them. */
export interface BookedOctets {
  readonly wire: Wire;
  readonly sent: number;
  readonly received: number;
  readonly running: RunningBooking | null;
}

/** The octets that one attempt has moved at the sockets toward its exit: handshakes, TLS records, and a kept link that turned out
 *  dead before the one that served. */
export class AttemptMeter {
  #wire: Wire | null = null;
  /** As of the last settle(). */
  sent = 0;
  received = 0;
  #bookedSent = 0;
  #bookedReceived = 0;
  /** What of it was booked while it ran; null for the many that end before. */
  running: RunningBooking | null = null;

  /** Goes on from there. */
  static from({ wire, sent, received, running }: BookedOctets): AttemptMeter {
    const meter = new AttemptMeter();
    meter.#wire = wire;
    meter.sent = meter.#bookedSent = sent;
    meter.received = meter.#bookedReceived = received;
    meter.running = running;
    return meter;
  }

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
  dialled(socket: Socket): void {
    this.follow(new Wire(socket));
  }

  get hasUnbooked(): boolean {
    return this.sent > this.#bookedSent || this.received > this.#bookedReceived;
  }

  /** Adds what is settled and was not added to any sum before. */
  bookInto(sum: { sent: number; received: number }): void {
    const sent = this.sent - this.#bookedSent;
    const received = this.received - this.#bookedReceived;
    sum.sent += sent;
    sum.received += received;
    if (this.running !== null) {
      this.running.sent += sent;
      this.running.received += received;
    }
    this.#bookedSent = this.sent;
    this.#bookedReceived = this.received;
  }

  /** Takes in what has moved since. */
  settle(): void {
    this.#wire?.takeInto(this);
  }
}
