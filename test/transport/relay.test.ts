import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import type { Relay, RelayHandle, RelayOptions, RelayOutcome } from '../../src/transport/relay.ts';
import { scriptRelay } from '../../src/transport/script-relay.ts';
import { nativeRelay } from '../support/native-relay.ts';
import { closing } from './bench.ts';
import { dialledWire, plainWire, tlsWire, type Wire } from './wires.ts';

interface Bench {
  readonly a: Socket;
  readonly b: Socket;
  readonly ends: readonly [Socket, Socket];
  readonly handle: RelayHandle;
  readonly outcome: Promise<RelayOutcome>;
}

type Kind = (t: ExecutionContext) => Promise<Wire>;

/** Both must pass the same tests. Without an addon there is only one. */
const native = nativeRelay();
const carriers: readonly (readonly [string, Relay])[] = [
  ['in TypeScript', scriptRelay],
  ...(native === null ? [] : [['native', native.relay] as const]),
];

interface BenchOptions extends Partial<RelayOptions> {
  readonly kinds?: [Kind, Kind];
  readonly onSpent?: () => void;
  readonly sees?: (octets: Buffer) => boolean;
}

async function bench(
  t: ExecutionContext,
  relay: Relay,
  { kinds: [kindA, kindB] = [plainWire, plainWire], onSpent, sees, ...options }: BenchOptions = {},
): Promise<Bench> {
  const [left, right] = [await kindA(t), await kindB(t)];
  const { promise: outcome, resolve: onEnd } = Promise.withResolvers<RelayOutcome>();
  const handle = relay(left.end, right.end, {
    now: () => performance.now(),
    idleMs: 10_000,
    owner: { onEnd, onSpent, sees },
    watchesA: sees !== undefined,
    ...options,
  });
  t.teardown(() => {
    handle.cut();
    left.peer.destroy();
    right.peer.destroy();
  });
  return { a: left.peer, b: right.peer, ends: [left.end, right.end], handle, outcome };
}

const MIB = 1024 * 1024;

/** The digest of what `socket` receives until the FIN. */
async function digestOf(socket: Socket): Promise<string> {
  const hash = createHash('sha256');
  socket.on('data', (chunk) => hash.update(chunk)).resume();
  await new Promise((resolve) => socket.once('end', resolve));
  return hash.digest('hex');
}

/** Sends so many octets, unlike each other, with a FIN behind; resolves to their digest. */
async function send(socket: Socket, octets: number, seed: number): Promise<string> {
  const hash = createHash('sha256');
  const chunks = function* () {
    for (let sent = 0, i = seed; sent < octets; i++) {
      const chunk = Buffer.alloc(Math.min(1 + ((i * 7919) % 60_000), octets - sent), `${i} `);
      hash.update(chunk);
      sent += chunk.length;
      yield chunk;
    }
  };
  Readable.from(chunks()).pipe(socket);
  await new Promise((resolve) => socket.once('finish', resolve));
  return hash.digest('hex');
}

const kinds: readonly [string, [Kind, Kind]][] = [
  ['TCP to TCP', [plainWire, plainWire]],
  ['TLS to TCP', [tlsWire, plainWire]],
  ['TCP to TLS', [plainWire, tlsWire]],
  ['TLS to TLS', [tlsWire, tlsWire]],
  ['TCP to TCP that we dialled', [plainWire, dialledWire]],
  ['TLS to TCP that we dialled', [tlsWire, dialledWire]],
];

const kindsBy = carriers.flatMap(([by, relay]) =>
  kinds.map(([name, pair]) => [`${name}, ${by}`, relay, pair] as const),
);

