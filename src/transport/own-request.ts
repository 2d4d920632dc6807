import { lookup } from 'node:dns';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { pipeline, type Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip } from 'node:zlib';

export interface OwnRequest {
  readonly method: 'GET' | 'POST';
  readonly headers: Headers;
  readonly body: string | null;
  /** Ends it, and the reading of the content; rejections are its reason then. */
  readonly signal: AbortSignal;
  /** Addresses that must not be dialled; null where all may be. */
  readonly isClosed: ((address: string) => boolean) | null;
}

export interface OwnResponse {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  /** Decoded. Rejects where it is cut. */
  readonly content: AsyncIterable<Uint8Array>;
  /** Wants nothing of the content. */
  readonly drop: () => void;
}

/** The `code` of the error where an address is closed. */
export const CLOSED_ADDRESS = 'CLOSED_ADDRESS';

/** Codings one upon the other; nobody sends so many in good faith. */
const MOST_CODINGS = 3;

/** Sends one request over a new connection of our own, never over an exit. Follows nothing. Of a name's addresses those are judged
 *  that are dialled; one that is closed closes the name. Rejects with what the system says. */
export async function ownRequest(url: URL, request: OwnRequest): Promise<OwnResponse> {
  const { signal } = request;
  try {
    const response = await headOf(url, request);
    return {
      status: response.statusCode ?? 0,
      header: (name) => [response.headers[name] ?? []].flat()[0],
      content: until(decoded(response), signal),
      drop: () => void response.on('error', () => {}).destroy(),
    };
  } catch (cause) {
    throw signal.aborted ? signal.reason : cause;
  }
}

function headOf(url: URL, { method, headers, body, signal, isClosed }: OwnRequest): Promise<IncomingMessage> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  // Addresses are dialled without a look-up.
  if (isIP(host) !== 0 && isClosed?.(host)) return Promise.reject(closedAddress());
  const fields = new Headers({ accept: '*/*', 'user-agent': 'roundabout' });
  if (body !== null) fields.set('content-type', 'text/plain;charset=UTF-8');
  for (const [name, value] of headers) fields.set(name, value);
  fields.set('accept-encoding', 'gzip, br');
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? https.request : http.request;
    const judging = isClosed === null ? {} : { lookup: judgedLookup(isClosed) };
    const options = { method, headers: Object.fromEntries(fields), agent: false, signal, ...judging };
    send(url, options, resolve)
      .on('error', reject)
      .end(body ?? undefined);
  });
}

function judgedLookup(isClosed: (address: string) => boolean): LookupFunction {
  return (name, options, callback) => {
    lookup(name, { ...options, all: true }, (fault, addresses) => {
      const [first] = addresses ?? [];
      if (fault !== null || first === undefined) callback(fault ?? closedAddress(), []);
      else if (addresses.some(({ address }) => isClosed(address))) callback(closedAddress(), []);
      else if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function closedAddress(): Error {
  return Object.assign(new Error('the address is closed'), { code: CLOSED_ADDRESS });
}

/** Undoes the codings, the last first (RFC 9110 §8.4). What has another one is taken as it is. Throws where there are too many. */
function decoded(response: IncomingMessage): Readable {
  const codings = (response.headers['content-encoding'] ?? '').toLowerCase().split(',').reverse();
  if (codings.length > MOST_CODINGS) {
    response.on('error', () => {}).destroy();
    throw Object.assign(new Error('there are too many codings'), { code: 'TOO_MANY_CODINGS' });
  }
  let content: Readable = response;
  for (const coding of codings.map((text) => text.trim())) {
    const isGzip = coding === 'gzip' || coding === 'x-gzip';
    if (!isGzip && coding !== 'br') break;
    // What goes wrong is told by the last stream, to whoever reads it.
    content = pipeline(content, isGzip ? createGunzip() : createBrotliDecompress(), () => {});
  }
  return content;
}

async function* until(content: Readable, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* content;
  } catch (cause) {
    throw signal.aborted ? signal.reason : cause;
  }
}
