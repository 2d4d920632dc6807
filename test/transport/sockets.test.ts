import { once } from 'node:events';
import net from 'node:net';
import test, { type ExecutionContext } from 'ava';
import type { NativeSocket } from '../../src/transport/native-socket.ts';
import { NativeSockets } from '../../src/transport/native-sockets.ts';
import { NodeSockets } from '../../src/transport/node-sockets.ts';
import { pollBit } from '../../src/transport/poller-binding.ts';
import { loadRelayBinding } from '../../src/transport/relay-binding.ts';
import type { Acceptor, Socket, Sockets } from '../../src/transport/socket.ts';
import { until } from '../support/until.ts';

/** What a socket of either kind does, in one table of scenes: whoever uses one needn't know which it is. */

const loaded = loadRelayBinding();
const kinds: Record<string, Sockets | null> = {
  node: new NodeSockets(),
  native: 'binding' in loaded ? NativeSockets.over(loaded.binding) : null,
};

interface Scene {
  readonly t: ExecutionContext;
  readonly sockets: Sockets;
  /** One connection made with `sockets.connect`, and its other end, of Node's. */
  readonly dialled: () => Promise<{ ours: Socket; theirs: net.Socket }>;
  /** The same, but accepted by `sockets.listen`. */
  readonly accepted: () => Promise<{ ours: Socket; theirs: net.Socket }>;
}

const scenes: Record<string, (scene: Scene) => Promise<void>> = {};

/** What only sockets of our own do. */
const natives: typeof scenes = {};

/** Each way that a socket of ours comes to be. */
const both = (run: (pair: { ours: Socket; theirs: net.Socket }, t: ExecutionContext) => Promise<void>) => {
  return async ({ t, dialled, accepted }: Scene): Promise<void> => {
    await run(await dialled(), t);
    await run(await accepted(), t);
  };
};

/** All octets until the end. */
async function allOf(socket: Socket): Promise<Buffer> {
  const pieces: Buffer[] = [];
  socket.on('data', (octets: Buffer) => pieces.push(octets));
  await once(socket, 'end');
  return Buffer.concat(pieces);
}

const pattern = (length: number): Buffer =>
  Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 255));

scenes['octets come in order, and an end behind them'] = both(async ({ ours, theirs }, t) => {
  theirs.write('one ');
  theirs.end('two');
  t.is(String(await allOf(ours)), 'one two');
  t.true(ours.readableEnded);
  t.false(ours.destroyed, 'the other direction is open');
  t.is(ours.bytesRead, 7);
  const closed = once(ours, 'close');
  ours.end(Buffer.from('bye'));
  t.is(String(await allOf(theirs)), 'bye');
  await closed;
});

natives['what is closed already gives nothing away, and closes once'] = both(async ({ ours, theirs }, t) => {
  let closes = 0;
  ours.on('close', () => closes++);
  const descriptor = ours.release!();
  t.true(descriptor >= 0);
  ours.reclaim!(descriptor);
  t.false(ours.destroyed);
  theirs.write('still');
  const [octets] = await once(ours, 'data');
  t.is(String(octets), 'still');
  // All in one turn: it is due to close twice.
  ours.reclaim!(ours.release!());
  ours.destroy();
  t.is(ours.release!(), -1);
  t.notThrows(() => ours.reclaim!(-1));
  t.true(ours.destroyed);
  theirs.end().resume();
  await once(theirs, 'close');
  await new Promise(setImmediate);
  t.is(closes, 1);
});

/** Node's own do so only where the end comes in a read of its own. */
natives['an end waits until what octets began is done, promises included'] = both(async ({ ours, theirs }, t) => {
  const told: string[] = [];
  ours.on('data', () => {
    // As a reader that stops for a moment does.
    ours.pause();
    ours.resume();
    void Promise.resolve()
      .then(() => {})
      .then(() => told.push('done'));
  });
  ours.pause();
  theirs.end('octets');
  await once(theirs, 'finish');
  await new Promise((resolve) => setTimeout(resolve, 20));
  ours.on('end', () => told.push('end')).resume();
  await once(ours, 'end');
  t.deepEqual(told, ['done', 'end']);
  ours.destroy();
});

