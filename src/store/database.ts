import { statSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { ensureFile, ensureFolder } from './folder.ts';
import { migrations } from './migrations.ts';
import { asStoreError, StoreError } from './store-error.ts';

export type Database = Sqlite.Database;

/** Prepared, for values of any kind. */
export type Statement = Sqlite.Statement<unknown[]>;

export interface StoreOptions {
  /** The wall clock, in ms since the epoch: it stamps records. */
  readonly now: () => number;
  /** How long to wait, blocking, for another process that writes. Default 2,000 ms. */
  readonly busyTimeoutMs?: number;
}

/** What a store holds, and how safely. */
export interface StoreLayout {
  /** The name of its file in the data folder. */
  readonly file: string;
  /** Steps from an empty one to the present one; step n leads to `user_version` n. */
  readonly migrations: readonly string[];
  /** Whether what was written survives a power cut; where not, the last of it may be lost then, and nothing is damaged. A killed
   *  process loses nothing either way. */
  readonly durable: boolean;
}

const clientLayout: StoreLayout = { file: 'roundabout.db', migrations, durable: true };

/** Between two tries to get the store alone, in ms. */
const PAUSE_MS = 5;

/** Node-API 10, which Node 22.14 is the first to have: below it better-sqlite3 ends the process. */
const leastNapi = 10;

/** An open store. It blocks while it works: for the control thread only. Everything throws StoreError. */
export class Store {
  readonly path: string;
  readonly now: () => number;
  readonly #database: Database;
  readonly #inode: bigint;
  readonly #layout: StoreLayout;
  #unwatched = 0;

  constructor(path: string, { now, busyTimeoutMs = 2000 }: StoreOptions, layout = clientLayout) {
    this.path = path;
    this.now = now;
    this.#layout = layout;
    this.#database = new Sqlite(path, { timeout: busyTimeoutMs });
    this.#inode = statSync(path, { bigint: true }).ino;
    try {
      prepare(this.#database, busyTimeoutMs, layout);
    } catch (cause) {
      this.#database.close();
      throw cause;
    }
  }

  /** Runs `work` on one consistent view of the store. */
  read<T>(work: (database: Database) => T): T {
    return this.#run(() => this.#database.transaction(work).deferred(this.#database));
  }

  /** Runs `work` as one change, kept whole or not at all. Once this returns the change survives a power cut, unless its layout
   *  says otherwise. */
  write<T>(work: (database: Database) => T): T {
    return this.#run(() => {
      this.#assertInPlace();
      return this.#database.transaction(work).immediate(this.#database);
    });
  }

  /** Like `write`, and once this returns the change survives a power cut whatever the layout says. */
  writeDurably<T>(work: (database: Database) => T): T {
    return this.#run(() => {
      this.#database.pragma('synchronous = FULL');
      try {
        return this.write(work);
      } finally {
        this.#database.pragma(`synchronous = ${synchronousOf(this.#layout)}`);
      }
    });
  }

  /** Like `write`, for notes that a process keeps for itself: its `dataVersion` stays as it is. */
  writeUnwatched<T>(work: (database: Database) => T): T {
    return this.write((database) => {
      const before = this.#changes();
      const result = work(database);
      this.#unwatched += this.#changes() - before;
      return result;
    });
  }

  /** A text that is another after any change, by this process or another; cheap enough to ask every second. */
  dataVersion(): string {
    return this.#run(() => {
      const others = this.#database.pragma('data_version', { simple: true });
      return `${others}:${this.#changes() - this.#unwatched}`;
    });
  }

  close(): void {
    this.#database.close();
  }

  /** Rows that this process has changed. */
  #changes(): number {
    return Number(this.#database.prepare('SELECT total_changes()').pluck().get());
  }

  /** SQLite would go on writing to a file that has no name any more. */
  #assertInPlace(): void {
    const inode = statSync(this.path, { bigint: true, throwIfNoEntry: false })?.ino;
    if (inode === this.#inode) return;
    throw new StoreError('deleted', {
      detail: 'the store was deleted or replaced while it was open',
      remedy: 'put it back and start again',
    });
  }

  #run<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      throw asStoreError(cause);
    }
  }
}

/** Where the store of a data folder is. */
export function storePath(folder: string): string {
  return join(folder, 'roundabout.db');
}

/** Opens the store in the data folder, making both where there are none (0700, 0600), and brings it up to date. Throws
 *  StoreError: unfit_runtime, newer, damaged, locked, read_only, full, unavailable. */
export function openStore(folder: string, options: StoreOptions, layout = clientLayout): Store {
  assertFitRuntime(process.versions);
  try {
    ensureFolder(folder);
    const path = join(folder, layout.file);
    ensureFile(path);
    return new Store(path, options, layout);
  } catch (cause) {
    throw ofFile(layout.file, asStoreError(cause));
  }
}

/** The same with the file's name: there are several stores, and not all can be moved away as lightly. */
function ofFile(file: string, fault: unknown): unknown {
  if (!(fault instanceof StoreError)) return fault;
  const { code, detail, remedy, cause } = fault;
  return new StoreError(code, { detail: `${file}: ${detail}`, remedy, cause });
}

/** Throws StoreError (unfit_runtime) where the store would take the process down with it. */
export function assertFitRuntime(versions: { readonly node?: string; readonly napi?: string }): void {
  if (Number(versions.napi) >= leastNapi) return;
  throw new StoreError('unfit_runtime', {
    detail: `the store does not run on Node ${versions.node}`,
    remedy: 'use Node 22.14 or later',
  });
}

/** NORMAL would lose acknowledged changes in a power cut. */
const synchronousOf = ({ durable }: StoreLayout): string => (durable ? 'FULL' : 'NORMAL');

function prepare(database: Database, busyTimeoutMs: number, layout: StoreLayout): void {
  const { migrations: steps } = layout;
  // Only a file without tables takes this in; one that has it would be written to all the same.
  if (database.pragma('auto_vacuum', { simple: true }) === 0) database.pragma('auto_vacuum = INCREMENTAL');
  writeAhead(database, busyTimeoutMs);
  database.pragma(`synchronous = ${synchronousOf(layout)}`);
  database.pragma('foreign_keys = ON');
  // Who only reads needs no lock.
  if (versionOf(database) !== steps.length) database.transaction(() => migrate(database, steps)).immediate();
}

/** The change of a new store's mode needs the file alone, and for that SQLite does not wait as it does for other locks: of several
 *  processes that make a store at once, one would be told that it is locked. */
function writeAhead(database: Database, busyTimeoutMs: number): void {
  for (let leftMs = busyTimeoutMs; ; leftMs -= PAUSE_MS) {
    try {
      database.pragma('journal_mode = WAL');
      return;
    } catch (cause) {
      const isBusy = cause instanceof Sqlite.SqliteError && cause.code.startsWith('SQLITE_BUSY');
      if (!isBusy || leftMs <= 0) throw cause;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
  }
}

const versionOf = (database: Database): number => Number(database.pragma('user_version', { simple: true }));

/** Inside of one transaction, so that of two processes that start at once one migrates and the other finds it done. */
function migrate(database: Database, steps: readonly string[]): void {
  const version = versionOf(database);
  if (version > steps.length) {
    throw new StoreError('newer', {
      detail: `the store has version ${version}, and this program knows ${steps.length}`,
      remedy: 'use the version of the program that made it, or a later one',
    });
  }
  if (version === steps.length) return;
  for (const step of steps.slice(version)) database.exec(step);
  database.pragma(`user_version = ${steps.length}`);
}
