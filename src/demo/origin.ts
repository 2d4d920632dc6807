import { Buffer } from 'node:buffer';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Callers } from './exit-dial.ts';

/** Where the demo origin is reached, as URLs without a final slash. */
export interface DemoOrigins {
  readonly http: string;
  readonly https: string;
}

const preferredPorts = { http: 18_080, https: 18_443 };
const largestPage = 1_000_000_000;
const slowestPageS = 60;
const block = Buffer.alloc(64 * 1024, 'roundabout ');

/** Starts the site that the demo's curl lines visit, on loopback, at the preferred ports or else at free ones. `X-Demo-Exit`
 *  says by which exit a request came. Pages: `/` text, `/headers` the fields received as JSON, `/bytes/N`, `/slow?s=`. */
export async function startDemoOrigins(callers: Callers, tls: { cert: string; key: string }): Promise<DemoOrigins> {
  const answer: RequestListener = (request, response) => {
    const exit = callers.get(request.socket.remotePort ?? 0);
    if (exit !== undefined) response.setHeader('X-Demo-Exit', exit);
    const url = URL.parse(request.url ?? '/', 'http://origin');
    const [, page = '', size = ''] = url?.pathname.split('/') ?? [];
    if (page === '')
      sendText(response, exit ? `You came by the exit ${exit}.\n` : 'You came by no exit of the demo.\n');
    else if (page === 'headers')
      sendText(response, `${JSON.stringify(request.headersDistinct, null, 2)}\n`, 'application/json');
    else if (page === 'bytes') sendOctets(response, Math.min(Number(size) || 0, largestPage));
    else if (page === 'slow') sendSlowly(response, Math.min(Number(url?.searchParams.get('s')) || 1, slowestPageS));
    else response.writeHead(404).end();
  };
  const [http, https] = await Promise.all([
    listen(createServer(answer), preferredPorts.http),
    listen(createTlsServer(tls, answer), preferredPorts.https),
  ]);
  return { http: `http://127.0.0.1:${http}`, https: `https://127.0.0.1:${https}` };
}

async function listen(server: Server, preferredPort: number): Promise<number> {
  const listenAt = (port: number) =>
    new Promise<number>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        server.off('error', reject);
        resolve((server.address() as AddressInfo).port);
      });
    });
  return listenAt(preferredPort).catch(() => listenAt(0));
}

function sendText(response: ServerResponse, text: string, type = 'text/plain'): void {
  response.writeHead(200, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) }).end(text);
}

function sendOctets(response: ServerResponse, length: number): void {
  const size = Math.max(0, Math.floor(length));
  response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': size });
  // Who leaves before the end is heard here, and needs no answer.
  pipeline(Readable.from(slices(size)), response).catch(() => {});
}

function* slices(size: number): Generator<Buffer> {
  for (let left = size; left > 0; left -= block.length) yield left < block.length ? block.subarray(0, left) : block;
}

function sendSlowly(response: ServerResponse, seconds: number): void {
  setTimeout(() => sendText(response, `That took ${seconds} s.\n`), Math.max(0, seconds) * 1_000);
}