scenes['texts are sent as they are told to be encoded'] = both(async ({ ours, theirs }, t) => {
  ours.write('caf\u00e9 ', 'latin1');
  ours.write('caf\u00e9 ');
  ours.write('x'.repeat(40_000), 'latin1');
  ours.end();
  const came = await allOf(theirs);
  t.deepEqual(
    came,
    Buffer.concat([Buffer.from('caf\u00e9 ', 'latin1'), Buffer.from('caf\u00e9 '), Buffer.alloc(40_000, 'x')]),
  );
  t.is(ours.bytesWritten, came.length);
  theirs.end();
  ours.resume();
  await once(ours, 'close');
});

scenes['what the peer does not take waits, and drains in order'] = both(async ({ ours, theirs }, t) => {
  theirs.pause();
  const piece = pattern(100_000);
  let sent = 0;
  // Until neither system holds more.
  while (ours.write(piece)) sent++;
  sent++;
  while (sent < 200) {
    ours.write(piece);
    sent++;
  }
  t.true(ours.writableNeedDrain);
  t.true(ours.writableLength > 0);
  const drained = once(ours, 'drain');
  const came = allOf(theirs.resume());
  await drained;
  t.is(ours.writableLength, 0);
  t.false(ours.writableNeedDrain);
  ours.end();
  const all = await came;
  t.is(all.length, sent * piece.length);
  for (let i = 0; i < sent; i++)
    if (!all.subarray(i * piece.length, (i + 1) * piece.length).equals(piece)) t.fail(`piece ${i}`);
  t.is(ours.bytesWritten, all.length);
  theirs.end();
  ours.resume();
  await once(ours, 'close');
});

scenes['much is read whole, whatever the pauses'] = both(async ({ ours, theirs }, t) => {
  const sent = pattern(3_000_000);
  theirs.end(sent);
  const pieces: Buffer[] = [];
  ours.on('data', (octets: Buffer) => {
    pieces.push(octets);
    if (pieces.length % 3 !== 0) return;
    ours.pause();
    setImmediate(() => ours.resume());
  });
  await once(ours, 'end');
  t.true(Buffer.concat(pieces).equals(sent));
  ours.destroy();
});

scenes['nothing is told while it is paused'] = both(async ({ ours, theirs }, t) => {
  ours.pause();
  t.true(ours.isPaused());
  const told: string[] = [];
  ours.on('data', (octets: Buffer) => told.push(String(octets)));
  ours.on('end', () => told.push('end'));
  t.true(ours.isPaused(), 'a listener does not resume what was paused');
  theirs.end('late');
  await once(theirs, 'finish');
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.deepEqual(told, []);
  t.false(ours.readableEnded);
  ours.resume();
  t.deepEqual(told, [], 'not before whoever resumes is done');
  await once(ours, 'end');
  t.deepEqual(told, ['late', 'end']);
  ours.destroy();
});

scenes['what is put back comes again, and first'] = both(async ({ ours, theirs }, t) => {
  theirs.write('head|rest');
  const [first] = (await once(ours, 'data')) as [Buffer];
  ours.pause();
  ours.unshift(first.subarray(5));
  t.is(ours.readableLength, 4);
  t.is(String(ours.read()), 'rest');
  t.is(ours.read(), null);
  ours.unshift(Buffer.from('a'));
  ours.unshift(Buffer.from('b'));
  theirs.end('c');
  ours.removeAllListeners('data');
  const rest = allOf(ours);
  ours.resume();
  t.is(String(await rest), 'bac');
  ours.destroy();
});

scenes['corked writes leave together'] = both(async ({ ours, theirs }, t) => {
  ours.cork();
  t.true(ours.write('a'));
  t.true(ours.write(Buffer.from('b')));
  ours.uncork();
  const [came] = (await once(theirs, 'data')) as [Buffer];
  t.is(String(came), 'ab');
  t.is(ours.writableLength, 0);
  ours.destroy();
});

scenes['a reset shows as an error, and then as a close'] = both(async ({ ours, theirs }, t) => {
  const told: string[] = [];
  ours.on('error', (error: NodeJS.ErrnoException) => told.push(error.code ?? ''));
  ours.on('data', () => {});
  ours.on('close', () => told.push('close'));
  const closed = new Promise((resolve) => ours.once('close', resolve));
  theirs.resetAndDestroy();
  await closed;
  t.deepEqual(told, ['ECONNRESET', 'close']);
  t.true(ours.destroyed);
  t.is((ours.errored as NodeJS.ErrnoException).code, 'ECONNRESET');
});

