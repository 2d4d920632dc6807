import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { testCertificate } from './certificate.ts';
import { listen, type Peer, reset } from './peers.ts';

/** What a raw origin does with each connection. */
export interface RawScript {
  /** Written as it stands. An array is written piece by piece, each in a packet of its own. */
  readonly reply: string | Buffer | readonly (string | Buffer)[];
  /** `head`: once an empty line was received (the default); `accept`: at once. */
  readonly when?: 'head' | 'accept';
  /** After the reply: `fin` (the default), `reset`, or `open` (nothing; the next head gets the reply again). */
  readonly end?: 'fin' | 'reset' | 'open';
}

/** An origin that answers exact octets. `received` has the octets of each connection, in order of acceptance. */
export interface RawOrigin extends Peer {
  readonly received: Buffer[];
}

/** Starts a TCP (or TLS) origin that follows `script`, or calls it with each connection and its number from 0. */
export async function startRawOrigin(
  script: RawScript | ((socket: Socket, number: number) => void),
  options: { tls?: boolean; host?: string; allowHalfOpen?: boolean } = {},
): Promise<RawOrigin> {
  const received: Buffer[] = [];
  const meet = (socket: Socket) => {
    const number = received.push(Buffer.alloc(0)) - 1;
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      received[number] = Buffer.concat([received[number]!, chunk]);
    });
    if (typeof script === 'function') script(socket, number);
    else follow(script, socket);
  };
  const { allowHalfOpen = false } = options;
  const server = options.tls
    ? createTlsServer({ ...(await testCertificate()), allowHalfOpen })
    : createServer({ allowHalfOpen });
  server.on(options.tls ? 'secureConnection' : 'connection', meet);
  return { ...(await listen(server, options.host)), received };
}

function follow({ reply, when = 'head', end = 'fin' }: RawScript, socket: Socket): void {
  const send = async () => {
    await writePieces(socket, Array.isArray(reply) ? reply : [reply as string | Buffer]);
    if (end === 'fin') socket.end();
    if (end === 'reset') reset(socket);
  };
  if (when === 'accept') return void send();
  let tail = '';
  socket.on('data', (chunk: Buffer) => {
    const heads = (tail + chunk.toString('latin1')).split('\r\n\r\n');
    tail = heads.pop() ?? '';
    for (const _ of heads) void send();
  });
}

/** Writes each piece by itself and waits until the kernel has it, so that the peer most likely reads them one by one. */
export async function writePieces(socket: Socket, pieces: readonly (string | Buffer)[]): Promise<void> {
  if ('setNoDelay' in socket) socket.setNoDelay(true);
  for (const piece of pieces) {
    const octets = typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece;
    await new Promise<void>((resolve) => {
      if (socket.destroyed) resolve();
      else socket.write(octets, () => setImmediate(resolve));
    });
  }
}
