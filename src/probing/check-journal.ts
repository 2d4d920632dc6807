import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CheckedExit, CheckScope } from '../admin/check-command.ts';

/** What a check has found so far, on the disk, so that another can go on where it was stopped: a line of JSON for its scope, then one
 *  for each exit. All but `read` throw the system's error. */
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
    writeFileSync(this.#path, `${JSON.stringify({ scope, at })}\n`, { mode: 0o600 });
  }

  add(results: readonly CheckedExit[]): void {
    if (results.length > 0) appendFileSync(this.#path, results.map((result) => `${JSON.stringify(result)}\n`).join(''));
  }

  /** Ends a line that a kill has cut, before others follow. */
  mend(): void {
    if (!readFileSync(this.#path, 'utf8').endsWith('\n')) appendFileSync(this.#path, '\n');
  }

  /** The check came to its end. */
  end(): void {
    rmSync(this.#path, { force: true });
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