for (const [name, relay, kinds] of kindsBy) {
  test(`10 MiB arrive whole, both ways at once: ${name}`, async (t) => {
    const { a, b, handle, outcome } = await bench(t, relay, { kinds });
    const [atB, atA, fromA, fromB] = await Promise.all([
      digestOf(b),
      digestOf(a),
      send(a, 10 * MIB, 1),
      send(b, 10 * MIB + 1, 2),
    ]);
    t.is(atB, fromA);
    t.is(atA, fromB);
    t.like(await outcome, { bytesAtoB: 10 * MIB, bytesBtoA: 10 * MIB + 1, ended: 'closed', by: null });
    t.is(handle.bytesAtoB, 10 * MIB);
  });

  test(`a FIN passes on and leaves the other direction open: ${name}`, async (t) => {
    for (const first of ['a', 'b'] as const) {
      const { a, b, outcome } = await bench(t, relay, { kinds });
      const [early, late] = first === 'a' ? [a, b] : [b, a];
      early.end('request');
      const heard = digestOf(late);
      await heard;
      const answer = digestOf(early);
      const sent = await send(late, MIB, 3);
      t.is(await answer, sent);
      t.is((await outcome).ended, 'closed');
    }
  });

  test(`a cut tells what came and was not taken: ${name}`, async (t) => {
    const { promise: spent, resolve: onSpent } = Promise.withResolvers<void>();
    const { b, handle, outcome } = await bench(t, relay, { allowance: 4, onSpent });
    b.write('12345678');
    await spent;
    handle.cut();
    // A socket that stays in JavaScript tells it itself.
    t.like(await outcome, { ended: 'cut', bytesBtoA: 4, unreadB: relay === native?.relay ? 4 : 0 });
  });

  test(`a cut is no end: ${name}`, async (t) => {
    const { a, b, ends, handle, outcome } = await bench(t, relay, { kinds });
    a.write('part');
    await new Promise((resolve) => b.once('data', resolve));
    const gone = Promise.all([a, b, ...ends.filter((end) => !end.destroyed)].map(closing));
    // Node's client of TLS takes an end without close_notify for one.
    const told = [a, b].map(
      (peer) => new Promise((resolve) => peer.resume().once('end', resolve).once('error', resolve)),
    );
    handle.cut();
    for (const fault of await Promise.all(told)) t.like(fault, { code: 'ECONNRESET' });
    await gone;
    t.like(await outcome, { ended: 'cut', by: null, bytesAtoB: 4 });
    handle.cut();
  });
}

test('tunnels that read into one room keep their octets apart, whoever stalls or waits for an allowance', async (t) => {
  const through = async (seed: number) => {
    const allowance = seed % 2 === 0 ? { allowance: 100_000, onSpent: () => handle.renew(100_000 + seed, false) } : {};
    const { a, b, handle, outcome } = await bench(t, scriptRelay, { kinds: [tlsWire, dialledWire], ...allowance });
    // Both stall now and then, at times of their own.
    let heard = 0;
    a.on('data', (chunk) => {
      heard += chunk.length;
      if (heard % 7 > 2) return;
      a.pause();
      setTimeout(() => a.resume(), (seed * 3 + heard) % 5);
    });
    const atA = digestOf(a);
    const fromB = await send(b, 3 * MIB + seed, seed);
    t.is(await atA, fromB, `tunnel ${seed}`);
    a.end();
    t.is((await outcome).ended, 'closed');
  };
  await Promise.all([1, 2, 3, 4, 5, 6].map(through));
});

test('octets behind a write that is under way are not kept in the room', async (t) => {
  const kinds = { kinds: [tlsWire, dialledWire] as [Kind, Kind] };
  const [slow, other] = [await bench(t, scriptRelay, kinds), await bench(t, scriptRelay, kinds)];
  const write = slow.ends[0]._write;
  slow.ends[0]._write = (chunk, encoding, done) =>
    write.call(slow.ends[0], chunk, encoding, (error) => void setTimeout(done, 200, error));
  const pass = async ({ b, handle }: Bench, octets: string) => {
    const before = handle.bytesBtoA;
    b.write(octets);
    while (handle.bytesBtoA === before) await new Promise((resolve) => setImmediate(resolve));
  };
  await pass(slow, 'one ');
  await pass(slow, 'two ');
  await pass(other, 'xxxxxxxxxxxxxxx');
  slow.b.end('three');
  t.is(Buffer.concat(await slow.a.toArray()).toString(), 'one two three');
});

