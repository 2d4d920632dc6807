import { connect, isIPv4, type Socket } from 'node:net';
import { type ByteReader, readBytes } from '../support/byte-reader.ts';
import { basic, type Login } from '../support/clients.ts';

/** The three ways in which an exchange is asked for. */
export const cells = ['forward', 'connect', 'socks5'] as const;
export type Cell = (typeof cells)[number];

/** One request, and how it is brought. */
export interface Question {
  readonly port: number;
  /** The loopback address it comes from: the access log knows it by that. */
  readonly source: string;
  readonly login: Login | null;
  readonly target: { readonly host: string; readonly port: number };
  /** A path of the origin's; only with `forward`. */
  readonly path?: string;
  /** The whole HTTP request, or all that follows a SOCKS5 login, in place of one made of the above. */
  readonly octets?: string | Buffer;
  /** What a SOCKS5 client offers, 0 and 2 unless told. */
  readonly methods?: readonly number[];
  /** Awaited once the connection stands (SOCKS5: once logged in), before the request is sent. */
  readonly before?: () => Promise<void>;
}

/** An HTTP reply of the gateway's own. Names of fields are in lower case. */
export interface HttpReply {
  readonly status: number;
  readonly reason: string;
  readonly fields: ReadonlyMap<string, string>;
  readonly content: string;
  readonly text: string;
  /** What became of the connection: it was ended cleanly without another octet, or it served another request. */
  readonly afterwards: 'closed' | 'kept';
}

/** The octets that a SOCKS5 client was refused with, until the connection was ended cleanly, and what they answered. */
export interface SocksReply {
  readonly to: 'greeting' | 'login' | 'request';
  readonly octets: Buffer;
}

/** Silence of the gateway for so long fails a test. Ten times the longest deadline configured would be more. */
const silenceMs = 30_000;

/** Asks by HTTP and reads the whole reply; then finds out whether the connection serves `next`, a request without credentials
 *  to be refused in its turn, unless the reply announced the close. */
export async function askByHttp(cell: 'forward' | 'connect', question: Question): Promise<HttpReply> {
  const socket = await openFrom(question.source, question.port);
  try {
    await question.before?.();
    const reader = readBytes(socket);
    socket.write(question.octets ?? requestFor(cell, question));
    const reply = await readReply(reader);
    if (reply.fields.get('connection') === 'close') {
      reader.release();
      const rest = await restOf(socket);
      if (rest.length > 0) throw new Error(`octets behind the last reply: ${rest.toString('latin1')}`);
      return { ...reply, afterwards: 'closed' };
    }
    socket.write('GET http://roundabout.internal/echo HTTP/1.1\r\nHost: roundabout.internal\r\n\r\n');
    const next = await readReply(reader);
    if (next.status !== 407) throw new Error(`the next request on the connection was answered ${next.text}`);
    return { ...reply, afterwards: 'kept' };
  } finally {
    socket.destroy();
  }
}

/** Asks by SOCKS5 and reads until the gateway ends the connection. */
export async function askBySocks(question: Question): Promise<SocksReply> {
  const { login, methods = [0, 2], target } = question;
  const socket = await openFrom(question.source, question.port);
  try {
    const reader = readBytes(socket);
    socket.write(Buffer.from([5, methods.length, ...methods]));
    const [, method] = await reader.take(2);
    if (method === 0xff) return await refusal(socket, reader, { to: 'greeting', octets: Buffer.from([5, 0xff]) });
    const [user, secret] = [Buffer.from(login?.username ?? ''), Buffer.from(login?.password ?? '')];
    socket.write(Buffer.concat([Buffer.from([1, user.length]), user, Buffer.from([secret.length]), secret]));
    const status = await reader.take(2);
    if (status[1] !== 0) return await refusal(socket, reader, { to: 'login', octets: status });
    await question.before?.();
    socket.write(question.octets ?? socksRequest(1, target));
    return await refusal(socket, reader, { to: 'request', octets: Buffer.alloc(0) });
  } finally {
    socket.destroy();
  }
}

/** Opens a connection from a loopback address of its own. */
export function openFrom(source: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, localAddress: source, noDelay: true, allowHalfOpen: true });
    socket.setTimeout(silenceMs, () => socket.destroy(new Error('the gateway is silent')));
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject).on('error', () => {});
      resolve(socket);
    });
  });
}

/** VER, CMD, RSV, ATYP, DST.ADDR, DST.PORT (RFC 1928 §4). */
export function socksRequest(command: number, { host, port }: Question['target']): Buffer {
  const address = isIPv4(host) ? [1, ...host.split('.').map(Number)] : [3, host.length, ...Buffer.from(host, 'latin1')];
  return Buffer.from([5, command, 0, ...address, port >> 8, port & 0xff]);
}

function requestFor(cell: 'forward' | 'connect', { target, login, path = '/' }: Question): string {
  const authority = `${target.host}:${target.port}`;
  const line = cell === 'connect' ? `CONNECT ${authority}` : `GET http://${authority}${path}`;
  const credential = login === null ? [] : [`Proxy-Authorization: ${basic(login)}`];
  return [`${line} HTTP/1.1`, `Host: ${authority}`, ...credential, '', ''].join('\r\n');
}

/** Reads the next final response. Interim ones, which an origin may send before it fails, are passed over. */
async function readReply(reader: ByteReader): Promise<Omit<HttpReply, 'afterwards'>> {
  const head = (await reader.until('\r\n\r\n')).toString('latin1');
  if (/^HTTP\/1\.1 1\d\d /.test(head)) return readReply(reader);
  const [line = '', ...lines] = head.trimEnd().split('\r\n');
  const [, status = '', reason = ''] = /^HTTP\/1\.1 (\d{3}) (.*)$/.exec(line) ?? [];
  const fields = new Map<string, string>();
  for (const field of lines) {
    const colon = field.indexOf(':');
    const name = field.slice(0, colon).toLowerCase();
    if (fields.has(name)) throw new Error(`${name} stands twice in ${head}`);
    fields.set(name, field.slice(colon + 1).trim());
  }
  const content = (await reader.take(Number(fields.get('content-length')))).toString();
  return { status: Number(status), reason, fields, content, text: head + content };
}

async function refusal(socket: Socket, reader: ByteReader, reply: SocksReply): Promise<SocksReply> {
  reader.release();
  return { ...reply, octets: Buffer.concat([reply.octets, await restOf(socket)]) };
}

/** All that comes until the peer's FIN. Rejects on a reset. */
async function restOf(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks);
}
