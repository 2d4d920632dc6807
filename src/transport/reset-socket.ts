import { TLSSocket } from 'node:tls';
import type { Socket } from './socket.ts';

/** Destroys a socket so that its peer can't take what it received for the whole: by RST, or for TLS without close_notify. Where
 *  everything was sent and the FIN is on its way nothing is left to cut, and the socket is closed. */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return;
  // While the FIN is under way a reset fails (uv_tcp_close_reset: EINVAL), and the descriptor would stay open for ever.
  const isWhole = socket.writableEnded && socket.writableLength === 0;
  if (isWhole || socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}
