import { parseHost } from './authority.ts';
import { parseDuration, type Reading } from './units.ts';

/** So many in a window of time, of which `burst` may come at once. */
export interface Rate {
  readonly count: number;
  readonly windowMs: number;
  readonly burst: number;
}

/** Limits, and the exchanges that they are about: those over the pool, to the site (a host and all below it) and with the tag that
 *  are named. What isn't given doesn't matter, or isn't limited. */
export interface LimitRule {
  readonly pool?: string;
  readonly site?: string;
  readonly tag?: string;
  /** Requests of the client, and its requests to each site. */
  readonly requests?: Rate;
  readonly siteRequests?: Rate;
  /** Exchanges of the client at once, and those to each site. */
  readonly exchanges?: number;
  readonly siteExchanges?: number;
}

/** How a rule is written, for help texts. */
export const limitGrammar =
  'requests=N/s, burst=N, exchanges=N, site-requests=N/s, site-burst=N, site-exchanges=N, and for which exchanges: pool=NAME, site=NAME, tag=NAME; joined with spaces';

/** More of either in a second than this is no limit. */
const MOST_PER_SECOND = 1_000_000;
const MOST = 1_000_000;
const LONGEST_WINDOW_MS = 24 * 3_600_000;

const windows: ReadonlyMap<string, number> = new Map([
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

type Draft = { -readonly [Key in keyof LimitRule]: LimitRule[Key] } & { burst?: number; siteBurst?: number };
type Reader = (value: string) => Reading<Draft>;

const ok = (part: Draft): Reading<Draft> => ({ ok: true, value: part });
const no = (message: string) => ({ ok: false, message }) as const;

const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['pool', (pool) => (/^[a-z0-9._~]{1,64}$/.test(pool) ? ok({ pool }) : no('expected the name of a pool'))],
  ['site', readSite],
  ['tag', (tag) => (/^[A-Za-z0-9._~]{1,64}$/.test(tag) ? ok({ tag }) : no('expected a tag'))],
  ['requests', (text) => map(readRate(text), (requests) => ({ requests }))],
  ['site-requests', (text) => map(readRate(text), (siteRequests) => ({ siteRequests }))],
  ['burst', (text) => map(readCount(text), (burst) => ({ burst }))],
  ['site-burst', (text) => map(readCount(text), (siteBurst) => ({ siteBurst }))],
  ['exchanges', (text) => map(readCount(text), (exchanges) => ({ exchanges }))],
  ['site-exchanges', (text) => map(readCount(text), (siteExchanges) => ({ siteExchanges }))],
]);

/** Reads a rule such as `requests=10/s burst=20 exchanges=50`, or `site=shop.example requests=30/m`. The message names the part. */
export function parseLimitRule(text: string): Reading<LimitRule> {
  const draft: Draft = {};
  const seen = new Set<string>();
  for (const part of text.split(/\s+/).filter((word) => word !== '')) {
    const equals = part.indexOf('=');
    const key = part.slice(0, Math.max(0, equals));
    const read = readers.get(key);
    if (read === undefined)
      return no(`a part is none of ${[...readers.keys()].map((known) => `${known}=`).join(', ')}`);
    if (seen.has(key)) return no(`${key}= stands twice`);
    seen.add(key);
    const reading = read(part.slice(equals + 1));
    if (!reading.ok) return no(`${key}: ${reading.message}`);
    Object.assign(draft, reading.value);
  }
  return finish(draft);
}

function finish({ burst, siteBurst, ...rule }: Draft): Reading<LimitRule> {
  if (burst !== undefined && rule.requests === undefined) return no('burst: there is no requests= that it belongs to');
  if (siteBurst !== undefined && rule.siteRequests === undefined)
    return no('site-burst: there is no site-requests= that it belongs to');
  if (rule.requests !== undefined && burst !== undefined) rule.requests = { ...rule.requests, burst };
  if (rule.siteRequests !== undefined && siteBurst !== undefined)
    rule.siteRequests = { ...rule.siteRequests, burst: siteBurst };
  const { pool: _, site: __, tag: ___, ...limits } = rule;
  return Object.keys(limits).length > 0 ? { ok: true, value: rule } : no('nothing is limited');
}

/** `100/s`, `30/m`, `5/10s`. Without a burst so much may come at once as comes in a second, and at least one. */
function readRate(text: string): Reading<Rate> {
  const [, digits = '', window = ''] = /^([0-9]{1,7})\/([0-9]*[a-z]{1,2})$/.exec(text) ?? [];
  if (digits === '') return no('expected a rate such as 100/s, 30/m or 5/10s');
  const duration = parseDuration(window);
  const windowMs = windows.get(window) ?? (duration.ok ? duration.value : null);
  if (windowMs === null) return no('expected a window such as s, m, h, d, 10s or 15m');
  if (windowMs < 1) return no('the window is at least 1ms');
  if (windowMs > LONGEST_WINDOW_MS) return no('the window is at most a day; a quota may last longer');
  const count = Number(digits);
  const perSecond = (count * 1_000) / windowMs;
  if (count < 1) return no('expected at least 1 in its window');
  if (perSecond > MOST_PER_SECOND) return no(`expected at most ${MOST_PER_SECOND} a second`);
  return { ok: true, value: { count, windowMs, burst: Math.max(1, Math.min(count, Math.ceil(perSecond))) } };
}

function readCount(text: string): Reading<number> {
  const count = /^[0-9]{1,7}$/.test(text) ? Number(text) : 0;
  return count >= 1 && count <= MOST ? { ok: true, value: count } : no(`expected a whole number from 1 to ${MOST}`);
}

function readSite(text: string): Reading<Draft> {
  const parsed = parseHost(text.replace(/^\./, ''));
  return parsed.ok ? ok({ site: parsed.value.host }) : no('expected a host name');
}

function map(reading: Reading<Rate>, wrap: (value: Rate) => Draft): Reading<Draft>;
function map(reading: Reading<number>, wrap: (value: number) => Draft): Reading<Draft>;
function map<Value>(reading: Reading<Value>, wrap: (value: Value) => Draft): Reading<Draft> {
  return reading.ok ? ok(wrap(reading.value)) : reading;
}
