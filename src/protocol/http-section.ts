import { Buffer } from 'node:buffer';
import { type Decoded, decoded, type Fault, more, refused } from './decoded.ts';
import type { Fields } from './fields.ts';
import type { HeadLimits } from './http-message.ts';
import { textEnd, tokenEnd, trimmedSlice } from './http-syntax.ts';
import { knownName } from './known-names.ts';

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
const HTAB = 0x09;
const nothing = Buffer.alloc(0);

/** What a section may look like. */
export interface SectionRules {
  readonly limits: HeadLimits;
  /** Whether the first line is a start line, with a limit of its own. A trailer section has none and may be empty. */
  readonly startLine: boolean;
  /** Empty lines passed over before the start line (RFC 9112 §2.2). */
  readonly emptyLines: number;
  /** Whether an LF alone ends a line too (RFC 9112 §2.2). */
  readonly bareLf: boolean;
}

/** Finds the end of a head or trailer section in chunks of any size, looking at each octet once. The value is the section as
 *  latin-1 text, each line ended by CRLF, without the empty line at its end; it holds no CR or LF elsewhere and no control
 *  octets but HTAB. After a value the scanner is fresh. Faults: bad_request; head_too_large (414 in the start line, otherwise
 *  431), as soon as the octets seen exceed a limit, whether or not their line is complete. */
export class SectionScanner {
  readonly #rules: SectionRules;
  /** The octets of earlier chunks, `#octets` of them; then room to grow. */
  #held: Buffer = nothing;
  #octets = 0;
  /** Offsets in the section: of its first line, and of the line being read. */
  #start = 0;
  #lineStart = 0;
  #lines = 0;
  #emptyLines = 0;
  #afterCr = false;
  #sawBareLf = false;

  constructor(rules: SectionRules) {
    this.#rules = rules;
  }

  /** Whether octets of an unfinished section are held. Empty lines before a start line are none. */
  get pending(): boolean {
    return this.#octets > this.#start;
  }

  push(chunk: Buffer): Decoded<string> {
    const { limits, bareLf } = this.#rules;
    const stop = Math.min(chunk.length, limits.headBytes - this.#octets);
    let afterCr = this.#afterCr;
    for (let at = 0; at < stop; at++) {
      if (!afterCr) at = textEnd(chunk, at, stop);
      if (at === stop) break;
      const octet = chunk[at];
      if (afterCr && octet !== LF) return refused('bad_request', 'a CR stands without its LF');
      if (octet === LF) {
        if (!afterCr && !bareLf) return refused('bad_request', 'an LF stands without its CR');
        const end = this.#endLine(this.#octets + at, afterCr);
        if (end === 'section') return this.#finish(chunk, at + 1);
        if (end !== 'line') return { state: 'error', fault: end };
      } else if (octet !== CR) {
        return refused('bad_request', 'a control character stands in a head or trailer section');
      }
      afterCr = octet === CR;
    }
    this.#afterCr = afterCr;
    this.#hold(chunk.subarray(0, stop));
    const fault = this.#excess();
    return fault === null ? more : { state: 'error', fault };
  }

  /** Takes the line whose LF is at `lf`, and says what ended with it. */
  #endLine(lf: number, afterCr: boolean): 'line' | 'section' | Fault {
    const length = lf - this.#lineStart - (afterCr ? 1 : 0);
    if (!afterCr) this.#sawBareLf = true;
    if (length === 0) {
      if (this.#lines > 0 || !this.#rules.startLine) return 'section';
      if (++this.#emptyLines > this.#rules.emptyLines)
        return { kind: 'bad_request', detail: 'an empty line stands for the start line' };
      this.#start = lf + 1;
    } else {
      if (length > this.#lineLimit()) return this.#tooLarge('a line is too long');
      this.#lines++;
      if (this.#fieldLines() > this.#rules.limits.fieldCount) return this.#tooLarge('there are too many field lines');
    }
    this.#lineStart = lf + 1;
    return 'line';
  }

  #finish(chunk: Buffer, end: number): Decoded<string> {
    let octets = chunk;
    if (this.#octets > 0) {
      this.#hold(chunk.subarray(0, end));
      octets = this.#held;
    }
    const text = octets.toString('latin1', this.#start, this.#lineStart);
    const lines = this.#sawBareLf ? text.replace(/\r?\n/g, '\r\n') : text;
    this.#reset();
    return decoded(lines, end === chunk.length ? nothing : chunk.subarray(end));
  }

  #reset(): void {
    this.#held = nothing;
    this.#octets = 0;
    this.#start = 0;
    this.#lineStart = 0;
    this.#lines = 0;
    this.#emptyLines = 0;
    this.#afterCr = false;
    this.#sawBareLf = false;
  }

  /** Copied, because a few octets would otherwise keep the whole slab alive that a socket was read into. */
  #hold(octets: Buffer): void {
    const length = this.#octets + octets.length;
    if (length > this.#held.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(this.#rules.limits.headBytes, Math.max(512, 2 * length)));
      this.#held.copy(grown, 0, 0, this.#octets);
      this.#held = grown;
    }
    octets.copy(this.#held, this.#octets);
    this.#octets = length;
  }

  /** What the octets held already exceed. A section that fills its limit without an end can't end within it. */
  #excess(): Fault | null {
    const length = this.#octets - this.#lineStart - (this.#afterCr ? 1 : 0);
    if (length > this.#lineLimit()) return this.#tooLarge('a line is too long');
    return this.#octets < this.#rules.limits.headBytes
      ? null
      : this.#tooLarge('the head or trailer section is too long');
  }

  #inStartLine(): boolean {
    return this.#rules.startLine && this.#lines === 0;
  }

  #lineLimit(): number {
    return this.#inStartLine() ? this.#rules.limits.startLineBytes : this.#rules.limits.fieldLineBytes;
  }

  #fieldLines(): number {
    return this.#rules.startLine ? this.#lines - 1 : this.#lines;
  }

  #tooLarge(detail: string): Fault {
    return { kind: 'head_too_large', detail, status: this.#inStartLine() ? 414 : 431 };
  }
}

/** Appends the field lines of a section (see SectionScanner) from offset `start` on to `fields`. Strict (RFC 9112 §5): no white
 *  space before the colon, no folded lines, names are tokens. Returns what is wrong, or null. */
export function parseFieldLines(section: string, start: number, fields: Fields): Fault | null {
  const starts: number[] = [];
  let isPlain = true;
  let at = start;
  while (at < section.length) {
    const colon = tokenEnd(section, at);
    if (colon === at || section.charCodeAt(colon) !== COLON) return nameFault(section, at);
    const end = section.indexOf('\r', colon);
    const value = trimmedSlice(section, colon + 1, end);
    isPlain &&= section.charCodeAt(colon + 1) === SPACE && value.length === end - colon - 2;
    const known = knownName(section, at, colon);
    if (known === null) fields.append(section.slice(at, colon), value);
    else fields.append(known.name, value, known.key);
    starts.push(at);
    at = end + 2;
  }
  starts.push(at);
  if (isPlain) fields.standIn(section, starts);
  return null;
}

function nameFault(section: string, at: number): Fault {
  const first = section.charCodeAt(at);
  if (first === SPACE || first === HTAB) return { kind: 'bad_request', detail: 'a field line is folded' };
  const colon = section.indexOf(':', at);
  const missing = colon < 0 || colon > section.indexOf('\r', at);
  return { kind: 'bad_request', detail: missing ? 'a field line has no colon' : 'a field name is no token' };
}
