import { type Decoded, decoded, failed, type Parsed, parsed } from './decoded.ts';
import { Fields } from './fields.ts';
import type { HeadLimits, MinorVersion, RequestHead, ResponseHead } from './http-message.ts';
import { parseFieldLines, SectionScanner } from './http-section.ts';
import { asResponseFault, isToken, isVisible } from './http-syntax.ts';

/** The limits of a head where config names no others. */
export const defaultHeadLimits: HeadLimits = Object.freeze({
  headBytes: 65_536,
  startLineBytes: 16_384,
  fieldLineBytes: 32_768,
  fieldCount: 200,
});

/** Decodes request heads (RFC 9112 §2-§5), one after the other: after a value it is fresh, and `rest` may be content or the
 *  next head. All that a strict reader may refuse is refused, but for up to two empty lines before the request line (§2.2).
 *  Faults: bad_request, head_too_large (414, 431), not_supported (505: another version of HTTP). */
export class RequestHeadDecoder {
  readonly #scanner: SectionScanner;

  constructor(limits: HeadLimits) {
    this.#scanner = new SectionScanner({ limits, startLine: true, emptyLines: 2, bareLf: false });
  }

  /** Whether octets of an unfinished head are held; empty lines before it don't count. */
  get pending(): boolean {
    return this.#scanner.pending;
  }

  push(chunk: Buffer): Decoded<RequestHead> {
    const section = this.#scanner.push(chunk);
    if (section.state !== 'value') return section;
    const head = parseRequestHead(section.value);
    return head.ok ? decoded(head.value, section.rest) : { state: 'error', fault: head.fault };
  }
}

/** Decodes response heads, interim ones included, one after the other. Repairs what leaves the framing in no doubt and real
 *  origins send: bare LF as line end (RFC 9112 §2.2), folded field lines (§5.2), white space before a colon (§5.1), a missing reason
 *  phrase (§4). All else that is wrong is origin_bad_response. */
export class ResponseHeadDecoder {
  readonly #scanner: SectionScanner;

  constructor(limits: HeadLimits) {
    this.#scanner = new SectionScanner({ limits, startLine: true, emptyLines: 0, bareLf: true });
  }

  /** Whether octets of an unfinished head are held. */
  get pending(): boolean {
    return this.#scanner.pending;
  }

  push(chunk: Buffer): Decoded<ResponseHead> {
    const section = this.#scanner.push(chunk);
    if (section.state === 'more') return section;
    if (section.state === 'error') return { state: 'error', fault: asResponseFault(section.fault) };
    const head = parseResponseHead(section.value);
    return head.ok ? decoded(head.value, section.rest) : { state: 'error', fault: asResponseFault(head.fault) };
  }
}

/** A tab beside a value is legal (OWS), but there are readers who take `chunked` with a tab behind it for another coding. */
const tabbedFraming = /^(?:content-length|transfer-encoding):.*\t/im;

function parseRequestHead(section: string): Parsed<RequestHead> {
  const end = section.indexOf('\r');
  const methodEnd = section.indexOf(' ');
  const targetEnd = section.indexOf(' ', methodEnd + 1);
  if (methodEnd < 0 || targetEnd < 0 || targetEnd > end || section.lastIndexOf(' ', end) !== targetEnd) {
    return failed('bad_request', 'the request line is not a method, a target and a version with single spaces between');
  }
  const method = methodOf(section, methodEnd);
  const target = section.slice(methodEnd + 1, targetEnd);
  const version = section.slice(targetEnd + 1, end);
  if (!isToken(method)) return failed('bad_request', 'the method is no token');
  if (!isVisible(target)) return failed('bad_request', 'the request target is empty or not visible ASCII');
  const minorVersion = minorVersionOf(version);
  if (minorVersion === null) {
    const known = /^HTTP\/[0-9]\.[0-9]$/.test(version);
    return known
      ? failed('not_supported', 'only HTTP/1.1 and HTTP/1.0 are spoken here', 505)
      : failed('bad_request', 'the version is malformed');
  }
  if (section.includes('\t') && tabbedFraming.test(section))
    return failed('bad_request', 'a tab stands in a framing field');
  const fields = new Fields();
  const fault = parseFieldLines(section, end + 2, fields);
  return fault === null ? parsed({ method, target, minorVersion, fields }) : { ok: false, fault };
}

/** Of most requests: to find one of them costs less than to make it, and what keeps it shares it. */
const commonMethods = ['GET', 'CONNECT', 'POST', 'HEAD'] as const;

function methodOf(section: string, end: number): string {
  for (const method of commonMethods) if (method.length === end && section.startsWith(method)) return method;
  return section.slice(0, end);
}

function minorVersionOf(version: string): MinorVersion | null {
  if (version === 'HTTP/1.1') return 1;
  return version === 'HTTP/1.0' ? 0 : null;
}

const SPACE = 0x20;

function parseResponseHead(section: string): Parsed<ResponseHead> {
  const end = section.indexOf('\r');
  // `HTTP/1.1 200`, then nothing, or a space and the reason phrase (RFC 9112 §4).
  const minorVersion = section.startsWith('HTTP/1.1 ') ? 1 : section.startsWith('HTTP/1.0 ') ? 0 : null;
  const status = statusOf(section);
  if (minorVersion === null || status === null || (end !== 12 && section.charCodeAt(12) !== SPACE))
    return failed('origin_bad_response', 'the status line is malformed or of another version');
  const reason = section.slice(13, end);
  const lines = unfolded(section);
  if (lines === null) return failed('origin_bad_response', 'a line of white space stands among the fields');
  const asSent = new Fields();
  if (parseFieldLines(lines, end + 2, asSent) === null) return parsed({ minorVersion, status, reason, fields: asSent });
  const fields = new Fields();
  const fault = parseFieldLines(withoutBlanks(lines), end + 2, fields);
  return fault === null ? parsed({ minorVersion, status, reason, fields }) : { ok: false, fault };
}

/** The section without white space between names and colons, which a proxy takes off (RFC 9112 §5.1). It stays in fields that frame,
 *  and is refused with them: many readers take those for fields of another name. */
function withoutBlanks(section: string): string {
  return section.replace(/^(?!(?:content-length|transfer-encoding)[ \t])([!#$%&'*+.^_`|~0-9A-Z-]+)[ \t]+:/gim, '$1:');
}

/** The status code, 100 to 999, of a status line. Codes end at 599 in RFC 9110 §15, but origins send others to crawlers, 999 for
 *  one. */
function statusOf(section: string): number | null {
  let status = 0;
  for (let at = 9; at < 12; at++) {
    const digit = section.charCodeAt(at) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return null;
    status = status * 10 + digit;
  }
  return status >= 100 ? status : null;
}

/** The section with each obs-fold made one space (RFC 9112 §5.2). Null where a folded line is blank, for many readers take that
 *  for the end of the head. White space before the first field is no fold: it stays, and is refused with its line. */
function unfolded(section: string): string | null {
  if (!section.includes('\n ') && !section.includes('\n\t')) return section;
  if (/\n[ \t]+\r/.test(section)) return null;
  const fields = section.indexOf('\r\n') + 2;
  return section.slice(0, fields) + section.slice(fields).replace(/\r\n[ \t]+/g, ' ');
}
