import { NativeSockets } from '../transport/native-sockets.ts';
import { NodeSockets } from '../transport/node-sockets.ts';
import type { RelayBinding } from '../transport/relay-binding.ts';
import type { Sockets } from '../transport/socket.ts';

/** What this thread's plain TCP goes by, both ways: sockets of our own where the addon can have them, those of Node otherwise.
 *  `binding` is the addon, null where there is none. Once per thread. */
export function socketsOf(binding: RelayBinding | null): Sockets {
  return (binding === null ? null : NativeSockets.over(binding)) ?? new NodeSockets();
}
