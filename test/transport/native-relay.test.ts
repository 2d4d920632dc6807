import { once } from 'node:events';
import { closeSync, readdirSync, readlinkSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import { NativeRelay } from '../../src/transport/native-relay.ts';
import type { RelayHandle, RelayOptions, RelayOutcome } from '../../src/transport/relay.ts';
import { patternOf, sha256 } from '../support/clients.ts';
import { relayBinding } from '../support/native-relay.ts';
import { listen } from '../support/peers.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { until } from '../support/until.ts';
import { closing, readAll } from './bench.ts';
import { plainWire } from './wires.ts';

/** How many tunnels are opened and closed at random; many are for a run by hand. */
const tunnels = Number(process.env['RELAY_TUNNELS'] ?? 400);

const KIB = 1024;
const binding = relayBinding();
const orphans: { handle: number; outcome: RelayOutcome }[] = [];
let orphaned: () => void = () => {};
const native = binding && new NativeRelay({ binding, isHeir: true, threads: 1, pipes: 8 });
native?.inherit((handle, outcome) => {
  orphans.push({ handle, outcome });
  orphaned();
});

/** Serial, because all look at one relay's figures. Skipped where there is no addon. */
const relayTest = native === null ? test.serial.skip : test.serial;

interface Tunnel {
  readonly a: Socket;
  readonly b: Socket;
  readonly ends: readonly [Socket, Socket];
  readonly relay: (options?: Partial<RelayOptions>) => { handle: RelayHandle; outcome: Promise<RelayOutcome> };
}

/** Two connections, before they are handed over. */
async function tunnel(t: ExecutionContext): Promise<Tunnel> {
  const [left, right] = [await plainWire(t), await plainWire(t)];
  left.end.pause();
  right.end.pause();
  t.teardown(() => {
    for (const socket of [left.peer, right.peer, left.end, right.end]) socket.destroy();
  });
  return {
    a: left.peer,
    b: right.peer,
    ends: [left.end, right.end],
    relay: (options) => {
      const { promise: outcome, resolve: onEnd } = Promise.withResolvers<RelayOutcome>();
      const handle = native!.relay(left.end, right.end, {
        now: () => performance.now(),
        idleMs: 10_000,
        owner: { onEnd },
        ...options,
      });
      return { handle, outcome };
    },
  };
}

/** Resolves once so many octets wait in the socket's own buffer. */
async function buffered(socket: Socket, octets: number): Promise<void> {
  socket.pause();
  await until(() => {
    socket.read(0);
    return socket.readableLength >= octets;
  });
}

function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** How many descriptors are of the connection that `fd` is of. */
function copiesOf(fd: number): number {
  const inode = readlinkSync(`/proc/self/fd/${fd}`);
  // One of those that were listed, the listing's own, is there no more.
  return readdirSync('/proc/self/fd').filter((one) => {
    try {
      return readlinkSync(`/proc/self/fd/${one}`) === inode;
    } catch {
      return false;
    }
  }).length;
}

relayTest('a tunnel leaves JavaScript, and is counted until its end', async (t) => {
  const { a, b, ends, relay } = await tunnel(t);
  const { handle, outcome } = relay();
  t.true(ends[0].destroyed && ends[1].destroyed);
  t.is(native!.size, 1);
  t.like(native!.stats(), { tunnels: 1 });
  a.write('12345');
  await once(b, 'data');
  // It is counted a moment after it was passed on.
  await until(() => handle.bytesAtoB === 5);
  a.resume().end();
  b.end();
  t.like(await outcome, { ended: 'closed', bytesAtoB: 5 });
  t.is(handle.bytesAtoB, 5);
  t.is(native!.size, 0);
  t.is(native!.stats().tunnels, 0);
  await native!.settled();
});

relayTest('octets behind the head, in part read and in part not, all arrive in order', async (t) => {
  const content = patternOf(512 * KIB);
  for (const early of [0, 1, 1000, 64 * KIB]) {
    const { a, b, ends, relay } = await tunnel(t);
    a.write(content.subarray(early, 300 * KIB));
    // More than one chunk waits in the socket's buffer: read() gives them one by one.
    const [end] = ends;
    const chunks: Buffer[] = [];
    end.on('data', (chunk: Buffer) => chunks.push(chunk));
    end.resume();
    await once(end, 'data');
    end.pause();
    end.removeAllListeners('data');
    for (const chunk of chunks.reverse()) end.unshift(chunk);
    await buffered(end, 100 * KIB).catch(() => {});
    const { outcome } = relay({ earlyA: content.subarray(0, early) });
    a.end(content.subarray(300 * KIB));
    b.end();
    a.resume();
    t.is(sha256(await readAll(b)), sha256(content), `${early} early octets`);
    t.like(await outcome, { ended: 'closed', bytesAtoB: content.length });
  }
});

relayTest('an exit that speaks first is heard behind the reply', async (t) => {
  const { a, b, ends, relay } = await tunnel(t);
  b.write('220 hello');
  await buffered(ends[1], 9);
  const { outcome } = relay({ reply: Buffer.from('HTTP/1.1 200 OK\r\n\r\n') });
  a.end();
  b.resume().end();
  t.is(String(await readAll(a)), 'HTTP/1.1 200 OK\r\n\r\n220 hello');
  t.like(await outcome, { ended: 'closed', bytesBtoA: 9 });
});

relayTest('half closes before, at and after the hand-over, from either side', async (t) => {
  for (const first of ['a', 'b'] as const) {
    for (const when of ['before', 'at', 'after'] as const) {
      const { a, b, ends, relay } = await tunnel(t);
      const [early, late] = first === 'a' ? [a, b] : [b, a];
      if (when !== 'after') early.end('request');
      if (when === 'before') await buffered(ends[first === 'a' ? 0 : 1], 7);
      const { outcome } = relay();
      if (when === 'after') early.end('request');
      t.is(String(await readAll(late)), 'request');
      late.end('answer');
      t.is(String(await readAll(early)), 'answer');
      t.like(await outcome, { ended: 'closed', bytesAtoB: first === 'a' ? 7 : 6 }, `${first} ${when}`);
    }
  }
});

relayTest('a reset that came before the hand-over is no clean end', async (t) => {
  const { a, b, ends, relay } = await tunnel(t);
  const gone = closing(ends[0]);
  ends[0].on('error', () => {}).resume();
  a.resetAndDestroy();
  await gone;
  const { outcome } = relay();
  const error = new Promise<NodeJS.ErrnoException>((resolve) => b.resume().once('error', resolve));
  t.like(await outcome, { ended: 'reset', by: 'a' });
  t.is((await error).code, 'ECONNRESET');
});

relayTest('what an exit sent whole stays whole, though it refuses what the client says behind it', async (t) => {
  const { a, b, ends, relay } = await tunnel(t);
  a.pause();
  b.end('page');
  await once(b.resume(), 'finish');
  b.destroy();
  await closing(b);
  // Nothing was unread, so the page's FIN came, and only what is written from now on meets a reset.
  ends[1].on('error', () => {}).write('x');
  const { outcome } = relay({ earlyA: Buffer.from('close_notify') });
  t.is(String(await readAll(a.resume())), 'page', 'and its end');
  t.like(await outcome, { ended: 'reset', by: 'b', endedFirst: 'b', bytesBtoA: 4 });
});

relayTest('what an exit cuts short is not whole', async (t) => {
  const { a, b, ends, relay } = await tunnel(t);
  b.write('part');
  await buffered(ends[1], 4);
  b.resetAndDestroy();
  await closing(b);
  const { outcome } = relay({ earlyA: Buffer.from('close_notify') });
  const error = new Promise<NodeJS.ErrnoException>((resolve) => a.resume().once('error', resolve));
  t.is((await error).code, 'ECONNRESET');
  t.like(await outcome, { ended: 'reset', by: 'b', endedFirst: null });
});

relayTest('a socket with octets still to be written stays in JavaScript', async (t) => {
  const { a, b, ends, relay } = await tunnel(t);
  a.pause();
  while (ends[0].writableLength === 0) ends[0].write(Buffer.alloc(256 * KIB));
  const written = ends[0].bytesWritten;
  const { outcome } = relay({ reply: Buffer.from('reply') });
  t.is(native!.size, 0);
  b.resume().end('late');
  a.end();
  const heard = await readAll(a);
  t.is(heard.length, written + 9);
  t.is(String(heard.subarray(-9)), 'replylate');
  t.is((await outcome).ended, 'closed');
});

relayTest('what a thread that was terminated leaves behind goes on, and is told to the main thread', async (t) => {
  const peers: Socket[] = [];
  const server = await listen(
    createServer({ allowHalfOpen: true }, (socket) => {
      peers.push(socket);
    }),
  );
  t.teardown(() => server.close());
  const worker = new Worker(new URL('./orphaning-worker.ts', import.meta.url), { workerData: server.port });
  const [said] = await once(worker, 'message');
  t.like(said, { tunnels: 1, refused: 7, of: 7 });
  await worker.terminate();
  t.deepEqual(native!.countsOf(said.handle), { bytesAtoB: 0, bytesBtoA: 0 });
  const told = new Promise<void>((resolve) => {
    orphaned = resolve;
  });
  const [a, b] = peers;
  a!.end('still here');
  t.is(String(await readAll(b!)), 'still here');
  b!.end('so am I');
  t.is(String(await readAll(a!)), 'so am I');
  // Nothing else of this thread keeps it alive until then.
  const alive = setInterval(() => {}, 1000);
  await told;
  clearInterval(alive);
  t.is(orphans.length, 1);
  t.is(native!.countsOf(said.handle), null);
  t.like(orphans[0], { handle: said.handle, outcome: { ended: 'closed', bytesAtoB: 10, bytesBtoA: 7 } });
});

relayTest('whatever is called with whatever, nothing breaks', async (t) => {
  const random = seededRandom(7);
  const numbers = new Float64Array(13 * 4);
  const wild: unknown[] = [
    undefined,
    null,
    -1,
    0,
    1,
    2 ** 31,
    2 ** 53,
    1e300,
    Number.NaN,
    Number.NEGATIVE_INFINITY,
    0.5,
    'text',
    {},
    [],
    Buffer.from('octets'),
    Buffer.alloc(0),
    numbers,
    new Float64Array(0),
    new Int8Array(200),
    () => {},
  ];
  const any = () => wild[Math.floor(random() * wild.length)];
  const { a, b, relay } = await tunnel(t);
  const { outcome } = relay();
  const ofTunnels = ['open', 'hold', 'adopt', 'cut', 'renew', 'counts', 'drain', 'beginning', 'stats'] as const;
  const ofDescriptors = ['park', 'claim', 'drop', 'heard', 'bury', 'waited', 'unread', 'bound'] as const;
  const names = [...ofTunnels, ...ofDescriptors];
  for (let i = 0; i < 20_000; i++) {
    const name = names[Math.floor(random() * names.length)]!;
    const given = Array.from({ length: Math.floor(random() * 11) }, any);
    if (name === 'adopt') given[0] = random() < 0.5 ? -1 : 1e9 + i;
    if (name === 'hold') given[0] = true;
    try {
      const result = Reflect.apply(binding![name], binding, given);
      if (name === 'claim' && result >= 0) closeSync(result);
    } catch (fault) {
      t.true(fault instanceof TypeError, String(fault));
    }
  }
  a.end('whole');
  t.is(String(await readAll(b)), 'whole');
  b.end();
  a.resume();
  t.like(await outcome, { ended: 'closed', bytesAtoB: 5 });
});

relayTest('tunnels opened and closed at random leave no descriptor and miss no octet', async (t) => {
  t.timeout(120_000 + tunnels * 20);
  const random = seededRandom(3);
  const peers: Socket[] = [];
  let accepted: (socket: Socket) => void = () => {};
  const server = await listen(createServer({ allowHalfOpen: true }, (socket) => accepted(socket)));
  t.teardown(() => server.close());
  const wire = async () => {
    const end = new Promise<Socket>((resolve) => {
      accepted = resolve;
    });
    const peer = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {});
    return { peer, end: await end };
  };
  const one = async (): Promise<void> => {
    const [left, right] = [await lock(wire), await lock(wire)];
    peers.push(left.peer, right.peer);
    const ended = Promise.withResolvers<RelayOutcome>();
    const handle = native!.relay(left.end, right.end, {
      now: () => performance.now(),
      idleMs: 60_000,
      owner: { onEnd: ended.resolve },
    });
    const content = Buffer.alloc(Math.floor(random() * 100_000), 1);
    const kind = random();
    if (kind < 0.7) {
      left.peer.end(content);
      const heard = await readAll(right.peer);
      right.peer.end();
      left.peer.resume();
      t.is(heard.length, content.length);
      t.like(await ended.promise, { ended: 'closed', bytesAtoB: content.length, bytesBtoA: 0 });
    } else {
      left.peer.write(content);
      if (kind < 0.85) handle.cut();
      else right.peer.resetAndDestroy();
      t.not((await ended.promise).ended, 'closed');
    }
    left.peer.destroy();
    right.peer.destroy();
  };
  let queue: Promise<unknown> = Promise.resolve();
  function lock<T>(work: () => Promise<T>): Promise<T> {
    const next = queue.then(work);
    queue = next;
    return next;
  }
  await one();
  const before = descriptors();
  let left = tunnels;
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      while (left-- > 0) await one();
    }),
  );
  await native!.settled();
  t.is(native!.size, 0);
  t.is(native!.stats().tunnels, 0);
  // Closing sockets takes a while; idle pipes are kept.
  const pipes = native!.stats().pipes * 2;
  await until(() => descriptors() <= before + pipes, `${before} descriptors before, ${pipes} of pipes`);
});

