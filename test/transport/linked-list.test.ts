import test from 'ava';
import fc from 'fast-check';
import { LinkedList, type Place, placeOf } from '../../src/transport/linked-list.ts';

/** All that stands in the list, from its first to its last. */
function inOrder(list: LinkedList<number>): number[] {
  const all: number[] = [];
  for (let place = list.first; place !== null; place = place.behind) all.push(place.of);
  return all;
}

/** The same from the other end, put in order again. */
function fromBehind(list: LinkedList<number>): number[] {
  const all: number[] = [];
  for (let place = list.last; place !== null; place = place.before) all.push(place.of);
  return all.reverse();
}

test('what comes and goes anywhere leaves the others in the order in which they came', (t) => {
  const places = Array.from({ length: 8 }, (_, index) => index);
  fc.assert(
    fc.property(fc.array(fc.nat({ max: places.length - 1 })), (steps) => {
      const list = new LinkedList<number>();
      const known: Place<number>[] = places.map((one) => placeOf(one));
      let expected: number[] = [];
      for (const step of steps) {
        const place = known[step] as Place<number>;
        const isIn = expected.includes(step);
        if (isIn) list.remove(place);
        else list.push(place);
        expected = isIn ? expected.filter((one) => one !== step) : [...expected, step];
        t.deepEqual(inOrder(list), expected);
        t.deepEqual(fromBehind(list), expected);
        t.is(list.size, expected.length);
        t.is(place.isTaken, !isIn);
      }
    }),
  );
});

test('to take out what is out already changes nothing', (t) => {
  const list = new LinkedList<number>();
  const [one, other] = [placeOf(1), placeOf(2)];
  list.push(one);
  list.remove(other);
  list.push(other);
  list.remove(one);
  list.remove(one);
  t.deepEqual(inOrder(list), [2]);
  t.is(list.size, 1);
});
