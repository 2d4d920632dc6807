import type { Socket } from './socket.ts';

/** The descriptor of a plain socket on this system; -1 where it has none, or Node no longer shows it. */
export function descriptorOf(socket: Socket): number {
  return socket.descriptor ?? handleDescriptor(socket);
}

/** The same of what is Node's own. */
export function handleDescriptor(owner: object): number {
  const handle: unknown = Reflect.get(owner, '_handle');
  if (typeof handle !== 'object' || handle === null || !('fd' in handle)) return -1;
  return typeof handle.fd === 'number' ? handle.fd : -1;
}
