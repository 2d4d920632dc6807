import test from 'ava';
import fc from 'fast-check';
import { Chance } from '../../src/selection/chance.ts';
import { seededRandom } from '../support/seeded-random.ts';

test('numbers of a pick depend on what it was begun with alone', (t) => {
  const [one, other] = [new Chance(), new Chance()];
  one.roll(seededRandom(5));
  other.below(7);
  other.roll(seededRandom(5));
  for (let i = 0; i < 100; i++) t.is(one.below(1_000), other.below(1_000));
});

test('each number lies within its bounds, whatever the source gives', (t) => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.integer({ min: 1, max: 2 ** 24 }),
      (given, count) => {
        const chance = new Chance();
        chance.roll(() => given);
        const numbers = Array.from({ length: 20 }, () => chance.below(count));
        const deviates = Array.from({ length: 20 }, () => Math.abs(chance.deviate()));
        return (
          numbers.every((number) => Number.isInteger(number) && number >= 0 && number < count) &&
          Math.max(...deviates) <= 2.5
        );
      },
    ),
  );
  t.pass();
});

test('over many picks every number comes as often at every turn of a pick, and deviates have variance 1', (t) => {
  const random = seededRandom(3);
  const chance = new Chance();
  const turns = Array.from({ length: 20 }, () => new Float64Array(10));
  let [sum, squares, same] = [0, 0, 0];
  for (let pick = 0; pick < 20_000; pick++) {
    chance.roll(random);
    let before = -1;
    for (const counts of turns) {
      const number = chance.below(10);
      counts[number]! += 1;
      if (number === before) same++;
      before = number;
    }
    const deviate = chance.deviate();
    sum += deviate;
    squares += deviate * deviate;
  }
  for (const counts of turns) for (const count of counts) t.true(count > 1_800 && count < 2_200, `${count}`);
  t.true(Math.abs(same / (20_000 * 19) - 0.1) < 0.005, `${same}`);
  t.true(Math.abs(sum / 20_000) < 0.03, `${sum}`);
  t.true(Math.abs(squares / 20_000 - 1) < 0.03, `${squares}`);
});