scenes['its own reset reaches the peer'] = both(async ({ ours, theirs }, t) => {
  const lost = once(theirs, 'error');
  ours.resetAndDestroy();
  const [error] = (await lost) as [NodeJS.ErrnoException];
  t.is(error.code, 'ECONNRESET');
});

scenes['destroyed, it tells no more than its close'] = both(async ({ ours, theirs }, t) => {
  ours.on('data', () => t.fail('data'));
  ours.on('end', () => t.fail('end'));
  theirs.write('never told');
  ours.destroy();
  t.true(ours.destroyed);
  t.is(ours.errored, null);
  await once(ours, 'close');
  t.false(ours.write('nobody'));
  theirs.destroy();
});

/** Node's own may have read the reset by then, and forget what came before it. */
natives['what came before a reset is told, though an end is sent behind it'] = async ({ t, dialled }) => {
  const { ours, theirs } = await dialled();
  const told: string[] = [];
  ours.on('error', (error: NodeJS.ErrnoException) => told.push(error.syscall ?? ''));
  ours.pause();
  const arrived = once(theirs, 'close');
  theirs.write('last words', () => theirs.resetAndDestroy());
  await arrived;
  ours.on('data', (octets: Buffer) => told.push(String(octets))).resume();
  ours.end();
  await new Promise((resolve) => ours.once('close', resolve));
  t.deepEqual(told, ['last words', 'read']);
};

natives['what came before a reset is told, though a write meets that first'] = async ({ t, dialled }) => {
  for (const isPaused of [false, true]) {
    const { ours, theirs } = await dialled();
    const told: string[] = [];
    ours.on('error', (error: NodeJS.ErrnoException) => told.push(error.syscall ?? ''));
    ours.on('data', (octets: Buffer) => told.push(String(octets)));
    ours.on('end', () => told.push('end'));
    if (isPaused) ours.pause();
    // All within one turn: no event has told of it yet.
    theirs.write('last words');
    theirs.resetAndDestroy();
    t.false(ours.write('more'));
    t.false(ours.write('and more'));
    t.is(ours.writableLength, 0);
    if (isPaused) ours.resume();
    await new Promise((resolve) => ours.once('close', resolve));
    t.deepEqual(told, ['last words', 'write']);
  }
};

/** Octets and an end, and behind them the reset that follows where the peer closes over what it hasn't read. */
async function endThenReset(ours: Socket, theirs: net.Socket): Promise<void> {
  theirs.pause();
  await new Promise(setImmediate);
  ours.write('never read');
  await new Promise<void>((resolve) => theirs.end('last words', resolve));
  const arrived = once(theirs, 'close');
  theirs.destroy();
  await arrived;
}

for (const how of ['reading', 'paused', 'writing', 'writing, paused'])
  natives[`an end before a reset is told, to who is ${how} meanwhile`] = async ({ t, dialled }) => {
    const { ours, theirs } = await dialled();
    const told: string[] = [];
    ours.on('error', (error: NodeJS.ErrnoException) => told.push(error.code ?? ''));
    ours.on('data', (octets: Buffer) => told.push(String(octets)));
    ours.on('end', () => told.push('end'));
    // Of the reset who only reads learns nothing.
    ours.on('end', () => ours.write('more'));
    if (how !== 'reading') ours.pause();
    await endThenReset(ours, theirs);
    if (how.startsWith('writing')) t.false(ours.write('more'));
    if (how === 'writing, paused') await new Promise((resolve) => setTimeout(resolve, 20));
    if (how !== 'reading') {
      t.false(ours.destroyed);
      ours.resume();
    }
    await new Promise((resolve) => ours.once('close', resolve));
    t.deepEqual(told, ['last words', 'end', 'EPIPE']);
    t.is(ours.descriptor, -1);
  };

natives['all of it is told, however much had come, and nothing more is taken'] = async ({ t, sockets, dialled }) => {
  const { ours, theirs } = await dialled();
  let told = 0;
  const lost = once(ours, 'error');
  const count = (octets: Buffer): void => {
    told += octets.length;
  };
  ours.on('data', count).pause();
  theirs.write(Buffer.alloc(100_000));
  await until(() => (sockets as NativeSockets).unread((ours as NativeSocket).handle) === 100_000, 'all has come');
  theirs.resetAndDestroy();
  t.false(ours.write('more'));
  const written = ours.bytesWritten;
  for (let i = 0; i < 10; i++) t.false(ours.write(Buffer.alloc(40_000)));
  t.is(ours.bytesWritten, written);
  t.is(ours.writableLength, 0);
  ours.resume();
  await lost;
  t.is(told, 100_000);
};

