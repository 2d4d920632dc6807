import { Buffer } from 'node:buffer';
import { formatAuthority, parseAuthority } from './authority.ts';
import { percentDecodedOnce } from './credentials.ts';
import { failed, type Parsed, parsed } from './decoded.ts';

/** The protocols an exit is dialled with. `socks5` and `socks5h` mean the same (vendors write either): the exit gets the name. */
export type ExitScheme = 'http' | 'https' | 'socks4' | 'socks4a' | 'socks5' | 'direct';

/** Where and how an exit is dialled. `direct` has port 0, and in place of a host the address of ours that it is dialled from, empty for
 *  whichever the system takes. */
export interface Endpoint {
  readonly scheme: ExitScheme;
  /** Canonical as in Authority. */
  readonly host: string;
  readonly port: number;
  /** Raw (not percent-encoded) credential; undefined where the exit takes none. */
  readonly username?: string;
  readonly password?: string;
}

/** A head with a longer one would be refused anywhere. */
const longestCredential = 16_384;

const direct: Endpoint = Object.freeze({ scheme: 'direct', host: '', port: 0 });

interface SchemeRow {
  readonly scheme: ExitScheme;
  readonly defaultPort: number;
}

const schemes: ReadonlyMap<string, SchemeRow> = new Map([
  ['http', { scheme: 'http', defaultPort: 80 }],
  ['https', { scheme: 'https', defaultPort: 443 }],
  ['socks4', { scheme: 'socks4', defaultPort: 1080 }],
  ['socks4a', { scheme: 'socks4a', defaultPort: 1080 }],
  ['socks5', { scheme: 'socks5', defaultPort: 1080 }],
  ['socks5h', { scheme: 'socks5', defaultPort: 1080 }],
]);

/** Reads the URL of an exit: `scheme://[user[:password]@]host[:port]`, the credential percent-encoded; or `direct`. Default
 *  ports: http 80, https 443, SOCKS 1080. A fault (bad_request) never shows any part of the credential. */
export function parseExitUrl(text: string): Parsed<Endpoint> {
  if (/^direct(?::\/\/)?$/i.test(text)) return parsed(direct);
  const [, schemeText, rest] = /^([a-z0-9+.-]+):\/\/(.*)$/is.exec(text) ?? [];
  if (schemeText === undefined || rest === undefined)
    return failed('bad_request', 'an exit is written scheme://host:port');
  const row = schemes.get(schemeText.toLowerCase());
  if (row === undefined) {
    return failed('bad_request', `the scheme of an exit is one of ${[...schemes.keys()].join(', ')} or direct`);
  }
  // The last @, because vendors hand out passwords that hold one unescaped; a host never does.
  const at = rest.lastIndexOf('@');
  const endpoint = endpointAt(row, rest.slice(at + 1).replace(/\/$/, ''));
  return at < 0 || !endpoint.ok ? endpoint : withUserinfo(endpoint.value, rest.slice(0, at));
}

/** The endpoint at `address`, `host:port` or `host`, with a raw credential or none. Faults as of parseExitUrl. */
export function parseEndpoint(
  scheme: Exclude<ExitScheme, 'direct'> | 'socks5h',
  address: string,
  credential: { readonly username: string; readonly password: string } | null,
): Parsed<Endpoint> {
  const endpoint = endpointAt(schemes.get(scheme) ?? { scheme: 'socks5', defaultPort: 1080 }, address);
  return credential === null || !endpoint.ok ? endpoint : withCredential(endpoint.value, credential);
}

/** `scheme://host:port`, without the credential: fit to be shown. */
export function formatEndpoint(endpoint: Endpoint): string {
  if (endpoint.scheme === 'direct') return endpoint.host === '' ? 'direct' : `direct from ${endpoint.host}`;
  const family = endpoint.host.includes(':') ? 6 : 0;
  return `${endpoint.scheme}://${formatAuthority({ host: endpoint.host, port: endpoint.port, family })}`;
}

function endpointAt({ scheme, defaultPort }: SchemeRow, address: string): Parsed<Endpoint> {
  const authority = parseAuthority(address, defaultPort);
  if (!authority.ok) return authority;
  return parsed({ scheme, host: authority.value.host, port: authority.value.port });
}

function withUserinfo(endpoint: Endpoint, userinfo: string): Parsed<Endpoint> {
  const colon = userinfo.indexOf(':');
  const username = decodeUserinfo(colon < 0 ? userinfo : userinfo.slice(0, colon));
  const password = decodeUserinfo(colon < 0 ? '' : userinfo.slice(colon + 1));
  if (username === null || password === null) {
    return failed('bad_request', 'the credential is not percent-encoded right: write % as %25');
  }
  return withCredential(endpoint, { username, password });
}

function withCredential(
  { scheme, host, port }: Endpoint,
  { username, password }: { readonly username: string; readonly password: string },
): Parsed<Endpoint> {
  const fault = credentialFault(scheme, username, password);
  return fault === null ? parsed({ scheme, host, port, username, password }) : failed('bad_request', fault);
}

function decodeUserinfo(text: string): string | null {
  return text.includes('%') ? percentDecodedOnce(text) : text;
}

/** Why a credential cannot be told by a protocol, or null. */
function credentialFault(scheme: ExitScheme, username: string, password: string): string | null {
  if (/[\x00-\x1f\x7f]/.test(username + password)) return 'the credential contains control characters';
  if (username.length + password.length > longestCredential) return 'the credential is too long';
  if (scheme.startsWith('http')) return username.includes(':') ? 'a user name cannot hold a colon (RFC 7617)' : null;
  if (scheme !== 'socks5') return password === '' ? null : 'SOCKS4 knows a user id, but no password';
  const tooLong = Buffer.byteLength(username) > 255 || Buffer.byteLength(password) > 255;
  return tooLong ? 'the credential is longer than 255 octets (RFC 1929)' : null;
}
