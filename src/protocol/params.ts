import { failed, type Parsed, parsed } from './decoded.ts';

/** The kinds of exit, roughly in order of price. */
export type Tier = 'dc' | 'isp' | 'res' | 'mobile';

/** What a client asks of its exchanges. A key is absent where nothing was said. Names of pools and places are lower-cased;
 *  session, tag and exit ids are kept as written. */
export interface Params {
  readonly pool?: string;
  /** `auto`: the cheapest that works for the site. */
  readonly tier?: Tier | 'auto';
  /** ISO 3166-1 alpha-2, lower-case: any of these. */
  readonly country?: readonly string[];
  readonly region?: string;
  readonly state?: string;
  readonly city?: string;
  readonly zip?: string;
  /** Digits, without `AS`. */
  readonly asn?: string;
  readonly isp?: string;
  readonly session?: string;
  /** A session ends this long after it began. */
  readonly ttlMs?: number;
  /** A session ends this long after its last use. */
  readonly idleMs?: number;
  /** Fail with session_lost rather than move a session to another exit. */
  readonly strict?: boolean;
  /** Only this exit. */
  readonly exit?: string;
  /** Never this exit. */
  readonly not?: string;
  /** Further attempts after the first, 0 to 5. */
  readonly retry?: number;
  /** Race an attempt that is late by another, where that is safe. */
  readonly hedge?: boolean;
  /** Shortens `attempts` and `firstByte`. */
  readonly timeoutMs?: number;
  readonly ip?: 4 | 6;
  readonly dns?: 'local' | 'remote';
  /** Cost label. */
  readonly tag?: string;
}

/** One parameter as written. */
export interface ParamPair {
  /** A key of the grammar, lower-case. */
  readonly key: string;
  readonly value: string;
  /** The key as the client wrote it, where a dialect calls it otherwise. */
  readonly writtenKey?: string;
}

/** What a value adds to the parameters, or what was expected in its place. */
type Reading = Params | string;

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const longestMs = 30 * 24 * hour;

const valuePattern = /^[A-Za-z0-9._~]{1,64}$/;
const laterKeys: ReadonlySet<string> = new Set(['maxkb']);

const readers: ReadonlyMap<string, (value: string) => Reading> = new Map<string, (value: string) => Reading>([
  ['pool', (value) => ({ pool: value.toLowerCase() })],
  ['tier', readTier],
  ['country', readCountry],
  ['region', (value) => ({ region: value.toLowerCase() })],
  ['state', (value) => ({ state: value.toLowerCase() })],
  ['city', (value) => ({ city: value.toLowerCase() })],
  ['zip', (value) => ({ zip: value.toLowerCase() })],
  ['asn', readAsn],
  ['isp', (value) => ({ isp: value.toLowerCase() })],
  ['session', (value) => ({ session: value })],
  ['ttl', (value) => duration(value, minute, (ttlMs) => ({ ttlMs }))],
  ['idle', (value) => duration(value, minute, (idleMs) => ({ idleMs }))],
  ['strict', readStrict],
  ['exit', (value) => ({ exit: value })],
  ['not', (value) => ({ not: value })],
  ['retry', (value) => (/^[0-5]$/.test(value) ? { retry: Number(value) } : 'a number from 0 to 5')],
  ['hedge', readHedge],
  ['timeout', (value) => duration(value, second, (timeoutMs) => ({ timeoutMs }))],
  ['ip', readIp],
  ['dns', readDns],
  ['tag', (value) => ({ tag: value })],
]);

/** Whether `key` (lower-case) is one of the grammar's, be it for later. */
export function isParamKey(key: string): boolean {
  return readers.has(key) || laterKeys.has(key);
}

/** Reads parameters that were told apart already. Fault: bad_param, naming the token, for a key that is unknown, repeated or of
 *  a later version, and for a value outside the grammar. */
export function paramsOf(pairs: Iterable<ParamPair>): Parsed<Params> {
  const seen = new Set<string>();
  let params: Params = {};
  for (const { key, value, writtenKey = key } of pairs) {
    const name = shownToken(writtenKey);
    const read = readers.get(key);
    if (laterKeys.has(key)) return badParam(`parameter "${name}" is not yet supported`);
    if (read === undefined) return badParam(`unknown parameter "${name}"`);
    if (seen.has(key)) return badParam(`parameter "${name}" is repeated`);
    if (!valuePattern.test(value)) return badParam(`the value of "${name}" must be 1 to 64 of A-Z a-z 0-9 . _ ~`);
    const reading = read(value);
    if (typeof reading === 'string') return badParam(`"${name}-${value}": expected ${reading}`);
    seen.add(key);
    params = { ...params, ...reading };
  }
  return parsed(params);
}

