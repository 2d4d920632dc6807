import { once } from 'node:events';
import { closeSync, readdirSync } from 'node:fs';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import { EVENT_FIELDS, pollBit } from '../../src/transport/poller-binding.ts';
import { relayBinding } from '../support/native-relay.ts';
import { run } from '../support/programs.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { until } from '../support/until.ts';

/** The poller below the sockets of test/transport/sockets.test.ts, by its own calls. */

const EBADF = -9;

const binding = relayBinding();
const events = new Float64Array(64 * EVENT_FIELDS);
const room = Buffer.alloc(64 * 1024);
type Event = { handle: number; bits: number; value: number };
let onEvents: (batch: readonly Event[]) => void = () => {};
binding?.pollOpen(
  (count) => {
    const batch = Array.from({ length: count }, (_, i) => {
      const [handle = 0, bits = 0, value = 0] = events.subarray(i * EVENT_FIELDS);
      return { handle, bits, value };
    });
    onEvents(batch);
  },
  events,
  room,
);

binding?.open(() => {}, true, 1, 8);

/** Serial: one poller for all, and descriptors are counted. Skipped where there is no addon. */
const pollerTest = binding === null ? test.serial.skip : test.serial;
const program = fileURLToPath(new URL('./poller-program.ts', import.meta.url));

const descriptors = (): number => readdirSync('/proc/self/fd').length;

/** A listener, its port, and what it has accepted. */
function listening(t: ExecutionContext): { listener: number; port: number; accepted: number[] } {
  const listener = binding!.pollListen('127.0.0.1', 0, false, 64);
  t.true(listener > 0);
  const accepted: number[] = [];
  onEvents = (batch) => {
    for (const { handle, bits, value } of batch)
      if (handle === listener && (bits & pollBit.accepted) !== 0) accepted.push(value);
  };
  t.teardown(() => binding!.pollClose(listener, false));
  return { listener, port: Number(binding!.pollEnds(listener).split(' ')[1]), accepted };
}

/** Node's own end of a connection to the port; its faults are nobody's. */
function peerOf(port: number): net.Socket {
  return net
    .connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    .on('error', () => {})
    .resume();
}

pollerTest('a handle of a closed socket is EBADF in every call', async (t) => {
  const { port, accepted } = listening(t);
  const peer = peerOf(port);
  await until(() => accepted.length === 1);
  const [handle = 0] = accepted;
  const closed = once(peer, 'end');
  binding!.pollClose(handle, false);
  await closed;
  peer.destroy();
  const calls = [
    () => binding!.pollAccept(handle),
    () => binding!.pollRead(handle, 10),
    () => binding!.pollWrite(handle, Buffer.from('x')),
    () => binding!.pollWriteLatin1(handle, 'x'),
    () => binding!.pollShutdown(handle),
    () => binding!.pollRelease(handle),
    () => binding!.pollDescriptor(handle),
    () => binding!.pollKeepAlive(handle, 1),
  ];
  for (const call of calls) t.is(call(), EBADF, String(call));
  t.is(binding!.pollEnds(handle), '');
  t.is(binding!.pollPeer(handle), '');
  t.notThrows(() => binding!.pollClose(handle, true));
});

pollerTest('the number of a socket closed among events is not used again before their end', async (t) => {
  const { listener, port } = listening(t);
  const told = Promise.withResolvers<{ closed: number; fresh: number; later: number }>();
  onEvents = (batch) => {
    const accepted = batch.find(({ handle, bits }) => handle === listener && (bits & pollBit.accepted) !== 0)?.value;
    if (accepted === undefined) return;
    const closed = binding!.pollDescriptor(accepted);
    binding!.pollClose(accepted, false);
    const handle = binding!.pollListen('127.0.0.1', 0, false, 8);
    const fresh = binding!.pollDescriptor(handle);
    setImmediate(() => {
      const next = binding!.pollListen('127.0.0.1', 0, false, 8);
      told.resolve({ closed, fresh, later: binding!.pollDescriptor(next) });
      binding!.pollClose(next, false);
      binding!.pollClose(handle, false);
    });
  };
  const peer = peerOf(port);
  const { closed, fresh, later } = await told.promise;
  t.not(fresh, closed);
  t.true(later > 0);
  peer.destroy();
});

