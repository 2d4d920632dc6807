import { closeSync } from 'node:fs';
import type { Parking } from '../../src/transport/relay-binding.ts';

/** What may be of tickets for parked descriptors, and calls at random that are held against it. Nobody else may sweep. */
export class ParkingModel {
  readonly #binding: Parking;
  readonly #random: () => number;
  readonly #fault: (what: string) => void;
  readonly #tickets: { readonly number: number; isParked: boolean }[] = [];
  /** So many of them were parked before the last sweep. */
  #sweptTo = 0;

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
    else this.sweep();
  }

  #park(descriptor: number): void {
    const number = this.#binding.park(descriptor);
    if (descriptor < 0) return this.#expect(number < 0, 'what is no descriptor is parked');
    this.#expect(number > (this.#tickets.at(-1)?.number ?? 0), 'a ticket of its own');
    this.#tickets.push({ number, isParked: true });
  }

  /** One of the latest, wherever it is, or one that never was. */
  #take(): void {
    const all = [...this.#tickets.slice(-20), { number: 1e12, isParked: false }];
    const ticket = all[Math.floor(this.#random() * all.length)]!;
    if (this.#random() < 0.5) {
      this.#expect(this.#binding.drop(ticket.number) === ticket.isParked, 'a ticket is dropped once');
    } else {
      const fd = this.#binding.claim(ticket.number);
      this.#expect(fd >= 0 === ticket.isParked, 'a ticket is claimed once');
      if (fd >= 0) closeSync(fd);
    }
    ticket.isParked = false;
  }

  sweep(): void {
    const old = this.#tickets.slice(0, this.#sweptTo).filter(({ isParked }) => isParked);
    this.#expect(this.#binding.sweep() === old.length, 'what was parked before the last sweep goes, and no more');
    for (const ticket of old) ticket.isParked = false;
    this.#sweptTo = this.#tickets.length;
  }

  #expect(holds: boolean, what: string): void {
    if (!holds) this.#fault(what);
  }
}
