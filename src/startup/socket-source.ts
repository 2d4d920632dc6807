import { NodeSockets } from '../transport/node-sockets.ts';
import type { RelayBinding } from '../transport/relay-binding.ts';
import type { Sockets } from '../transport/socket.ts';

/** What this thread's plain TCP goes by, both ways; `binding` is the addon, null where there is none. Once per thread. */
export function socketsOf(_binding: RelayBinding | null): Sockets {
  return new NodeSockets();
}