pollerTest('a listener closed by its own event, and all that it accepted with it', async (t) => {
  const before = descriptors();
  const { listener, port } = listening(t);
  let handles: number[] = [];
  onEvents = (batch) => {
    const accepted = batch.filter(({ handle, bits }) => handle === listener && (bits & pollBit.accepted) !== 0);
    if (accepted.length === 0) return;
    handles = accepted.map(({ value }) => value);
    for (const handle of [listener, ...handles]) binding!.pollClose(handle, false);
  };
  const peers = Array.from({ length: 8 }, () => peerOf(port));
  await Promise.all(peers.map(endOf));
  t.true(handles.length > 0);
  await until(() => descriptors() <= before, 'descriptors are closed');
});

const [CLIENT_IS_OWN, EXIT_IS_OWN] = [1, 2];
/** No octets from before, no limits but a minute without any. */
const unlimited = [undefined, undefined, undefined, 0, 0, 60_000, 0, -1, false] as const;

/** All that the peer has heard so far. */
function octetsOf(peer: net.Socket): () => string {
  let all = '';
  peer.on('data', (octets) => {
    all += octets;
  });
  return () => all;
}

/** Resolves at the peer's end, a FIN or a reset, and answers it. */
function endOf(peer: net.Socket): Promise<void> {
  return new Promise((resolve) => {
    peer.on('end', () => peer.destroy()).on('close', () => resolve());
  });
}

pollerTest('whatever is called with whatever, nothing breaks', async (t) => {
  const before = descriptors();
  const { port, accepted } = listening(t);
  const random = seededRandom(11);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  const fixed: unknown[] = [undefined, null, -1, 0, 1, 2 ** 31, 2 ** 53, 1e300, Number.NaN, -Infinity, 0.5];
  const others: unknown[] = ['127.0.0.1', 'text', '', {}, [], Buffer.from('octets'), Buffer.alloc(0), () => {}, true];
  const arrays: unknown[] = [events, new Int8Array(200), new DataView(new ArrayBuffer(8)), Symbol('s'), 7n];
  const handles: number[] = [];
  const keep = (result: unknown): void => {
    if (typeof result === 'number' && result > 2 ** 20) handles.push(result);
  };
  const any = (): unknown =>
    random() < 0.3 && handles.length > 0 ? pick(handles) : pick([...fixed, ...others, ...arrays]);
  const names = Object.keys(binding!).filter((name) => /^poll[A-Z]/.test(name)) as `poll${'Open' | 'Close' | 'Read'}`[];
  t.true(names.length >= 14, names.join());
  const peer = peerOf(port);
  await until(() => accepted.length === 1);
  handles.push(...accepted);
  for (let i = 0; i < 20_000; i++) {
    const name: string = pick(names);
    const given = Array.from({ length: Math.floor(random() * 5) }, any);
    // Any other number may be a descriptor of this process.
    if (name === 'pollAttach') given[0] = pick([-1, 1e9, Number.NaN, 'text', undefined, 2 ** 53]);
    if (name === 'pollConnect' && random() < 0.2) given.splice(0, 3, '127.0.0.1', port);
    if (name === 'pollListen' && random() < 0.2 && handles.length < 200) given.splice(0, 2, '127.0.0.1', 0);
    try {
      const result: unknown = Reflect.apply(Reflect.get(binding!, name), binding, given);
      if (name === 'pollRelease' && typeof result === 'number' && result >= 0) closeSync(result);
      else keep(result);
    } catch (fault) {
      if (!(fault instanceof TypeError)) t.fail(`${name}: ${fault}`);
    }
    if (i % 100 === 0) {
      await new Promise(setImmediate);
      while (handles.length > 100) binding!.pollClose(handles.shift()!, random() < 0.5);
    }
  }
  peer.destroy();
  const ends = () => {
    for (const handle of [...handles.splice(0), ...accepted.splice(0)]) binding!.pollClose(handle, false);
    // The test's own listener may be among those that were closed.
    return descriptors() <= before + 1;
  };
  await until(ends, 'descriptors are closed');
  t.pass();
});

