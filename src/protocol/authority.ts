import { isIP, isIPv4 } from 'node:net';
import { failed, type Parsed, parsed } from './decoded.ts';
import { decimalOf } from './http-syntax.ts';

/** A host in canonical form: a name lower-cased and without a trailing dot; an IPv4 address dotted decimal whatever its
 *  spelling; an IPv6 address compressed (RFC 5952) and without brackets. */
export interface Host {
  readonly host: string;
  /** 4 or 6 where `host` is an address, 0 where it is a name. */
  readonly family: 0 | 4 | 6;
}

/** `host:port` of an origin, in canonical form. Everything that judges, dials, keys or serialises an origin uses this form. */
export interface Authority extends Host {
  /** 1 to 65,535. */
  readonly port: number;
}

/** Labels of letters, digits, `_` and `-`, and perhaps one dot of the root. All that is written otherwise (percent-encoding,
 *  octets beyond ASCII, NUL, spaces, zone ids, userinfo) is no name, so nothing can mean one thing here and another to a
 *  resolver. Must be tested before lower-casing: that turns the Kelvin sign into a `k`. */
const namePattern = /^[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?$/;
const nameLimit = 253;

/** WHATWG URL §3.5 "ends in a number": such a host is an IPv4 address or nothing, for libc would read it as one. */
const numberPattern = /^(?:[0-9]+|0[xX][0-9A-Fa-f]*)$/;

const badHost = failed('bad_request', 'the host is neither a name nor an address');
const badPort = failed('bad_request', 'the port must be a number from 1 to 65535');
const unbracketed = failed('bad_request', 'an IPv6 address stands in brackets before a port');

/** Reads a host alone: a name, an IPv4 address in any spelling of WHATWG URL §3.5 (decimal, octal, hexadecimal, short), or an
 *  IPv6 address with or without brackets. `text` is latin-1. IPv4-mapped IPv6 stays IPv6. Fault: bad_request. */
export function parseHost(text: string): Parsed<Host> {
  if (isIPv4(text)) return parsed({ host: text, family: 4 });
  if (text === '') return failed('bad_request', 'the host is empty');
  if (text.startsWith('[')) return text.endsWith(']') ? parseIpv6(text.slice(1, -1)) : badHost;
  if (text.includes(':')) return parseIpv6(text);
  if (!namePattern.test(text)) return badHost;
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  if (name.length > nameLimit) return failed('bad_request', 'the host name is longer than 253 octets');
  if (numberPattern.test(name.slice(name.lastIndexOf('.') + 1))) return parseIpv4(name);
  return parsed({ host: name.toLowerCase(), family: 0 });
}

/** Reads `host`, `host:port` or `[IPv6]:port`; null as `defaultPort` makes the port a duty. An empty port (`host:`) is the
 *  default one (RFC 3986 §3.2.3). `text` is latin-1, without userinfo. Fault: bad_request. */
export function parseAuthority(text: string, defaultPort: number | null): Parsed<Authority> {
  const bracket = text.startsWith('[') ? text.indexOf(']') : 0;
  if (bracket < 0) return badHost;
  const colon = text.indexOf(':', bracket);
  if (bracket === 0 && colon !== text.lastIndexOf(':')) return unbracketed;
  const host = parseHost(colon < 0 ? text : text.slice(0, colon));
  if (!host.ok) return host;
  const digits = colon < 0 ? '' : text.slice(colon + 1);
  if (digits === '' && defaultPort === null) return failed('bad_request', 'the target needs a port');
  const port = digits === '' ? defaultPort : parsePort(digits);
  const { host: name, family } = host.value;
  return port === null ? badPort : parsed({ host: name, family, port });
}

/** The port that `digits` name, 1 to 65,535, or null. Up to five digits, without a sign. */
export function parsePort(digits: string): number | null {
  const port = digits.length > 5 ? null : decimalOf(digits);
  return port !== null && port >= 1 && port <= 65_535 ? port : null;
}

/** `host:port` as it stands in a request target or Host field: IPv6 in brackets, the port left out where it is the default. */
export function formatAuthority(authority: Authority, defaultPort?: number): string {
  const host = authority.family === 6 ? `[${authority.host}]` : authority.host;
  return authority.port === defaultPort ? host : `${host}:${authority.port}`;
}

/** The one spelling of an address that a socket or resolver gave: dotted decimal, or compressed IPv6 (RFC 5952) without its
 *  zone. Null where `text` is no address. Not for what a client writes: that is parseHost's. */
export function canonicalAddress(text: string): string | null {
  const zone = text.indexOf('%');
  const address = zone < 0 ? text : text.slice(0, zone);
  const family = isIP(address);
  if (family === 4) return zone < 0 ? address : null;
  return family === 6 ? compressIpv6(address) : null;
}

function parseIpv6(text: string): Parsed<Host> {
  if (text.includes('%')) return failed('bad_request', 'an address with a zone cannot be reached');
  const host = isIP(text) === 6 ? compressIpv6(text) : null;
  return host === null ? badHost : parsed({ host, family: 6 });
}

function compressIpv6(address: string): string | null {
  return URL.parse(`http://[${address}]`)?.hostname.slice(1, -1) ?? null;
}

/** WHATWG URL §3.5, IPv4 parser: one to four numbers, of which the last fills all octets that are left. */
function parseIpv4(text: string): Parsed<Host> {
  const parts = text.split('.');
  if (parts.length > 4) return badHost;
  let address = 0;
  for (const [i, part] of parts.entries()) {
    const last = i === parts.length - 1;
    const number = parseIpv4Number(part);
    if (number === null || number >= (last ? 256 ** (4 - i) : 256)) return badHost;
    address += last ? number : number * 256 ** (3 - i);
  }
  const octets = [address >>> 24, (address >>> 16) & 0xff, (address >>> 8) & 0xff, address & 0xff];
  return parsed({ host: octets.join('.'), family: 4 });
}

function parseIpv4Number(part: string): number | null {
  if (/^0[xX][0-9A-Fa-f]*$/.test(part)) return part.length === 2 ? 0 : Number.parseInt(part.slice(2), 16);
  if (/^0[0-7]+$/.test(part)) return Number.parseInt(part, 8);
  return /^(?:0|[1-9][0-9]*)$/.test(part) ? Number(part) : null;
}
