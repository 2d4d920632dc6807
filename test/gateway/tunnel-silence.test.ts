import test from 'ava';
import type { Collaborators } from '../../src/gateway/collaborators.ts';
import type { Exchange } from '../../src/gateway/exchange.ts';
import { bookSilence } from '../../src/gateway/tunnels/tunnel-silence.ts';
import { MuteExits } from '../../src/selection/mute-exits.ts';
import { type FirstRecord, RecordType, type TunnelFacts } from '../../src/signals/tunnel-facts.ts';

// Which tunnels tell that nothing comes through an exit, and which that something does.

const nothing: FirstRecord = { firstAtMs: -1, firstType: RecordType.none, firstLength: 0 };
const hello: FirstRecord = { firstAtMs: 5, firstType: RecordType.handshake, firstLength: 500 };
const plain: FirstRecord = { firstAtMs: 5, firstType: RecordType.none, firstLength: 0 };
const cutOff: TunnelFacts = {
  client: hello,
  origin: nothing,
  clientBytes: 505,
  originBytes: 0,
  durationMs: 20,
  ended: 'closed',
  by: null,
  closedFirst: 'origin',
};
const answered: TunnelFacts = { ...cutOff, origin: { ...hello, firstAtMs: 10 }, originBytes: 3_000 };

/** A gateway's part, with a clock and what was asked of it. */
function scene() {
  const state = { now: 1_000, asked: 0 };
  const deps = {
    now: () => {
      state.asked++;
      return state.now;
    },
    mute: new MuteExits(),
    exits: { generationOf: () => 1 },
    siteRowOf: () => -1,
    selection: () => ({ attemptTimeoutMs: () => 1_000 }),
  } as unknown as Collaborators;
  const end = (
    slot: number,
    facts: TunnelFacts,
    site = 'a.example',
    { generation = 1, mint = null as unknown } = {},
  ) => {
    const exchange = {
      authority: { host: site, port: 443 },
      bounds: null,
      admission: { client: { name: 'c' } },
      choice: { exit: { mint }, endpoint: { scheme: 'http' } },
    } as unknown as Exchange;
    bookSilence(deps, exchange, { at: { slot, generation }, site, facts });
  };
  const avoided = (site: string) =>
    deps.mute.avoided({ client: 'c', authority: `${site}:443` }, state.now).map(({ slot }) => slot);
  return { state, deps, end, avoided };
}

test('a hello that was cut off, or answered by nobody in time, is a silence', (t) => {
  for (const facts of [
    cutOff,
    { ...cutOff, ended: 'reset', by: 'origin', closedFirst: null } as const,
    { ...cutOff, closedFirst: 'client', durationMs: 1_005 } as const,
  ]) {
    const { end, avoided } = scene();
    end(1, facts);
    t.deepEqual(avoided('a.example'), [1]);
    t.deepEqual(avoided('b.example'), []);
  }
});

test('what a client gave up, said in plain or had any answer to is none, nor what says nothing of one exit', (t) => {
  for (const facts of [
    { ...cutOff, closedFirst: 'client', durationMs: 1_004 } as const,
    { ...cutOff, client: plain },
    { ...cutOff, client: nothing },
    { ...cutOff, ended: 'cut', durationMs: 5_000 } as const,
    { ...cutOff, origin: { ...plain, firstAtMs: 8 }, originBytes: 1 },
  ]) {
    const { end, deps } = scene();
    end(1, facts);
    t.true(deps.mute.isIdle);
  }
  const { end, deps } = scene();
  end(1, cutOff, 'a.example', { mint: {} });
  end(1, cutOff, 'a.example', { generation: 2 });
  t.true(deps.mute.isIdle);
});

test('a plain answer proves nothing of a hello, nor one that had come before', (t) => {
  const { state, end, avoided } = scene();
  const sites = ['a.example', 'b.example'];
  for (const site of sites) end(1, cutOff, site);
  for (const site of sites) end(2, { ...answered, client: plain, origin: plain }, site);
  t.deepEqual(avoided('c.example'), []);
  state.now += 5_000;
  for (const site of sites) end(2, { ...answered, durationMs: 6_000 }, site);
  t.deepEqual(avoided('c.example'), []);
  for (const site of sites) end(2, answered, site);
  t.deepEqual(avoided('c.example'), [1]);
  end(1, { ...answered, origin: plain }, 'd.example');
  t.deepEqual(avoided('c.example'), [], 'something came over it');
});

test('while nobody is suspected an answer costs not even a look at the clock', (t) => {
  const { state, end } = scene();
  end(1, answered);
  t.is(state.asked, 0);
});
