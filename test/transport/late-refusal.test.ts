import { setImmediate as nextTurn } from 'node:timers/promises';
import test from 'ava';
import { scriptRelay } from '../../src/transport/script-relay.ts';
import { until } from '../support/until.ts';
import { plainWire, tlsWire } from './wires.ts';

const CHUNK = Buffer.alloc(8 * 1024, 'x');

for (const [kind, wire] of [
  ['plain TCP', plainWire],
  ['TLS', tlsWire],
] as const)
  test(`what a side said to its end reaches a slow peer, though it refuses that one's words then, by ${kind}`, async (t) => {
    const [client, origin] = [await wire(t), await plainWire(t)];
    const { promise: outcome, resolve: onEnd } = Promise.withResolvers<object>();
    const handle = scriptRelay(client.end, origin.end, {
      now: () => performance.now(),
      idleMs: 60_000,
      owner: { onEnd },
    });
    t.teardown(() => {
      handle.cut();
      client.peer.destroy();
      origin.peer.destroy();
    });
    client.peer.pause();
    // Until the system takes no more for the client, and one chunk waits in the relay.
    let sent = 0;
    while (client.end.writableLength === 0 && sent < 64 * 1024 * 1024) {
      origin.peer.write(CHUNK);
      sent += CHUNK.length;
      while (handle.bytesBtoA < sent) await nextTurn();
      // What has left by the next turn never waited.
      await nextTurn();
    }
    t.true(client.end.writableLength > 0);
    origin.peer.end();
    await until(() => client.end.writableEnded, 'the FIN is there');
    origin.peer.resetAndDestroy();
    await until(() => {
      client.peer.write('more');
      return origin.end.destroyed;
    }, 'what the client says is refused');
    const heard = Buffer.concat(await client.peer.toArray());
    t.is(heard.length, sent);
    t.like(await outcome, { ended: 'reset', by: 'b', endedFirst: 'b', bytesBtoA: sent });
  });
