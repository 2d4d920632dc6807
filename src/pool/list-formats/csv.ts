import { type ExitRecord, exitOfRecord } from './exit-record.ts';
import { type Role, roleOf } from './field-names.ts';
import { LONGEST_LINE } from './line-feed.ts';
import type { ReadingContext } from './line-form.ts';
import { faulty, type ListSink, tell } from './listed-exit.ts';

const separators = [',', ';', '\t', '|'] as const;

/** A row goes over so many lines at most: each is looked at with all before it. */
const MOST_LINES = 100;

/** The columns of a table, and what is between them. */
export interface Header {
  readonly separator: string;
  /** Undefined for a column that tells nothing of an exit. */
  readonly columns: readonly (Role | undefined)[];
}

/** The header that a line is; null where it is none: it names an address, and nothing in it is a value. */
export function headerOf(line: string): Header | null {
  for (const separator of separators) {
    const cells = cellsOf(line, separator);
    if (cells === null) continue;
    const columns = cells.map(roleOf);
    const known = columns.filter((role) => role !== undefined);
    const isAlone = cells.length === 1 && known.length === 1;
    const hasAddress = columns.includes('whole') || columns.includes('host');
    if (hasAddress && (isAlone || known.length > 1)) return { separator, columns };
  }
  return null;
}

/** Reads the rows of a table (RFC 4180, with other separators, too) whose header is known or comes first. */
export class TableRows {
  readonly #context: ReadingContext;
  readonly #sink: ListSink;
  #header: Header | null = null;
  #isBroken = false;
  /** A row whose quotes are still open, and where it began. */
  #open: { readonly text: string; readonly line: number; readonly lines: number } | null = null;

  constructor(context: ReadingContext, sink: ListSink) {
    this.#context = context;
    this.#sink = sink;
  }

  /** Takes the next line, as it is written. */
  take(line: string, number: number): void {
    if (this.#isBroken) return;
    const text = this.#open === null ? line : `${this.#open.text}\n${line}`;
    const start = this.#open?.line ?? number;
    if (this.#open === null && isFurniture(line)) return;
    if (this.#header === null) this.#takeHeader(text, start);
    else this.#takeRow(this.#header, text, start);
  }

  end(): void {
    if (this.#open !== null) this.#sink.fault(this.#open.line, 'a quote is not closed');
    this.#open = null;
  }

  #takeHeader(text: string, line: number): void {
    this.#header = headerOf(text);
    if (this.#header !== null) return;
    this.#isBroken = true;
    this.#sink.fault(line, 'expected a header that names the columns, such as host,port,username,password');
  }

  #takeRow({ separator, columns }: Header, text: string, line: number): void {
    const cells = cellsOf(text, separator);
    const lines = (this.#open?.lines ?? 0) + 1;
    const mayGoOn = cells === null && text.length <= LONGEST_LINE && lines < MOST_LINES;
    this.#open = mayGoOn ? { text, line, lines } : null;
    if (mayGoOn) return;
    if (cells === null) this.#sink.fault(line, 'a quote is not closed');
    else
      tell(
        this.#sink,
        cells.length > columns.length ? tooMany : exitOfRecord(recordOf(cells, columns), this.#context),
        line,
      );
  }
}

const tooMany = faulty('the row has more fields than the header: put a text that holds a separator in quotes');

/** Empty lines, comments, and the line by which some programs name the separator. */
export function isFurniture(line: string): boolean {
  return /^\s*(?:#.*|\/\/.*|sep=.)?$/is.test(line);
}

/** The first of several columns that mean the same holds, unless it is empty. */
function recordOf(cells: readonly string[], columns: Header['columns']): ExitRecord {
  const record: { [R in Role]?: string } = {};
  for (const [index, cell] of cells.entries()) {
    const role = columns[index];
    if (role !== undefined && cell !== '') record[role] ??= asMeant(cell);
  }
  return record;
}

/** What a spreadsheet would take for a formula, with the quote before it by which it does not: names come from vendors, and whoever
 *  opens a list must not run them. Read, it is gone again. */
export function formulaless(text: string): string {
  return /^'*[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

const asMeant = (cell: string): string => (/^'+[=+\-@\t\r]/.test(cell) ? cell.slice(1) : cell);

/** The cells of a row; null where a quote is not closed. Spaces around what isn't quoted are no part of it. */
function cellsOf(row: string, separator: string): string[] | null {
  const cells: string[] = [];
  for (let start = 0; start <= row.length; ) {
    const quote = /^[ ]*"/.exec(row.slice(start, start + 64))?.[0].length ?? 0;
    const end = quote === 0 ? start : closingQuote(row, start + quote);
    if (end < 0) return null;
    const next = row.indexOf(separator, end);
    const stop = next < 0 ? row.length : next;
    cells.push(
      quote === 0
        ? row.slice(start, stop).trim()
        : row.slice(start + quote, end).replaceAll('""', '"') + row.slice(end + 1, stop).trim(),
    );
    start = stop + separator.length;
  }
  return cells;
}

/** Where the quote is that ends the cell which begins at `from`; -1 where there is none. A doubled one stands for itself. */
function closingQuote(row: string, from: number): number {
  for (let at = row.indexOf('"', from); at >= 0; at = row.indexOf('"', at + 2)) if (row[at + 1] !== '"') return at;
  return -1;
}
