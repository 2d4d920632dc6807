import type { Socket } from './socket.ts';

/** The descriptor of a plain socket on this system; -1 where it has none, or Node no longer shows it. */
export function descriptorOf(socket: Socket): number {
  if (socket.descriptor !== undefined) return socket.descriptor;
  const handle: unknown = Reflect.get(socket, '_handle');
  if (typeof handle !== 'object' || handle === null || !('fd' in handle)) return -1;
  return typeof handle.fd === 'number' ? handle.fd : -1;
}
