import net from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { handleDescriptor } from './descriptor.ts';
import type { Socket } from './socket.ts';

/** Destroys a socket so that its peer can't take what it received for the whole: by RST. Where everything was sent and the FIN is on
 *  its way nothing is left to cut, and the socket is closed. */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return;
  // While the FIN is under way a reset fails (uv_tcp_close_reset: EINVAL), and the descriptor would stay open for ever.
  if (isWhole(socket)) socket.destroy();
  else if (socket instanceof TLSSocket) resetBelow(socket);
  else socket.resetAndDestroy();
}

/** What TLS is spoken over: Node doesn't tell it. */
const connections = new WeakMap<TLSSocket, net.Socket>();
const overConnections = new WeakMap<Socket, TLSSocket>();

/** Says over which stream TLS is spoken, so that it can be reset where that is a connection. */
export function speaksOver(secure: TLSSocket, stream: Duplex): void {
  if (!(stream instanceof net.Socket)) return;
  connections.set(secure, stream);
  overConnections.set(stream, secure);
}

/** Whether everything was sent, by whom it is sent: over a connection that carries TLS, by that. */
function isWhole(socket: Socket): boolean {
  const { writableEnded, writableLength } = overConnections.get(socket) ?? socket;
  return writableEnded && writableLength === 0;
}

/** TLS itself has no more than a missing close_notify (RFC 8446 §6.1), which many take for an end: Python's ssl does since 3.10, and Node.
 *  So the connection below it is reset, where there is one. */
function resetBelow(secure: TLSSocket): void {
  const connection = connections.get(secure);
  if (connection !== undefined && handleDescriptor(connection) >= 0) connection.resetAndDestroy();
  secure.destroy();
}
