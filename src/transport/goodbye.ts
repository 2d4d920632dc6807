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