natives['a client that is gone shows while it is paused, whatever it said last'] = async ({ t, sockets, accepted }) => {
  const here = await accepted();
  const there = await accepted();
  const passed = { ours: sockets.attach(there.ours.release!()), theirs: there.theirs };
  t.is(passed.ours.remotePort, passed.theirs.localPort);
  for (const { ours, theirs } of [here, passed]) {
    ours.on('data', () => t.fail('data')).pause();
    const lost = once(ours, 'error');
    theirs.write('last words', () => theirs.resetAndDestroy());
    t.is(((await lost)[0] as NodeJS.ErrnoException).code, 'ECONNRESET');
  }
};

scenes['an end that answers an end is told'] = both(async ({ ours, theirs }, t) => {
  const told: string[] = [];
  for (const event of ['finish', 'close']) ours.on(event, () => told.push(event));
  ours.on('end', () => ours.end()).resume();
  theirs.end();
  await new Promise((resolve) => ours.once('close', resolve));
  t.deepEqual(told, ['finish', 'close']);
});

natives['taken back and then destroyed, it closes once'] = both(async ({ ours, theirs }, t) => {
  let closes = 0;
  ours.on('close', () => closes++);
  ours.reclaim?.(ours.release?.() ?? -1);
  ours.destroy();
  await once(ours, 'close');
  // Another socket's close comes behind all that are announced by now.
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  t.is(closes, 1);
  theirs.destroy();
});

natives['whoever throws at what he is told is told on'] = both(async ({ ours, theirs }, t) => {
  ours.pause();
  await new Promise<void>((resolve) => theirs.write('one', () => resolve()));
  ours.once('data', () => {
    throw new Error('meant');
  });
  ours.resume();
  t.throws(() => (ours as NativeSocket).happened(pollBit.readable, 0), { message: 'meant' });
  const next = once(ours, 'data');
  theirs.end('two');
  t.is(String((await next)[0]), 'two');
  await once(ours, 'end');
  ours.destroy();
});

scenes['destroyed with a reason, it tells that first'] = both(async ({ ours, theirs }, t) => {
  const told: string[] = [];
  ours.on('error', (error: Error) => told.push(error.message));
  ours.on('close', () => told.push('close'));
  ours.destroy(new Error('why'));
  t.deepEqual(told, [], 'later');
  await once(ours, 'close').catch(() => once(ours, 'close'));
  t.deepEqual(told, ['why', 'close']);
  theirs.destroy();
});

scenes['destroySoon lets what was written leave'] = both(async ({ ours, theirs }, t) => {
  const sent = pattern(5_000_000);
  const came = allOf(theirs);
  ours.write(sent);
  ours.destroySoon();
  t.true((await came).equals(sent));
  if (!ours.destroyed) await once(ours, 'close');
  theirs.destroy();
});

scenes['both ends ended, it closes by itself'] = both(async ({ ours, theirs }, t) => {
  const told: string[] = [];
  for (const event of ['end', 'finish', 'close']) ours.on(event, () => told.push(event));
  theirs.end();
  ours.resume();
  await once(ours, 'end');
  ours.end();
  await once(ours, 'close');
  t.deepEqual(told, ['end', 'finish', 'close']);
});

scenes['its ends are known'] = async ({ t, dialled, accepted }) => {
  for (const { ours, theirs } of [await dialled(), await accepted()]) {
    t.is(ours.remoteAddress, theirs.localAddress);
    t.is(ours.remotePort, theirs.localPort);
    t.is(ours.localAddress, theirs.remoteAddress);
    t.is(ours.localPort, theirs.remotePort);
    ours.destroy();
    t.is(ours.remoteAddress, theirs.localAddress, 'afterwards, too');
    theirs.destroy();
  }
};

scenes['a refused connection is an error'] = async ({ t, sockets }) => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const socket = sockets.connect({ host: '127.0.0.1', port, keepAliveMs: 0 });
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  t.is(error.code, 'ECONNREFUSED');
  if (!socket.destroyed) await once(socket, 'close');
  t.true(socket.destroyed);
};

scenes['an address of another machine is no place to connect from'] = async ({ t, sockets }) => {
  const socket = sockets.connect({ host: '127.0.0.1', port: 9, localAddress: '192.0.2.1', keepAliveMs: 0 });
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  t.is(error.code, 'EADDRNOTAVAIL');
};

