import { connect, createServer, type Socket } from 'node:net';
import { type ByteReader, readBytes } from './byte-reader.ts';
import { type Exit, type ExitCredential, exitUrl, type Recorder, record, type SeenByExit } from './http-exits.ts';
import { join, listen } from './peers.ts';

/** Who asks a SOCKS exit for what. */
export interface SocksRequest {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
}

/** Starts a SOCKS5 exit (RFC 1928, 1929) for CONNECT. With a credential it takes method 2 only, without one method 0 only. */
export function startSocks5Exit(credential?: ExitCredential): Promise<Exit> {
  return serve('socks5', credential, async (socket, reader, note) => {
    const request = await readSocks5(socket, reader, credential);
    if (request === null) return;
    note(request);
    reader.release();
    answer(socket, request, (ok) => socks5Reply(ok ? 0 : 5));
  });
}

/** Starts a SOCKS4 exit that understands 4a as well. A credential's username is compared with USERID; its password is unused. */
export function startSocks4Exit(credential?: ExitCredential, scheme: 'socks4' | 'socks4a' = 'socks4'): Promise<Exit> {
  return serve(scheme, credential, async (socket, reader, note) => {
    const request = await readSocks4(reader);
    note(request);
    reader.release();
    const refusal = Buffer.from([
      0,
      credential && request.username !== credential.username ? 93 : 91,
      0,
      0,
      0,
      0,
      0,
      0,
    ]);
    if (refusal[1] === 93) return void socket.end(refusal);
    answer(socket, request, (ok) => (ok ? Buffer.from([0, 90, 0, 0, 0, 0, 0, 0]) : refusal));
  });
}

type Meet = (socket: Socket, reader: ByteReader, note: (request: SocksRequest) => void) => Promise<void>;

async function serve(scheme: string, credential: ExitCredential | undefined, meet: Meet): Promise<Exit> {
  const requests: SeenByExit[] = [];
  const recorders: Recorder[] = [];
  const server = createServer((socket) => {
    const connection = recorders.push(record(socket));
    const note = ({ host, port, username, password }: SocksRequest) => {
      requests.push({ kind: 'connect', target: `${host}:${port}`, connection, rawHeaders: [], username, password });
    };
    meet(socket, readBytes(socket), note).catch(() => socket.destroy());
  });
  const peer = await listen(server);
  const shown = scheme === 'socks5' ? credential : credential && { ...credential, password: '' };
  return {
    ...peer,
    url: exitUrl(scheme, peer.port, shown),
    requests,
    received: () => Buffer.concat(recorders.flatMap((recorder) => recorder.chunks)),
  };
}

/** Reads a SOCKS5 handshake up to the request. Null after it was refused. Rejects where the peer ends before. */
export async function readSocks5(
  socket: Socket,
  reader: ByteReader,
  credential?: ExitCredential,
): Promise<SocksRequest | null> {
  const [, count = 0] = await reader.take(2);
  const methods = await reader.take(count);
  const method = credential === undefined ? 0 : 2;
  if (!methods.includes(method)) {
    socket.end(Buffer.from([5, 0xff]));
    return null;
  }
  socket.write(Buffer.from([5, method]));
  let [username, password] = ['', ''];
  if (credential !== undefined) {
    const [, userLength = 0] = await reader.take(2);
    username = (await reader.take(userLength)).toString();
    password = (await reader.take((await reader.take(1))[0] ?? 0)).toString();
    const right = username === credential.username && password === credential.password;
    socket.write(Buffer.from([1, right ? 0 : 1]));
    if (!right) {
      socket.end();
      return null;
    }
  }
  const [, command, , type = 0] = await reader.take(4);
  const host = await readAddress(reader, type);
  const port = (await reader.take(2)).readUInt16BE();
  if (command === 1) return { host, port, username, password };
  socket.end(socks5Reply(7));
  return null;
}

async function readAddress(reader: ByteReader, type: number): Promise<string> {
  if (type === 1) return (await reader.take(4)).join('.');
  if (type === 3) return (await reader.take((await reader.take(1))[0] ?? 0)).toString('latin1');
  const words = await reader.take(16);
  return Array.from({ length: 8 }, (_, i) => words.readUInt16BE(2 * i).toString(16)).join(':');
}

async function readSocks4(reader: ByteReader): Promise<SocksRequest> {
  const head = await reader.take(8);
  const username = (await reader.until('\0')).subarray(0, -1).toString('latin1');
  const address = head.subarray(4, 8);
  const named = address[0] === 0 && address[1] === 0 && address[2] === 0 && address[3] !== 0;
  const host = named ? (await reader.until('\0')).subarray(0, -1).toString('latin1') : address.join('.');
  return { host, port: head.readUInt16BE(2), username, password: '' };
}

/** A whole reply with BND 0.0.0.0:0 (RFC 1928 §6). */
export function socks5Reply(reply: number): Buffer {
  return Buffer.from([5, reply, 0, 1, 0, 0, 0, 0, 0, 0]);
}

/** Dials, replies, and joins; or replies that the origin refused. */
export function answer(socket: Socket, { host, port }: SocksRequest, reply: (ok: boolean) => Buffer): void {
  const onward = connect(port, host);
  onward.once('connect', () => {
    socket.write(reply(true));
    onward.off('error', onRefused);
    join(socket, onward);
  });
  const onRefused = () => void socket.end(reply(false));
  onward.once('error', onRefused);
  socket.once('close', () => onward.destroy());
}
