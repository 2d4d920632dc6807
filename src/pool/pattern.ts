import { places } from '../protocol/places.ts';

/** The names that may stand in braces. */
export const placeholders = ['session', ...places, 'ttl', 'random', 'port', 'username', 'password'] as const;
export type Placeholder = (typeof placeholders)[number];

/** A piece of a pattern. */
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'value'; readonly name: Placeholder; readonly argument: string }
  /** The first of these stands there whose values are all given; none may. */
  | { readonly kind: 'group'; readonly choices: readonly Pattern[] };

/** A text with places for values, piece after piece. */
export type Pattern = readonly Piece[];

/** A pattern, or what is wrong with it. The message shows nothing of the pattern but names of placeholders. */
export type PatternReading =
  | { readonly ok: true; readonly pattern: Pattern }
  | { readonly ok: false; readonly message: string };

export interface PatternOptions {
  /** What the text between values means; null where it isn't well-formed. */
  readonly literal: (text: string) => string | null;
  /** Brackets are syntax only around a placeholder, so that a password may hold others. */
  readonly lenient: boolean;
  /** Those that may stand there. */
  readonly allowed: ReadonlySet<Placeholder>;
}

/** Tells the value of a placeholder, undefined where there is none. */
export type Tell = (name: Placeholder, argument: string) => string | undefined;

const LENGTH = /^[1-9][0-9]?$/;
const RANGE = /^([1-9][0-9]{0,4})-([1-9][0-9]{0,4})$/;

/** The longest word that `{random:n}` may ask for. */
const MOST_RANDOM = 32;

/** Reads a pattern: `{name}` and `{name:argument}` are values; a part in square brackets stands only where its values are given,
 *  and of parts that `|` separates there the first one that can (the last may
 *  need none). Brackets may stand in brackets. */
export function parsePattern(text: string, options: PatternOptions): PatternReading {
  const reader = new PatternReader(text, options);
  const pattern = reader.read();
  return reader.message === null ? { ok: true, pattern } : { ok: false, message: reader.message };
}

/** The pattern with its values; undefined where a value that must stand there isn't given. */
export function renderPattern(pattern: Pattern, tell: Tell): string | undefined {
  let text = '';
  for (const piece of pattern) {
    if (piece.kind === 'text') text += piece.text;
    else if (piece.kind === 'value') {
      const value = tell(piece.name, piece.argument);
      if (value === undefined) return undefined;
      text += value;
    } else text += renderGroup(piece.choices, tell);
  }
  return text;
}

function renderGroup(choices: readonly Pattern[], tell: Tell): string {
  for (const choice of choices) {
    const rendered = renderPattern(choice, tell);
    if (rendered !== undefined) return rendered;
  }
  return '';
}

/** All placeholders of a pattern, those in brackets included. */
export function* valuesIn(pattern: Pattern): Generator<{ readonly name: Placeholder; readonly argument: string }> {
  for (const piece of pattern) {
    if (piece.kind === 'value') yield piece;
    else if (piece.kind === 'group') for (const choice of piece.choices) yield* valuesIn(choice);
  }
}

/** The ports that `{port:10001-19999}` names. */
export function portsOf(argument: string): { readonly from: number; readonly to: number } {
  const [, from = '0', to = '0'] = RANGE.exec(argument) ?? [];
  return { from: Number(from), to: Number(to) };
}

/** Reads one pattern from left to right. The first fault stays. */
class PatternReader {
  readonly #text: string;
  readonly #options: PatternOptions;
  #at = 0;
  #depth = 0;
  message: string | null = null;

  constructor(text: string, options: PatternOptions) {
    this.#text = text;
    this.#options = options;
  }

  read(): Pattern {
    const pattern = this.#sequence();
    if (this.#at < this.#text.length) this.#fail('a "]" stands without its "["');
    return pattern;
  }

  /** Up to the end of the text, or of the part in brackets. */
  #sequence(): Pattern {
    const pieces: Piece[] = [];
    let text = '';
    while (this.#at < this.#text.length && this.message === null) {
      const character = this.#text.charAt(this.#at);
      if (this.#depth > 0 && (character === ']' || character === '|')) break;
      if (character === ']' && !this.#options.lenient) break;
      if (character === '{' || (character === '[' && this.#isGroup())) {
        this.#addText(pieces, text);
        text = '';
        pieces.push(character === '{' ? this.#value() : this.#group());
      } else {
        text += character;
        this.#at += 1;
      }
    }
    this.#addText(pieces, text);
    return pieces;
  }

  #addText(pieces: Piece[], text: string): void {
    if (text === '') return;
    const meant = this.#options.literal(text);
    if (meant === null) this.#fail('it is not percent-encoded right: write % as %25');
    else pieces.push({ kind: 'text', text: meant });
  }

  #value(): Piece {
    const end = this.#text.indexOf('}', this.#at);
    const inside = end < 0 ? '' : this.#text.slice(this.#at + 1, end);
    const colon = inside.indexOf(':');
    const name = colon < 0 ? inside : inside.slice(0, colon);
    const argument = colon < 0 ? '' : inside.slice(colon + 1);
    this.#at = end + 1;
    const known = placeholders.find((one) => one === name);
    if (end < 0 || known === undefined || !this.#options.allowed.has(known)) {
      const names = [...this.#options.allowed].map((one) => `{${one}}`).join(', ');
      this.#fail(`only ${names} may stand in braces: write other braces as %7B and %7D`);
      return { kind: 'text', text: '' };
    }
    const wrong = argumentFault(known, argument);
    if (wrong !== null) this.#fail(wrong);
    return { kind: 'value', name: known, argument };
  }

  #group(): Piece {
    const choices: Pattern[] = [];
    this.#depth += 1;
    do {
      this.#at += 1;
      choices.push(this.#sequence());
    } while (this.#text.charAt(this.#at) === '|' && this.message === null);
    this.#depth -= 1;
    if (this.#text.charAt(this.#at) !== ']') this.#fail('a "[" stands without its "]"');
    // Only the last of several may do without: what stands where nothing was asked for.
    const valueless = choices.findIndex((choice) => valuesIn(choice).next().done === true);
    if (valueless >= 0 && (valueless < choices.length - 1 || choices.length === 1))
      this.#fail('a part in brackets needs a value in braces: without one it would always stand there');
    this.#at += 1;
    return { kind: 'group', choices };
  }

  /** Whether the bracket here begins a part that may be left out. */
  #isGroup(): boolean {
    if (!this.#options.lenient || this.#depth > 0) return true;
    const end = this.#text.indexOf(']', this.#at);
    const brace = this.#text.indexOf('{', this.#at);
    return brace >= 0 && end > brace;
  }

  #fail(message: string): void {
    this.message ??= message;
  }
}

function argumentFault(name: Placeholder, argument: string): string | null {
  switch (name) {
    case 'random':
      return LENGTH.test(argument) && Number(argument) <= MOST_RANDOM
        ? null
        : `{random} needs a length from 1 to ${MOST_RANDOM}, such as {random:8}`;
    case 'port': {
      const { from, to } = portsOf(argument);
      return from > 0 && from <= to && to <= 65_535 ? null : '{port} needs a range, such as {port:10001-19999}';
    }
    case 'ttl':
      return /^[smh]?$/.test(argument) ? null : '{ttl} is in minutes: for seconds or hours write {ttl:s} or {ttl:h}';
    default:
      return argument === '' ? null : `{${name}} takes no argument`;
  }
}
