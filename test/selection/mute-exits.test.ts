import test from 'ava';
import { MuteExits } from '../../src/selection/mute-exits.ts';

const authority = 'shop.example:443';
const silence = (slot: number, at = authority) => ({ slot, endpoint: `e${slot}`, authority: at });

test('who was silent twice is mute once another was answered by that origin', (t) => {
  const exits = new MuteExits();
  t.true(exits.isIdle);
  exits.silent(silence(1), 0);
  t.deepEqual(exits.suspectsAt(authority, 0), [1], 'so that another is asked');
  t.deepEqual(exits.suspectsAt('other.example:443', 0), []);
  t.deepEqual(exits.heard({ authority, slot: 2 }, 1), [], 'the origin may have been slow');
  exits.silent(silence(1), 2);
  t.deepEqual(exits.heard({ authority: 'other.example:443', slot: 2 }, 3), []);
  t.false(exits.isMute(1));
  t.deepEqual(exits.heard({ authority, slot: 2 }, 3), [1]);
  t.true(exits.isMute(1));
  t.deepEqual(exits.heard({ authority: 'other.example:443', slot: 1 }, 4), []);
  t.false(exits.isMute(1), 'an origin has spoken through it');
  t.true(exits.isIdle);
});

test('nobody is mute for an origin that answers nobody, or where it was answered by another one', (t) => {
  const exits = new MuteExits();
  for (let i = 0; i < 10; i++) for (const slot of [1, 2]) exits.silent(silence(slot), i);
  t.deepEqual(exits.suspectsAt(authority, 10), []);
  t.deepEqual(exits.heard({ authority, slot: 3 }, 10), []);
  for (let i = 0; i < 10; i++) exits.silent(silence(4), 20 + i);
  exits.heard({ authority: 'other.example:443', slot: 4 }, 30);
  t.deepEqual(exits.heard({ authority, slot: 3 }, 31), []);
});

test('silence is forgotten after a minute, muteness after ten, and only so many are remembered', (t) => {
  const exits = new MuteExits();
  for (let i = 0; i < 2; i++) exits.silent(silence(1), 0);
  t.deepEqual(exits.heard({ authority, slot: 2 }, 60_000), []);
  t.true(exits.isIdle);
  for (let i = 0; i < 2; i++) exits.silent(silence(1), 60_000);
  exits.heard({ authority, slot: 2 }, 60_001);
  exits.heard({ authority, slot: 2 }, 660_000);
  t.true(exits.isMute(1));
  exits.heard({ authority, slot: 2 }, 660_001);
  t.true(exits.isIdle);
  for (let slot = 0; slot < 2_000; slot++)
    for (let i = 0; i < 2; i++) exits.silent(silence(slot, `h${slot}:443`), 700_000);
  t.deepEqual(exits.heard({ authority: 'h0:443', slot: 5_000 }, 700_001), []);
  t.deepEqual(exits.heard({ authority: 'h1999:443', slot: 5_000 }, 700_001), [1_999]);
});
