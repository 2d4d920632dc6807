import test from 'ava';
import { MuteExits } from '../../src/selection/mute-exits.ts';

const asked = (host = 'shop.example', client = 'c') => ({ client, authority: `${host}:443` });
const silence = (slot: number, host?: string, { client = 'c', since = 0, generation = 1 } = {}) => ({
  ...asked(host, client),
  site: asked(host).authority.split(':')[0]!.split('.').slice(-2).join('.'),
  exit: { slot, generation },
  since,
});
const answer = (slot: number, host?: string, { client = 'c', at = 1 } = {}) => ({ ...asked(host, client), slot, at });

/** Slots that the client avoids at an origin. */
const avoided = (exits: MuteExits, host: string, now: number, client = 'c') =>
  exits.avoided(asked(host, client), now).map(({ slot }) => slot);
const elsewhere = 'elsewhere.example';

/** The exit was silent at two sites where another was answered since, at 1. */
function mute(slot = 1): MuteExits {
  const exits = new MuteExits();
  for (const host of ['a.example', 'b.example']) {
    exits.silent(silence(slot, host), 1);
    exits.answered(answer(2, host), 1);
  }
  return exits;
}

test('an exit that was silent at two sites, each answered over another since, is mute to that client for a minute', (t) => {
  const exits = new MuteExits();
  t.true(exits.isIdle);
  exits.silent(silence(1, 'a.example'), 0);
  t.deepEqual(avoided(exits, 'a.example', 0), [1], 'so that another is asked there');
  t.deepEqual(avoided(exits, elsewhere, 0), []);
  exits.answered(answer(2, 'a.example'), 1);
  exits.silent(silence(1, 'b.example'), 1);
  t.deepEqual(avoided(exits, elsewhere, 1), [], 'one site may have closed itself to it');
  exits.answered(answer(3, 'b.example'), 1);
  t.deepEqual(avoided(exits, elsewhere, 1), [1]);
  t.deepEqual(avoided(exits, elsewhere, 1, 'another'), [], 'a client could bring it about');
  t.deepEqual(avoided(exits, 'a.example', 1, 'another'), []);
  t.deepEqual(avoided(exits, elsewhere, 60_000), [1]);
  t.deepEqual(avoided(exits, elsewhere, 60_001), []);
  t.true(exits.isIdle);
});

test('of one site no exit is mute, however many of its hosts close themselves to it', (t) => {
  const exits = new MuteExits();
  for (const host of ['a.shop.example', 'b.shop.example', 'c.shop.example'])
    for (let i = 0; i < 3; i++) {
      exits.silent(silence(1, host), i);
      exits.answered(answer(2, host, { at: 1 + i }), 1 + i);
    }
  t.deepEqual(avoided(exits, elsewhere, 9), []);
});

test('what two clients saw is added up for none of them', (t) => {
  const exits = new MuteExits();
  for (const [client, host] of [
    ['c', 'a.example'],
    ['d', 'b.example'],
  ] as const) {
    exits.silent(silence(1, host, { client }), 0);
    exits.answered(answer(2, host, { client }), 1);
  }
  t.deepEqual([avoided(exits, elsewhere, 1, 'c'), avoided(exits, elsewhere, 1, 'd')], [[], []]);
});

for (const order of [
  [1, 2],
  [1, 2, 1],
  [1, 2, 1, 2, 1],
  [1, 1, 2, 2, 1],
])
  test(`of origins that are silent for a time no exit is mute: ${order}`, (t) => {
    const exits = new MuteExits();
    for (const host of ['a.example', 'b.example', 'c.example'])
      for (const slot of order) exits.silent(silence(slot, host), 0);
    t.deepEqual(avoided(exits, 'a.example', 1), []);
    for (const host of ['a.example', 'b.example', 'c.example'])
      for (const slot of [3, 2, 1]) exits.answered(answer(slot, host), 1);
    t.deepEqual(avoided(exits, elsewhere, 1), []);
  });

test('the silence of a second exit takes back what was counted of the first', (t) => {
  const exits = mute();
  t.deepEqual(avoided(exits, elsewhere, 1), [1]);
  exits.silent(silence(3, 'b.example', { since: 2 }), 3);
  t.deepEqual(avoided(exits, elsewhere, 3), []);
  t.deepEqual(avoided(exits, 'b.example', 3), []);
});

test('an answer counts that came after the hello that had none', (t) => {
  const exits = new MuteExits();
  for (const host of ['a.example', 'b.example']) {
    exits.silent(silence(1, host, { since: 10 }), 20);
    exits.answered(answer(2, host, { at: 10 }), 30);
  }
  t.deepEqual(avoided(exits, elsewhere, 30), [], 'of tunnels that were answered long ago and end now');
  for (const host of ['a.example', 'b.example']) exits.answered(answer(2, host, { at: 11 }), 30);
  t.deepEqual(avoided(exits, elsewhere, 30), [1]);
});

test('whatever is heard over an exit, for any client, forgets what was counted of it', (t) => {
  const exits = mute();
  exits.heard(2);
  t.deepEqual(avoided(exits, elsewhere, 1), [1]);
  exits.heard(1);
  t.deepEqual(avoided(exits, elsewhere, 1), []);
  t.deepEqual(avoided(exits, 'a.example', 1), []);
  t.true(exits.isIdle);
  exits.silent(silence(1, 'c.example'), 2);
  exits.answered(answer(2, 'c.example', { at: 3 }), 3);
  t.deepEqual(avoided(exits, elsewhere, 3), [], 'it is at one site again');
  exits.answered(answer(1, elsewhere, { client: 'another', at: 3 }), 3);
  t.true(exits.isIdle);
});

test('an origin that was silent over an exit that carries is silent for itself where the next one hears nothing', (t) => {
  const exits = new MuteExits();
  for (const host of ['a.example', 'b.example']) {
    exits.silent(silence(1, host), 0);
    exits.heard(1);
    exits.silent(silence(2, host), 0);
    exits.answered(answer(3, host), 1);
  }
  t.deepEqual(avoided(exits, elsewhere, 1), []);
});

test('what is known is of the exit that was in the slot then', (t) => {
  t.deepEqual(mute().avoided(asked(elsewhere), 1), [{ slot: 1, generation: 1 }]);
  const exits = new MuteExits();
  exits.silent(silence(1, 'a.example'), 0);
  exits.answered(answer(2, 'a.example'), 1);
  exits.silent(silence(1, 'b.example', { generation: 2 }), 1);
  exits.answered(answer(2, 'b.example'), 1);
  t.deepEqual(avoided(exits, elsewhere, 1), []);
});

test('silences are forgotten after a minute, and only so many are remembered', (t) => {
  const exits = new MuteExits();
  exits.silent(silence(1, 'a.example'), 0);
  exits.answered(answer(2, 'a.example'), 1);
  exits.silent(silence(1, 'b.example', { since: 59_999 }), 60_000);
  exits.answered(answer(2, 'b.example', { at: 60_000 }), 60_000);
  t.deepEqual(avoided(exits, elsewhere, 60_000), []);
  for (let slot = 0; slot < 2_000; slot++) exits.silent(silence(slot, `h${slot}.example`), 70_000);
  t.deepEqual(avoided(exits, 'h0.example', 70_000), []);
  t.deepEqual(avoided(exits, 'h1999.example', 70_000), [1_999]);
});
