import type { Database } from './database.ts';

/** Which figures stand in every bucket. */
export interface LedgerFigures {
  readonly exchanges: number;
  readonly attempts: number;
  readonly requests: number;
  readonly sent: number;
  readonly received: number;
  readonly ms: number;
}

const columns = ['exchanges', 'attempts', 'requests', 'sent', 'received', 'ms'] as const;

/** Adds to a bucket, which is made where there is none: values that are bound, or rows of a query. */
export function addingTo(table: string, keys: readonly string[], select?: string): string {
  const all = [...keys, ...columns];
  const sums = columns.map((column) => `${column} = ${column} + excluded.${column}`);
  // Without WHERE true the conflict clause would be taken for a part of a join.
  const rows =
    select === undefined ? `VALUES (${all.map(() => '?').join(', ')})` : `SELECT * FROM (${select}) WHERE true`;
  return `INSERT INTO ${table} (${all.join(', ')}) ${rows}
    ON CONFLICT (${keys.join(', ')}) DO UPDATE SET ${sums.join(', ')}`;
}

/** The buckets of one table, of which each has these keys and a kind. Inside of a transaction. */
export class Bucket {
  readonly #add;
  readonly #held;
  readonly #dropEmpty;

  constructor(database: Database, table: string, keys: readonly string[]) {
    const all = [...keys, 'kind'];
    const where = all.map((key) => `${key} = ?`).join(' AND ');
    const select = `SELECT sent, received FROM ${table} WHERE ${where}`;
    this.#add = database.prepare(addingTo(table, all));
    this.#held = database.prepare<number[], { sent: number; received: number }>(select);
    this.#dropEmpty = database.prepare(`DELETE FROM ${table} WHERE ${where} AND max(${columns.join(', ')}) = 0`);
  }

  add(keys: readonly number[], kind: number, figures: LedgerFigures): void {
    const { exchanges, attempts, requests, sent, received, ms } = figures;
    this.#add.run(...keys, kind, exchanges, attempts, requests, sent, received, Math.round(ms));
  }

  /** Moves octets from one kind to another: no more than stand there, so that no figure is ever negative and their sum stays. */
  move(keys: readonly number[], { from, to, octets }: Move): void {
    const held = this.#held.get(...keys, from);
    if (held === undefined) return;
    const sent = Math.min(octets.sent, held.sent);
    const received = Math.min(octets.received, held.received);
    this.#add.run(...keys, from, 0, 0, 0, 0 - sent, 0 - received, 0);
    this.#dropEmpty.run(...keys, from);
    this.#add.run(...keys, to, 0, 0, 0, sent, received, 0);
  }
}

interface Move {
  readonly from: number;
  readonly to: number;
  readonly octets: Pick<LedgerFigures, 'sent' | 'received'>;
}
