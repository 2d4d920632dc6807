import { connect, createServer, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import { readBytes } from './byte-reader.ts';
import { testCertificate } from './certificate.ts';
import { type Exit, type ExitCredential, exitUrl, type Recorder, record, type SeenByExit } from './http-exits.ts';
import { join, listen, reset, startRefusing } from './peers.ts';
import { seededRandom } from './seeded-random.ts';
import { readSocks5, socks5Reply } from './socks-exits.ts';

export type FaultProtocol = 'http' | 'https' | 'socks5';

const anywhere = [
  'refuse', // nothing listens; at a rate below 1 the same as resetAtOnce
  'blackhole', // accepts and never says a word
  'resetAtOnce', // RST on accept
  'resetAfterRequest', // RST once the request is whole
  'finAfterRequest', // FIN instead
  'garbage', // octets of no protocol in answer to the request, then FIN
  'truncatedHead', // the beginning of a good reply, then FIN
  'slowHead', // a good reply, an octet an interval, too long to wait for
  'lyingLength', // announces more than it sends, then FIN
  'cut', // good, until some octets came from the origin; then FIN
  'cutWithReset', // the same with RST
  'stall', // the same, then silence
  'halfClose', // the same with FIN toward the gateway, still reading from it
] as const;
const inTls = ['resetInTls'] as const; // RST on the ClientHello
const inHttp = [
  'page200', // a page with status 200, whatever was asked
  'hugeHead', // a head of 4 MiB
  'status-403',
  'status-407',
  'status-429',
  'status-502',
  'status-503',
] as const;
const inSocks = ['rep-1', 'rep-2', 'rep-3', 'rep-4', 'rep-5', 'rep-6', 'rep-7', 'rep-8'] as const;

export type FaultMode =
  | (typeof anywhere)[number]
  | (typeof inTls)[number]
  | (typeof inHttp)[number]
  | (typeof inSocks)[number];

/** Every mode that makes sense for exits of `protocol`. */
export function faultModes(protocol: FaultProtocol): readonly FaultMode[] {
  if (protocol === 'socks5') return [...anywhere, ...inSocks];
  return protocol === 'https' ? [...anywhere, ...inTls, ...inHttp] : [...anywhere, ...inHttp];
}

/** How an exit fails. At `rate` 1 (the default) on each connection, otherwise on that share of them, drawn with `seed`. */
export interface FaultOptions {
  readonly protocol: FaultProtocol;
  readonly mode: FaultMode;
  readonly rate?: number;
  readonly seed?: number;
  readonly credential?: ExitCredential;
  /** Between octets of slowHead. 100 unless told. */
  readonly intervalMs?: number;
  /** How many octets the origin gets through before cut, cutWithReset, stall and halfClose. 1,000 unless told. */
  readonly afterOctets?: number;
}

/** An exit that fails; `faults` counts the connections on which it did. */
export interface FaultExit extends Exit {
  readonly faults: () => number;
}

interface Asked {
  readonly seen: Omit<SeenByExit, 'connection'>;
  readonly host: string;
  readonly port: number;
  /** What a good exit says to the gateway, and to the origin, before the octets of both are joined. */
  readonly reply: Buffer;
  readonly onward: Buffer;
}

/** Starts an exit that fails in `mode`, and is good on the connections on which it does not fail. It serves one request a
 *  connection. A credential is noted, and asked for with SOCKS5 only. */
export async function startFaultExit(options: FaultOptions): Promise<FaultExit> {
  const { protocol, mode, rate = 1, credential } = options;
  if (!faultModes(protocol).includes(mode)) throw new Error(`no mode ${mode} with ${protocol}`);
  if (mode === 'refuse' && rate === 1) return refuse(protocol, credential);
  const random = seededRandom(options.seed ?? 1);
  const secureContext = createSecureContext(protocol === 'https' ? await testCertificate() : {});
  const requests: SeenByExit[] = [];
  const recorders: Recorder[] = [];
  let faults = 0;
  const server = createServer({ allowHalfOpen: true }, (raw) => {
    const faulty = random() < rate;
    if (faulty) faults++;
    if (faulty && failAtAccept(raw, mode)) return;
    const socket = protocol === 'https' ? new TLSSocket(raw, { isServer: true, secureContext }) : raw;
    socket.on('error', () => {});
    const connection = recorders.push(record(socket));
    const note = (asked: Asked) => void requests.push({ ...asked.seen, connection });
    serve(socket, faulty ? options : { ...options, mode: 'good' }, note).catch(() => socket.destroy());
  });
  const peer = await listen(server);
  return {
    ...peer,
    url: exitUrl(protocol, peer.port, credential),
    requests,
    received: () => Buffer.concat(recorders.flatMap((recorder) => recorder.chunks)),
    faults: () => faults,
  };
}

async function refuse(protocol: FaultProtocol, credential?: ExitCredential): Promise<FaultExit> {
  const peer = await startRefusing();
  return {
    ...peer,
    url: exitUrl(protocol, peer.port, credential),
    requests: [],
    faults: () => 0,
    received: () => Buffer.alloc(0),
  };
}

function failAtAccept(socket: Socket, mode: FaultMode): boolean {
  socket.on('error', () => {});
  if (mode === 'resetAtOnce' || mode === 'refuse') reset(socket);
  else if (mode === 'blackhole') socket.resume().once('end', () => socket.end());
  else if (mode === 'resetInTls') socket.once('data', () => reset(socket));
  else return false;
  return true;
}

type Behaviour = Omit<FaultOptions, 'mode'> & { readonly mode: FaultMode | 'good' };

async function serve(socket: Socket, behaviour: Behaviour, note: (asked: Asked) => void): Promise<void> {
  const reader = readBytes(socket);
  const asked =
    behaviour.protocol === 'socks5'
      ? await askedBySocks(socket, reader, behaviour.credential)
      : askedByHttp((await reader.until('\r\n\r\n')).toString('latin1'));
  if (asked === null) return;
  note(asked);
  reader.release();
  if (failInReply(socket, behaviour, asked)) return;
  const onward = connect(asked.port, asked.host);
  onward.once('error', () => socket.destroy());
  socket.once('close', () => onward.destroy());
  onward.once('connect', () => {
    socket.write(asked.reply);
    onward.write(asked.onward);
    if (faultyRelays.has(behaviour.mode)) joinUntilFault(socket, onward, behaviour);
    else join(socket, onward);
  });
}

async function askedBySocks(
  socket: Socket,
  reader: ReturnType<typeof readBytes>,
  credential?: ExitCredential,
): Promise<Asked | null> {
  const request = await readSocks5(socket, reader, credential);
  if (request === null) return null;
  const { host, port, username, password } = request;
  const seen = { kind: 'connect', target: `${host}:${port}`, rawHeaders: [], username, password } as const;
  return { seen, host, port, reply: socks5Reply(0), onward: Buffer.alloc(0) };
}

function askedByHttp(head: string): Asked {
  const [line = '', ...fields] = head.slice(0, -4).split('\r\n');
  const [method = '', target = ''] = line.split(' ');
  const rawHeaders = fields.flatMap((field) => {
    const colon = field.indexOf(':');
    return [field.slice(0, colon), field.slice(colon + 1).trim()];
  });
  const url = new URL(method === 'CONNECT' ? `http://${target}` : target);
  const place = { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 80) };
  const seen = { target, rawHeaders, username: '', password: '' };
  if (method === 'CONNECT') {
    const reply = Buffer.from('HTTP/1.1 200 Connection established\r\n\r\n');
    return { ...place, seen: { ...seen, kind: 'connect' }, reply, onward: Buffer.alloc(0) };
  }
  const kept = fields.filter((field) => !/^(proxy-[^:]*|connection):/i.test(field));
  const lines = [`${method} ${url.pathname}${url.search} HTTP/1.1`, ...kept, 'Connection: close', '', ''];
  const onward = Buffer.from(lines.join('\r\n'), 'latin1');
  return { ...place, seen: { ...seen, kind: 'forward' }, reply: Buffer.alloc(0), onward };
}

