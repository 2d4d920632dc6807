import {
  Agent,
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request as openRequest,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { testCertificate } from './certificate.ts';
import { join, listen, type Peer, reset } from './peers.ts';

/** An exit's own credential, which it then asks of whoever calls. */
export interface ExitCredential {
  readonly username: string;
  readonly password: string;
}

/** A request as it reached an exit. `target` is as received; `connection` numbers the connection it came on from 1; `rawHeaders`
 *  are empty with SOCKS, whose credential stands in `username` and `password`. */
export interface SeenByExit {
  readonly kind: 'connect' | 'forward';
  readonly target: string;
  readonly connection: number;
  readonly rawHeaders: readonly string[];
  readonly username: string;
  readonly password: string;
}

/** A good exit. `url` has the credential in it. */
export interface Exit extends Peer {
  readonly url: string;
  readonly requests: SeenByExit[];
  /** The first 64 KiB that came on each connection (inside TLS, where the exit is dialled so), one after the other. */
  received(): Buffer;
}

const recordedOctets = 64 * 1024;
/** Fields between us and who called (RFC 9110 §7.6.1); framing stays as it is. */
const hopByHop = new Set(['connection', 'keep-alive', 'proxy-connection', 'proxy-authorization', 'upgrade', 'te']);

/** Starts a proxy for CONNECT and for absolute-form requests, keeping connections on both sides, with interim responses, upgrades
 *  and trailers passed on. */
export async function startHttpExit(credential?: ExitCredential): Promise<Exit> {
  return serve(createServer({ maxHeaderSize: 128 * 1024, keepAliveTimeout: 60_000 }), 'http', credential);
}

/** The same behind TLS, with `testCertificate()`. */
export async function startHttpsExit(credential?: ExitCredential): Promise<Exit> {
  const pair = await testCertificate();
  return serve(createTlsServer({ ...pair, maxHeaderSize: 128 * 1024, keepAliveTimeout: 60_000 }), 'https', credential);
}

async function serve(server: Server, scheme: 'http' | 'https', credential?: ExitCredential): Promise<Exit> {
  const requests: SeenByExit[] = [];
  const connections = new Map<Duplex, number>();
  const recorders: Recorder[] = [];
  const agent = new Agent({ keepAlive: true });
  server.on(scheme === 'https' ? 'secureConnection' : 'connection', (socket: Socket) => {
    connections.set(socket, recorders.push(record(socket)));
    socket.on('error', () => {});
  });
  server.on('tlsClientError', () => {});

  /** Notes the request; false after it was refused for want of the credential. */
  const admit = (request: IncomingMessage, kind: SeenByExit['kind']): boolean => {
    const { username, password } = credentialOf(request);
    const connection = connections.get(request.socket) ?? 0;
    const { url: target = '', rawHeaders } = request;
    requests.push({ kind, target, connection, rawHeaders, username, password });
    return credential === undefined || (username === credential.username && password === credential.password);
  };

  server.on('connect', (request: IncomingMessage, socket: Socket, early: Buffer) => {
    if (!admit(request, 'connect')) return void socket.end(challenge);
    tunnel(request.url ?? '', socket, early);
  });
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    if (admit(request, 'forward')) return forward(request, response, agent);
    request.resume();
    response.writeHead(407, { 'Proxy-Authenticate': 'Basic realm="exit"', 'Content-Length': 0 }).end();
  };
  server.on('request', onRequest);
  server.on('checkContinue', onRequest);
  server.on('upgrade', (request: IncomingMessage, socket: Socket, early: Buffer) => {
    if (!admit(request, 'forward')) return void socket.end(challenge);
    forwardUpgrade(request, socket, early);
  });

  const peer = await listen(server);
  return {
    ...peer,
    url: exitUrl(scheme, peer.port, credential),
    requests,
    received: () => Buffer.concat(recorders.flatMap((recorder) => recorder.chunks)),
    close: async () => {
      agent.destroy();
      await peer.close();
    },
  };
}

/** The URL of an exit on loopback. */
export function exitUrl(scheme: string, port: number, credential?: ExitCredential): string {
  if (credential === undefined) return `${scheme}://127.0.0.1:${port}`;
  const { username, password } = credential;
  return `${scheme}://${encodeURIComponent(username)}:${encodeURIComponent(password)}@127.0.0.1:${port}`;
}

const challenge =
  'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="exit"\r\nContent-Length: 0\r\n\r\n';

