import type { ReadingContext } from './line-form.ts';
import { faulty, type ListSink, tell } from './listed-exit.ts';
import { pac } from './pac.ts';

/** What begins a text that a script may return. */
const answer = /^(?:(?:PROXY|HTTPS?|SOCKS[45]?)(?:\s|$)|DIRECT\s*(?:;|$))/;

/** Whether a text is a proxy auto-config script. */
export function isPacScript(text: string): boolean {
  return /\bFindProxyForURL\b/.test(text);
}

/** Reads the exits that a proxy auto-config script names in plain texts, whenever it may return them. It is not run. */
export class PacScript {
  readonly #context: ReadingContext;
  readonly #sink: ListSink;
  #inComment = false;

  constructor(context: ReadingContext, sink: ListSink) {
    this.#context = context;
    this.#sink = sink;
  }

  /** Takes the next line, as it is written. */
  take(line: string, number: number): void {
    let at = 0;
    if (this.#inComment) {
      at = behind(line, '*/', 0);
      this.#inComment = at < 0;
    }
    while (at >= 0) {
      const start = nextMark(line, at);
      at = start < 0 ? -1 : this.#takeFrom(line, start, number);
    }
  }

  /** Takes the text or comment that begins at `at`, and returns where the rest begins; -1 where there is none. */
  #takeFrom(line: string, at: number, number: number): number {
    const [first = '', second] = line.slice(at, at + 2);
    if (first === '/') {
      if (second === '/') return -1;
      if (second !== '*') return at + 1;
      const end = behind(line, '*/', at + 2);
      this.#inComment = end < 0;
      return end;
    }
    const end = closingQuote(line, at + 1, first);
    if (end >= 0 && answer.test(line.slice(at + 1, end).trim())) this.#takeAnswer(line.slice(at + 1, end), number);
    return end < 0 ? -1 : end + 1;
  }

  #takeAnswer(text: string, number: number): void {
    for (const part of text.split(';')) {
      const token = part.trim();
      if (token === '') continue;
      const reading = pac.read(token, this.#context);
      tell(
        this.#sink,
        reading ?? faulty('the script puts this answer together, or it has no port: it cannot be read'),
        number,
      );
    }
  }
}

/** Where what stands behind the next `mark` begins; -1 where there is none. */
function behind(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from);
  return at < 0 ? -1 : at + mark.length;
}

/** Where the text ends that began before `from`; -1 where the line ends before it. */
function closingQuote(line: string, from: number, quote: string): number {
  for (let at = from; at < line.length; at += 1) {
    if (line[at] === quote) return at;
    if (line[at] === '\\') at += 1;
  }
  return -1;
}

/** Where the next quote or slash stands; -1 where there is none. */
function nextMark(line: string, from: number): number {
  for (let at = from; at < line.length; at += 1) if (`"'/`.includes(line.charAt(at))) return at;
  return -1;
}
