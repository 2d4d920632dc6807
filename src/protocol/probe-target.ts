import { type Authority, parseAuthority } from './authority.ts';
import { failed, type Parsed, parsed } from './decoded.ts';

/** What a probe asks of an exit, from the least to the most that it proves:
 *
 *  - `handshake`: the exit's endpoint accepts a connection, its TLS, and (SOCKS5) the credential. Nothing leaves the exit.
 *  - `tunnel`: the exit opens a tunnel to `authority`. What is behind it isn't asked for anything.
 *  - `page`: the exit brings the page, with a status and a content as expected. */
export type ProbeTarget =
  | { readonly kind: 'handshake' }
  | { readonly kind: 'tunnel'; readonly authority: Authority }
  | PageTarget;

/** A page that is fetched through the exit. */
export interface PageTarget {
  readonly kind: 'page';
  /** Whether it is spoken to by TLS, end to end. */
  readonly tls: boolean;
  readonly authority: Authority;
  /** Path and query. */
  readonly path: string;
  /** Statuses that are as expected; empty for 200 to 299. */
  readonly statuses: readonly number[];
  /** What the content must hold; its named groups `address`, `country` and `asn` tell what the target saw. */
  readonly body: RegExp | null;
}

/** Reads a target as operators write it: `http://…` and `https://…` are pages, `connect://host:port` is a tunnel, `handshake` is
 *  one. Fault: bad_request. */
export function parseProbeTarget(
  text: string,
  expected: { readonly statuses?: readonly number[]; readonly body?: RegExp | null } = {},
): Parsed<ProbeTarget> {
  if (text === 'handshake') return parsed({ kind: 'handshake' });
  const [, scheme = '', rest = ''] = /^(https?|connect):\/\/([^\s#]+)$/i.exec(text) ?? [];
  const at = rest.search(/[/?]/);
  const [host, path] = at < 0 ? [rest, ''] : [rest.slice(0, at), rest.slice(at)];
  const kind = scheme.toLowerCase();
  if (kind === '' || host.includes('@') || /[^\x21-\x7e]/.test(path))
    return failed('bad_request', 'a probe target is an http or https URL, connect://host:port, or handshake');
  const authority = parseAuthority(host, kind === 'https' ? 443 : kind === 'http' ? 80 : null);
  if (!authority.ok) return authority;
  if (kind === 'connect') {
    if (path !== '') return failed('bad_request', 'connect://host:port has no path');
    return parsed({ kind: 'tunnel', authority: authority.value });
  }
  const { statuses = [], body = null } = expected;
  return parsed({
    kind: 'page',
    tls: kind === 'https',
    authority: authority.value,
    path: path.startsWith('/') ? path : `/${path}`,
    statuses,
    body,
  });
}
