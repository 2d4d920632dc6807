import { connect, createServer, type Socket } from 'node:net';
import { parentPort } from 'node:worker_threads';
import { NativeRelay } from '../../src/transport/native-relay.ts';
import { relayBinding } from '../support/native-relay.ts';
import { listen } from '../support/peers.ts';

/** A thread whose tunnels end all at once, and whose owners all throw. It tells how many ends were told, and what was thrown. */
const TUNNELS = 3;

const binding = relayBinding();
if (binding === null) throw new Error('there is no relay here');
const native = new NativeRelay({ binding, isHeir: false, threads: 1, pipes: 8 });
const thrown: string[] = [];
process.on('uncaughtException', ({ message }) => thrown.push(message));

const accepted: Socket[] = [];
const { promise: allThere, resolve: onAll } = Promise.withResolvers<void>();
const server = await listen(
  createServer((socket) => {
    accepted.push(socket.pause());
    if (accepted.length === 2 * TUNNELS) onAll();
  }),
);
const dialled = Array.from({ length: 2 * TUNNELS }, () => connect({ port: server.port, host: '127.0.0.1' }));
for (const socket of dialled) socket.on('error', () => {});
await allThere;

let ends = 0;
const handles = Array.from({ length: TUNNELS }, (_, at) =>
  native.relay(accepted[2 * at]!, accepted[2 * at + 1]!, {
    now: () => performance.now(),
    idleMs: 60_000,
    owner: {
      onEnd: () => {
        ends++;
        throw new Error(`owner ${at}`);
      },
    },
  }),
);
for (const handle of handles) handle.cut();
await native.settled();
// What was thrown is thrown again once this turn is over.
setImmediate(() => {
  parentPort?.postMessage({ ends, thrown });
  server.close();
  for (const socket of dialled) socket.destroy();
});
