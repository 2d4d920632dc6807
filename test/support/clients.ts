import { type IncomingMessage, request as openRequest } from 'node:http';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { readBytes } from './byte-reader.ts';
import { writePieces } from './raw-origin.ts';
import { boundMs } from './until.ts';

export { patternOf, sha256 } from './content.ts';

/** A client's credential at the gateway. */
export interface Login {
  readonly username: string;
  readonly password: string;
}

/** All that came back on a raw connection, and how it ended; `open`: what was waited for came, or the bound passed. */
export interface RawAnswer {
  readonly octets: Buffer;
  readonly text: string;
  readonly ended: 'fin' | 'reset' | 'open';
}

/** Options of `rawExchange`. It ends when `until` says so, the gateway closes, or `timeoutMs` (a minute unless told) has passed. */
export interface RawOptions {
  readonly until?: (received: Buffer) => boolean;
  readonly timeoutMs?: number;
  readonly host?: string;
  /** Half-closes after the last piece. */
  readonly thenFin?: boolean;
}

/** Sends exact octets (an array: piece by piece, a packet each) and reads what comes. */
export async function rawExchange(
  port: number,
  octets: string | Buffer | readonly (string | Buffer)[],
  options: RawOptions = {},
): Promise<RawAnswer> {
  const socket = await open(port, options.host);
  const chunks: Buffer[] = [];
  const ended = new Promise<RawAnswer['ended']>((resolve) => {
    const bound = setTimeout(() => resolve('open'), options.timeoutMs ?? boundMs);
    socket.once('close', () => clearTimeout(bound));
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if (options.until?.(Buffer.concat(chunks))) resolve('open');
    });
    socket.once('end', () => resolve('fin'));
    socket.once('error', () => resolve('reset'));
    socket.once('close', () => resolve('fin'));
  });
  const sent = writePieces(socket, typeof octets === 'string' || Buffer.isBuffer(octets) ? [octets] : octets);
  if (options.thenFin) void sent.then(() => socket.end());
  const how = await ended;
  socket.destroy();
  const all = Buffer.concat(chunks);
  return { octets: all, text: all.toString('latin1'), ended: how };
}

/** Opens a connection to a port on loopback. Rejects where it is refused. Errors later on are heard, and said by `close`. */
export function open(port: number, host = '127.0.0.1'): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host, noDelay: true, allowHalfOpen: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}

/** TLS over a connection or tunnel: trusting `ca` alone, or anyone without it. */
export function startTls(socket: Socket, options: { servername?: string; ca?: string } = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const { servername = 'localhost', ca } = options;
    const secured = connectTls({ socket, servername, ca, rejectUnauthorized: ca !== undefined });
    secured.once('error', reject);
    secured.once('secureConnect', () => {
      secured.off('error', reject);
      secured.on('error', () => {});
      resolve(secured);
    });
  });
}

/** The field value for `login` (RFC 7617). */
export function basic({ username, password }: Login): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** The gateway's answer to a CONNECT. After a 2xx `socket` is the tunnel, paused, with early octets still to be read. */
export interface Connected {
  readonly status: number;
  readonly reason: string;
  readonly head: string;
  readonly socket: Socket;
}

/** Sends a CONNECT to `proxy`, a port or a connection (TLS to the gateway: `startTls` first), and reads the answer's head. */
export async function connectVia(
  proxy: number | Socket,
  authority: string,
  options: { login?: Login; fields?: readonly string[]; early?: Buffer } = {},
): Promise<Connected> {
  const socket = typeof proxy === 'number' ? await open(proxy) : proxy;
  const credential = options.login ? [`Proxy-Authorization: ${basic(options.login)}`] : [];
  const lines = [
    `CONNECT ${authority} HTTP/1.1`,
    `Host: ${authority}`,
    ...credential,
    ...(options.fields ?? []),
    '',
    '',
  ];
  const reader = readBytes(socket);
  socket.write(Buffer.concat([Buffer.from(lines.join('\r\n'), 'latin1'), options.early ?? Buffer.alloc(0)]));
  const head = (await reader.until('\r\n\r\n')).toString('latin1');
  reader.release();
  const [, status = '0', reason = ''] = /^HTTP\/1\.[01] (\d{3}) ?(.*)\r\n/.exec(head) ?? [];
  return { status: Number(status), reason, head, socket };
}

/** The gateway's answer to a SOCKS5 client. `method` is 255 where none was acceptable; `reply` is null where it closed before
 *  one; `octets` is the reply as it came. After reply 0 `socket` is the tunnel, paused. */
