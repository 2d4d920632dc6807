import { appendFileSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CheckedExit, CheckScope } from '../admin/check-command.ts';
import { asStoreError } from '../store/store-error.ts';

/** What a check has found so far, on the disk, so that another can go on where it was stopped: a line of JSON for its scope, then one
 *  for each exit. All but `read` throw StoreError. */
export class CheckJournal {
  readonly #path: string;

  constructor(folder: string) {
    this.#path = join(folder, 'check.journal');
  }

  /** An unfinished check; null where there is none, or nothing of it can be read. A line that was cut is left out. */
  read(): { readonly scope: CheckScope; readonly at: string; readonly results: readonly CheckedExit[] } | null {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch {
      return null;
    }
    const [head, ...lines] = text.split('\n').flatMap((line) => parsed(line));
    const { scope, at } = (head ?? {}) as { scope?: CheckScope; at?: string };
    if (scope === undefined || at === undefined) return null;
    return { scope, at, results: lines as CheckedExit[] };
  }

  begin(scope: CheckScope, at: string): void {
    guarded(() => writeFileSync(this.#path, `${JSON.stringify({ scope, at })}\n`, { mode: 0o600 }));
  }

  /** All of them or, where it throws, none: they can be added again. */
  add(results: readonly CheckedExit[]): void {
    const lines = results.map((result) => `${JSON.stringify(result)}\n`);
    if (lines.length === 0) return;
    guarded(() => {
      const { size } = statSync(this.#path);
      try {
        appendFileSync(this.#path, lines.join(''));
      } catch (cause) {
        // Of what finds no room a part may be written.
        truncateSync(this.#path, size);
        throw cause;
      }
    });
  }

  /** Ends a line that a kill has cut, before others follow. */
  mend(): void {
    guarded(() => {
      if (!readFileSync(this.#path, 'utf8').endsWith('\n')) appendFileSync(this.#path, '\n');
    });
  }

  /** The check came to its end. */
  end(): void {
    guarded(() => rmSync(this.#path, { force: true }));
  }
}

function guarded(work: () => void): void {
  try {
    work();
  } catch (cause) {
    throw asStoreError(cause);
  }
}

function parsed(line: string): unknown[] {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? [value] : [];
  } catch {
    return [];
  }
}
