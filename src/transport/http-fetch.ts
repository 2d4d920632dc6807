import { formatBasic } from '../protocol/credentials.ts';
import { retryAfterOf } from '../protocol/retry-after.ts';
import { CLOSED_ADDRESS, type OwnResponse, ownRequest } from './own-request.ts';

/** A request to somebody whom the operator named. */
export interface FetchRequest {
  /** Of http or https; a credential in it goes into Authorization. */
  readonly url: string;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | null;
  /** What is known of the content already: if it is still the same, it needn't come again. */
  readonly known?: { readonly etag: string | null; readonly lastModified: string | null } | null;
  /** Addresses that no redirect may lead to, unless the URL names that host itself. */
  readonly isClosed: (address: string) => boolean;
  /** Ends it, and the reading of the content. */
  readonly signal: AbortSignal;
}

/** What came of it. No text here shows anything of the URL, the fields or the content. */
export type FetchReply =
  | {
      readonly kind: 'content';
      /** Decoded. Rejects where it is cut; what went wrong: `fetchFailure`. */
      readonly content: AsyncIterable<Uint8Array>;
      readonly etag: string | null;
      readonly lastModified: string | null;
    }
  | { readonly kind: 'unchanged' }
  | FetchFailure;

export interface FetchFailure {
  readonly kind: 'failed';
  /** One clause for people. */
  readonly message: string;
  /** How long the other side wants to be left alone; null where it doesn't say. */
  readonly retryAfterMs: number | null;
}

const MOST_REDIRECTS = 5;

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Sends the request over a connection of our own, never over an exit, and follows redirects: five at most, never from https to
 *  http, to no closed address of somebody whom the operator didn't name, and to another origin without the request's fields and
 *  credential. Never rejects. */
export async function httpFetch(request: FetchRequest): Promise<FetchReply> {
  const { method = 'GET', headers = {}, body = null, known = null, isClosed, signal } = request;
  let url = new URL(request.url);
  const named = url.hostname;
  let fields = new Headers(headers);
  if (url.username !== '' && !fields.has('authorization')) fields.set('authorization', basicOf(url));
  if (known?.etag != null) fields.set('if-none-match', known.etag);
  if (known?.lastModified != null) fields.set('if-modified-since', known.lastModified);
  for (let followed = 0; ; followed += 1) {
    url.username = '';
    url.password = '';
    url.hash = '';
    let response: OwnResponse;
    try {
      const judging = url.hostname === named ? null : isClosed;
      response = await ownRequest(url, { method, headers: fields, body, signal, isClosed: judging });
    } catch (cause) {
      if (codeOf(cause) === CLOSED_ADDRESS) return failure('it redirects to an address that is closed to redirects');
      return fetchFailure(cause);
    }
    if (!redirects.has(response.status)) return replyOf(response, known !== null);
    response.drop();
    const next = nextUrl(url, response.header('location') ?? null);
    if (next === null) return failure('it redirects to nowhere');
    if (followed === MOST_REDIRECTS) return failure(`it redirects more than ${MOST_REDIRECTS} times`);
    if (url.protocol === 'https:' && next.protocol === 'http:') return failure('it redirects from https to http');
    if (method === 'POST' && response.status < 307) return failure('it redirects a POST elsewhere');
    if (next.origin !== url.origin) {
      if (body !== null) return failure('it redirects a request with content to somebody else');
      fields = new Headers();
    }
    url = next;
  }
}

/** What went wrong with a fetch or its content. */
export function fetchFailure(cause: unknown): FetchFailure {
  if (cause instanceof DOMException) {
    return failure(cause.name === 'TimeoutError' ? 'it took too long' : 'it was called off');
  }
  return failure(`it could not be had (${codeOf(cause) ?? 'broken off'})`);
}

function replyOf({ status, header, content, drop }: OwnResponse, asked: boolean): FetchReply {
  if (status === 200) {
    return { kind: 'content', content, etag: header('etag') ?? null, lastModified: header('last-modified') ?? null };
  }
  drop();
  if (status === 304 && asked) return { kind: 'unchanged' };
  return { kind: 'failed', message: `it answered ${status}`, retryAfterMs: retryAfterOf({ get: header }) };
}

function nextUrl(from: URL, location: string | null): URL | null {
  const next = location !== null && URL.canParse(location, from) ? new URL(location, from) : null;
  return next !== null && /^https?:$/.test(next.protocol) ? next : null;
}

function basicOf({ username, password }: URL): string {
  return formatBasic({ username: decoded(username), password: decoded(password) });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The code of the system, or of the client, that lies at the bottom. Its message may show addresses. */
function codeOf(cause: unknown): string | null {
  for (let at = cause; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') return at.code;
  }
  return null;
}

const failure = (message: string): FetchFailure => ({ kind: 'failed', message, retryAfterMs: null });
