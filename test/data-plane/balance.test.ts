import { createServer, type Socket } from 'node:net';
import test from 'ava';
import { Balance } from '../../src/data-plane/balance.ts';
import { AtomicWords } from '../../src/memory/words.ts';
import { WorkerLoad } from '../../src/memory/worker-load.ts';
import type { PassedConnection } from '../../src/threads/worker-messages.ts';
import { open } from '../support/clients.ts';
import { listen } from '../support/peers.ts';

/** Worker 0 of two, with so many connections more than the other, and a place where descriptors are parked. */
function scene({ more = 100, ticket = 7, most = 1_000 } = {}) {
  const load = new WorkerLoad(new AtomicWords(new SharedArrayBuffer(4 * WorkerLoad.wordsFor(2))));
  for (const worker of [0, 1]) load.seen(worker, 0);
  load.seenControl(0);
  for (let i = 0; i < more; i++) load.open(0);
  const passed: PassedConnection[] = [];
  const parked: number[] = [];
  const clock = { now: 0 };
  const park = (fd: number) => parked.push(fd) && ticket;
  const parking = { park, heard: () => {}, claim: () => -1, drop: () => false, bury: () => [] };
  const pass = (connection: PassedConnection) => passed.push(connection);
  const balance = new Balance({ load, worker: 0, parking, most, now: () => clock.now, pass });
  return { load, balance, passed, parked, clock };
}

async function accepted(t: { teardown(close: () => void): void }): Promise<Socket> {
  const server = createServer();
  const { port, close } = await listen(server);
  const one = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const client = await open(port);
  t.teardown(() => {
    client.destroy();
    void close();
  });
  return one;
}

test('a connection goes to the worker that has clearly fewer, and counts there at once', async (t) => {
  const { load, balance, passed, parked } = scene({ more: 3 });
  const socket = await accepted(t);
  t.true(balance.passOn(socket, 'mixed'));
  t.true(socket.destroyed);
  t.is(parked.length, 1);
  t.deepEqual(passed, [{ to: 1, ticket: 7, listener: 'mixed', atRest: false }]);
  // Three beside one is not clearly more.
  t.false(balance.passOn(await accepted(t), 'mixed'));
  load.met(1);
  t.true(balance.passOn(await accepted(t), 'mixed'));
});

test('one that rests goes on as well, where a look has found them uneven, and it is a socket of ours', async (t) => {
  const { load, balance, passed } = scene({ more: 3 });
  const theirs = await accepted(t);
  const ours = Object.assign(Object.create(theirs), { descriptor: 12, destroy: () => {} });
  t.false(balance.moveOn(ours, 'mixed'), 'nobody has looked');
  balance.look();
  t.false(balance.moveOn(theirs, 'mixed'));
  t.true(balance.moveOn(ours, 'mixed'));
  t.deepEqual(passed, [{ to: 1, ticket: 7, listener: 'mixed', atRest: true }]);
  t.false(balance.moveOn(ours, 'mixed'), 'they are even with that');
  load.met(1);
  t.false(balance.moveOn(ours, 'mixed'), 'until the next look');
  balance.look();
  t.true(balance.moveOn(ours, 'mixed'));
});

test('where few places are free, those that rest stay', async (t) => {
  const { balance, passed } = scene({ more: 90, most: 100 });
  const ours = Object.assign(Object.create(await accepted(t)), { descriptor: 12, destroy: () => {} });
  balance.look();
  t.false(balance.moveOn(ours, 'mixed'));
  t.deepEqual(passed, []);
});

test('one that is not in front passes on what rests, however little it has, and serves what the system brings', async (t) => {
  const { load, balance, passed } = scene({ more: 1 });
  load.setRank(0, 1);
  load.front = 1;
  const theirs = await accepted(t);
  t.false(balance.passOn(theirs, 'mixed'));
  balance.look();
  t.true(balance.moveOn(Object.assign(Object.create(theirs), { descriptor: 12, destroy: () => {} }), 'mixed'));
  t.is(passed.length, 1);
});

test('where nothing can be parked, or nobody else serves, it is served here', async (t) => {
  const full = scene({ ticket: -24 });
  const socket = await accepted(t);
  t.false(full.balance.passOn(socket, 'mixed'));
  t.false(socket.destroyed);
  const alone = scene();
  alone.load.release(1);
  t.false(alone.balance.passOn(socket, 'mixed'));
  t.deepEqual([full.passed, alone.passed], [[], []]);
  socket.destroy();
});

test('only so many are passed on at once, and so many a second', async (t) => {
  const { load, balance, passed, clock } = scene({ more: 10_000 });
  const { port, close } = await listen(createServer());
  const client = await open(port);
  t.teardown(() => {
    client.destroy();
    void close();
  });
  // One that stands for many: all that is looked at is its descriptor.
  const again = () => Object.assign(Object.create(client), { destroy: () => {} });
  for (let i = 0; i < 300; i++) balance.passOn(again(), 'mixed');
  t.is(passed.length, 256);
  clock.now += 1_000;
  load.seen(1, clock.now);
  load.seenControl(clock.now);
  for (let i = 0; i < 300; i++) balance.passOn(again(), 'mixed');
  t.is(passed.length, 276);
});
