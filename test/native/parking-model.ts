import { closeSync } from 'node:fs';
import type { Parking } from '../../src/transport/relay-binding.ts';

/** Threads that nobody else is. */
const THREADS = [201, 202, 203];

interface Ticket {
  readonly number: number;
  readonly by: number;
  readonly to: number;
  isHeard: boolean;
  isParked: boolean;
}

/** What may be of tickets for parked descriptors, and calls at random that are held against it. */
export class ParkingModel {
  readonly #binding: Parking;
  readonly #random: () => number;
  readonly #fault: (what: string) => void;
  readonly #tickets: Ticket[] = [];

  constructor(parts: { binding: Parking; random: () => number; fault: (what: string) => void }) {
    this.#binding = parts.binding;
    this.#random = parts.random;
    this.#fault = parts.fault;
  }

  /** One call, perhaps about `descriptor`. */
  step(descriptor: number): void {
    const kind = this.#random();
    if (kind < 0.4) this.#park(descriptor);
    else if (kind < 0.8) this.#take();
    else if (kind < 0.95) this.#hear();
    else this.#bury(this.#anyOf(THREADS));
  }

  /** Closes all that is parked. */
  buryAll(): void {
    for (const ticket of this.#tickets.filter(({ isParked, isHeard }) => isParked && isHeard)) this.#drop(ticket);
    for (const by of THREADS) this.#bury(by);
  }

  #park(descriptor: number): void {
    const [by, to] = [this.#anyOf(THREADS), this.#anyOf(THREADS)];
    const number = this.#binding.park(descriptor, by, to);
    if (descriptor < 0) return this.#expect(number < 0, 'what is no descriptor is parked');
    this.#expect(number > (this.#tickets.at(-1)?.number ?? 0), 'a ticket of its own');
    this.#tickets.push({ number, by, to, isHeard: false, isParked: true });
  }

  /** One of the latest, wherever it is, or one that never was. */
  #take(): void {
    const ticket = this.#any();
    if (this.#random() < 0.5) {
      this.#drop(ticket);
    } else {
      const fd = this.#binding.claim(ticket.number);
      this.#expect(fd >= 0 === ticket.isParked, 'a ticket is claimed once');
      if (fd >= 0) closeSync(fd);
    }
    ticket.isParked = false;
  }

  #drop(ticket: Ticket): void {
    this.#expect(this.#binding.drop(ticket.number) === ticket.isParked, 'a ticket is dropped once');
    ticket.isParked = false;
  }

  #hear(): void {
    const ticket = this.#any();
    this.#binding.heard(ticket.number);
    ticket.isHeard = true;
  }

  #any(): Ticket {
    return this.#anyOf([...this.#tickets.slice(-20), { number: 1e12, by: 0, to: 0, isHeard: false, isParked: false }]);
  }

  #anyOf<Of>(all: readonly Of[]): Of {
    return all[Math.floor(this.#random() * all.length)]!;
  }

  #bury(by: number): void {
    const lost = this.#tickets.filter((ticket) => ticket.isParked && !ticket.isHeard && ticket.by === by);
    const closed = this.#binding.bury(by).toSorted();
    this.#expect(
      `${closed}` === `${lost.map(({ to }) => to).toSorted()}`,
      'what nobody has heard of goes, and no more',
    );
    for (const ticket of lost) ticket.isParked = false;
  }

  #expect(holds: boolean, what: string): void {
    if (!holds) this.#fault(what);
  }
}
