import { LinkedList, type Place, placeOf } from './linked-list.ts';

/** What can be closed to make room. */
interface Closable {
  destroy(): unknown;
}

interface Aged {
  readonly connection: Closable;
  readonly since: number;
}

/** One connection's place among those of its age, until it is taken out. */
export type AgedConnection = Place<Aged>;

/** Connections in the order in which they came, to find the oldest. */
export class ConnectionsByAge {
  readonly #now: () => number;
  readonly #all = new LinkedList<Aged>();

  /** `now` is a clock in ms that never goes back. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Takes one in that has just come. */
  add(connection: Closable): AgedConnection {
    const place = placeOf({ connection, since: this.#now() });
    this.#all.push(place);
    return place;
  }

  /** Takes one out; nothing happens where it is out already. */
  remove(place: AgedConnection): void {
    this.#all.remove(place);
  }

  /** Closes the oldest if it has been here for `graceMs`. Returns whether it has. */
  closeOldest(graceMs: number): boolean {
    const oldest = this.#all.first;
    if (oldest === null || this.#now() - oldest.of.since < graceMs) return false;
    this.#all.remove(oldest);
    oldest.of.connection.destroy();
    return true;
  }
}
