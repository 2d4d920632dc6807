/** A set of things that come and go by the thousand. Each has a place, by which it is taken out again.
 *
 *  Not a Set or a Map: those make a new table again and again while things come and go, and each old table, while it waits to be
 *  collected, keeps what it last held and all tables after it. One that has grown old keeps everything that ever passed through
 *  alive until the next full collection, which cost more than a tenth of all time where connections were kept so. */
export class Roster<T extends object> {
  readonly #members: (T | null)[] = [];
  readonly #free: number[] = [];

  get size(): number {
    return this.#members.length - this.#free.length;
  }

  /** Takes `member` in; returns its place. */
  add(member: T): number {
    const place = this.#free.pop();
    if (place === undefined) return this.#members.push(member) - 1;
    this.#members[place] = member;
    return place;
  }

  /** Who has the place, or null. */
  at(place: number): T | null {
    return this.#members[place] ?? null;
  }

  /** Empties a place; nothing happens where it is empty. */
  remove(place: number): void {
    if (this.at(place) === null) return;
    this.#members[place] = null;
    this.#free.push(place);
  }

  /** All members as they are now; some may go while the caller looks at them. */
  members(): T[] {
    return this.#members.filter((member) => member !== null);
  }
}
