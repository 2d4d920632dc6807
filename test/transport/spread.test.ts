import { once } from 'node:events';
import net from 'node:net';
import test from 'ava';
import { NativeSockets } from '../../src/transport/native-sockets.ts';
import { NodeSockets } from '../../src/transport/node-sockets.ts';
import type { Acceptor, Sockets } from '../../src/transport/socket.ts';
import { relayBinding } from '../support/native-relay.ts';

/** Of several sockets that listen at one address only the first few are given connections. Skipped without the addon. */

const binding = relayBinding();
const spreadTest = binding === null ? test.skip : test;
const native = binding && NativeSockets.over(binding);
const kinds: Readonly<Record<string, Sockets | null>> = { node: new NodeSockets(), native };

for (const [name, sockets] of Object.entries(kinds)) {
  spreadTest(
    `${name}: the first so many that listen take all connections, and after one has left its place is the last one's`,
    async (t) => {
      const counts = [0, 0, 0];
      const acceptors: Acceptor[] = [];
      t.teardown(() => {
        for (const acceptor of acceptors) acceptor.close();
      });
      for (const index of counts.keys()) {
        const port = acceptors[0]?.port ?? 0;
        const options = { host: '127.0.0.1', port, reusePort: true, backlog: 128 };
        acceptors.push(
          await sockets!.listen(options, (socket) => {
            counts[index]!++;
            socket.on('error', () => {}).destroy();
          }),
        );
      }
      const [first, second, third] = acceptors as [Acceptor, Acceptor, Acceptor];
      const connect = async (count: number) => {
        counts.fill(0);
        for (let i = 0; i < count; i++) {
          const client = net.connect(first.port, '127.0.0.1').on('error', () => {});
          client.resume();
          await once(client, 'close');
        }
        return [...counts];
      };
      const spread = (count: number) => binding!.spread(second.descriptor, count);

      t.is(spread(1), 0);
      t.deepEqual(await connect(20), [20, 0, 0]);
      t.is(spread(2), 0);
      // Chance leaves one of two out once in 2^59.
      const [a, b, c] = await connect(60);
      t.true(a! > 0 && b! > 0 && c === 0, `${a} ${b} ${c}`);
      t.is(spread(0), 0);
      t.is(spread(0), 0, 'none is attached any more');
      t.true((await connect(100)).every((count) => count > 0));
      t.is(spread(9), 0);
      t.true(
        (await connect(100)).every((count) => count > 0),
        'there are not so many',
      );
      t.is(spread(1), 0);
      await first.close();
      t.is(first.descriptor, -1);
      t.deepEqual(await connect(20), [0, 0, 20]);
      t.true(third.descriptor >= 0);
    },
  );
}

spreadTest('what is no listener, or no number, is an error and nothing else', (t) => {
  t.is(binding!.spread(-1, 1), -9);
  t.is(binding!.spread(99_999, 1), -9);
  t.is(binding!.spread(0, -1), -22);
  t.true(binding!.spread(0, 1) < 0);
});