scenes['written before it stands, it leaves then'] = async ({ t, sockets }) => {
  const { server, port, connection } = await peer();
  const ours = sockets.connect({ host: '127.0.0.1', port, localAddress: '127.0.0.2', keepAliveMs: 60_000 });
  ours.write('early ');
  ours.end(Buffer.from('bird'));
  const theirs = await connection;
  t.is(theirs.remoteAddress, '127.0.0.2');
  t.is(String(await allOf(theirs)), 'early bird');
  theirs.end();
  ours.resume();
  await once(ours, 'close');
  server.close();
};

scenes['a port that is taken is an error'] = async ({ t, sockets }) => {
  const { server, port } = await peer();
  const taken = sockets.listen({ host: '127.0.0.1', port, reusePort: false, backlog: 16 }, () => {});
  const error = await t.throwsAsync<NodeJS.ErrnoException>(taken);
  t.is(error?.code, 'EADDRINUSE');
  server.close();
};

scenes['a closed acceptor accepts no more, and leaves what it accepted'] = async ({ t, sockets }) => {
  const first = Promise.withResolvers<Socket>();
  const acceptor = await sockets.listen({ host: '127.0.0.1', port: 0, reusePort: false, backlog: 16 }, first.resolve);
  const client = net.connect(acceptor.port, '127.0.0.1');
  const served = await first.promise;
  await acceptor.close();
  const late = net.connect(acceptor.port, '127.0.0.1');
  const [error] = (await once(late, 'error')) as [NodeJS.ErrnoException];
  t.is(error.code, 'ECONNREFUSED');
  served.end(Buffer.from('still here'));
  t.is(String(await allOf(client)), 'still here');
  client.end();
  served.resume();
  await once(served, 'close');
};

scenes['an acceptor that closes brings what has connected by then'] = async ({ t, sockets }) => {
  const accepted: Socket[] = [];
  let closed: Promise<void> | null = null;
  const options = { host: '127.0.0.1', port: 0, reusePort: false, backlog: 64 };
  const acceptor = await sockets.listen(options, (socket) => {
    accepted.push(socket.on('error', () => {}));
    // All others wait in the system's queue by now: they were begun in one turn, and on loopback a connection stands at once.
    closed ??= acceptor.close();
    socket.end(Buffer.from('served'));
  });
  const clients = Array.from({ length: 40 }, () => net.connect(acceptor.port, '127.0.0.1'));
  const answers = await Promise.all(clients.map((client) => allOf(client).catch((error) => error.code)));
  t.deepEqual(
    answers.map(String),
    clients.map(() => 'served'),
  );
  await closed;
  t.is(acceptor.descriptor, -1);
  await t.notThrowsAsync(acceptor.close());
  for (const socket of [...clients, ...accepted]) socket.destroy();
};

async function peer(): Promise<{ server: net.Server; port: number; connection: Promise<net.Socket> }> {
  const { promise, resolve } = Promise.withResolvers<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true }, (socket) => resolve(socket.on('error', () => {})));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as net.AddressInfo).port, connection: promise };
}

for (const [name, sockets] of Object.entries(kinds)) {
  if (sockets === null) continue;
  for (const [scene, run] of Object.entries(name === 'node' ? scenes : { ...scenes, ...natives })) {
    test(`${name}: ${scene}`, async (t) => {
      const servers: (net.Server | Acceptor)[] = [];
      const all: (net.Socket | Socket)[] = [];
      t.teardown(() => {
        for (const socket of all) socket.destroy();
        for (const server of servers) server.close();
      });
      const dialled = async () => {
        const { server, port, connection } = await peer();
        servers.push(server);
        const ours = sockets.connect({ host: '127.0.0.1', port, keepAliveMs: 0 }).on('error', () => {});
        await once(ours, 'connect');
        const theirs = await connection;
        all.push(ours, theirs);
        return { ours, theirs };
      };
      const accepted = async () => {
        const { promise, resolve } = Promise.withResolvers<Socket>();
        servers.push(await sockets.listen({ host: '127.0.0.1', port: 0, reusePort: false, backlog: 16 }, resolve));
        const { port } = servers.at(-1) as Acceptor;
        const theirs = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {});
        const ours = (await promise).on('error', () => {});
        if (theirs.connecting) await once(theirs, 'connect');
        all.push(ours, theirs);
        return { ours, theirs };
      };
      await run({ t, sockets, dialled, accepted });
    });
  }
}
