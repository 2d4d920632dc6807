import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { ensureFile } from './folder.ts';
import { asStoreError, StoreError } from './store-error.ts';

/** The data folder held by this process. */
export interface FolderLock {
  release(): void;
}

/** Holds the data folder for this process, so that no two gateways serve from one store. The lock is the system's own, on an
 *  empty database: it ends with the process, however that ends, and holds between containers, whose pids are all alike. Throws
 *  StoreError: in_use, naming the pid of the gateway that runs, or what the disk says. */
export function lockFolder(folder: string, pid: number): FolderLock {
  const pidFile = join(folder, 'roundabout.pid');
  const database = openLock(join(folder, 'roundabout.lock'));
  try {
    database.exec('BEGIN EXCLUSIVE');
    writeFileSync(pidFile, `${pid}\n`, { mode: 0o600 });
  } catch (cause) {
    database.close();
    const error = asStoreError(cause);
    throw error instanceof StoreError && error.code === 'locked' ? inUse(folder, pidFile) : error;
  }
  return {
    release: () => {
      rmSync(pidFile, { force: true });
      database.close();
    },
  };
}

/** Its owner alone may open it: whoever can read it could hold it. One that stands isn't opened but by SQLite, because to close it would
 *  let go of what this very process holds (POSIX). */
function openLock(path: string): Sqlite.Database {
  try {
    if (!existsSync(path)) ensureFile(path);
    return new Sqlite(path, { timeout: 0 });
  } catch (cause) {
    throw asStoreError(cause);
  }
}

function inUse(folder: string, pidFile: string): StoreError {
  return new StoreError('in_use', {
    detail: `another gateway (pid ${holderIn(pidFile)}) uses ${folder}`,
    remedy: 'stop it, or give this one a data folder of its own with --data DIR',
  });
}

function holderIn(pidFile: string): string {
  try {
    return readFileSync(pidFile, 'utf8').trim();
  } catch {
    return 'unknown';
  }
}
