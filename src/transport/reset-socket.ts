import net from 'node:net';
import { TLSSocket } from 'node:tls';
import { handleDescriptor } from './descriptor.ts';
import type { Socket } from './socket.ts';

/** Destroys a socket so that its peer can't take what it received for the whole: by RST. Where everything was sent and the FIN is on
 *  its way nothing is left to cut, and the socket is closed. */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return;
  // While the FIN is under way a reset fails (uv_tcp_close_reset: EINVAL), and the descriptor would stay open for ever.
  if (socket.writableEnded && socket.writableLength === 0) socket.destroy();
  else if (socket instanceof TLSSocket) resetBelow(socket);
  else socket.resetAndDestroy();
}

/** TLS itself has no more than a missing close_notify (RFC 8446 §6.1), which many take for an end: Node does. So the connection that it
 *  goes over is reset, of which Node tells by an inner name alone; without it the socket is closed. */
function resetBelow(socket: TLSSocket): void {
  const below: unknown = Reflect.get(socket, '_parent');
  if (below instanceof net.Socket && handleDescriptor(below) >= 0) below.resetAndDestroy();
  socket.destroy();
}
