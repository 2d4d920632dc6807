import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { testCertificate } from './certificate.ts';
import { patternOf, streamPattern } from './content.ts';
import { listen, type Peer } from './peers.ts';
import { echoWebSocket } from './websocket.ts';

/** A request as an origin saw it. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly httpVersion: string;
  readonly rawHeaders: readonly string[];
}

/** An origin on `node:http`. `url` is its base, without a final slash; `requests` grows as they come. */
export interface Origin extends Peer {
  readonly url: string;
  readonly requests: SeenRequest[];
}

/** What `/echo` and `/expect` answer. `length` and `sha256` are of the content received. */
export interface Echo extends SeenRequest {
  readonly rawTrailers: readonly string[];
  readonly length: number;
  readonly sha256: string;
}

interface Visit {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The path's second segment as a number, 0 without. */
  readonly number: number;
  readonly query: URLSearchParams;
}

const limits = { maxHeaderSize: 128 * 1024, keepAliveTimeout: 60_000, requestTimeout: 0, headersTimeout: 0 };

/** An origin with these pages: `/` text, `/echo` (Echo as JSON), `/bytes/N` and `/chunked/N` (patternOf(N)), `/status/N`,
 *  `/slow-head?ms=`, `/drip?n=&ms=` (an octet each), `/hang` (no answer), `/early-hints` (103 first), `/expect?refuse=1`
 *  (100 or 417), `/trailers` (both ways), `/ws` (RFC 6455 echo), `/close` (ends with the connection), `/http10`, `/cut/N`
 *  (half of N octets, then FIN). Other paths are 404. */
export async function startOrigin(options: { host?: string } = {}): Promise<Origin> {
  return serve(createServer(limits), 'http', options.host ?? '127.0.0.1');
}

/** The same over TLS, with `testCertificate()`. */
export async function startTlsOrigin(options: { host?: string } = {}): Promise<Origin> {
  const pair = await testCertificate();
  return serve(createTlsServer({ ...limits, ...pair, minVersion: 'TLSv1.2' }), 'https', options.host ?? '127.0.0.1');
}

async function serve(server: Server, scheme: string, host: string): Promise<Origin> {
  const requests: SeenRequest[] = [];
  const answer: RequestListener = (request, response) => {
    requests.push(seen(request));
    const url = new URL(request.url ?? '/', 'http://origin');
    const [, name = '', number = '0'] = url.pathname.split('/');
    const page = pages.get(name) ?? notFound;
    // A client that leaves in the middle is no fault of the origin's.
    page({ request, response, number: Number(number), query: url.searchParams }).catch(() => response.destroy());
  };
  server.on('request', answer);
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    if (!request.url?.includes('refuse=1')) response.writeContinue();
    answer(request, response);
  });
  server.on('upgrade', (request, socket, early) => {
    requests.push(seen(request));
    echoWebSocket(request, socket, early);
  });
  server.on('tlsClientError', () => {});
  const peer = await listen(server, host);
  const url = `${scheme}://${host.includes(':') ? `[${host}]` : host}:${peer.port}`;
  return { ...peer, url, requests };
}

function seen(request: IncomingMessage): SeenRequest {
  const { method = '', url = '', httpVersion, rawHeaders } = request;
  return { method, url, httpVersion, rawHeaders };
}

async function readEcho(request: IncomingMessage): Promise<Echo> {
  const hash = createHash('sha256');
  let length = 0;
  for await (const chunk of request) {
    hash.update(chunk);
    length += chunk.length;
  }
  return { ...seen(request), rawTrailers: request.rawTrailers, length, sha256: hash.digest('hex') };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

async function sendText({ request, response }: Visit, status: number, text: string): Promise<void> {
  request.resume();
  response.writeHead(status, { 'Content-Type': 'text/plain' }).end(text);
}

const notFound = (visit: Visit) => sendText(visit, 404, 'no such page\n');

async function echo({ request, response }: Visit): Promise<void> {
  const text = JSON.stringify(await readEcho(request));
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }).end(text);
}

const pages = new Map<string, (visit: Visit) => Promise<void>>([
  ['', (visit) => sendText(visit, 200, 'origin\n')],
  ['echo', echo],
  ['expect', (visit) => (visit.query.has('refuse') ? sendText(visit, 417, 'refused\n') : echo(visit))],
  [
    'bytes',
    async ({ request, response, number }) => {
      request.resume();
      response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': number });
      await pipeline(streamPattern(number), response);
    },
  ],
  [
    'chunked',
    async ({ request, response, number }) => {
      request.resume();
      response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Transfer-Encoding': 'chunked' });
      await pipeline(streamPattern(number), response);
    },
  ],
  [
    'status',
    async (visit) => {
      const bare = visit.number === 204 || visit.number === 304;
      await sendText(visit, visit.number, bare ? '' : `status ${visit.number}\n`);
    },
  ],
  [
    'slow-head',
    async (visit) => {
      await pause(Number(visit.query.get('ms') ?? 1_000));
      await sendText(visit, 200, 'slow\n');
    },
  ],
  [
    'drip',
    async ({ response, query }) => {
      const [octets, ms] = [Number(query.get('n') ?? 10), Number(query.get('ms') ?? 50)];
      response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': octets });
      for (let sent = 0; sent < octets && !response.destroyed; sent++) {
        response.write('.');
        await pause(ms);
      }
      response.end();
    },
  ],
  ['hang', async ({ request }) => void request.resume()],
  [
    'early-hints',
    async (visit) => {
      visit.response.writeEarlyHints({ link: '</style.css>; rel=preload' });
      await sendText(visit, 200, 'after hints\n');
    },
  ],
  [
    'trailers',
    async ({ request, response }) => {
      const received = await readEcho(request);
      response.writeHead(200, { 'Content-Type': 'application/json', Trailer: 'X-Sum', 'Transfer-Encoding': 'chunked' });
      response.write(JSON.stringify(received));
      response.addTrailers({ 'X-Sum': received.sha256 });
      response.end();
    },
  ],
  [
    'close',
    async ({ request, response }) => {
      request.resume();
      response.useChunkedEncodingByDefault = false;
      response.shouldKeepAlive = false;
      response.writeHead(200, { 'Content-Type': 'text/plain' }).end('until the end\n');
    },
  ],
  [
    'http10',
    async ({ request }) => void request.socket.end('HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nHTTP/1.0\n'),
  ],
  [
    'cut',
    async ({ request, response, number }) => {
      response.writeHead(200, { 'Content-Length': number });
      response.write(patternOf(Math.floor(number / 2)), () => request.socket.destroySoon());
    },
  ],
]);
