import type { Socket } from 'node:net';
import test from 'ava';
import type { ListenerContext } from '../../src/listener/context.ts';
import { listen } from '../../src/listener/server.ts';
import { ConnectionsByAge } from '../../src/transport/connections-by-age.ts';
import { descriptorOf } from '../../src/transport/descriptor.ts';
import { Roster } from '../../src/transport/roster.ts';
import { open } from '../support/clients.ts';
import { relayBinding } from '../support/native-relay.ts';
import { until } from '../support/until.ts';

const binding = relayBinding();

(binding === null ? test.skip : test)('a drain waits for connections that another thread has accepted', async (t) => {
  const sockets = new Roster<Socket>();
  const tickets: number[] = [];
  // Nothing is asked for on these connections, so that nothing else of the context is used.
  const context = { name: 'mixed', timeouts: { handshake: 60_000 } } as unknown as ListenerContext;
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    shared: false,
    context: () => context,
    admit: () => null,
    released: () => {},
    sockets,
    unproved: new ConnectionsByAge(() => 0),
    passOn: (socket) => {
      tickets.push(binding!.park(descriptorOf(socket), 1, 2));
      socket.destroy();
      return true;
    },
  });
  const clients = [await open(listener.port), await open(listener.port)];
  await until(() => tickets.length === 2);
  t.is([...sockets.members()].length, 0);
  for (const ticket of tickets) listener.take(binding!.claim(ticket), false);
  t.is([...sockets.members()].length, 2);

  let isClosed = false;
  const closed = listener.closed.then(() => {
    isClosed = true;
  });
  listener.drain();
  for (const client of clients) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    t.false(isClosed);
    client.destroy();
  }
  await closed;
  t.is([...sockets.members()].length, 0);
});
