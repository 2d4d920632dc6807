import type { Store } from './database.ts';
import { checkReason } from './reason.ts';

/** A pool that an operator disabled. */
export interface DisabledPool {
  readonly pool: string;
  /** Empty where none was given. */
  readonly reason: string;
  /** Ms since the epoch. */
  readonly since: number;
}

/** The pools that operators disabled, by name, in the store and at hand; a pool that goes and comes back is still disabled. Each
 *  change is on the disk when its method returns. Everything throws StoreError. */
export class DisabledPools {
  readonly #store: Store;
  #byName: ReadonlyMap<string, DisabledPool>;

  constructor(store: Store) {
    this.#store = store;
    this.#byName = this.#read();
  }

  get byName(): ReadonlyMap<string, DisabledPool> {
    return this.#byName;
  }

  /** Reads what another process may have changed. */
  refresh(): void {
    this.#byName = this.#read();
  }

  disable(pool: string, reason: string): void {
    checkReason(reason);
    this.#store.write((database) => {
      database
        .prepare('INSERT INTO disabled_pool VALUES (?, ?, ?) ON CONFLICT (pool) DO UPDATE SET reason = excluded.reason')
        .run(pool, reason, this.#store.now());
    });
    this.refresh();
  }

  enable(pool: string): void {
    this.#store.write((database) => database.prepare('DELETE FROM disabled_pool WHERE pool = ?').run(pool));
    this.refresh();
  }

  #read(): ReadonlyMap<string, DisabledPool> {
    const rows = this.#store.read((database) => {
      return database.prepare<[], DisabledPool>('SELECT * FROM disabled_pool ORDER BY pool').all();
    });
    return new Map(rows.map((row) => [row.pool, row]));
  }
}
