import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asStoreError } from './store-error.ts';

const FOLDER = 'sources';

/** What is known of a copy. Times are wall time, in ms. */
export interface CopyFacts {
  /** What it was fetched by. */
  readonly definition: string;
  /** SHA-256 of the content, in hex. */
  readonly digest: string;
  readonly etag: string | null;
  readonly lastModified: string | null;
  /** When its source last said that this is what it has. */
  readonly confirmedAt: number;
  readonly exits: number;
}

/** Where the copy of this key is, if there is one. */
export function copyPath(dataFolder: string, key: string): string {
  return join(dataFolder, FOLDER, `${key}.list`);
}

/** The last good copies of what was fetched, in a folder of the data folder that only its owner may read: a copy is replaced as a
 *  whole. Methods throw StoreError. */
export class ListCopies {
  readonly #dataFolder: string;
  readonly #folder: string;
  #drafts = 0;

  constructor(dataFolder: string) {
    this.#dataFolder = dataFolder;
    this.#folder = join(dataFolder, FOLDER);
    guarded(() => mkdirSync(this.#folder, { recursive: true, mode: 0o700 }));
  }

  /** What is known of a copy; null where there is none, or nothing is known of it. */
  facts(key: string): CopyFacts | null {
    if (!this.has(key)) return null;
    try {
      return factsIn(JSON.parse(readFileSync(this.#factsPath(key), 'utf8')));
    } catch {
      return null;
    }
  }

  has(key: string): boolean {
    return existsSync(copyPath(this.#dataFolder, key));
  }

  /** Where the next copy is to be written, and synced: another place each time. */
  draft(key: string): string {
    this.#drafts += 1;
    return join(this.#folder, `${key}.${this.#drafts}.new`);
  }

  /** Makes the draft the copy. */
  take(key: string, { draft, facts }: { readonly draft: string; readonly facts: CopyFacts }): void {
    guarded(() => {
      // What is known of the former copy must not be said of this one, should this process end in between.
      rmSync(this.#factsPath(key), { force: true });
      renameSync(draft, copyPath(this.#dataFolder, key));
    });
    this.note(key, facts);
  }

  /** Says what is known of a copy. */
  note(key: string, facts: CopyFacts): void {
    guarded(() => {
      const draft = `${this.#factsPath(key)}.new`;
      writeFileSync(draft, JSON.stringify(facts), { mode: 0o600 });
      renameSync(draft, this.#factsPath(key));
    });
  }

  /** Gives a draft up. */
  drop(draft: string): void {
    guarded(() => rmSync(draft, { force: true }));
  }

  /** Takes away what belongs to no key of these, and drafts that were left behind. */
  prune(keys: ReadonlySet<string>): void {
    guarded(() => {
      for (const name of readdirSync(this.#folder)) {
        const [key = ''] = name.split('.');
        if (!keys.has(key) || name.endsWith('.new')) rmSync(join(this.#folder, name), { force: true });
      }
    });
  }

  #factsPath(key: string): string {
    return join(this.#folder, `${key}.json`);
  }
}

function factsIn(value: unknown): CopyFacts | null {
  const facts = value as Partial<Record<keyof CopyFacts, unknown>> | null;
  const whole =
    typeof facts === 'object' &&
    typeof facts?.definition === 'string' &&
    typeof facts.digest === 'string' &&
    typeof facts.confirmedAt === 'number' &&
    typeof facts.exits === 'number';
  if (!whole) return null;
  const text = (part: unknown) => (typeof part === 'string' ? part : null);
  return { ...(facts as CopyFacts), etag: text(facts.etag), lastModified: text(facts.lastModified) };
}

function guarded(work: () => void): void {
  try {
    work();
  } catch (cause) {
    throw asStoreError(cause);
  }
}