export interface SocksConnected {
  readonly method: number;
  readonly authenticated: boolean;
  readonly reply: number | null;
  readonly octets: Buffer;
  readonly socket: Socket;
}

/** Goes through a whole SOCKS5 handshake with `proxy`, a port or a connection. With `login` it offers methods 0 and 2 as curl
 *  does, unless `methods` says otherwise; an address is sent as one, unless `asName`. */
export async function socks5Via(
  proxy: number | Socket,
  target: { host: string; port: number; asName?: boolean; command?: number },
  options: { login?: Login; methods?: readonly number[] } = {},
): Promise<SocksConnected> {
  const socket = typeof proxy === 'number' ? await open(proxy) : proxy;
  const reader = readBytes(socket);
  const methods = options.methods ?? (options.login ? [0, 2] : [0]);
  socket.write(Buffer.from([5, methods.length, ...methods]));
  const none = { authenticated: false, reply: null, octets: Buffer.alloc(0), socket };
  const method = (await reader.take(2))[1]!;
  if (method === 0xff) return { method, ...none };
  if (method === 2) {
    const [user, secret] = [Buffer.from(options.login?.username ?? ''), Buffer.from(options.login?.password ?? '')];
    socket.write(Buffer.concat([Buffer.from([1, user.length]), user, Buffer.from([secret.length]), secret]));
    if ((await reader.take(2))[1] !== 0) return { method, ...none };
  }
  socket.write(Buffer.from([5, target.command ?? 1, 0, ...addressOf(target), target.port >> 8, target.port & 0xff]));
  try {
    const head = await reader.take(4);
    const octets = Buffer.concat([head, await reader.take(head[3] === 4 ? 18 : 6)]);
    reader.release();
    return { method, authenticated: true, reply: octets[1]!, octets, socket };
  } catch {
    return { method, ...none, authenticated: true };
  }
}

/** ATYP and DST.ADDR (RFC 1928 §5). */
function addressOf({ host, asName }: { host: string; asName?: boolean }): readonly number[] {
  if (isIP(host) === 0 || asName) return [3, host.length, ...Buffer.from(host, 'latin1')];
  if (isIP(host) === 4) return [1, ...host.split('.').map(Number)];
  const [before = '', after] = host.split('::');
  const words = (text: string | undefined) => (text ? text.split(':').map((word) => Number.parseInt(word, 16)) : []);
  const [high, low] = [words(before), words(after)];
  const all = [...high, ...Array<number>(8 - high.length - low.length).fill(0), ...low];
  return [4, ...all.flatMap((word) => [word >> 8, word & 0xff])];
}

/** A whole response. `cut` is true where it ended before its framing said so. */
export interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly content: Buffer;
  readonly trailers: NodeJS.Dict<string>;
  readonly cut: boolean;
}

/** Sends a request in absolute form to the gateway's HTTP port, on a connection of its own, and reads the whole answer.
 *  `socket` (TLS to the gateway, or a tunnel with `url` as a path) takes the connection's place. */
export function forwardVia(
  port: number,
  url: string,
  options: {
    login?: Login;
    method?: string;
    fields?: Record<string, string>;
    content?: Buffer | string;
    socket?: Socket;
  } = {},
): Promise<Answer> {
  const { login, method = 'GET', fields, content, socket } = options;
  const headers = {
    Host: /^https?:\/\/([^/]*)/.exec(url)?.[1] ?? 'localhost',
    ...(login && { 'Proxy-Authorization': basic(login) }),
    ...(content !== undefined && { 'Content-Length': String(Buffer.byteLength(content)) }),
    ...fields,
  };
  const createConnection = socket ? () => socket : undefined;
  return new Promise((resolve, reject) => {
    const request = openRequest({
      host: '127.0.0.1',
      port,
      path: url,
      method,
      headers,
      agent: socket ? undefined : false,
      createConnection,
    });
    request.once('error', reject);
    // A tunnel is handed over paused.
    request.once('socket', (used) => used.resume());
    request.once('response', (response) => {
      // A reset after the head is told by `cut`.
      request.off('error', reject).on('error', () => {});
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      // An answer that is cut is an answer to look at.
      response.on('error', () => {});
      response.once('close', () => {
        const {
          statusCode: status = 0,
          statusMessage: reason = '',
          headers: received,
          rawHeaders,
          trailers,
        } = response;
        const whole = Buffer.concat(chunks);
        resolve({ status, reason, headers: received, rawHeaders, content: whole, trailers, cut: !response.complete });
      });
    });
    request.end(content);
  });
}
