import { type Database, openStore, type Store } from './database.ts';
import { SiteBounds } from './ledger-bounds.ts';
import { Bucket, type LedgerFigures } from './ledger-bucket.ts';
import { ledgerMigrations } from './ledger-migrations.ts';
import { Names, type PoolTerms } from './ledger-names.ts';
import { type HeldExits, noteHeld } from './ledger-standing.ts';
import { NameSweep } from './name-sweep.ts';

const HOURS_OF_DAY = 24;

/** Figures to be added to the buckets of an hour. */
export interface LedgerEntry extends LedgerFigures {
  readonly client: string;
  readonly tag: string;
  readonly site: string;
  readonly pool: PoolTerms | null;
  readonly kind: string;
  readonly country: string;
  /** Octets that stand under another kind already, which they move from: as many of them as do stand there. */
  readonly movedFrom?: string | undefined;
  /** The hour of the Unix epoch. */
  readonly hour: number;
}

/** Lines of the log of exchanges, whatever they hold. */
export interface LedgerLines {
  readonly lines: number;
  readonly head: string;
  readonly content: Uint8Array;
}

export interface LedgerLimits {
  /** Lines of the log of exchanges. */
  readonly exchanges: number;
  /** Pairs of client and site that are told apart in one hour, and in one day. */
  readonly pairs: number;
  /** In place of the sites and tags beyond. */
  readonly other: string;
}

/** How long the ledger waits, blocking, for another process that writes to it, in ms: it tries again later. */
const BUSY_MS = 20;

/** The ledger's own file in the data folder. */
export const ledgerLayout = { file: 'ledger.db', migrations: ledgerMigrations, durable: false } as const;

/** Opens the ledger of a data folder. Throws StoreError. */
export function openLedger(folder: string, options: LedgerLimits & { readonly now: () => number }): LedgerStore {
  return new LedgerStore(openStore(folder, { now: options.now, busyTimeoutMs: BUSY_MS }, ledgerLayout), options);
}

/** What everybody's exchanges have cost, in buckets of hours and days. It blocks while it works: for the control thread only. */
export class LedgerStore {
  readonly store: Store;
  readonly #limits: LedgerLimits;
  readonly #names = new Names();
  readonly #bounds: SiteBounds;
  #statements: Statements | null = null;
  #lines: number;
  #sweep: NameSweep | null = null;

  constructor(store: Store, limits: LedgerLimits) {
    this.store = store;
    this.#limits = limits;
    this.#bounds = new SiteBounds(limits.pairs);
    const sum = 'SELECT coalesce(sum(lines), 0) FROM log';
    this.#lines = store.read((database) => Number(database.prepare(sum).pluck().get()));
  }

  /** Adds entries to their buckets and lines to the log: all or, where it throws StoreError, none. */
  add(entries: readonly LedgerEntry[], lines: readonly LedgerLines[]): void {
    try {
      const kept = this.store.write((database) => {
        this.#statements ??= new Statements(database);
        const statements = this.#statements;
        for (const entry of entries) if (entry.movedFrom === undefined) this.#addEntry(database, statements, entry);
        // Behind all others, among which may be what moves.
        for (const entry of entries) if (entry.movedFrom !== undefined) this.#addEntry(database, statements, entry);
        return this.#addLines(statements, lines);
      });
      this.#lines = kept;
    } catch (cause) {
      // Names that were given numbers have none after all.
      this.#names.clear();
      throw cause;
    }
  }

  /** Notes how many exits pools have on a day that cost by the month; see noteHeld(). Throws StoreError. */
  noteHeld(day: number, pools: readonly HeldExits[]): void {
    try {
      this.store.write((database) => noteHeld(database, this.#names, day, pools));
    } catch (cause) {
      this.#names.clear();
      throw cause;
    }
  }

  /** Takes away a few of the names that nothing bears any more, those of sites above all. Returns whether there may be more to do; when
   *  there is not, the next call begins anew. Throws StoreError. */
  sweepStep(): boolean {
    const sweep = this.#sweep ?? this.store.read((database) => new NameSweep(database, this.#limits.other));
    this.#sweep = sweep;
    this.#names.onUse = sweep.keep;
    const dropped = sweep.onlyReads
      ? this.store.read((database) => sweep.step(database))
      : this.store.write((database) => sweep.step(database));
    if (dropped === null) {
      this.#sweep = null;
      this.#names.onUse = null;
    } else if (dropped.length > 0) this.#names.clear();
    return dropped !== null;
  }

  close(): void {
    this.store.close();
  }

  #addEntry(database: Database, statements: Statements, entry: LedgerEntry): void {
    const { hour, movedFrom } = entry;
    const { other } = this.#limits;
    const id = (text: string) => this.#names.idOf(database, text);
    const tagText = this.#bounds.ofTag(hour, entry.client, entry.tag) ? entry.tag : other;
    const [client, tag, kind, country] = [id(entry.client), id(tagText), id(entry.kind), id(entry.country)];
    const pool = this.#names.poolOf(database, entry.pool);
    const book = (bucket: Bucket, ...keys: number[]) => {
      if (movedFrom === undefined) bucket.add(keys, kind, entry);
      else bucket.move(keys, { from: id(movedFrom), to: kind, octets: entry });
    };
    book(statements.total, hour, client, tag, pool, country);
    const pairSite = this.#bounds.ofPair(hour, entry.client, `${tagText}\n${entry.site}`) ? entry.site : other;
    book(statements.pair, hour, client, id(pairSite), tag, pool);
    const day = hour - (hour % HOURS_OF_DAY);
    const site = this.#bounds.ofDay(day, entry.site) ? entry.site : other;
    book(statements.site, day, id(site), pool);
  }

  /** Returns how many lines the log has then. */
  #addLines({ insert, oldest, drop }: Statements, added: readonly LedgerLines[]): number {
    let kept = this.#lines;
    for (const { lines, head, content } of added) {
      insert.run(lines, head, content);
      kept += lines;
    }
    for (let row = oldest.get(); row !== undefined && kept - row.lines >= this.#limits.exchanges; row = oldest.get()) {
      drop.run(row.id);
      kept -= row.lines;
    }
    return kept;
  }
}

/** Prepared once: to prepare them takes longer than what is written of a busy second. */
class Statements {
  readonly total;
  readonly pair;
  readonly site;
  readonly insert;
  readonly oldest;
  readonly drop;

  constructor(database: Database) {
    this.total = new Bucket(database, 'hour_total', ['at', 'client', 'tag', 'pool', 'country']);
    this.pair = new Bucket(database, 'hour_pair', ['at', 'client', 'site', 'tag', 'pool']);
    this.site = new Bucket(database, 'day_site', ['at', 'site', 'pool']);
    this.insert = database.prepare('INSERT INTO log (lines, head, content) VALUES (?, ?, ?)');
    this.oldest = database.prepare<[], { id: number; lines: number }>('SELECT id, lines FROM log ORDER BY id LIMIT 1');
    this.drop = database.prepare('DELETE FROM log WHERE id = ?');
  }
}
