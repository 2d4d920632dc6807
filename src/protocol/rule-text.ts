import { parseHost } from './authority.ts';
import { parseDuration, parseSize, type Reading } from './units.ts';

/** So many in a window of time, of which `burst` may come at once. */
export interface Rate {
  readonly count: number;
  readonly windowMs: number;
  readonly burst: number;
}

/** Reads the value of one part as what it adds to its rule. */
export type PartReader<Draft> = (value: string) => Reading<Partial<Draft>>;

/** More than this in a second is no limit. */
const MOST_PER_SECOND = 1_000_000;
const MOST = 1_000_000;
const LEAST_FLOW = 1_000;
const MOST_FLOW = 100_000_000_000;
const LONGEST_WINDOW_MS = 24 * 3_600_000;
/** In which time a burst comes back at the latest: buckets count no further than 68 years ahead (memory/gcra.ts). */
const LONGEST_RETURN_MS = 365 * 24 * 3_600_000;

const windows: ReadonlyMap<string, number> = new Map([
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

export const no = (message: string) => ({ ok: false, message }) as const;

/** Reads `key=value` parts with spaces between. The message names the part at fault. */
export function parseParts<Draft extends object>(
  text: string,
  readers: ReadonlyMap<string, PartReader<Draft>>,
): Reading<Partial<Draft>> {
  const draft: Partial<Draft> = {};
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
  return { ok: true, value: draft };
}

/** What `read` reads, under a name of its own. */
export function named<Key extends string, Value>(key: Key, read: (text: string) => Reading<Value>) {
  return (text: string): Reading<{ [K in Key]: Value }> => {
    const reading = read(text);
    return reading.ok ? { ok: true, value: { [key]: reading.value } as { [K in Key]: Value } } : reading;
  };
}

/** `100/s`, `30/m`, `5/10s`. Without a burst so much may come at once as comes in a second, and at least one. */
export function readRate(text: string): Reading<Rate> {
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

/** The rate with a burst of its own; refused where so much would take longer than a year to come back. */
export function withBurst(rate: Rate, burst: number): Reading<Rate> {
  const most = Math.floor((LONGEST_RETURN_MS * rate.count) / rate.windowMs);
  if (burst <= most) return { ok: true, value: { ...rate, burst } };
  return no(`so much takes more than a year to come back at this rate; write at most ${most}`);
}

/** `500kB/s`, `2MiB/s`: octets in a second. */
export function readFlow(text: string): Reading<number> {
  const [, size = ''] = /^(.+)\/s$/.exec(text) ?? [];
  const reading = size === '' ? no('expected a size in a second, such as 500kB/s or 2MiB/s') : parseSize(size);
  if (!reading.ok) return reading;
  const fits = reading.value >= LEAST_FLOW && reading.value <= MOST_FLOW;
  return fits ? reading : no('expected at least 1kB/s and at most 100GB/s');
}

/** A whole number from 1 on. */
export function readCount(text: string): Reading<number> {
  const count = /^[0-9]{1,7}$/.test(text) ? Number(text) : 0;
  return count >= 1 && count <= MOST ? { ok: true, value: count } : no(`expected a whole number from 1 to ${MOST}`);
}

/** A duration of at least 1ms and at most a day. */
export function readDuration(text: string): Reading<number> {
  const reading = parseDuration(text);
  if (!reading.ok) return reading;
  const fits = reading.value >= 1 && reading.value <= LONGEST_WINDOW_MS;
  return fits ? reading : no('expected at least 1ms and at most 24h');
}

export function readSite(text: string): Reading<string> {
  const parsed = parseHost(text.replace(/^\./, ''));
  return parsed.ok ? { ok: true, value: parsed.value.host } : no('expected a host name');
}

export function readPool(text: string): Reading<string> {
  return /^[a-z0-9._~]{1,64}$/.test(text) ? { ok: true, value: text } : no('expected the name of a pool');
}

/** What is wrong with a rule about a pool that doesn't exist; null where nothing is. */
export function poolFault(
  { pool }: { readonly pool?: string },
  pools: () => readonly { readonly name: string }[],
): string | null {
  if (pool === undefined) return null;
  const names = pools().map(({ name }) => name);
  if (names.includes(pool)) return null;
  return `there is no pool "${pool}": ${names.length === 0 ? 'there are no pools' : `pools are ${names.join(', ')}`}`;
}

export function readTag(text: string): Reading<string> {
  return /^[A-Za-z0-9._~]{1,64}$/.test(text) ? { ok: true, value: text } : no('expected a tag');
}
