import { type Authority, parseAuthority } from './authority.ts';
import { failed, type Parsed, parsed } from './decoded.ts';
import type { RequestPlan } from './http-message.ts';
import type { AuthorityReader } from './recent-authorities.ts';

/** A request target taken apart (RFC 9112 §3.2). */
export interface Target {
  readonly form: RequestPlan['form'];
  /** Null in origin and asterisk form, where Host names the authority. */
  readonly authority: Authority | null;
  /** The authority as written; empty where there is none. */
  readonly authorityText: string;
  /** As in RequestPlan. */
  readonly path: string;
}

const scheme = 'http://';
const defaultPort = 80;

/** Takes a request target apart. Only `http://` is forwarded, without userinfo and fragment; the path is left as written, but
 *  for an empty one. Fault: bad_request. */
export function parseTarget(method: string, target: string, read: AuthorityReader = parseAuthority): Parsed<Target> {
  if (target.includes('#')) return failed('bad_request', 'a request target has no fragment');
  if (method === 'CONNECT') return withAuthority(target, { form: 'authority', path: '' }, read);
  if (target.startsWith('/')) return parsed({ form: 'origin', authority: null, authorityText: '', path: target });
  if (target === '*') {
    if (method !== 'OPTIONS') return failed('bad_request', 'the target * belongs to OPTIONS');
    return parsed({ form: 'asterisk', authority: null, authorityText: '', path: '*' });
  }
  if (target.startsWith(scheme) || target.slice(0, scheme.length).toLowerCase() === scheme)
    return parseAbsolute(method, target, read);
  return failed(
    'bad_request',
    'the target must be an http:// URL; https:// needs CONNECT, other schemes are not forwarded',
  );
}

function parseAbsolute(method: string, target: string, read: AuthorityReader): Parsed<Target> {
  const end = authorityEnd(target);
  const authorityText = target.slice(scheme.length, end);
  return withAuthority(authorityText, { form: 'absolute', path: pathOf(method, target.slice(end)) }, read);
}

/** Where the path or query of an absolute target begins. */
function authorityEnd(target: string): number {
  const slash = target.indexOf('/', scheme.length);
  const query = target.indexOf('?', scheme.length);
  if (slash < 0 || query < 0) return Math.max(slash, query) < 0 ? target.length : Math.max(slash, query);
  return Math.min(slash, query);
}

function pathOf(method: string, rest: string): string {
  if (rest === '') return method === 'OPTIONS' ? '*' : '/';
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function withAuthority(text: string, rest: Pick<Target, 'form' | 'path'>, read: AuthorityReader): Parsed<Target> {
  if (text.includes('@'))
    return failed('bad_request', 'a request target has no userinfo; credentials go in Proxy-Authorization');
  const authority = read(text, rest.form === 'authority' ? null : defaultPort);
  if (authority.ok) return parsed({ ...rest, authority: authority.value, authorityText: text });
  const isUrl = rest.form === 'authority' && text.includes('://');
  return isUrl ? failed('bad_request', 'CONNECT takes host:port, without a scheme') : authority;
}
