import { parseDocument } from 'yaml';
import { exitOfRecord } from './exit-record.ts';
import { recordOf } from './json.ts';
import type { ReadingContext } from './line-form.ts';
import { type EntryReading, faulty, type ListSink, skipped, tell } from './listed-exit.ts';

/** So many characters has an item of the list at most, and a list that is written in brackets: to read one takes seconds for each
 *  MiB, in which nothing else is done. */
const LONGEST = { items: 65_536, brackets: 1_048_576 } as const;

const heading = /^(["']?)proxies\1\s*:(\s*(?:#.*)?|\s+\[.*)$/s;

/** Whether a line begins the list of a Clash file. */
export function beginsClash(line: string): boolean {
  return heading.test(line);
}

/** Reads the exits of a Clash or mihomo configuration: `type: http` (with `tls: true` an https exit) and `socks5`. It is taken item by
 *  item, so that no more of the file is held than one; the rest of the file is not looked at. */
export class ClashProxies {
  readonly #context: ReadingContext;
  readonly #sink: ListSink;
  #state: 'before' | 'items' | 'brackets' | 'after' = 'before';
  /** How far the dashes of the list are indented. */
  #indent = -1;
  #text = '';
  #line = 0;

  constructor(context: ReadingContext, sink: ListSink) {
    this.#context = context;
    this.#sink = sink;
  }

  /** Takes the next line, as it is written. */
  take(line: string, number: number): void {
    if (this.#state === 'before') this.#takeHeading(line, number);
    else if (this.#state === 'items') this.#takeItemLine(line, number);
    else if (this.#state === 'brackets') this.#takeBracketLine(line);
  }

  end(): void {
    if (this.#state === 'before') this.#sink.fault(1, 'there is no "proxies:" in it');
    this.#finish();
  }

  #takeHeading(line: string, number: number): void {
    const [, , rest] = heading.exec(line) ?? [];
    if (rest === undefined) return;
    this.#line = number;
    const text = rest.replace(/(?:^|\s)#.*$/s, '').trim();
    this.#state = text === '' ? 'items' : 'brackets';
    this.#text = text;
  }

  #takeItemLine(line: string, number: number): void {
    if (/^\s*(?:#.*)?$/s.test(line)) return;
    const indent = line.search(/[^ ]/);
    const dash = /^ *-(?:\s|$)/.test(line);
    if (dash && (this.#indent < 0 || indent === this.#indent)) {
      this.#finish();
      this.#indent = indent;
      this.#line = number;
      // Without its dash an item is a document of its own, still aligned.
      this.#text = `${line.replace('-', ' ')}\n`;
    } else if (indent > this.#indent && this.#indent >= 0) this.#add(line);
    else {
      this.#finish();
      this.#state = 'after';
    }
  }

  #takeBracketLine(line: string): void {
    if (!/^[a-z][a-z-]*:(?:\s|$)/i.test(line)) this.#add(line);
    else {
      this.#finish();
      this.#state = 'after';
    }
  }

  #add(line: string): void {
    if (!this.#isTooLong) this.#text += `${line}\n`;
  }

  get #isTooLong(): boolean {
    return this.#text.length > this.#longest;
  }

  get #longest(): number {
    return this.#state === 'brackets' ? LONGEST.brackets : LONGEST.items;
  }

  #finish(): void {
    const [text, isTooLong] = [this.#text, this.#isTooLong];
    this.#text = '';
    if (text.trim() === '') return;
    const what = this.#state === 'brackets' ? 'the list in brackets' : 'the item';
    if (isTooLong) return this.#sink.fault(this.#line, `${what} is longer than ${this.#longest / 1024} KiB`);
    const value = yamlValueOf(text);
    const items = this.#state === 'brackets' && Array.isArray(value) ? value : [value];
    for (const item of items) tell(this.#sink, readingOf(item, this.#context), this.#line);
  }
}

/** The plain value of a YAML document in which every scalar is the text that was written; undefined where it is none. Of a key that
 *  stands twice the last holds, as in JSON: to look for one takes the square of what stands there. */
function yamlValueOf(text: string): unknown {
  try {
    const strictness = { stringKeys: true, uniqueKeys: false } as const;
    const options = { schema: 'failsafe', prettyErrors: false, logLevel: 'silent', ...strictness } as const;
    const document = parseDocument(text, options);
    return document.errors.length > 0 ? undefined : document.toJS({ maxAliasCount: 0 });
  } catch {
    // An alias of something that stands elsewhere in the file.
    return undefined;
  }
}

function readingOf(value: unknown, context: ReadingContext): EntryReading {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return faulty('this is no item in YAML that stands for itself, with type, server and port');
  }
  const record = recordOf(value);
  const kind = record?.kind;
  if (record === null || kind === undefined) return faulty('the item has no type');
  if (kind === 'http' || kind === 'socks5') return exitOfRecord(record, context);
  return skipped(/^[a-z0-9-]{1,20}$/.test(kind) ? kind : 'other');
}
