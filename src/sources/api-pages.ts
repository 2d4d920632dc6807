import { Buffer } from 'node:buffer';
import type { ApiCall } from '../pool/fetched-source.ts';
import { countOf } from '../protocol/count-text.ts';
import { selectAll } from '../protocol/json-path.ts';
import { type FetchRequest, httpFetch } from '../transport/http-fetch.ts';
import { linesOfItem } from './api-exit.ts';
import type { HostPace } from './host-pace.ts';
import { SourceFailure } from './source-failure.ts';

const MOST_PAGES = 1000;
const MOST_PAGE_BYTES = 32 * 1024 * 1024;

export interface PagesOptions {
  readonly pace: HostPace;
  /** See FetchRequest. */
  readonly isClosed: (address: string) => boolean;
  readonly signal: AbortSignal;
  /** An item that is no exit. */
  readonly onSkip: () => void;
}

/** The exits that an API tells, as lines of a list, page after page. Rejects with SourceFailure, or with what the content of a fetch
 *  rejects with. */
export async function* apiLines(call: ApiCall, options: PagesOptions): AsyncGenerator<Uint8Array> {
  const seen = new Set<string>();
  for (let url: string | null = call.url; url !== null; ) {
    if (seen.has(url)) throw new SourceFailure('a page names one before as the next');
    if (seen.size === MOST_PAGES) throw new SourceFailure(`it has more than ${MOST_PAGES} pages`);
    seen.add(url);
    const page = await readPage(call, url, options).catch((cause: unknown) => {
      throw isLate(options.signal) && seen.size > 1 ? tooManyPages(seen.size - 1) : cause;
    });
    const lines: string[] = [];
    for (const item of selectAll(call.items, page)) {
      const line = linesOfItem(call, item);
      if (line === null) options.onSkip();
      else lines.push(`${line}\n`);
    }
    if (lines.length > 0) yield Buffer.from(lines.join(''));
    url = nextOf(call, page, url);
  }
}

const isLate = ({ reason }: AbortSignal): boolean => reason instanceof DOMException && reason.name === 'TimeoutError';

/** Pages that come one after the other, at a pace, may need longer than all of them have. */
function tooManyPages(had: number): SourceFailure {
  return new SourceFailure(
    `it took too long: ${countOf(had, 'page')} had come; give it a longer "timeout", a quicker "pace", or ask for larger pages`,
  );
}

async function readPage(call: ApiCall, url: string, { pace, isClosed, signal }: PagesOptions): Promise<unknown> {
  const { method, body } = call;
  const isText = typeof body === 'string' || body === null;
  const fields = new Headers(call.headers);
  if (!fields.has('accept')) fields.set('accept', 'application/json');
  if (!isText && !fields.has('content-type')) fields.set('content-type', 'application/json');
  const headers = Object.fromEntries(fields);
  const request: FetchRequest = { url, method, headers, body: isText ? body : JSON.stringify(body), isClosed, signal };
  const text = await pace.run(new URL(url).host, call.pace, async () => {
    const reply = await httpFetch(request);
    if (reply.kind === 'failed') throw new SourceFailure(reply);
    return reply.kind === 'content' ? readText(reply.content) : '';
  });
  try {
    return JSON.parse(text);
  } catch {
    throw new SourceFailure('it answered something else than JSON');
  }
}

async function readText(content: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of content) {
    size += chunk.length;
    if (size > MOST_PAGE_BYTES) throw new SourceFailure(`a page has more than ${MOST_PAGE_BYTES / 2 ** 20} MiB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/^\uFEFF/, '');
}

/** Null where this was the last page. The request's fields go to nobody else but whom the operator named. */
function nextOf({ next, url: first }: ApiCall, page: unknown, from: string): string | null {
  const [value] = next === null ? [] : selectAll(next, page);
  if (typeof value !== 'string' || value === '') return null;
  const url = URL.canParse(value, from) ? new URL(value, from) : null;
  if (url === null) throw new SourceFailure('the next page has no URL');
  const { origin, username, password } = new URL(first);
  if (url.origin !== origin) throw new SourceFailure('it names somebody else for the next page');
  url.username = username;
  url.password = password;
  return url.href;
}
