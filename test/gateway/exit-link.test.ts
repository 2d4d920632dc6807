import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { ExitLink, linkWatch, takeLink } from '../../src/gateway/forwarding/exit-link.ts';
import { KeptConnections } from '../../src/transport/kept-connections.ts';
import { NativeSockets } from '../../src/transport/native-sockets.ts';
import { NodeSockets, NodeStreams } from '../../src/transport/node-sockets.ts';
import type { Socket, Sockets } from '../../src/transport/socket.ts';
import { Wire } from '../../src/transport/wire.ts';
import { testCertificate } from '../support/certificate.ts';
import { relayBinding } from '../support/native-relay.ts';
import { listen } from '../support/peers.ts';
import { until } from '../support/until.ts';

/** What an exit says of itself over a link that has answered everything. */
const words: Readonly<Record<string, (peer: net.Socket) => void>> = {
  'an answer': (peer) => void peer.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray'),
  'an answer without content': (peer) => void peer.write('HTTP/1.1 204 No Content\r\n\r\n'),
  'the beginning of an answer': (peer) => void peer.write('H'),
  'no answer': (peer) => void peer.write('\0'),
  'its end': (peer) => void peer.end(),
  'its end behind an answer': (peer) => void peer.end('HTTP/1.1 408 Too slow\r\nContent-Length: 0\r\n\r\n'),
  'a reset': (peer) => void peer.resetAndDestroy(),
};

/** Links of one exchange to one exit, each with the exit's end. */
async function scene(t: ExecutionContext, sockets: Sockets) {
  const waiting: ((socket: net.Socket) => void)[] = [];
  const server = await listen(net.createServer({ allowHalfOpen: true }, (socket) => waiting.shift()?.(socket)));
  t.teardown(server.close);
  const kept = new KeptConnections<ExitLink>({ watch: linkWatch });
  t.teardown(() => kept.closeAll());
  const choice = {
    slot: 0,
    exit: { id: 'one', dns: 'remote' },
    endpoint: { scheme: 'http', host: '127.0.0.1', port: server.port },
  };
  const deps = {
    kept,
    registry: { exitAt: () => choice.exit },
    settings: () => ({ heads: { headBytes: 65_536, startLineBytes: 16_384, fieldLineBytes: 32_768, fieldCount: 200 } }),
  };
  const KEY = 'key';
  const admission = { params: {}, links: { get: () => KEY } };
  const linkOver = (socket: Socket, wire: Socket): ExitLink => {
    const given = { socket, wire: new Wire(wire), early: Buffer.alloc(0), choice, key: KEY, era: kept.era };
    return new ExitLink(deps as never, { ...given, absoluteForm: true, proxyAuthorization: '' } as never);
  };
  const open = async () => {
    const accepted = new Promise<net.Socket>((resolve) => waiting.push(resolve));
    const socket = sockets.connect({ host: '127.0.0.1', port: server.port, keepAliveMs: 0 });
    socket.on('error', () => {});
    await once(socket, 'connect');
    const peer = (await accepted).on('error', () => {});
    t.teardown(() => void socket.destroy());
    return { link: linkOver(socket, socket), peer };
  };
  const take = (): ExitLink | null =>
    takeLink(deps as never, { admission } as never, { choice, meter: { follow() {} } } as never);
  return { kept, open, linkOver, take, keep: (link: ExitLink) => kept.keep(KEY, link, 60_000) };
}

const binding = relayBinding();
const native = binding && NativeSockets.over(binding);

if (native !== null)
  // An end by itself is sent by Node in another turn.
  for (const [what, say] of Object.entries(words).filter(([what]) => what !== 'its end'))
    test.serial(`a link over which ${what} has come is not taken, though no event has told of it`, async (t) => {
      const { kept, open, take, keep } = await scene(t, native);
      const [older, link] = [await open(), await open()];
      for (const one of [older, link]) keep(one.link);
      // What has come from the connection itself has had its event.
      await new Promise((resolve) => setTimeout(resolve, 20));
      // All within one turn; loopback has it at once.
      say(link.peer);
      t.true(take() === older.link);
      t.true(link.link.socket.destroyed);
      t.is(kept.size, 0);
      t.true(older.link.isQuiet());
    });

if (binding !== null)
  test.serial('nor is one over TLS over which a record has come, or its beginning', async (t) => {
    const { take, keep, linkOver } = await scene(t, new NodeSockets());
    const below = Promise.withResolvers<net.Socket>();
    const server = await listen(tls.createServer(await testCertificate()).on('connection', below.resolve));
    t.teardown(server.close);
    const streams = new NodeStreams((descriptor) => binding.unread(descriptor));
    const wire = streams.connect({ host: '127.0.0.1', port: server.port, keepAliveMs: 0 });
    const socket = tls.connect({ socket: wire, rejectUnauthorized: false }).on('error', () => {});
    t.teardown(() => void socket.destroy());
    await once(socket, 'secureConnect');
    const link = linkOver(socket, wire);
    keep(link);
    // Tickets for further sessions come behind the handshake.
    await new Promise((resolve) => setTimeout(resolve, 50));
    await until(() => link.isQuiet());
    (await below.promise).write(Buffer.from([23, 3, 3, 0, 40]));
    t.true(take() === null);
    t.true(socket.destroyed);
  });

const kinds = { node: new NodeSockets(), ...(native !== null && { native }) };

for (const [kind, sockets] of Object.entries(kinds))
  for (const [what, say] of Object.entries(words))
    test.serial(`${kind}: a link that waits for its turn is good for nothing once ${what} has come`, async (t) => {
      const { open, take, keep } = await scene(t, sockets);
      const { link, peer } = await open();
      keep(link);
      t.true(take() === link);
      t.true(link.isQuiet());
      say(peer);
      await until(() => !link.isQuiet());
      t.pass();
    });
