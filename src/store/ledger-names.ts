import { PRICE_DECIMALS, unitsOf } from '../protocol/decimal.ts';
import type { Database } from './database.ts';

/** Texts remembered with their numbers. */
const REMEMBERED = 50_000;

/** A pool's terms. */
export interface PoolTerms {
  readonly name: string;
  readonly tier: string;
  readonly price: {
    readonly perGB: number;
    readonly perRequest: number;
    readonly perIpMonth: number;
    readonly currency: string;
  } | null;
}

/** The numbers that texts and pools have in the ledger. Inside of a transaction; after one that failed it must be cleared. */
export class Names {
  readonly #texts = new Map<string, number>();
  readonly #pools = new Map<string, number>();
  /** Told of every number that is given out, while somebody looks for those that are not used. */
  onUse: ((id: number) => void) | null = null;

  /** That of a text, which is given one where it has none. */
  idOf(database: Database, text: string): number {
    const known = this.#texts.get(text);
    const id = known ?? this.#look(database, text);
    this.onUse?.(id);
    return id;
  }

  #look(database: Database, text: string): number {
    const sql = 'INSERT INTO name (text) VALUES (?) ON CONFLICT DO UPDATE SET text = text RETURNING id';
    const id = Number(database.prepare(sql).pluck().get(text));
    if (this.#texts.size >= REMEMBERED) this.#texts.clear();
    this.#texts.set(text, id);
    return id;
  }

  /** That of a pool with these terms; 0 for none. */
  poolOf(database: Database, pool: PoolTerms | null): number {
    if (pool === null) return 0;
    const { name, tier, price } = pool;
    const { perGB = 0, perRequest = 0, perIpMonth = 0, currency = '' } = price ?? {};
    const key = `${name} ${tier} ${perGB} ${perRequest} ${perIpMonth} ${currency}`;
    const known = this.#pools.get(key);
    if (known !== undefined) return known;
    const units = [perGB, perRequest, perIpMonth].map((part) => unitsOf(part, PRICE_DECIMALS));
    const sql = `INSERT INTO pool (name, tier, per_gb, per_request, per_ip_month, currency) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET name = name RETURNING id`;
    const id = Number(
      database
        .prepare(sql)
        .pluck()
        .get(name, tier, ...units, currency),
    );
    this.#pools.set(key, id);
    return id;
  }

  clear(): void {
    this.#texts.clear();
    this.#pools.clear();
  }
}