for (const way of ['terminate', 'exit', 'throw', 'busy'] as const) {
  pollerTest(`a thread that ends with open sockets (${way}) closes them`, async (t) => {
    const before = descriptors();
    const worker = new Worker(program, { argv: [way], stderr: true });
    worker.on('error', () => {});
    const ended = once(worker, 'exit').catch(() => {});
    const [port] = await once(worker, 'message');
    const peers = Array.from({ length: 5 }, () => peerOf(port));
    const closed = peers.map(endOf);
    for (const peer of peers) peer.write('x');
    if (way === 'terminate' || way === 'busy') {
      await once(worker, 'message');
      await worker.terminate();
    }
    await ended;
    await Promise.all(closed);
    await until(() => descriptors() <= before, 'descriptors are closed');
    t.pass();
  });
}

pollerTest('a process ends by itself once its sockets are closed, or at once where it is told to', async (t) => {
  for (const way of ['closes', 'exit-in-event']) {
    const ended = await run(process.execPath, [program, way]);
    t.deepEqual([ended.code, ended.signal], [way === 'closes' ? 0 : 7, null], ended.stderr);
  }
});

pollerTest(
  'without descriptors a client is turned away, and the next is served when there are some again',
  async (t) => {
    const ended = await run('sh', ['-c', 'ulimit -n 256 && exec "$0" "$@"', process.execPath, program, 'exhausted']);
    t.is(ended.code, 0, ended.stderr);
    t.is(ended.stdout.trim(), 'ended served');
  },
);

pollerTest('two threads accept at one port', async (t) => {
  const workers = [new Worker(program, { argv: ['shares', '0'] })];
  const [port] = await once(workers[0]!, 'message');
  workers.push(new Worker(program, { argv: ['shares', String(port)] }));
  await once(workers[1]!, 'message');
  const served = [0, 0];
  for (const [i, worker] of workers.entries()) worker.on('message', () => served[i]!++);
  const peers: net.Socket[] = [];
  await until(async () => {
    const peer = peerOf(port);
    peers.push(peer);
    await once(peer, 'data');
    return served.every((count) => count > 0);
  });
  for (const peer of peers) peer.destroy();
  await Promise.all(workers.map((worker) => worker.terminate()));
  t.pass();
});

pollerTest('the relay takes over descriptors that were released, and closes them', async (t) => {
  for (const how of ['ends', 'reset'] as const) {
    const before = descriptors();
    const { listener, port, accepted } = listening(t);
    const [client, exit] = [peerOf(port), peerOf(port)];
    const heard = octetsOf(exit);
    await until(() => accepted.length === 2);
    const [from, to] = [client, exit].map((peer) => {
      const handle = accepted.find((one) => binding!.pollEnds(one).endsWith(` ${peer.localPort}`));
      return binding!.pollRelease(handle!);
    }) as [number, number];
    t.is(binding!.adopt(from, 1e9, ...unlimited, CLIENT_IS_OWN), EBADF);
    t.is(binding!.adopt(-1, to, ...unlimited, EXIT_IS_OWN), EBADF);
    t.true(
      binding!.adopt(from, to, ...unlimited, CLIENT_IS_OWN | EXIT_IS_OWN) > 0,
      "they were the caller's all the while",
    );
    client.write('octets');
    await until(() => heard() === 'octets');
    if (how === 'ends') {
      const [end, answer] = [once(exit, 'end'), octetsOf(client)];
      client.end();
      await end;
      exit.end('behind it');
      await until(() => answer() === 'behind it');
    } else {
      const reset = new Promise((resolve) =>
        exit.once('error', (fault) => resolve((fault as NodeJS.ErrnoException).code)),
      );
      client.resetAndDestroy();
      t.is(await reset, 'ECONNRESET');
    }
    binding!.pollClose(listener, false);
    await until(() => descriptors() <= before, 'descriptors are closed');
  }
});
