import { Countries } from './countries.ts';
import { LineEntries } from './line-entries.ts';
import { LineFeed } from './line-feed.ts';
import type { LineForm } from './line-form.ts';
import type { ListScheme, ListSink } from './listed-exit.ts';
import { formsOf, type ListFormat, rivalForms } from './registry.ts';

export type { ListedExit, ListScheme, ListSink } from './listed-exit.ts';

export interface ListOptions {
  /** Default `auto`: found out, where it can't be mistaken. */
  readonly format?: ListFormat;
  /** What entries are taken for that name no scheme themselves. */
  readonly scheme: ListScheme;
}

/** Reads a list of exits that is pushed in parts of any length; what was read is not held. Comments (what follows `#` at the start
 *  of a line or behind a space; lines that begin with `;` or `//`), empty lines, a byte order mark and CRLF do no harm. Throws
 *  nothing of its own, and no fault shows anything of the list. */
export class ListReader {
  readonly #entries: LineEntries;
  readonly #lines: LineFeed;

  constructor({ format = 'auto', scheme }: ListOptions, sink: ListSink) {
    const context = { scheme, countries: new Countries() };
    this.#entries = new LineEntries({ ...context, forms: formsOf(format), rivals: rivalForms }, sink);
    this.#lines = new LineFeed((line, number) => {
      const text = contentOf(number === 1 && line.startsWith('\uFEFF') ? line.slice(1) : line);
      if (text !== '') this.#entries.take(text, number);
    });
  }

  /** Formats between which nothing decides but who asked for the list. Answer it before anything else is pushed, or entries that
   *  fit several formats are faults. */
  get question(): readonly LineForm[] | null {
    return this.#entries.question;
  }

  answer(format: LineForm): void {
    this.#entries.answer(format);
  }

  push(text: string): void {
    if (this.question !== null) this.#entries.giveUp();
    this.#lines.push(text);
  }

  /** No more is pushed. A question may come up. */
  settle(): void {
    if (this.question !== null) this.#entries.giveUp();
    this.#lines.end();
    this.#entries.settle();
  }

  /** Ends the list. */
  end(): void {
    this.settle();
    if (this.question !== null) this.#entries.giveUp();
  }
}

/** Reads a whole list: see ListReader. */
export function readExitList(chunks: Iterable<string>, options: ListOptions, sink: ListSink): void {
  const reader = new ListReader(options, sink);
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
}

function contentOf(line: string): string {
  const text = (line.includes('#') ? line.replace(/(?:^|\s)#.*$/s, '') : line).trim();
  return text.startsWith(';') || text.startsWith('//') ? '' : text.toWellFormed();
}
