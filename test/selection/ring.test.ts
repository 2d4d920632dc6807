import test from 'ava';
import { Chance } from '../../src/selection/chance.ts';
import { Ring, RingSet } from '../../src/selection/ring.ts';
import { seededRandom } from '../support/seeded-random.ts';

const slotsOf = (ring: Ring): number[] => Array.from({ length: ring.length }, (_, position) => ring.slotAt(position));

const chance = new Chance();

const exit = (slot: number, generation = 1) => ({ slot, generation });

test('a ring keeps each exit once, with its latest generation', (t) => {
  const ring = new Ring(8);
  for (const generation of [1, 2, 2]) ring.offer(exit(5, generation), 100, Math.random);
  t.is(ring.length, 1);
  t.is(ring.generationAt(0), 2);
  ring.drop(0);
  t.is(ring.length, 0);
  ring.offer(exit(5), 100, Math.random);
  t.is(ring.length, 1);
});

test('a full ring trades dear exits for cheaper ones, and never a cheap one for a dear', (t) => {
  const random = seededRandom(3);
  const ring = new Ring(16);
  for (let slot = 0; slot < 2_000; slot++) ring.offer(exit(slot), 1_000 + ((slot * 7_919) % 2_000), random);
  t.is(ring.length, 16);
  const costs = slotsOf(ring).map((slot) => 1_000 + ((slot * 7_919) % 2_000));
  t.true(Math.max(...costs) < 1_200, `${Math.max(...costs)}`);
  const before = slotsOf(ring);
  for (let slot = 5_000; slot < 5_100; slot++) ring.offer(exit(slot), 5_000, random);
  t.deepEqual(slotsOf(ring), before);
});

test('the cheaper half is drawn about three times as often as the dearer', (t) => {
  const random = seededRandom(3);
  const ring = new Ring(10);
  for (let slot = 0; slot < 10; slot++) ring.offer(exit(slot), slot, random);
  let cheap = 0;
  for (let i = 0; i < 4_000; i++) if (ring.draw(chance) < 5) cheap++;
  t.true(cheap > 2_800 && cheap < 3_200, `${cheap}`);
});

test('rings are bounded in number, the first made goes first', (t) => {
  const rings = new RingSet({ size: 4, most: 3 });
  for (const id of [1, 2, 3, 1, 4]) rings.of(id);
  t.is(rings.find(1), undefined);
  for (const id of [2, 3, 4]) t.truthy(rings.find(id));
});
