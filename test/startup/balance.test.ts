import { createServer, type Socket } from 'node:net';
import test from 'ava';
import { AtomicWords } from '../../src/memory/words.ts';
import { WorkerLoad } from '../../src/memory/worker-load.ts';
import { Balance } from '../../src/startup/balance.ts';
import type { PassedConnection } from '../../src/startup/worker-messages.ts';
import { open } from '../support/clients.ts';
import { listen } from '../support/peers.ts';

/** Worker 0 of two, with so many connections more than the other, and a place where descriptors are parked. */
function scene({ more = 100, ticket = 7 } = {}) {
  const load = new WorkerLoad(new AtomicWords(new SharedArrayBuffer(4 * WorkerLoad.wordsFor(2))));
  for (const worker of [0, 1]) load.seen(worker, 0);
  load.seenControl(0);
  for (let i = 0; i < more; i++) load.open(0);
  const passed: PassedConnection[] = [];
  const parked: number[] = [];
  const clock = { now: 0 };
  const park = (fd: number) => parked.push(fd) && ticket;
  const parking = { park, claim: () => -1, drop: () => false, sweep: () => 0 };
  const pass = (connection: PassedConnection) => passed.push(connection);
  const balance = new Balance({ load, worker: 0, parking, now: () => clock.now, pass });
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
  t.deepEqual(passed, [{ to: 1, ticket: 7, listener: 'mixed' }]);
  // Three beside one is not clearly more.
  t.false(balance.passOn(await accepted(t), 'mixed'));
  load.met(1);
  t.true(balance.passOn(await accepted(t), 'mixed'));
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
