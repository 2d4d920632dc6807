import { percentDecodedOnce } from '../protocol/credentials.ts';
import { failed, type Parsed, parsed } from '../protocol/decoded.ts';
import type { ExitScheme } from '../protocol/endpoint.ts';
import type { Place } from '../protocol/places.ts';
import { type PatternOptions, type Placeholder, parsePattern, placeholders } from './pattern.ts';
import type { ValueRule } from './value-rule.ts';

/** What an account of a vendor may do. Null where that isn't limited. */
export interface AccountLimits {
  /** Exchanges at once. */
  readonly concurrency: number | null;
  /** Attempts begun in a second. */
  readonly perSecond: number | null;
}

/** What sessions of a vendor are like. Durations are in ms. */
export interface SessionTerms {
  /** Characters of a session's id, as `charactersOf` reads them, and how many. */
  readonly alphabet: string;
  readonly length: number;
  /** What may be asked for with `{ttl}`. */
  readonly leastTtlMs: number;
  readonly mostTtlMs: number;
  /** What is asked for with `{ttl}` where a request doesn't say; null for nothing. */
  readonly ttlMs: number | null;
  /** How long an id stands for one address where no `{ttl}` is asked for; null where that isn't known to end. */
  readonly lifetimeMs: number | null;
  /** After so long without use it stands for another address. */
  readonly idleMs: number | null;
}

/** All that a vendor's exits are minted from but the places that they are minted for: a plain value, so that it can be kept as
 *  text. It holds credentials. */
export interface TemplateSpec extends SessionTerms {
  /** The vendor whose file it is from; null for one that a pool writes out. */
  readonly vendor: string | null;
  readonly scheme: Exclude<ExitScheme, 'direct'>;
  /** Patterns. `port` is a number or one `{port:from-to}`; without `username` the exit takes no credential. */
  readonly host: string;
  readonly port: string;
  readonly username: string | null;
  readonly password: string;
  /** The patterns are parts of a URL: what stands there is percent-encoded, and other brackets may stand in it. */
  readonly encoded: boolean;
  /** What `{username}` and `{password}` stand for. */
  readonly account: { readonly username: string; readonly password: string };
  /** Those that differ from `plainRule`. */
  readonly rules: { readonly [Name in Place]?: ValueRule };
  readonly limits: AccountLimits;
}

/** What vendors take for a session id where they don't say otherwise: 80 bits worth of letters and digits. */
const PLAIN_SESSION: SessionTerms = Object.freeze({
  alphabet: 'a-z2-7',
  length: 16,
  leastTtlMs: 1000,
  mostTtlMs: 30 * 24 * 3_600_000,
  ttlMs: null,
  lifetimeMs: null,
  idleMs: null,
});

export const NO_LIMITS: AccountLimits = Object.freeze({ concurrency: null, perSecond: null });

const inUrls: ReadonlySet<Placeholder> = new Set(
  placeholders.filter((name) => name !== 'username' && name !== 'password'),
);
const inVendorFiles: ReadonlySet<Placeholder> = new Set(placeholders);

/** How patterns of a spec are read. */
export function patternOptions({ encoded }: Pick<TemplateSpec, 'encoded'>): PatternOptions {
  return encoded
    ? { literal: decodedText, lenient: true, allowed: inUrls }
    : { literal: (text) => text, lenient: false, allowed: inVendorFiles };
}

const decodedText = (text: string): string | null => (text.includes('%') ? percentDecodedOnce(text) : text);

const schemes: ReadonlyMap<string, TemplateSpec['scheme']> = new Map([
  ['http', 'http'],
  ['https', 'https'],
  ['socks4', 'socks4'],
  ['socks4a', 'socks4a'],
  ['socks5', 'socks5'],
  ['socks5h', 'socks5'],
]);

const defaultPorts = { http: '80', https: '443', socks4: '1080', socks4a: '1080', socks5: '1080' } as const;

/** Takes a template URL apart: `scheme://[user[:password]@]host[:port]`, with placeholders in user, password, host or port. Fault
 *  (bad_request): no URL of an exit. It shows no part of the credential. What the parts are worth is found out by Template.read. */
export function specOfUrl(text: string): Parsed<TemplateSpec> {
  const [, written = '', rest] = /^([a-z0-9+.-]+):\/\/(.*)$/is.exec(text) ?? [];
  if (rest === undefined) return failed('bad_request', 'a template is written scheme://user:password@host:port');
  const scheme = schemes.get(written.toLowerCase());
  if (scheme === undefined)
    return failed('bad_request', `the scheme of a template is one of ${[...schemes.keys()].join(', ')}`);
  // Braces are told apart first, so that they are spoken of rather than what they make of the rest.
  const braces = parsePattern(rest, { literal: (part) => part, lenient: true, allowed: inUrls });
  if (!braces.ok) return failed('bad_request', braces.message);
  const at = rest.lastIndexOf('@');
  const userinfo = at < 0 ? null : splitOutside(rest.slice(0, at), 'first');
  const address = rest.slice(at + 1).replace(/\/$/, '');
  const bracket = address.startsWith('[') && !address.startsWith('[{') ? address.indexOf(']') + 1 : 0;
  const authority = splitOutside(address.slice(bracket), 'last');
  return parsed({
    ...PLAIN_SESSION,
    vendor: null,
    scheme,
    host: address.slice(0, bracket) + authority.before,
    port: authority.after || defaultPorts[scheme],
    username: userinfo?.before ?? null,
    password: userinfo?.after ?? '',
    encoded: true,
    account: { username: '', password: '' },
    rules: {},
    limits: NO_LIMITS,
  });
}

/** The text before and behind its first or last colon that stands in no braces. */
function splitOutside(text: string, which: 'first' | 'last'): { readonly before: string; readonly after: string } {
  const masked = text.replace(/\{[^{}]*\}/g, (braces) => '_'.repeat(braces.length));
  const colon = which === 'first' ? masked.indexOf(':') : masked.lastIndexOf(':');
  return colon < 0 ? { before: text, after: '' } : { before: text.slice(0, colon), after: text.slice(colon + 1) };
}
