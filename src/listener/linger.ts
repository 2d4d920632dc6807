import { Deadline } from '../gateway/deadline.ts';
import type { Socket } from '../transport/socket.ts';

/** Octets read and thrown away behind a last reply, and the time allowed for it in ms once the reply has left. */
const LINGER_BYTES = 1024 * 1024;
const LINGER_MS = 1_000;

/** Time in ms for what was written to leave: a slow client may still have a buffer's worth of its answer to come. */
const FLUSH_MS = 60_000;

/** Closes a connection whose last reply has been written, so that the client can read it: a socket closed over unread octets
 *  sends RST, which would destroy the reply at the client (RFC 9112 §9.6). What still comes is thrown away, within bounds. The
 *  caller must have taken its own `data` listeners off. */
export function lingerAndClose(socket: Socket): void {
  if (socket.destroyed) return;
  let left = LINGER_BYTES;
  const patience = new Deadline(() => socket.destroy());
  patience.set(FLUSH_MS);
  socket.once('finish', () => patience.set(LINGER_MS));
  socket.once('close', () => patience.clear());
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) socket.destroy();
  });
  socket.on('end', () => socket.destroySoon());
  socket.end();
  socket.resume();
}
