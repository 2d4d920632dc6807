import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import test from 'ava';
import { NativeSockets } from '../../src/transport/native-sockets.ts';
import { NodeSockets, toNodeSocket } from '../../src/transport/node-sockets.ts';
import { loadRelayBinding } from '../../src/transport/relay-binding.ts';
import { resetSocket, speaksOver } from '../../src/transport/reset-socket.ts';
import type { Socket, Sockets } from '../../src/transport/socket.ts';
import { testCertificate } from '../support/certificate.ts';

const loaded = loadRelayBinding();
const native = 'binding' in loaded ? NativeSockets.over(loaded.binding) : null;
const all: readonly [string, Sockets][] = [
  ['of Node’s', new NodeSockets()],
  ...(native === null ? [] : [['of our own', native] satisfies [string, Sockets]]),
];

for (const [kind, sockets] of all)
  test.serial(
    `a client of TLS over a socket ${kind} gets all that was sent with its end, though that is reset`,
    async (t) => {
      const accepted = Promise.withResolvers<Socket>();
      const options = { host: '127.0.0.1', port: 0, reusePort: false, backlog: 8 };
      const acceptor = await sockets.listen(options, accepted.resolve);
      t.teardown(() => acceptor.close());
      const pair = await testCertificate();
      const below = net.connect({ port: acceptor.port, host: '127.0.0.1', allowHalfOpen: true });
      const client = tls.connect({ socket: below, host: 'localhost', ca: pair.cert });
      const ours = await accepted.promise;
      const stand = toNodeSocket(ours);
      const secure = new tls.TLSSocket(stand, { isServer: true, secureContext: tls.createSecureContext(pair) });
      speaksOver(secure, stand);
      await Promise.all([once(secure, 'secure'), once(client, 'secureConnect')]);
      for (const socket of [secure, client, below]) socket.on('error', () => {});
      // It doesn't read for now.
      below.pause();
      secure.end(Buffer.alloc(150_000));
      await once(secure, 'finish');
      resetSocket(ours);
      let received = 0;
      client.on('data', (octets: Buffer) => {
        received += octets.length;
      });
      below.resume();
      await once(client, 'end');
      t.is(received, 150_000);
    },
  );
