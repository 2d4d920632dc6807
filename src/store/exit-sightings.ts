import type { Store } from './database.ts';

/** What was found when an exit was last probed. Times are ms since the epoch; country codes lower-case, `asn` digits. */
export interface Sighting {
  readonly exit: string;
  readonly at: number;
  readonly source: 'probe' | 'check';
  /** What was asked of it: `page`, `tunnel` or `handshake`. */
  readonly asked: string;
  /** `ok`, or an error kind. */
  readonly kind: string;
  readonly ms: number;
  /** As seen from outside; null where nobody has told. */
  readonly address: string | null;
  readonly country: string | null;
  readonly asn: string | null;
}

/** Sightings that are kept; the oldest go. */
const MOST = 1_000_000;

/** What probes saw of exits, by exit id, kept over restarts. Everything throws StoreError. */
export class ExitSightings {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  all(): Sighting[] {
    return this.#store.read((database) => database.prepare<[], Sighting>('SELECT * FROM exit_sighting').all());
  }

  /** Keeps these, as one change. What a failed probe could not see stays as it was seen before. */
  put(sightings: readonly Sighting[]): void {
    this.#store.writeUnwatched((database) => {
      const put = database.prepare(
        `INSERT INTO exit_sighting (exit, at, source, asked, kind, ms, address, country, asn)
         VALUES (@exit, @at, @source, @asked, @kind, @ms, @address, @country, @asn)
         ON CONFLICT (exit) DO UPDATE SET at = @at, source = @source, asked = @asked, kind = @kind, ms = @ms,
           address = @address, country = @country, asn = @asn`,
      );
      for (const sighting of sightings) put.run(sighting);
    });
  }

  /** Forgets the oldest beyond what is kept. */
  prune(): void {
    this.#store.writeUnwatched((database) => {
      database
        .prepare(
          'DELETE FROM exit_sighting WHERE exit IN (SELECT exit FROM exit_sighting ORDER BY at DESC LIMIT -1 OFFSET ?)',
        )
        .run(MOST);
    });
  }
}
