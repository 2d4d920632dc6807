import { type Authority, parseAuthority } from '../protocol/authority.ts';
import { failed, type Parsed, parsed } from '../protocol/decoded.ts';
import { type Allowance, worstCost } from '../transport/metered-stream.ts';

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

/** Content that is read of a page, in octets. */
export const MOST_CONTENT = 4 * 1024;

/** Handshakes of the exit and of the target (some 6 KiB each, with their certificates), the head, and the content. */
const allowances: Readonly<Record<ProbeTarget['kind'], Allowance>> = {
  handshake: { sent: 6 * 1024, received: 12 * 1024 },
  tunnel: { sent: 8 * 1024, received: 16 * 1024 },
  page: { sent: 16 * 1024, received: 32 * 1024 },
};

/** What a probe of `target` may take, in octets on the wire to the exit. */
export function allowanceOf({ kind }: ProbeTarget): Allowance {
  return allowances[kind];
}

/** The most octets that a probe of `target` can cost, as the exit counts. */
export function worstProbeCost(target: ProbeTarget): number {
  return worstCost(allowanceOf(target));
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