/** What came on one connection. */
export interface Recorder {
  readonly chunks: Buffer[];
}

/** Notes the first octets that come on `socket`, beside whoever reads it. */
export function record(socket: Socket): Recorder {
  const chunks: Buffer[] = [];
  let left = recordedOctets;
  socket.on('data', (chunk: Buffer) => {
    if (left <= 0) return;
    chunks.push(chunk.subarray(0, left));
    left -= chunk.length;
  });
  return { chunks };
}

function credentialOf(request: IncomingMessage): ExitCredential {
  const [scheme, encoded = ''] = (request.headers['proxy-authorization'] ?? '').split(' ');
  if (scheme?.toLowerCase() !== 'basic') return { username: '', password: '' };
  const [username = '', ...password] = Buffer.from(encoded, 'base64').toString().split(':');
  return { username, password: password.join(':') };
}

function tunnel(target: string, socket: Socket, early: Buffer): void {
  const { hostname, port } = new URL(`http://${target}`);
  const onward = connect(Number(port || 80), hostname.replace(/^\[|\]$/g, ''));
  const onRefused = () => void socket.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n');
  onward.once('error', onRefused);
  onward.once('connect', () => {
    onward.off('error', onRefused);
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    onward.write(early);
    join(socket, onward);
  });
  socket.once('close', () => onward.destroy());
}

/** The received fields to send on, as node:http takes and keeps them: a flat list. */
function endToEnd(rawHeaders: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [name = '', value = ''] = [rawHeaders[i], rawHeaders[i + 1]];
    if (!hopByHop.has(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
}

/** node:http takes the flat list at run time; its types only know the object. */
const asHeaders = (flat: string[]) => flat as unknown as OutgoingHttpHeaders;

function forward(request: IncomingMessage, response: ServerResponse, agent: Agent): void {
  const url = new URL(request.url ?? '');
  const onward = openRequest({
    agent,
    host: url.hostname,
    port: url.port || 80,
    path: url.pathname + url.search,
    method: request.method,
    headers: asHeaders(endToEnd(request.rawHeaders)),
  });
  onward.on('continue', () => response.writeContinue());
  onward.on('information', ({ statusCode, headers }) => {
    if (statusCode === 103) response.writeEarlyHints({ ...headers, link: headers['link'] ?? [] });
  });
  onward.on('response', (received) => {
    response.writeHead(received.statusCode ?? 502, received.statusMessage, asHeaders(endToEnd(received.rawHeaders)));
    received.pipe(response, { end: false });
    received.on('end', () => {
      response.addTrailers(pairsOf(received.rawTrailers));
      response.end();
    });
    // The one way to tell that an answer was cut is an unclean end.
    received.on('close', () => {
      if (!received.complete) reset(request.socket);
    });
  });
  onward.on('error', () => {
    if (response.headersSent) return reset(request.socket);
    response.writeHead(502, { 'Content-Length': 0 }).end();
  });
  response.on('close', () => onward.destroy());
  request.pipe(onward, { end: false });
  request.on('end', () => {
    if (request.rawTrailers.length > 0) onward.addTrailers(pairsOf(request.rawTrailers));
    onward.end();
  });
}

function pairsOf(flat: readonly string[]): [string, string][] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i] ?? '', flat[2 * i + 1] ?? '']);
}

/** An upgrade is passed on as octets, with the target in origin-form. */
function forwardUpgrade(request: IncomingMessage, socket: Socket, early: Buffer): void {
  const url = new URL(request.url ?? '');
  const onward = connect(Number(url.port || 80), url.hostname);
  onward.once('connect', () => {
    const fields = pairsOf(request.rawHeaders).filter(([name]) => !/^proxy-/i.test(name));
    const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    onward.write(`${request.method} ${url.pathname}${url.search} HTTP/1.1\r\n${lines}\r\n`, 'latin1');
    onward.write(early);
    join(socket, onward);
  });
  onward.once('error', () => socket.destroy());
  socket.once('close', () => onward.destroy());
}

/** Has an exit open the tunnels that it is asked for, each so many ms late. */
export function openTunnelsLate(exit: Server, lateMs: number): Server {
  return exit.on('connect', (request: IncomingMessage, socket: Socket) => {
    const [host, port] = (request.url ?? '').split(':');
    socket.on('error', () => {});
    setTimeout(() => {
      const onward = connect(Number(port), host, () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
      onward.on('error', () => socket.destroy()).pipe(socket);
      socket.pipe(onward);
    }, lateMs);
  });
}
