export type { Reading } from '../protocol/units.ts';

/** Keys and indices from the root of a document to a value. */
export type Path = readonly (string | number)[];

/** A fault in a file that an operator wrote. `line` and `column` count from 1; `path` is where in the document
 *  (`listeners[0].port`), empty for the file as a whole. `message` shows no text of the file but keys. */
export interface ConfigFault {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly path: string;
  readonly message: string;
}

/** `file:line:column path message`. */
export function formatFault({ file, line, column, path, message }: ConfigFault): string {
  return [`${file}:${line}:${column}`, path, message].filter((part) => part !== '').join(' ');
}

/** A fault of a file as a whole. */
export function fileFault(file: string, message: string): ConfigFault {
  return { file, line: 1, column: 1, path: '', message };
}

/** A path as people write it: `rules.allow[0].cidr`. Keys of other characters than names have are quoted and escaped. */
export function formatPath(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (!/^[\w-]{1,64}$/.test(step)) text += `[${shownKey(step)}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}

/** A key in quotes, fit for a terminal: control characters and marks of direction are escaped, and 64 characters are enough. */
export function shownKey(key: string): string {
  const shown = key.toWellFormed().slice(0, 64);
  return JSON.stringify(shown).replace(/[^\x20-\x7e\p{Letter}\p{Number}]/gu, (character) => {
    return `\\u{${character.codePointAt(0)?.toString(16)}}`;
  });
}

/** Faults in the order of their files, each told once: of two about one value the first stays. */
export function inOrder(faults: readonly ConfigFault[]): ConfigFault[] {
  const byPlace = new Map<string, ConfigFault>();
  for (const fault of faults) {
    const key = JSON.stringify([fault.file, fault.line, fault.column, fault.path]);
    if (!byPlace.has(key)) byPlace.set(key, fault);
  }
  return [...byPlace.values()].sort((a, b) => {
    if (a.file !== b.file) return a.file < b.file ? -1 : 1;
    return a.line - b.line || a.column - b.column;
  });
}
