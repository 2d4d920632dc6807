import { Buffer } from 'node:buffer';
import type { Fault } from './decoded.ts';
import { Fields } from './fields.ts';
import { isForbiddenTrailer } from './http-hop-by-hop.ts';
import type { HeadLimits } from './http-message.ts';
import { parseFieldLines, SectionScanner } from './http-section.ts';

const HTAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SP = 0x20;
const SEMICOLON = 0x3b;
const nothing = Buffer.alloc(0);

/** Enough for any size there is (14 digits) and little more: leading zeros cost octets, and mean nothing. Nor does white space. */
const digitLimit = 16;
const extensionLimitBytes = 4096;

/** RFC 9112 §7.1.1, without the bad white space it allows. */
const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const quoted = '"(?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t \\x21-\\x7e\\x80-\\xff])*"';
const extensions = new RegExp(`^(?:;${token}(?:=(?:${token}|${quoted}))?)*$`);

type State =
  | 'size'
  | 'padding'
  | 'extension'
  | 'size-lf'
  | 'content'
  | 'content-cr'
  | 'content-lf'
  | 'trailers'
  | 'done';

/** Decodes the chunked transfer coding (RFC 9112 §7.1): hexadecimal sizes up to 2^53-1, CRLF only; extensions are checked,
 *  bounded, and dropped; so is white space behind the sizes of a response, which some old servers pad. Trailer fields that frame,
 *  route, authorise or end at a hop are refused in a request and dropped from a response. Faults: bad_request, head_too_large (431,
 *  for trailers). */
export class ChunkedDecoder {
  readonly #role: 'request' | 'response';
  readonly #limits: HeadLimits;
  #state: State = 'size';
  /** The size being read, then the octets of the chunk still to come. */
  #left = 0;
  #digits = 0;
  #extension = '';
  #scanner: SectionScanner | null = null;
  readonly trailers = new Fields();
  /** Once done, the octets behind the message. */
  rest: Buffer = nothing;

  constructor(role: 'request' | 'response', limits: HeadLimits) {
    this.#role = role;
    this.#limits = limits;
  }

  get done(): boolean {
    return this.#state === 'done';
  }

  /** Takes octets and appends those of the content to `out`, as slices of `chunk`. */
  push(chunk: Buffer, out: Buffer[]): 'more' | 'done' | Fault {
    let at = 0;
    while (at < chunk.length && this.#state !== 'trailers' && this.#state !== 'done') {
      if (this.#state === 'content') {
        at = this.#content(chunk, at, out);
      } else if (this.#state === 'extension') {
        at = this.#extend(chunk, at);
        if (this.#extension.length > extensionLimitBytes) return bad('a chunk extension is too long');
      } else {
        const fault = this.#octet(chunk[at] ?? 0);
        if (fault !== null) return fault;
        at++;
      }
    }
    if (this.#state === 'trailers') return this.#takeTrailers(chunk.subarray(at));
    if (this.#state !== 'done') return 'more';
    this.rest = chunk.subarray(at);
    return 'done';
  }

  #content(chunk: Buffer, start: number, out: Buffer[]): number {
    const end = Math.min(chunk.length, start + this.#left);
    out.push(chunk.subarray(start, end));
    this.#left -= end - start;
    if (this.#left === 0) this.#state = 'content-cr';
    return end;
  }

  #extend(chunk: Buffer, start: number): number {
    const cr = chunk.indexOf(CR, start);
    const end = cr < 0 ? chunk.length : cr;
    this.#extension += chunk.toString('latin1', start, end);
    if (cr >= 0) this.#state = 'size';
    return end;
  }

  /** One octet that is neither content nor extension. */
  #octet(octet: number): Fault | null {
    switch (this.#state) {
      case 'size':
      case 'padding':
        return this.#sizeOctet(octet);
      case 'size-lf':
        return octet === LF ? this.#endSize() : bad('a chunk size does not end in CRLF');
      case 'content-cr':
        this.#state = 'content-lf';
        return octet === CR ? null : bad('a chunk is longer than its size');
      default:
        this.#state = 'size';
        return octet === LF ? null : bad('a chunk does not end in CRLF');
    }
  }

  #sizeOctet(octet: number): Fault | null {
    const digit = this.#extension === '' && this.#state === 'size' ? hexDigit(octet) : -1;
    if (digit >= 0) {
      this.#left = this.#left * 16 + digit;
      return ++this.#digits > digitLimit ? bad('a chunk size has too many digits') : null;
    }
    if (this.#digits === 0) return bad('a chunk size is no hexadecimal number');
    if (octet === CR) {
      this.#state = 'size-lf';
    } else if (octet === SEMICOLON) {
      this.#state = 'extension';
      this.#extension = ';';
    } else if (this.#role === 'response' && this.#extension === '' && (octet === SP || octet === HTAB)) {
      this.#state = 'padding';
      return ++this.#digits > digitLimit ? bad('a chunk size has too much white space behind it') : null;
    } else {
      return bad('a chunk size is no hexadecimal number');
    }
    return null;
  }

  #endSize(): Fault | null {
    if (!Number.isSafeInteger(this.#left)) return bad('a chunk size is beyond 2^53-1');
    if (!extensions.test(this.#extension)) return bad('a chunk extension is malformed');
    this.#state = this.#left === 0 ? 'trailers' : 'content';
    this.#digits = 0;
    this.#extension = '';
    return null;
  }

  #takeTrailers(octets: Buffer): 'more' | 'done' | Fault {
    this.#scanner ??= new SectionScanner({ limits: this.#limits, startLine: false, emptyLines: 0, bareLf: false });
    const section = this.#scanner.push(octets);
    if (section.state === 'more') return 'more';
    if (section.state === 'error') return section.fault;
    this.#state = 'done';
    this.rest = section.rest;
    return this.#parseTrailers(section.value) ?? 'done';
  }

  #parseTrailers(section: string): Fault | null {
    const received = new Fields();
    const fault = parseFieldLines(section, 0, received);
    if (fault !== null) return fault;
    for (const [i, key] of received.keys.entries()) {
      if (!isForbiddenTrailer(key, this.#role)) this.trailers.append(received.names[i] ?? '', received.values[i] ?? '');
      else if (this.#role === 'request')
        return bad('a trailer field frames, routes, authorises or belongs to the connection');
    }
    return null;
  }
}

/** The value of an ASCII hexadecimal digit, or -1. */
function hexDigit(octet: number): number {
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30;
  const lower = octet | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function bad(detail: string): Fault {
  return { kind: 'bad_request', detail };
}
