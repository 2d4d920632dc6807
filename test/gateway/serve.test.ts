import test from 'ava';
import type { Collaborators } from '../../src/gateway/collaborators.ts';
import type { Exchange } from '../../src/gateway/exchange.ts';
import { serveExchange, serveTunnel } from '../../src/gateway/serve.ts';

/** Collaborators that note each end they are told of; those that are named in `broken` throw at it. */
function scene(broken: readonly string[] = []) {
  const told: string[] = [];
  const booked: Exchange[] = [];
  const ending = (name: string) => () => {
    told.push(name);
    if (broken.includes(name)) throw new Error(`${name} is broken`);
  };
  const ender = (name: string) => ({ ended: ending(name) });
  const deps = {
    now: () => 1,
    newId: () => 'id',
    settings: () => ({ timeouts: { exchange: 1_000 } }),
    begin() {},
    draining: () => false,
    guards: ender('guards'),
    uses: ender('uses'),
    limits: ender('limits'),
    quotas: ender('quotas'),
    flows: ender('flows'),
    pacing: ender('pacing'),
    places: { giveBack: ending('places') },
    accounts: { giveBack: ending('accounts') },
    selection: () => ({ carried() {} }),
    siteRowOf: () => -1,
    signals: { recent: ender('recent') },
    book: (exchange: Exchange) => {
      booked.push(exchange);
      ending('book')();
    },
  } as unknown as Collaborators;
  const opening = { mode: 'forward', method: 'GET', listener: 'mixed', source: '' } as const;
  const serve = (line: (exchange: Exchange) => Promise<string>) =>
    serveExchange(deps, opening, { line, refuse: () => 'refused' });
  return { told, booked, serve };
}

/** Holds a place over an exit. */
const inFlight = async (exchange: Exchange) => {
  exchange.inFlight = 1;
  return 'served';
};

const messageOf = (exchange: Exchange | undefined) => (exchange?.fault as Error | undefined)?.message;

const all = ['guards', 'uses', 'limits', 'quotas', 'flows', 'pacing', 'places', 'accounts', 'recent', 'book'];

test('an exchange gives back what it holds, and is booked last', async (t) => {
  const { told, serve } = scene();
  t.is(await serve(inFlight), 'served');
  t.deepEqual(told, all);
});

test('whatever fails at its end, all else is given back, and it is booked with the first fault', async (t) => {
  for (const broken of all.slice(0, -1)) {
    const { told, booked, serve } = scene([broken]);
    t.is(await serve(inFlight), 'served', broken);
    // The two that its exit carries go together.
    t.deepEqual(told, broken === 'places' ? all.filter((name) => name !== 'accounts') : all, broken);
    t.is(messageOf(booked[0]), `${broken} is broken`);
  }
});

test('one whose page could not be judged is booked all the same', async (t) => {
  const { told, booked, serve } = scene();
  const answer = await serve(async (exchange) => {
    exchange.judging = Promise.reject(new Error('a rule is broken'));
    return inFlight(exchange);
  });
  t.is(answer, 'served');
  await new Promise((resolve) => setImmediate(resolve));
  t.deepEqual(told, all);
  t.is(messageOf(booked[0]), 'a rule is broken');
});

test('a client is told of a failure though its limits can’t be given back', async (t) => {
  const { booked, serve } = scene(['limits']);
  const answer = await serve(async () => {
    throw new Error('no way');
  });
  t.is(answer, 'refused');
  t.is(booked.length, 1);
  t.is(messageOf(booked[0]), 'no way');
});

test('a tunnel to the gateway’s own host that its deadline ends is cut, as any other', async (t) => {
  for (const [until, ended] of [
    [(exchange: Exchange) => exchange.expire(), { ending: 'cut', by: 'gateway', status: 200 }],
    [() => {}, { ending: 'ok', by: null, status: 200 }],
  ] as const) {
    const { booked, serve } = scene();
    await serve(async (exchange) => {
      exchange.authority = { host: 'roundabout.internal', port: 80 } as typeof exchange.authority;
      await serveTunnel({} as Collaborators, exchange, {
        confirm: () => ({ socket: { write() {} }, early: Buffer.alloc(0), reply: '' }) as never,
        serveInternal: async () => until(exchange),
      });
      return 'served';
    });
    t.like(booked[0], ended);
  }
});

test.serial('a book that fails is told of, and keeps nobody waiting', async (t) => {
  const { serve } = scene(['book']);
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  const raised = new Promise<Error>((resolve) => process.once('uncaughtException', resolve));
  t.is(await serve(inFlight), 'served');
  t.is((await raised).message, 'book is broken');
  for (const other of others) process.on('uncaughtException', other);
});