test('what was read before a relay begins comes before what is lent', async (t) => {
  const [left, right] = [await tlsWire(t), await dialledWire(t)];
  right.end.pause();
  right.peer.write('first ');
  await new Promise((resolve) => setImmediate(resolve));
  right.end.unshift(Buffer.from('held '));
  const outcome = new Promise<RelayOutcome>((onEnd) =>
    scriptRelay(left.end, right.end, {
      now: () => performance.now(),
      idleMs: 10_000,
      earlyB: Buffer.from('early '),
      owner: { onEnd },
    }),
  );
  right.peer.end('last');
  left.peer.end();
  t.is(Buffer.concat(await left.peer.toArray()).toString(), 'early held first last');
  right.peer.resume();
  t.like(await outcome, { ended: 'closed', bytesBtoA: 21 });
});

for (const [by, relay] of carriers) {
  test(`a reset of one side resets the other, ${by}`, async (t) => {
    for (const by of ['a', 'b'] as const) {
      const { a, b, outcome } = await bench(t, relay);
      const [rude, other] = by === 'a' ? [a, b] : [b, a];
      a.write('x');
      await new Promise((resolve) => b.once('data', resolve));
      const error = new Promise<NodeJS.ErrnoException>((resolve) => other.once('error', resolve));
      other.resume();
      rude.resetAndDestroy();
      t.is((await error).code, 'ECONNRESET');
      t.like(await outcome, { ended: 'reset', by });
    }
  });

  test(`after both FINs a reset is the end, ${by}`, async (t) => {
    const { a, b, outcome } = await bench(t, relay);
    a.end();
    b.resume().end();
    await new Promise((resolve) => b.once('end', resolve));
    a.resetAndDestroy();
    t.is((await outcome).ended, 'closed');
  });

  test(`a side that is gone before the relay begins, ${by}`, async (t) => {
    const [left, right] = [await plainWire(t), await plainWire(t)];
    left.end.destroy();
    right.peer.on('error', () => {}).resume();
    const outcome = await new Promise((onEnd) =>
      relay(left.end, right.end, { now: () => performance.now(), idleMs: 10_000, owner: { onEnd } }),
    );
    t.like(outcome, { ended: 'reset', by: 'a' });
    t.true(right.end.destroyed);
  });

  test(`a side that has ended before the relay begins, ${by}`, async (t) => {
    const [left, right] = [await plainWire(t), await plainWire(t)];
    left.peer.end();
    left.end.resume();
    await new Promise((resolve) => left.end.once('end', resolve));
    const outcome = new Promise((onEnd) =>
      relay(left.end, right.end, { now: () => performance.now(), idleMs: 10_000, owner: { onEnd } }),
    );
    right.peer.resume();
    await new Promise((resolve) => right.peer.once('end', resolve));
    right.peer.end('answer');
    const [answer] = await left.peer.take(1).toArray();
    t.is(String(answer), 'answer');
    t.like(await outcome, { ended: 'closed', bytesBtoA: 6 });
  });

  test(`the end of a side that had ended comes behind its early octets, also where they wait, ${by}`, async (t) => {
    for (const kind of [plainWire, dialledWire, tlsWire]) {
      const [left, right] = [await kind(t), await plainWire(t)];
      t.teardown(() => void [left, right].map(({ peer }) => peer.destroy()));
      left.peer.end();
      left.end.resume();
      await once(left.end, 'end');
      const spent = Promise.withResolvers<void>();
      const outcome = new Promise<RelayOutcome>((onEnd) => {
        const owner = { onEnd, onSpent: spent.resolve };
        const options = { now: () => performance.now(), idleMs: 10_000, allowance: 4, earlyA: Buffer.from('12345678') };
        const handle = relay(left.end, right.end, { ...options, owner });
        void spent.promise.then(() => handle.renew(100, false));
      });
      t.is(Buffer.concat(await right.peer.toArray()).toString(), '12345678', kind.name);
      right.peer.end();
      left.peer.resume();
      t.like(await outcome, { ended: 'closed', bytesAtoB: 8 }, kind.name);
    }
  });

  test(`so does that of a side which is gone by then, ${by}`, async (t) => {
    const [left, right] = [await tlsWire(t), await plainWire(t)];
    left.peer.end();
    left.end.resume();
    await once(left.end, 'end');
    const spent = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<RelayOutcome>();
    const owner = { onEnd: ended.resolve, onSpent: spent.resolve };
    const options = { now: () => performance.now(), idleMs: 10_000, allowance: 4, earlyA: Buffer.from('12345678') };
    const handle = relay(left.end, right.end, { ...options, owner });
    await spent.promise;
    // Both directions of its connection have ended: it closes.
    right.peer.end();
    left.peer.resume();
    await closing(left.end);
    handle.renew(100, false);
    t.is(Buffer.concat(await right.peer.toArray()).toString(), '12345678');
    t.like(await ended.promise, { ended: 'closed', bytesAtoB: 8 });
  });

  test(`early octets go first, and are counted, ${by}`, async (t) => {
    const { a, b, outcome } = await bench(t, relay, { earlyA: Buffer.from('from a '), earlyB: Buffer.from('from b ') });
    a.end('more');
    b.end('more');
    const [atB, atA] = await Promise.all([b.toArray(), a.toArray()]);
    t.is(Buffer.concat(atB).toString(), 'from a more');
    t.is(Buffer.concat(atA).toString(), 'from b more');
    t.like(await outcome, { bytesAtoB: 11, bytesBtoA: 11, ended: 'closed' });
  });

  // Beside no other: they would make its octets late.
  test.serial(`silence ends it by reset, also where one side has ended; any octet puts it off, ${by}`, async (t) => {
    const fallSilent = async (halfOpen: boolean) => {
      const { a, b, ends, outcome } = await bench(t, relay, { idleMs: 6_000 });
      const gone = Promise.all(ends.filter((end) => !end.destroyed).map(closing));
      const errors = [a, b].map((side) => new Promise((resolve) => side.resume().once('error', resolve)));
      if (halfOpen) a.end();
      let ended = false;
      outcome.then(() => {
        ended = true;
      });
      for (let i = 0; i < 5; i++) {
        b.write('tick');
        await new Promise((resolve) => setTimeout(resolve, 1_350));
      }
      t.false(ended);
      t.like(await outcome, { ended: 'idle', by: null, bytesBtoA: 20 });
      await gone;
      await errors[0];
      // What went to b was whole when its FIN passed on.
      if (!halfOpen) await errors[1];
    };
    await Promise.all([fallSilent(false), fallSilent(true)]);
  });

  test(`whose FIN came first is told, and who wants to see the beginning of side a sees it, ${by}`, async (t) => {
    const seen: string[] = [];
    const sees = (octets: Buffer): boolean => {
      seen.push(String(octets));
      return seen.length < 2;
    };
    const { a, b, outcome } = await bench(t, relay, { earlyA: Buffer.from('early'), sees });
    const exchange = (from: Socket, to: Socket, word: string) =>
      new Promise((resolve) => {
        to.once('data', resolve);
        from.write(word);
      });
    await new Promise((resolve) => b.once('data', resolve));
    await exchange(a, b, 'more');
    await exchange(a, b, 'unseen');
    b.end();
    a.resume().once('end', () => a.end());
    b.resume();
    t.like(await outcome, { ended: 'closed', endedFirst: 'b' });
    // What passes outside of JavaScript is seen once, at the end.
    t.deepEqual(seen, by === 'native' ? ['early'] : ['early', 'more']);
  });

  test(`a stalled reader costs no more than the buffers of two sockets, ${by}`, async (t) => {
    const { a, b, ends, handle } = await bench(t, relay);
    b.pause();
    const chunk = Buffer.alloc(64 * 1024);
    let stalled = 0;
    // The kernel's buffers take some MiB; when nothing moves for so long they are full.
    for (let last = -1; stalled < 5; last = handle.bytesAtoB) {
      while (a.writableLength < MIB) a.write(chunk);
      await new Promise((resolve) => setTimeout(resolve, 50));
      stalled = handle.bytesAtoB === last ? stalled + 1 : 0;
    }
    const held = ends[1].writableLength + ends[0].readableLength;
    t.true(held <= 512 * 1024, `${held} octets held`);
  });

  test(`the reply goes first, and is not counted, ${by}`, async (t) => {
    const { a, b, outcome } = await bench(t, relay, { reply: Buffer.from('welcome '), earlyB: Buffer.from('early ') });
    b.end('late');
    a.end();
    b.resume();
    const heard = await a.toArray();
    t.is(Buffer.concat(heard).toString(), 'welcome early late');
    t.like(await outcome, { bytesAtoB: 0, bytesBtoA: 10, ended: 'closed' });
  });

  test(`the first octets of each side are told, ${by}`, async (t) => {
    const hello = Buffer.from('16030102000100', 'hex');
    const { a, b, outcome } = await bench(t, relay, { earlyA: hello });
    b.end('220 hello');
    a.resume().end();
    b.resume();
    const { firstFromA, firstFromB } = await outcome;
    t.deepEqual(firstFromA?.tlsRecord, { type: 22, length: 512 });
    t.true((firstFromA?.afterMs ?? -1) >= 0);
    t.is(firstFromB?.tlsRecord, null);
    const silent = await bench(t, relay);
    silent.a.resume().end();
    silent.b.resume().end();
    t.like(await silent.outcome, { firstFromA: null, firstFromB: null });
  });

  test(`an allowance stops it until it is renewed, ${by}`, async (t) => {
    const spent = Promise.withResolvers<void>();
    let told = 0;
    const onSpent = () => {
      told++;
      spent.resolve();
    };
    const { a, b, handle, outcome } = await bench(t, relay, { allowance: 1000, onSpent });
    a.resume();
    const heard = digestOf(b);
    const sent = send(a, 2 * MIB, 5);
    await spent.promise;
    // A chunk is not divided in TypeScript.
    t.true(handle.bytesAtoB <= 1000 + 128 * 1024, `${handle.bytesAtoB} octets`);
    const before = handle.bytesAtoB;
    await new Promise((resolve) => setTimeout(resolve, 100));
    t.is(handle.bytesAtoB, before);
    t.is(told, 1);
    handle.renew(10 * MIB, false);
    t.is(await heard, await sent);
    b.end();
    t.like(await outcome, { bytesAtoB: 2 * MIB, ended: 'closed' });
  });

  test(`one that could pass all it liked is metered from then on, ${by}`, async (t) => {
    const { promise: spent, resolve: onSpent } = Promise.withResolvers<void>();
    const { a, b, handle, outcome } = await bench(t, relay, { onSpent });
    a.resume();
    const heard = digestOf(b);
    handle.renew(1_000, false);
    const sent = send(a, 2 * MIB, 7);
    await spent;
    t.true(handle.bytesAtoB <= 1_000 + 128 * 1024, `${handle.bytesAtoB} octets`);
    handle.renew(10 * MIB, false);
    t.is(await heard, await sent);
    b.end();
    t.like(await outcome, { bytesAtoB: 2 * MIB, ended: 'closed' });
  });

  test(`a pace bounds the octets of a time, ${by}`, async (t) => {
    const startedAt = performance.now();
    const { a, b, outcome } = await bench(t, relay, { octetsPerSecond: 1_000_000 });
    a.resume();
    const heard = digestOf(b);
    const sent = send(a, 400_000, 6);
    t.is(await heard, await sent);
    // The first tenth of a second is free, and one chunk may be taken ahead.
    t.true(performance.now() - startedAt >= 150);
    b.end();
    t.is((await outcome).ended, 'closed');
  });
}
