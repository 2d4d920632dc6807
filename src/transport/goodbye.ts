import { TLSSocket } from 'node:tls';
import type { Socket } from './socket.ts';

/** Closes a connection in order, between two messages. Over TLS either side tells its end (RFC 8446 §6.1), and a peer that is left
 *  without a word still tells its own, which is traffic that a vendor counts: so ours is told, and `socket`, which must flow, is read
 *  until the peer's has come, for at most `mostMs`. What else comes meanwhile is its reader's to bound. Plain TCP has no such words. */
export function sayGoodbye(socket: Socket, mostMs: number): void {
  if (!(socket instanceof TLSSocket) || socket.destroyed || socket.readableEnded) {
    socket.destroy();
    return;
  }
  const late = setTimeout(() => socket.destroy(), mostMs).unref();
  socket.once('close', () => clearTimeout(late)).end();
}

/** Closes a connection whose peer speaks still, and hears it out: what it has sent was sent, whether or not anybody wants it. That is
 *  over with its end, after so many octets more, or so many ms. Nobody else may listen for its octets. */
export function hearOut(socket: Socket, most: { readonly octets: number; readonly ms: number }): void {
  if (socket.destroyed || socket.readableEnded) {
    socket.destroy();
    return;
  }
  const over = (): void => void socket.destroy();
  const late = setTimeout(over, most.ms).unref();
  let left = most.octets;
  socket.on('data', (octets: Buffer) => {
    left -= octets.length;
    if (left < 0) over();
  });
  socket.once('close', () => clearTimeout(late)).once('end', over);
  socket.end();
  socket.resume();
}
