import type { ListFormat, ListScheme } from '../../protocol/list-format.ts';
import { ClashProxies } from './clash.ts';
import { Countries } from './countries.ts';
import { TableRows } from './csv.ts';
import { JsonList } from './json.ts';
import { LineEntries } from './line-entries.ts';
import { LineFeed, LONGEST_LINE, type TakeLine } from './line-feed.ts';
import type { LineForm } from './line-form.ts';
import type { ListSink } from './listed-exit.ts';
import { PacScript } from './pac-script.ts';
import { formsOf, rivalForms } from './registry.ts';
import { type TextKind, textKindOf } from './text-kind.ts';

export type { ListedExit, ListSink } from './listed-exit.ts';

export interface ListOptions {
  /** Default `auto`: found out, where it can't be mistaken. */
  readonly format?: ListFormat;
  /** What entries are taken for that name no scheme themselves. */
  readonly scheme: ListScheme;
}

/** What a text is, is seen in so many characters. */
const HEAD_CHARACTERS = 65_536;

/** What reads the text once it is known what it is. */
interface Body {
  push(text: string): void;
  end(): void;
}

/** Reads a list of exits that is pushed in parts of any length; what was read is not held. Comments (what follows `#` at the start
 *  of a line or behind a space; lines that begin with `;` or `//`), empty lines, a byte order mark and CRLF do no harm. Throws
 *  nothing of its own, and no fault shows anything of the list. */
export class ListReader {
  readonly #options: ListOptions;
  readonly #sink: ListSink;
  readonly #entries: LineEntries;
  readonly #context: { readonly scheme: ListScheme; readonly countries: Countries };
  /** The beginning, until it is clear what it is the beginning of. */
  #head: string | null = '';
  #body: Body | null = null;

  constructor(options: ListOptions, sink: ListSink) {
    this.#options = options;
    this.#sink = sink;
    this.#context = { scheme: options.scheme, countries: new Countries() };
    const forms = formsOf(options.format ?? 'auto');
    this.#entries = new LineEntries({ ...this.#context, forms, rivals: rivalForms }, sink);
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
    if (this.#head === null) this.#body?.push(text);
    else {
      this.#head += text;
      if (this.#head.length >= HEAD_CHARACTERS) this.#open(this.#head);
    }
  }

  /** No more is pushed. A question may come up. */
  settle(): void {
    if (this.question !== null) this.#entries.giveUp();
    if (this.#head !== null) this.#open(this.#head);
    this.#body?.end();
    this.#body = null;
    this.#entries.settle();
  }

  /** Ends the list. */
  end(): void {
    this.settle();
    if (this.question !== null) this.#entries.giveUp();
  }

  #open(head: string): void {
    this.#head = null;
    const text = head.startsWith('\uFEFF') ? head.slice(1) : head;
    this.#body = this.#bodyOf(textKindOf(text, this.#options.format ?? 'auto'));
    this.#body.push(text);
  }

  #bodyOf({ kind, fault }: TextKind): Body {
    const [context, sink] = [this.#context, this.#sink];
    switch (kind) {
      case 'json':
        return new JsonList(context, { sink, entries: this.#entries });
      case 'table':
        return linewise(new TableRows(context, sink), sink);
      case 'clash':
        return linewise(new ClashProxies(context, sink), sink);
      case 'script':
        return linewise(new PacScript(context, sink), sink);
      case 'lines':
        return linewise({ take: (line, number) => this.#takeLine(line, number) }, sink);
      case 'none':
        sink.fault(1, fault);
        return { push: () => {}, end: () => {} };
    }
  }

  #takeLine(line: string, number: number): void {
    const text = contentOf(line);
    if (text !== '') this.#entries.take(text, number);
  }
}

function linewise(taker: { readonly take: TakeLine; readonly end?: () => void }, sink: ListSink): Body {
  const lines = new LineFeed((line, number) => {
    if (line.length > LONGEST_LINE) sink.fault(number, 'the line is too long');
    else taker.take(line, number);
  });
  return {
    push: (text) => lines.push(text),
    end: () => {
      lines.end();
      taker.end?.();
    },
  };
}

function contentOf(line: string): string {
  const text = (line.includes('#') ? line.replace(/(?:^|\s)#.*$/s, '') : line).trim();
  return text.startsWith(';') || text.startsWith('//') ? '' : text.toWellFormed();
}