relayTest('a parked descriptor goes to exactly one, or is closed', async (t) => {
  const { end, peer } = await plainWire(t);
  const fd = Number(Reflect.get(Reflect.get(end, '_handle'), 'fd'));
  const before = copiesOf(fd);
  const [kept, dropped] = [binding!.park(fd, 1, 2), binding!.park(fd, 1, 2)];
  t.true(kept > 0 && dropped > 0 && kept !== dropped);
  t.is(copiesOf(fd), before + 2);
  t.true(binding!.drop(dropped));
  t.is(copiesOf(fd), before + 1);
  t.deepEqual([binding!.drop(dropped), binding!.claim(dropped)], [false, -1]);
  const claimed = binding!.claim(kept);
  t.true(claimed > 0 && claimed !== fd);
  t.deepEqual([binding!.claim(kept), binding!.drop(kept)], [-1, false]);
  t.true(binding!.park(-1, 1, 2) < 0 && binding!.park(1_000_000, 1, 2) < 0);
  closeSync(claimed);

  // Of a thread that ended before anybody heard of it.
  const [lost, onItsWay, ofAnother] = [binding!.park(fd, 101, 2), binding!.park(fd, 101, 3), binding!.park(fd, 102, 2)];
  binding!.heard(onItsWay);
  t.deepEqual([binding!.bury(101), binding!.bury(101)], [[2], []]);
  t.is(copiesOf(fd), before + 2);
  t.deepEqual(
    [lost, onItsWay, ofAnother].map((ticket) => binding!.drop(ticket)),
    [false, true, true],
  );
  for (const socket of [end, peer]) socket.destroy();
});

relayTest('what the owner of one tunnel throws keeps no other from its end', async (t) => {
  const worker = new Worker(new URL('./throwing-owners.ts', import.meta.url));
  const [said] = await once(worker, 'message');
  t.deepEqual(said, { ends: 3, thrown: ['owner 0', 'owner 1', 'owner 2'] });
  await worker.terminate();
});
