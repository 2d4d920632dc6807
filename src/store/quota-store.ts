import { type Database, openStore, type Statement, type Store } from './database.ts';

/** A count of a quota, as it is kept. Ms of the epoch; no end: null. */
export interface KeptQuota {
  readonly client: string;
  readonly name: string;
  readonly start: number;
  readonly end: number | null;
  /** Octets, requests, or units of 10^-9 of a currency. */
  readonly spent: bigint;
  /** Marks of the amounts that were told to be used up. */
  readonly toldSoft: number;
  readonly toldHard: number;
}

/** Periods that are kept of each quota, the newest first: a clock that was put back finds those before. */
const KEPT_PERIODS = 8;

/** Names a quota, whatever the period. */
export type QuotaName = Pick<KeptQuota, 'client' | 'name'>;

/** How long it waits, blocking, for another process that writes, in ms: it tries again later. */
const BUSY_MS = 20;

const migrations: readonly string[] = [
  `
  CREATE TABLE quota (
    client TEXT NOT NULL,
    name TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER,
    spent INTEGER NOT NULL CHECK (spent >= 0),
    told_soft INTEGER NOT NULL,
    told_hard INTEGER NOT NULL,
    PRIMARY KEY (client, name, starts_at)
  ) STRICT, WITHOUT ROWID;
  `,
];

/** A file of its own: it is written twice a second, whether or not a ledger is kept. */
const quotaLayout = { file: 'quotas.db', migrations, durable: false } as const;

interface Row {
  readonly client: string;
  readonly name: string;
  readonly starts_at: bigint;
  readonly ends_at: bigint | null;
  readonly spent: bigint;
  readonly told_soft: bigint;
  readonly told_hard: bigint;
}

const pruning = `
  DELETE FROM quota WHERE client = @client AND name = @name AND starts_at NOT IN (
    SELECT starts_at FROM quota WHERE client = @client AND name = @name ORDER BY starts_at DESC LIMIT ${KEPT_PERIODS})`;

const putting = `
  INSERT INTO quota (client, name, starts_at, ends_at, spent, told_soft, told_hard) VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (client, name, starts_at) DO UPDATE
  SET spent = excluded.spent, told_soft = excluded.told_soft, told_hard = excluded.told_hard`;

/** What clients have used of their quotas, period by period. It blocks while it works: for the control thread only. Everything throws
 *  StoreError. */
export class QuotaStore {
  readonly #store: Store;
  /** Prepared once: to prepare one takes as long as to carry it out. */
  #put: Statement | null = null;
  #prune: Statement | null = null;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Opens that of a data folder. */
  static open(folder: string, now: () => number): QuotaStore {
    return new QuotaStore(openStore(folder, { now, busyTimeoutMs: BUSY_MS }, quotaLayout));
  }

  /** Counts of periods that last longer than until `since`, those without end included. */
  endingAfter(since: number): KeptQuota[] {
    const sql = 'SELECT * FROM quota WHERE ends_at IS NULL OR ends_at > ? ORDER BY client, name, starts_at';
    return this.#store.read((database) => rowsOf(database, sql, since));
  }

  find(client: string, name: string, start: number): KeptQuota | null {
    const sql = 'SELECT * FROM quota WHERE client = ? AND name = ? AND starts_at = ?';
    return this.#store.read((database) => rowsOf(database, sql, client, name, start)[0] ?? null);
  }

  /** Keeps these in place of what they were, and forgets all but the newest periods that were kept of `outgrown`: all or nothing. What
   *  somebody is told of is to be durable: it survives a power cut. */
  save(
    counts: readonly KeptQuota[],
    {
      outgrown = [],
      isDurable = false,
    }: { readonly outgrown?: Iterable<QuotaName>; readonly isDurable?: boolean } = {},
  ): void {
    const put = (database: Database) => this.#putAll(database, counts, outgrown);
    if (isDurable) this.#store.writeDurably(put);
    else this.#store.write(put);
  }

  close(): void {
    this.#store.close();
  }

  #putAll(database: Database, counts: readonly KeptQuota[], outgrown: Iterable<QuotaName>): void {
    this.#prune ??= database.prepare(pruning);
    for (const { client, name } of outgrown) this.#prune.run({ client, name });
    this.#put ??= database.prepare(putting);
    for (const { client, name, start, end, spent, toldSoft, toldHard } of counts)
      this.#put.run(client, name, start, end, spent, toldSoft, toldHard);
  }
}

function rowsOf(database: Database, sql: string, ...values: readonly (string | number)[]): KeptQuota[] {
  const rows = database.prepare<unknown[], Row>(sql).safeIntegers().all(values);
  return rows.map(({ client, name, starts_at, ends_at, spent, told_soft, told_hard }) => ({
    client,
    name,
    start: Number(starts_at),
    end: ends_at === null ? null : Number(ends_at),
    spent,
    toldSoft: Number(told_soft),
    toldHard: Number(told_hard),
  }));
}
