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
    for (const token of this.#tokensOf(line)) {
      if (token.startsWith('/*')) this.#inComment = !token.endsWith('*/') || token.length < 4;
      else if (answer.test(token.slice(1, -1).trim())) this.#takeAnswer(token.slice(1, -1), number);
    }
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

  /** Texts in quotes, and comments over several lines; comments to the end of the line are left out. */
  #tokensOf(line: string): readonly string[] {
    const end = this.#inComment ? line.indexOf('*/') : -2;
    if (end === -1) return [];
    this.#inComment = false;
    const code = line.slice(end + 2);
    const tokens = code.match(/\/\/.*|\/\*(?:[^*]|\*(?!\/))*(?:\*\/)?|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/gs) ?? [];
    return tokens.filter((token) => !token.startsWith('//'));
  }
}
