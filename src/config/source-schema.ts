import Type, { type StaticDecode } from 'typebox';
import { type JsonPath, leadsToMany, parseJsonPath } from '../protocol/json-path.ts';
import type { Reading } from './fault.ts';
import { listFormat, listScheme } from './list-schema.ts';
import * as t from './schema-terms.ts';

// Entries whose exits come from elsewhere, now and again: a list by URL, an API, a command's output.

const LEAST_REFRESH_MS = 10_000;

const url = t.meaning('a URL of http or https', (text): Reading<string> => {
  const read = URL.canParse(text) ? new URL(text) : null;
  const fits = read !== null && /^https?:$/.test(read.protocol);
  return fits ? { ok: true, value: text } : { ok: false, message: 'expected a URL of http or https' };
});

/** Fields that the connection itself needs. */
const ours: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'keep-alive',
  'expect',
  'if-none-match',
  'if-modified-since',
  'accept-encoding',
]);

const fieldValue = t.text('the value of a header field', /^[\x20-\x7e\x80-\xff]*$/);
const isField = (name: string) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) && !ours.has(name.toLowerCase());

const headers = Type.Refine(
  Type.Record(Type.String(), fieldValue, { description: 'a mapping of header fields', default: {} }),
  (fields) => Object.keys(fields).every(isField),
  () => 'a name here is no header field, or one that the connection itself sets',
);

function path(many: boolean) {
  const description = many ? 'a path such as $.results[*]' : "a path such as $.proxy_address or $['port']";
  return t.meaning(description, (text): Reading<JsonPath> => {
    const read = parseJsonPath(text);
    if (!read.ok) return { ok: false, message: read.fault.detail };
    if (!many && leadsToMany(read.value)) return { ok: false, message: 'this path must lead to one value: no [*]' };
    return { ok: true, value: read.value };
  });
}

const one = t.optional(path(false));

/** How often, how long, and what is believed of what comes. */
const refreshed = {
  refresh: t.duration('10m', LEAST_REFRESH_MS),
  timeout: t.duration('60s', 100),
  shrink: t.oneOf(['refuse', 'allow'], 'refuse'),
};

const exit = Type.Refine(
  t.mapping({
    line: one,
    host: one,
    port: one,
    scheme: one,
    username: one,
    password: one,
    country: one,
    region: one,
    state: one,
    city: one,
    zip: one,
    asn: one,
    isp: one,
    name: one,
  }),
  (paths) => ('line' in paths ? Object.keys(paths).length === 1 : 'host' in paths && 'port' in paths),
  () => 'expected "host" and "port", or "line" alone',
);

/** What is said of a list by URL. */
export const remoteList = { list: url, format: listFormat, scheme: listScheme, headers, ...refreshed };

export const api = t.mapping({
  url,
  method: t.oneOf(['GET', 'POST'], 'GET'),
  headers,
  body: t.optional(Type.Unknown()),
  items: path(true),
  exit,
  format: listFormat,
  scheme: listScheme,
  next: one,
  pace: t.section({
    perSecond: Type.Number({ minimum: 0.001, maximum: 1000, default: 2, description: 'a rate from 0.001 to 1000' }),
    concurrency: t.whole(1, 32, 1),
  }),
  ...refreshed,
});

const environment = Type.Refine(
  Type.Record(Type.String(), t.text('a text'), { description: 'a mapping of variables', default: {} }),
  (variables) => Object.keys(variables).every((name) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)),
  () => 'a name here is no name of an environment variable',
);

export const command = {
  command: Type.Array(t.text('a text'), { minItems: 1, description: 'a list that begins with a program' }),
  /** Arguments are seen by everybody on the machine. */
  env: environment,
  format: listFormat,
  scheme: listScheme,
  ...refreshed,
};

/** How a source was written, decoded. */
interface Refreshed {
  readonly refresh: number;
  readonly timeout: number;
  readonly shrink: 'refuse' | 'allow';
}

type Fields = Readonly<Record<string, string>>;

/** A source of exits that is asked again and again. Durations in ms. */
export interface FetchedSource {
  readonly refreshMs: number;
  /** One refresh may take so long as a whole. */
  readonly timeoutMs: number;
  /** Whether a content with less than half of the exits before is believed. */
  readonly shrink: 'refuse' | 'allow';
  readonly from: ListUrl | ApiCall | CommandCall;
}

export interface ListUrl {
  readonly kind: 'list';
  readonly url: string;
  readonly headers: Fields;
}

export interface ApiCall {
  readonly kind: 'api';
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Fields;
  /** JSON where it isn't a text; null for none. */
  readonly body: unknown;
  readonly items: JsonPath;
  /** The parts of an exit within an item; `line` alone where an item is a line of a list. */
  readonly exit: readonly (readonly [part: string, path: JsonPath])[];
  readonly scheme: string;
  /** Where the URL of the next page stands in a page; null for one page. */
  readonly next: JsonPath | null;
  readonly pace: { readonly perSecond: number; readonly concurrency: number };
}

export interface CommandCall {
  readonly kind: 'command';
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export function listUrlOf(written: Refreshed & { list: string; headers: Fields }): FetchedSource {
  return { ...termsOf(written), from: { kind: 'list', url: written.list, headers: written.headers } };
}

export function commandOf(
  written: Refreshed & { command: readonly string[]; env: Readonly<Record<string, string>> },
): FetchedSource {
  return { ...termsOf(written), from: { kind: 'command', argv: written.command, env: written.env } };
}

interface WrittenApi extends Refreshed, Pick<ApiCall, 'url' | 'method' | 'headers' | 'items' | 'scheme' | 'pace'> {
  readonly body?: unknown;
  readonly exit: StaticDecode<typeof exit>;
  readonly next?: JsonPath;
}

export function apiOf({ api: written }: { readonly api: WrittenApi }): FetchedSource {
  const { url: address, method, headers: fields, body = null, items, scheme, next = null, pace } = written;
  const parts = Object.entries(written.exit).flatMap(([part, way]) =>
    way === undefined ? [] : [[part, way] as const],
  );
  const call = { url: address, method, headers: fields, body, items, exit: parts, scheme, next, pace };
  return { ...termsOf(written), from: { kind: 'api', ...call } };
}

/** Whether an item is a line of a list. */
export function givesLines(parts: object): boolean {
  return 'line' in parts;
}

function termsOf({ refresh, timeout, shrink }: Refreshed): Omit<FetchedSource, 'from'> {
  return { refreshMs: refresh, timeoutMs: timeout, shrink };
}

/** Whether a list is somewhere else. */
export function isRemote(list: unknown): boolean {
  return typeof list === 'string' && /^https?:\/\//i.test(list);
}
