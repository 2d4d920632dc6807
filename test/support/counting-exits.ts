import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { listen, type Peer } from './peers.ts';

/** What an exit has counted, as a vendor does: octets above TCP that came, and that went out. */
export interface CountingExit extends Peer {
  readonly counted: () => number;
}

/** A counter before a real exit (TLS ones too): passes octets through both ways, and counts them. */
export async function startCountingFront(exitPort: number, port = 0): Promise<CountingExit> {
  let counted = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const onward = connect({ port: exitPort, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => onward.destroy());
    onward.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      counted += chunk.length;
      onward.write(chunk);
    });
    onward.on('data', (chunk: Buffer) => {
      counted += chunk.length;
      socket.write(chunk);
    });
    socket.on('end', () => onward.end());
    onward.on('end', () => socket.end());
    socket.on('close', () => onward.destroy());
    onward.on('close', () => socket.destroySoon());
  });
  const peer = await listen(server, '127.0.0.1', port);
  return { ...peer, counted: () => counted };
}

/** An exit that sends `pieceOctets` again and again from the moment that `when` tells, as fast as they are acknowledged: what the
 *  caller's system has taken counts, not what waits in the exit's own. */
export async function startFloodingExit(when: 'accept' | 'data' | 'end', pieceOctets = 4096): Promise<CountingExit> {
  let received = 0;
  const acknowledged = new Map<Socket, number>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    acknowledged.set(socket, 0);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    const flood = () => {
      let sent = 0;
      const piece = Buffer.alloc(pieceOctets, 0x41);
      const step = () => {
        if (socket.destroyed) return;
        const waiting = unacknowledged(socket);
        if (waiting === null) return;
        acknowledged.set(socket, sent - waiting);
        if (waiting === 0) {
          socket.write(piece);
          sent += piece.length;
        }
        setImmediate(step);
      };
      step();
    };
    if (when === 'accept') flood();
    else socket.once(when, flood);
  });
  const peer = await listen(server);
  return { ...peer, counted: () => received + [...acknowledged.values()].reduce((sum, one) => sum + one, 0) };
}

/** A counter before a real exit that passes on what that sends piece by piece, each once the one before was acknowledged: what the
 *  caller's system has taken counts, read or not. */
export async function startAcknowledgedFront(exitPort: number, pieceOctets = 65_536): Promise<CountingExit> {
  const counts = new Map<Socket, { received: number; acknowledged: number }>();
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const count = { received: 0, acknowledged: 0 };
    counts.set(near, count);
    const far = connect({ port: exitPort, host: '127.0.0.1', allowHalfOpen: true });
    near.on('error', () => {}).on('close', () => far.destroy());
    far.on('error', () => {}).on('end', () => near.end());
    near
      .on('end', () => far.end())
      .on('data', (chunk: Buffer) => {
        count.received += chunk.length;
        far.write(chunk);
      });
    let sent = 0;
    const step = () => {
      const waiting = near.destroyed ? null : unacknowledged(near);
      if (waiting === null) return;
      count.acknowledged = sent - waiting;
      const piece: Buffer | null = waiting === 0 ? (far.read(Math.min(pieceOctets, far.readableLength)) ?? null) : null;
      if (piece !== null) {
        near.write(piece);
        sent += piece.length;
      }
      // What is acknowledged takes a look through all connections of the system: not as often as can be.
      setTimeout(step, 2);
    };
    // By pieces: it stays paused.
    far.on('readable', () => {});
    step();
  });
  const peer = await listen(server);
  const sum = () => [...counts.values()].reduce((all, one) => all + one.received + one.acknowledged, 0);
  return { ...peer, counted: sum };
}

/** Octets that the system holds for a socket's peer, by /proc/net/tcp; null where it knows the connection no more. */
function unacknowledged({ localPort = 0, remotePort = 0 }: Socket): number | null {
  const port = (number: number) => number.toString(16).toUpperCase().padStart(4, '0');
  const ends = new RegExp(
    `^ *\\d+: [0-9A-F]+:${port(localPort)} [0-9A-F]+:${port(remotePort)} 0[1-9] ([0-9A-F]{8}):`,
    'm',
  );
  const [, waiting] = ends.exec(readFileSync('/proc/net/tcp', 'latin1')) ?? [];
  return waiting === undefined ? null : Number.parseInt(waiting, 16);
}
