import { failed, type Parsed, parsed } from './decoded.ts';
import type { Fields } from './fields.ts';
import type { Framing, RequestHead, ResponseHead } from './http-message.ts';
import { decimalOf, isToken } from './http-syntax.ts';

const none: Framing = Object.freeze({ type: 'none' });
const chunked: Framing = Object.freeze({ type: 'chunked' });
const close: Framing = Object.freeze({ type: 'close' });

/** How a request's content is delimited, as strictly as RFC 9112 §6.1-§6.3 allows: one Content-Length of digits up to 2^53-1,
 *  or one Transfer-Encoding that is `chunked`, from HTTP/1.1 on. CONNECT has no content (RFC 9110 §9.3.6). Faults: bad_request;
 *  not_supported (501) for codings other than chunked. */
export function requestFraming(head: RequestHead): Parsed<Framing> {
  const codings = head.fields.all('transfer-encoding');
  const lengths = head.fields.all('content-length');
  if (codings.length > 0 && lengths.length > 0) {
    return failed('bad_request', 'Content-Length and Transfer-Encoding exclude each other');
  }
  if (codings.length > 0) return requestCoding(head, codings);
  if (lengths.length === 0) return parsed(none);
  if (lengths.length > 1) return failed('bad_request', 'there is more than one Content-Length');
  const octets = parseLength(lengths[0]);
  if (octets === null) return failed('bad_request', 'Content-Length is no number of octets');
  if (head.method !== 'CONNECT') return parsed({ type: 'length', octets });
  return octets === 0 ? parsed(none) : failed('bad_request', 'CONNECT has no content');
}

function requestCoding(head: RequestHead, codings: readonly string[]): Parsed<Framing> {
  if (head.method === 'CONNECT') return failed('bad_request', 'CONNECT has no content');
  if (head.minorVersion === 0) return failed('bad_request', 'HTTP/1.0 has no Transfer-Encoding');
  if (isChunked(codings)) return parsed(chunked);
  const names = codings
    .join(',')
    .toLowerCase()
    .split(/[ \t]*,[ \t]*/);
  const unknown = names.every((name) => isToken(name)) && names.indexOf('chunked') === names.length - 1;
  if (unknown) return failed('not_supported', 'of the transfer codings only chunked is known', 501);
  return failed('bad_request', 'Transfer-Encoding must be chunked, once');
}

/** How the content of a response to `method` is delimited (RFC 9112 §6.3). A Content-Length repeated with the same digits is
 *  one; fields that would frame the content of a 1xx, of a 204, or of a 2xx to CONNECT are ignored, for there is none. A 205
 *  without framing is empty (RFC 9110 §15.3.6). Fault: origin_bad_response. */
export function responseFraming(head: ResponseHead, method: string): Parsed<Framing> {
  const { status, fields } = head;
  if (status < 200 || status === 204) return parsed(none);
  if (method === 'CONNECT' && status < 300) return parsed(none);
  const codings = fields.all('transfer-encoding');
  const lengths = fields.all('content-length');
  if (codings.length > 0 && lengths.length > 0) return bad('both Content-Length and Transfer-Encoding');
  if (codings.length > 0 && head.minorVersion === 0) return bad('Transfer-Encoding in HTTP/1.0');
  if (codings.length > 0 && !isChunked(codings)) return bad('a Transfer-Encoding other than chunked');
  const octets = lengths.length > 0 ? singleLength(fields) : 0;
  if (octets === null) return bad('a malformed Content-Length, or different ones');
  if (method === 'HEAD' || status === 304) return parsed(none);
  if (codings.length > 0) return parsed(chunked);
  if (status === 205 && octets > 0) return bad('content in a 205');
  return parsed(lengths.length > 0 || status === 205 ? { type: 'length', octets } : close);
}

/** The one Content-Length of `fields`, also where it is repeated or listed with the same digits (RFC 9112 §6.3); null where it
 *  is missing, malformed, or not one. */
export function singleLength(fields: Fields): number | null {
  const lengths = fields.all('content-length');
  const only = lengths.length === 1 ? decimalOf(lengths[0] ?? '') : null;
  if (only !== null) return safe(only);
  const [first, ...others] = lengths.join(',').split(/[ \t]*,[ \t]*/);
  return others.every((other) => other === first) ? parseLength(first) : null;
}

function isChunked(codings: readonly string[]): boolean {
  return codings.length === 1 && codings[0]?.toLowerCase() === 'chunked';
}

/** 1*DIGIT up to 2^53-1, or null. */
function parseLength(digits: string | undefined): number | null {
  const octets = digits === undefined ? null : decimalOf(digits);
  return octets === null ? null : safe(octets);
}

function safe(octets: number): number | null {
  return Number.isSafeInteger(octets) ? octets : null;
}

function bad(detail: string) {
  return failed('origin_bad_response', `the response has ${detail}`);
}
