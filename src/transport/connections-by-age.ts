/** What can be closed to make room. */
interface Closable {
  destroy(): unknown;
}

/** One connection's place among those of its age, until it is taken out. */
export interface AgedConnection {
  readonly connection: Closable;
  readonly since: number;
  older: AgedConnection | null;
  younger: AgedConnection | null;
  isIn: boolean;
}

/** Connections in the order in which they came, to find the oldest. They come and go in constant time, wherever they stand. */
export class ConnectionsByAge {
  readonly #now: () => number;
  #oldest: AgedConnection | null = null;
  #youngest: AgedConnection | null = null;

  /** `now` is a clock in ms that never goes back. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Takes one in that has just come. */
  add(connection: Closable): AgedConnection {
    const entry = { connection, since: this.#now(), older: this.#youngest, younger: null, isIn: true };
    if (this.#youngest === null) this.#oldest = entry;
    else this.#youngest.younger = entry;
    this.#youngest = entry;
    return entry;
  }

  /** Takes one out; nothing happens where it is out already. */
  remove(entry: AgedConnection): void {
    if (!entry.isIn) return;
    const { older, younger } = entry;
    if (older === null) this.#oldest = younger;
    else older.younger = younger;
    if (younger === null) this.#youngest = older;
    else younger.older = older;
    entry.older = null;
    entry.younger = null;
    entry.isIn = false;
  }

  /** Closes the oldest if it has been here for `graceMs`. Returns whether it has. */
  closeOldest(graceMs: number): boolean {
    const oldest = this.#oldest;
    if (oldest === null || this.#now() - oldest.since < graceMs) return false;
    this.remove(oldest);
    oldest.connection.destroy();
    return true;
  }
}
