import type { Socket as NodeSocket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { descriptorOf } from '../../src/transport/descriptor.ts';
import { NativeRelay } from '../../src/transport/native-relay.ts';
import type { RelayBinding } from '../../src/transport/relay-binding.ts';
import type { Socket } from '../../src/transport/socket.ts';
import { plainWire } from './wires.ts';

/** What adopt() was called with, as far as it tells of descriptors. */
interface Adopted {
  readonly descriptors: readonly [number, number];
  readonly owned: number;
}

/** A native relay whose addon answers each adopt() with `handle`, and what it was asked. */
function relayAnswering(handle: number): { native: NativeRelay; adopted: Adopted[] } {
  const adopted: Adopted[] = [];
  const binding: Partial<RelayBinding> = {
    open: () => true,
    hold: () => {},
    unread: () => 0,
    adopt: (client, exit, ...rest) => {
      adopted.push({ descriptors: [client, exit], owned: rest[9] ?? 0 });
      return handle;
    },
  };
  return {
    native: new NativeRelay({ binding: binding as RelayBinding, isHeir: false, threads: 1, pipes: 1 }),
    adopted,
  };
}

/** What was asked of a socket that can give its descriptor away. */
interface Given {
  readonly socket: Socket;
  readonly calls: string[];
}

/** A socket of Node's that tells what is asked of it; under a number that is no descriptor it can be given away. */
async function giving(t: ExecutionContext, descriptor: number): Promise<Given> {
  const { end, peer } = await plainWire(t);
  t.teardown(() => {
    for (const socket of [end, peer]) (socket as NodeSocket).destroy();
  });
  const calls: string[] = [];
  const socket = Object.assign(end.pause(), {
    descriptor,
    release: () => {
      calls.push('release');
      return descriptor;
    },
    reclaim: (back: number) => calls.push(`reclaim ${back}`),
  });
  return { socket, calls };
}

async function keeping(t: ExecutionContext): Promise<Socket> {
  const { end, peer } = await plainWire(t);
  t.teardown(() => {
    for (const socket of [end, peer]) socket.destroy();
  });
  return end.pause();
}

const options = { now: () => 0, idleMs: 60_000, owner: { onEnd: () => {} } };

test('a side that can be given away is, and the others are duplicated', async (t) => {
  const rows = [
    { gives: [true, true], owned: 3 },
    { gives: [true, false], owned: 1 },
    { gives: [false, true], owned: 2 },
    { gives: [false, false], owned: 0 },
  ];
  for (const { gives, owned } of rows) {
    const { native, adopted } = relayAnswering(7);
    const given = await Promise.all(gives.map((isGiven, side) => (isGiven ? giving(t, 1000 + side) : null)));
    const [a, b] = [given[0]?.socket ?? (await keeping(t)), given[1]?.socket ?? (await keeping(t))];
    const descriptors = [descriptorOf(a), descriptorOf(b)];
    t.true(native.relay(a, b, options).outside);
    t.deepEqual(adopted, [{ descriptors: descriptors as [number, number], owned }]);
    for (const side of given) if (side !== null) t.deepEqual(side.calls, ['release']);
    t.true(a.destroyed && b.destroyed);
  }
});

test('where the hand-over fails a side that was given away has its descriptor back, and goes on', async (t) => {
  const { native } = relayAnswering(-24);
  const a = await giving(t, 1000);
  const b = await keeping(t);
  const handle = native.relay(a.socket, b, options);
  t.false(handle.outside);
  t.deepEqual(a.calls, ['release', 'reclaim 1000']);
  t.false(a.socket.destroyed || b.destroyed);
  handle.cut();
});

test('a socket that says it has no descriptor stays', async (t) => {
  const { native, adopted } = relayAnswering(7);
  const a = await giving(t, -1);
  const handle = native.relay(a.socket, await keeping(t), options);
  t.false(handle.outside);
  t.deepEqual([adopted, a.calls], [[], []]);
  handle.cut();
});