/** `given` over `defaults`, key by key. Fault: bad_param, for what is said of a session where there is none; defaults may say it of
 *  all sessions that are yet to be named. */
export function mergeParams(defaults: Params, given: Params): Parsed<Params> {
  const merged = { ...defaults, ...given };
  if (merged.session !== undefined) return parsed(merged);
  const { ttlMs, idleMs, strict } = given;
  const key = strict === true ? 'strict' : ttlMs !== undefined ? 'ttl' : idleMs !== undefined ? 'idle' : null;
  return key === null ? parsed(merged) : badParam(`"${key}" needs a session: add session-NAME`);
}

/** Parameters in the grammar's form (`country-us.ca-ttl-10m`), keys in its order, durations in the greatest exact unit. */
export function formatParams(params: Params): string {
  const { country, ttlMs, idleMs, strict, timeoutMs } = params;
  const values: readonly (readonly [string, string | number | undefined])[] = [
    ['pool', params.pool],
    ['tier', params.tier],
    ['country', country?.join('.')],
    ['region', params.region],
    ['state', params.state],
    ['city', params.city],
    ['zip', params.zip],
    ['asn', params.asn],
    ['isp', params.isp],
    ['session', params.session],
    ['ttl', ttlMs === undefined ? undefined : formatDuration(ttlMs)],
    ['idle', idleMs === undefined ? undefined : formatDuration(idleMs)],
    ['strict', strict === undefined ? undefined : Number(strict)],
    ['exit', params.exit],
    ['not', params.not],
    ['retry', params.retry],
    ['hedge', params.hedge === undefined ? undefined : Number(params.hedge)],
    ['timeout', timeoutMs === undefined ? undefined : formatDuration(timeoutMs)],
    ['ip', params.ip],
    ['dns', params.dns],
    ['tag', params.tag],
  ];
  return values.flatMap(([key, value]) => (value === undefined ? [] : [`${key}-${value}`])).join('-');
}

/** A bad_param fault. */
export const badParam = (detail: string) => failed('bad_param', detail);

/** A token of a client's fit to be quoted: what the grammar doesn't know becomes `?`, and 64 characters are enough. */
export function shownToken(token: string): string {
  return token.slice(0, 64).replace(/[^A-Za-z0-9._~]/g, '?');
}

function readTier(value: string): Reading {
  const tier = value.toLowerCase();
  const known = tier === 'dc' || tier === 'isp' || tier === 'res' || tier === 'mobile' || tier === 'auto';
  return known ? { tier } : 'dc, isp, res, mobile or auto';
}

function readCountry(value: string): Reading {
  const country = value.toLowerCase().split('.');
  return country.every((code) => /^[a-z]{2}$/.test(code)) ? { country } : 'two-letter country codes, joined by dots';
}

function readAsn(value: string): Reading {
  const digits = /^(?:as)?([0-9]{1,10})$/i.exec(value)?.[1];
  return digits === undefined ? 'the number of an autonomous system' : { asn: digits };
}

function readStrict(value: string): Reading {
  return value === '0' || value === '1' ? { strict: value === '1' } : '0 or 1';
}

function readHedge(value: string): Reading {
  return value === '0' || value === '1' ? { hedge: value === '1' } : '0 or 1';
}

function readIp(value: string): Reading {
  if (value === '4') return { ip: 4 };
  return value === '6' ? { ip: 6 } : '4 or 6';
}

function readDns(value: string): Reading {
  const dns = value.toLowerCase();
  return dns === 'local' || dns === 'remote' ? { dns } : 'local or remote';
}

function duration(value: string, bareUnitMs: number, make: (ms: number) => Params): Reading {
  const [, digits, unit] = /^([0-9]{1,9})([smh]?)$/i.exec(value) ?? [];
  const unitMs =
    new Map([
      ['s', second],
      ['m', minute],
      ['h', hour],
    ]).get((unit ?? '').toLowerCase()) ?? bareUnitMs;
  const ms = Number(digits) * unitMs;
  return ms >= second && ms <= longestMs ? make(ms) : 'a duration such as 30s, 10m or 24h, up to 720h';
}

function formatDuration(ms: number): string {
  if (ms % hour === 0) return `${ms / hour}h`;
  return ms % minute === 0 ? `${ms / minute}m` : `${ms / second}s`;
}
