import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { type AddressInfo, createServer, connect as dial, type Socket as NodeSocket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { NativeRelay } from '../../src/transport/native-relay.ts';
import { NativeSockets } from '../../src/transport/native-sockets.ts';
import { NodeSockets } from '../../src/transport/node-sockets.ts';
import type { RelayOutcome } from '../../src/transport/relay.ts';
import type { Socket, Sockets } from '../../src/transport/socket.ts';
import { patternOf, sha256 } from '../support/clients.ts';
import { relayBinding } from '../support/native-relay.ts';
import { until } from '../support/until.ts';
import { readAll } from './bench.ts';

/** The hand-over as the gateway does it: from the sockets that it accepts and dials to the native relay, with nothing between. */

const binding = relayBinding();
const options = { isHeir: true, threads: 1, pipes: 8 };
const native = binding && new NativeRelay({ binding, ...options });
const [own, node] = [binding && NativeSockets.over(binding), new NodeSockets()];
/** Serial, because descriptors are counted. Skipped where there is no addon. */
const handOverTest = native === null ? test.serial.skip : test.serial;

const HEAD = 'CONNECT a:1 HTTP/1.1\r\n\r\n';
const REPLY = 'HTTP/1.1 200 OK\r\n\r\n';

interface Sides {
  readonly client: NodeSocket;
  readonly a: Socket;
  readonly b: Socket;
  readonly exit: NodeSocket;
}

/** A client that one kind of sockets has accepted, its head read, and an exit that one has dialled. */
async function sidesOf(t: ExecutionContext, [accepts, dials]: readonly [Sockets, Sockets]): Promise<Sides> {
  const accepted = Promise.withResolvers<Socket>();
  const acceptor = await accepts.listen({ host: '127.0.0.1', port: 0, reusePort: false, backlog: 8 }, accepted.resolve);
  const met = Promise.withResolvers<NodeSocket>();
  const server = createServer({ allowHalfOpen: true }, met.resolve).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = dial({ port: acceptor.port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {});
  const a = await accepted.promise;
  const b = dials.connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, keepAliveMs: 0 });
  await once(b, 'connect');
  const exit = (await met.promise).on('error', () => {});
  for (const socket of [a, b]) socket.on('error', () => {});
  client.write(HEAD);
  const [head] = await once(a, 'data');
  t.is(String(head), HEAD);
  for (const socket of [a, b]) socket.pause();
  acceptor.close();
  server.close();
  t.teardown(() => {
    for (const socket of [client, a, b, exit]) socket.destroy();
  });
  return { client, a, b, exit };
}

const kinds = [
  { name: 'both sides are our own', sides: [own!, own!] },
  { name: "the exit's side is Node's", sides: [own!, node] },
  { name: "the client's side is Node's", sides: [node, own!] },
] as const;

for (const { name, sides } of kinds) {
  handOverTest(`nothing is lost at the hand-over, and no descriptor: ${name}`, async (t) => {
    const [content, page] = [patternOf(700_000), patternOf(20_000)];
    const before = readdirSync('/proc/self/fd').length;
    const { client, a, b, exit } = await sidesOf(t, sides);
    // Some of it was read, some waits in the socket, half in the system; the exit has said all and ended.
    client.write(content.subarray(2_000, 300_000));
    a.unshift(content.subarray(1_000, 2_000));
    const said = once(exit, 'finish');
    exit.end(page);
    await said;
    const ended = Promise.withResolvers<RelayOutcome>();
    const parts = { now: () => performance.now(), idleMs: 60_000, owner: { onEnd: ended.resolve } };
    const handle = native!.relay(a, b, { ...parts, reply: Buffer.from(REPLY), earlyA: content.subarray(0, 1_000) });
    t.true(handle.outside);
    t.deepEqual([a.destroyed, b.destroyed], [true, true]);
    client.end(content.subarray(300_000));
    const [heard, answered] = await Promise.all([readAll(exit), readAll(client)]);
    t.is(sha256(heard), sha256(content));
    t.is(sha256(answered), sha256(Buffer.concat([Buffer.from(REPLY), page])));
    t.like(await ended.promise, { ended: 'closed', bytesAtoB: content.length, bytesBtoA: page.length });
    client.destroy();
    exit.destroy();
    await native!.settled();
    const pipes = 2 * native!.stats().pipes;
    await until(() => readdirSync('/proc/self/fd').length <= before + pipes, 'descriptors are closed');
  });

  handOverTest(`a reset behind the hand-over reaches the other side: ${name}`, async (t) => {
    const { client, a, b, exit } = await sidesOf(t, sides);
    const ended = Promise.withResolvers<RelayOutcome>();
    native!.relay(a, b, { now: () => performance.now(), idleMs: 60_000, owner: { onEnd: ended.resolve } });
    const error = new Promise<NodeJS.ErrnoException>((resolve) => client.resume().once('error', resolve));
    exit.resetAndDestroy();
    t.is((await error).code, 'ECONNRESET');
    t.like(await ended.promise, { ended: 'reset', by: 'b' });
  });
}

handOverTest(
  'a hand-over that fails leaves our own sockets whole: the relay in TypeScript goes on with them',
  async (t) => {
    const { client, a, b, exit } = await sidesOf(t, [own!, own!]);
    const noRoom = { ...binding!, open: () => true, adopt: () => -24 };
    const without = new NativeRelay({ binding: noRoom, ...options });
    const ended = Promise.withResolvers<RelayOutcome>();
    const parts = { now: () => performance.now(), idleMs: 60_000, owner: { onEnd: ended.resolve } };
    const handle = without.relay(a, b, { ...parts, earlyA: Buffer.from('early ') });
    t.false(handle.outside);
    client.end('and late');
    exit.end('answer');
    t.is(String(await readAll(exit)), 'early and late');
    t.is(String(await readAll(client)), 'answer');
    t.like(await ended.promise, { ended: 'closed', bytesAtoB: 14, bytesBtoA: 6 });
  },
);
