import { Buffer } from 'node:buffer';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { plainAddress } from '../protocol/address-range.ts';
import { parseAuthority } from '../protocol/authority.ts';
import { againstPages } from '../protocol/error-reply.ts';
import { EXPOSITION_TYPE } from '../telemetry/exposition.ts';
import { type Readiness, unreadyReasons } from './health.ts';
import { keepNewest } from './newest-connections.ts';

/** What the pages tell, made anew whenever one is asked for. */
export interface AdminPages {
  readonly state: () => Readiness;
  /** All metrics, in the text format of Prometheus. */
  readonly metrics: () => string;
}

export interface HealthServerOptions extends AdminPages {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Connections at most. */
  readonly most: number;
}

/** The admin listener. */
export interface HealthServer {
  readonly host: string;
  readonly port: number;
  /** Closes it and all its connections. */
  close(): Promise<void>;
}

/** Probes ask little and rarely: whoever asks more waits or is closed. Durations in ms. */
const bounds = {
  maxHeaderSize: 8_192,
  headersTimeout: 5_000,
  requestTimeout: 5_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
} as const;
/** An answer that isn't read by then, in ms, keeps the place of somebody who would read it. */
const ANSWER_MS = 5_000;
const badRequest = 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';

interface Answer {
  readonly status: number;
  /** Metrics as they stand, or what is told as JSON. */
  readonly content: string | object;
  readonly allow?: string;
}

/** Binds the admin listener: `/healthz` says whether the process lives, `/readyz` whether it should get traffic, `/metrics` what
 *  it has done. Rejects with the system's error where the address can't be bound. */
export function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const { host, port, most } = options;
  const server = createServer(bounds, (request, response) => send(request, response, answerTo(request, options)));
  keepNewest(server, most);
  server.on('clientError', (_, socket) => socket.end(badRequest, () => socket.destroy()));
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      const address = server.address();
      resolve({
        host,
        port: typeof address === 'object' && address !== null ? address.port : port,
        close: () =>
          new Promise<void>((closed) => {
            server.close(() => closed());
            server.closeAllConnections();
          }),
      });
    });
  });
}

function answerTo(request: IncomingMessage, { host, state, metrics }: HealthServerOptions): Answer {
  // A page in somebody's browser can have a name that leads here; ours it doesn't know, nor can it hide that it is a page.
  if (!isOwnHost(request, host)) return { status: 421, content: { error: 'this listener has another name' } };
  if (isOfPage(request)) return { status: 403, content: { error: 'pages may not ask' } };
  const [path] = (request.url ?? '').split('?', 1);
  if (path !== '/healthz' && path !== '/readyz' && path !== '/metrics')
    return { status: 404, content: { error: 'there is no such page: see /healthz, /readyz and /metrics' } };
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return { status: 405, content: { error: 'only GET and HEAD' }, allow: 'GET, HEAD' };
  }
  if (path === '/healthz') return { status: 200, content: { status: 'ok' } };
  if (path === '/metrics') return { status: 200, content: metrics() };
  const reasons = unreadyReasons(state());
  if (reasons.length === 0) return { status: 200, content: { status: 'ready' } };
  return { status: 503, content: { status: 'unready', reasons } };
}

/** A page's images, and what it fetches blindly, come without Origin; but browsers tell loopback who asks, and of what a person has typed
 *  that nobody does (Fetch Metadata §2). */
function isOfPage({ headers }: IncomingMessage): boolean {
  return headers.origin !== undefined || (headers['sec-fetch-site'] ?? 'none') !== 'none';
}

/** Whether Host is `localhost`, the host that was configured, or the very address that was connected to. Its port is not
 *  judged: containers map it to another. */
function isOwnHost({ headers, socket }: IncomingMessage, configured: string): boolean {
  const asked = parseAuthority(headers.host ?? '', 80);
  if (!asked.ok) return false;
  const { host, family } = asked.value;
  if (host === 'localhost' || host === configured) return true;
  return family !== 0 && plainAddress(host) === plainAddress(socket.localAddress ?? '');
}

function send(request: IncomingMessage, response: ServerResponse, { status, content, allow }: Answer): void {
  const late = setTimeout(() => request.socket.destroy(), ANSWER_MS).unref();
  response.once('close', () => clearTimeout(late));
  const isMetrics = typeof content === 'string';
  const text = isMetrics ? content : `${JSON.stringify(content)}\n`;
  response.writeHead(status, {
    'content-type': isMetrics ? EXPOSITION_TYPE : 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...Object.fromEntries(againstPages),
    ...(allow === undefined ? {} : { allow }),
    // Content that nobody reads must not become the next request.
    ...(request.method === 'GET' || request.method === 'HEAD' ? {} : { connection: 'close' }),
  });
  response.end(request.method === 'HEAD' ? undefined : text);
}
