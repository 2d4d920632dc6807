import { type FSWatcher, statSync, watch } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { PoolFile } from '../pool/pool-file.ts';

/** Lists are looked at so often, in ms: on some file systems nobody tells of a change. */
const POLL_MS = 5_000;
/** One that may be being written is left alone until nothing has changed for so long, in ms. */
const REST_MS = 1_000;
/** The same for one that has less than half of what it had, and was not put in its place whole. */
const SHRUNK_REST_MS = 10_000;
/** While a change doesn't rest it is looked at so often, in ms. */
const STEP_MS = 100;

export interface ListWatchOptions {
  /** Relative paths are looked for beside the pool file, then here. */
  readonly projectFolder: string;
  /** A list of this pool has changed, and rests. */
  readonly onChange: (pool: string) => void;
  readonly warn: (line: string) => void;
}

/** How lists stood at one time. */
export type ListMarks = ReadonlyMap<string, string>;

interface LocalList {
  readonly pool: string;
  readonly written: string;
  /** Where it may be; the first that is there counts. */
  readonly places: readonly string[];
}

interface Followed extends LocalList {
  /** As it stood when it was read. */
  read: string;
  /** As it stood when it was looked at last, and since when. */
  seen: string;
  since: number;
  told: boolean;
}

const GONE = 'gone';

/** Watches the lists on this machine that pools name, and tells when one has changed and rests. */
export class ListWatch {
  readonly #options: ListWatchOptions;
  readonly #folders = new Map<string, FSWatcher>();
  readonly #lists = new Map<string, Followed>();
  readonly #polling: NodeJS.Timeout;
  #looking: NodeJS.Timeout | null = null;

  constructor(options: ListWatchOptions) {
    this.#options = options;
    this.#polling = setInterval(() => this.#look(), POLL_MS).unref();
  }

  /** How the lists of these files stand now. */
  marks(files: readonly PoolFile[]): ListMarks {
    return new Map(this.#listsOf(files).map((list) => [keyOf(list), markOf(list)]));
  }

  /** Watches the lists of these files and no others. `marks` tells how those stood that have been read since the last call. */
  follow(files: readonly PoolFile[], marks: ListMarks): void {
    const lists = new Map(this.#listsOf(files).map((list) => [keyOf(list), list]));
    for (const key of this.#lists.keys()) if (!lists.has(key)) this.#lists.delete(key);
    for (const [key, list] of lists) {
      const read = marks.get(key) ?? this.#lists.get(key)?.read ?? markOf(list);
      this.#lists.set(key, { ...list, read, seen: read, since: 0, told: false });
    }
    this.#watchFolders(new Set([...lists.values()].flatMap(({ places }) => places.map(dirname))));
    this.#lookSoon();
  }

  stop(): void {
    clearInterval(this.#polling);
    if (this.#looking !== null) clearTimeout(this.#looking);
    this.#watchFolders(new Set());
    this.#lists.clear();
  }

  #watchFolders(folders: ReadonlySet<string>): void {
    for (const [folder, watcher] of this.#folders) {
      if (folders.has(folder)) continue;
      watcher.close();
      this.#folders.delete(folder);
    }
    for (const folder of folders) if (!this.#folders.has(folder)) this.#watchFolder(folder);
  }

  #watchFolder(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#lookSoon());
      watcher.on('error', () => {
        watcher.close();
        this.#folders.delete(folder);
      });
      this.#folders.set(folder, watcher);
    } catch {
      // Without a watcher there is the clock.
    }
  }

  #lookSoon(): void {
    if (this.#lists.size === 0) return;
    this.#looking ??= setTimeout(() => {
      this.#looking = null;
      if (this.#look()) this.#lookSoon();
    }, STEP_MS).unref();
  }

  /** Returns whether something has changed and doesn't rest yet. */
  #look(): boolean {
    const now = performance.now();
    const changed = new Set<string>();
    let restless = false;
    for (const list of this.#lists.values()) {
      const mark = markOf(list);
      if (mark !== list.seen) Object.assign(list, { seen: mark, since: now, told: false });
      if (mark === list.read) continue;
      if (now - list.since < restOf(list.read, mark)) restless = true;
      else if (isEmpty(mark)) this.#tellEmpty(list);
      else {
        list.read = mark;
        changed.add(list.pool);
      }
    }
    for (const pool of changed) this.#options.onChange(pool);
    return restless;
  }

  /** Who empties a list before writing it anew may take any time. */
  #tellEmpty(list: Followed): void {
    if (list.told) return;
    list.told = true;
    const { pool, written } = list;
    this.#options.warn(
      `pool ${pool}: ${written} is empty; what it named stays, unless "roundabout pool reload ${pool}" says otherwise`,
    );
  }

  #listsOf(files: readonly PoolFile[]): LocalList[] {
    return files.flatMap(({ file, name, entries }) =>
      entries.flatMap((entry) => {
        if (entry.kind !== 'list') return [];
        const folders = isAbsolute(entry.list) ? [''] : [dirname(file), this.#options.projectFolder];
        const places = [...new Set(folders.map((folder) => join(folder, entry.list)))];
        return [{ pool: name, written: entry.list, places }];
      }),
    );
  }
}

const keyOf = ({ pool, places }: LocalList): string => [pool, ...places].join('\n');

/** Changes with every change of the file, as far as the system tells: where and which it is, how long, and when written. */
function markOf({ places }: LocalList): string {
  for (const place of places) {
    try {
      const { dev, ino, size, mtimeNs } = statSync(place, { bigint: true });
      return [place, `${dev}:${ino}`, size, mtimeNs].join('\n');
    } catch {
      // There may be another place.
    }
  }
  return GONE;
}

const sizeOf = (mark: string): number => Number(mark.split('\n')[2] ?? 0);

const isEmpty = (mark: string): boolean => mark !== GONE && sizeOf(mark) === 0;

function restOf(before: string, mark: string): number {
  const fileOf = (one: string) => one.split('\n', 2).join('\n');
  const shrunk = mark !== GONE && fileOf(mark) === fileOf(before) && sizeOf(mark) * 2 < sizeOf(before);
  return shrunk ? SHRUNK_REST_MS : REST_MS;
}
