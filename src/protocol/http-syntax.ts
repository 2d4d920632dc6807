import type { Fault } from './decoded.ts';

/** 1 for each octet that may stand in a token (RFC 9110 §5.6.2). */
const tokenOctets = octetTable(/[!#$%&'*+.^_`|~0-9A-Za-z-]/);

/** 1 for each octet that may stand in a line of a head: visible or beyond ASCII, space, HTAB. */
const textOctets = octetTable(/[\t\x20-\x7e\x80-\xff]/);

/** Where the octets from `start` to `stop` cease to be such as may stand in a line of a head: at a control octet but HTAB. */
export function textEnd(octets: Buffer, start: number, stop: number): number {
  let at = start;
  while (at < stop && textOctets[octets[at] ?? 0] === 1) at++;
  return at;
}

/** Where the token that begins at `start` ends; `start` where none does. */
export function tokenEnd(text: string, start: number): number {
  let at = start;
  // Behind the end there is NaN for a code, and no look-up is slower than that of a number that can't be an index.
  while (at < text.length && tokenOctets[text.charCodeAt(at)] === 1) at++;
  return at;
}

/** Whether `text` is a token (RFC 9110 §5.6.2): one octet at least. */
export function isToken(text: string): boolean {
  return text !== '' && tokenEnd(text, 0) === text.length;
}

/** Whether `text` is one or more visible ASCII characters: no spaces, controls or octets beyond ASCII. */
export function isVisible(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code <= 0x20 || code >= 0x7f) return false;
  }
  return text !== '';
}

/** The number that `text` is, if it is one or more digits; null where it isn't. Beyond 2^53 it is rounded, and still beyond. */
export function decimalOf(text: string): number | null {
  let number = 0;
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return null;
    number = number * 10 + digit;
  }
  return text === '' ? null : number;
}

/** `text` from `start` to `end` without the spaces and tabs around it (OWS, RFC 9110 §5.6.3). */
export function trimmedSlice(text: string, start: number, end: number): string {
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** `fault` of a request decoder, as a response must name it: whatever is wrong, the sender's answer is bad. */
export function asResponseFault(fault: Fault): Fault {
  return { kind: 'origin_bad_response', detail: fault.detail };
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function octetTable(allowed: RegExp): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, octet) => (allowed.test(String.fromCharCode(octet)) ? 1 : 0));
}
