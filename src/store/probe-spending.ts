import type { Store } from './database.ts';

/** Days whose spending is kept, by name. */
const KEPT_DAYS = 31;

/** What probes have cost, by day and pool, in octets. What is written survives a power cut. Everything throws StoreError. */
export class ProbeSpending {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Octets by pool on that day. */
  of(day: string): Map<string, number> {
    return this.#store.read((database) => {
      const rows = database.prepare<[string], { pool: string; octets: number }>(
        'SELECT pool, octets FROM probe_spending WHERE day = ?',
      );
      return new Map(rows.all(day).map(({ pool, octets }) => [pool, octets]));
    });
  }

  /** Books octets, or takes some back that were booked beforehand. */
  add(day: string, pool: string, octets: number): void {
    this.#store.writeUnwatched((database) => {
      database
        .prepare(
          `INSERT INTO probe_spending (day, pool, octets) VALUES (?, ?, max(0, ?))
           ON CONFLICT (day, pool) DO UPDATE SET octets = max(0, octets + ?)`,
        )
        .run(day, pool, octets, octets);
    });
  }

  /** Forgets all but the last days. */
  prune(): void {
    this.#store.writeUnwatched((database) => {
      database
        .prepare(
          `DELETE FROM probe_spending WHERE day NOT IN (SELECT DISTINCT day FROM probe_spending ORDER BY day DESC LIMIT ?)`,
        )
        .run(KEPT_DAYS);
    });
  }
}