const page = '<!doctype html><title>Welcome</title><p>Please log in to the network.</p>\n';
const garbage = Buffer.from([
  0x00, 0xff, 0x13, 0x37, 0x0d, 0x80, 0xc3, 0x28, 0x0a, 0x7f, 0xfe, 0x01, 0x0d, 0x0a, 0x0d, 0x0a,
]);

/** Answers the request wrongly. False where the mode lets it be answered rightly. */
function failInReply(socket: Socket, { mode, protocol, intervalMs = 100 }: Behaviour, { seen }: Asked): boolean {
  const socks = protocol === 'socks5';
  socket.resume().once('end', () => socket.end());
  if (mode === 'resetAfterRequest') reset(socket);
  else if (mode === 'finAfterRequest') socket.end();
  else if (mode === 'garbage') socket.end(garbage);
  else if (mode === 'truncatedHead') socket.end(socks ? socks5Reply(0).subarray(0, 4) : 'HTTP/1.1 200 Conn');
  else if (mode === 'slowHead') drip(socket, socks ? longSocksReply : longHead, intervalMs);
  else if (mode === 'lyingLength')
    socket.end(socks ? longSocksReply.subarray(0, 10) : 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this');
  else if (mode === 'page200')
    socket.end(`HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${page.length}\r\n\r\n${page}`);
  else if (mode === 'hugeHead') flood(socket);
  else if (mode.startsWith('status-')) socket.end(statusReply(mode.slice(7), seen.kind));
  else if (mode.startsWith('rep-')) socket.end(socks5Reply(Number(mode.slice(4))));
  else {
    socket.pause();
    return false;
  }
  return true;
}

/** BND is a name of 255 octets. */
const longSocksReply = Buffer.concat([Buffer.from([5, 0, 0, 3, 255]), Buffer.alloc(257, 'a')]);
const longHead = Buffer.from(`HTTP/1.1 200 OK\r\nX-Padding: ${'a'.repeat(10_000)}\r\n\r\n`);

function statusReply(status: string, kind: string): string {
  const challenge = status === '407' ? 'Proxy-Authenticate: Basic realm="exit"\r\n' : '';
  const text = `the exit refuses to ${kind}\n`;
  return `HTTP/1.1 ${status} Refused\r\n${challenge}Content-Type: text/plain\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
}

function drip(socket: Socket, octets: Buffer, intervalMs: number): void {
  let at = 0;
  const timer = setInterval(() => {
    if (at < octets.length) socket.write(octets.subarray(at, ++at));
  }, intervalMs);
  socket.once('close', () => clearInterval(timer));
}

function flood(socket: Socket): void {
  let left = 4 * 1024;
  socket.write('HTTP/1.1 200 OK\r\n');
  const more = () => {
    while (left-- > 0) if (!socket.write(`X-Padding: ${'a'.repeat(1_011)}\r\n`)) return;
    socket.end('\r\n');
  };
  socket.on('drain', more);
  more();
}

const faultyRelays = new Set<string>(['cut', 'cutWithReset', 'stall', 'halfClose']);

function joinUntilFault(socket: Socket, onward: Socket, { mode, afterOctets = 1_000 }: Behaviour): void {
  let left = afterOctets;
  const fail = () => {
    onward.off('data', onData).pause();
    if (mode === 'cutWithReset') return reset(socket);
    if (mode === 'stall') return void socket.unpipe(onward).pause();
    socket.end();
    if (mode === 'cut') socket.unpipe(onward).resume();
  };
  const onData = (chunk: Buffer) => {
    const part = chunk.subarray(0, left);
    left -= part.length;
    socket.write(part, left === 0 ? fail : undefined);
  };
  onward.on('data', onData).on('end', () => socket.end());
  socket.pipe(onward);
}
