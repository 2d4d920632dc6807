import test from 'ava';
import fc from 'fast-check';
import { FairTurns } from '../../src/gateway/limits/fair-turns.ts';

test('clients take turns, those of one client in their order, and who leaves is left out', (t) => {
  const turns = new FairTurns<string>();
  for (const name of ['a1', 'a2', 'a3', 'a4', 'b1', 'b2']) turns.add(name.slice(0, 1), name);
  t.true(turns.remove('a', 'a2'));
  t.false(turns.remove('a', 'a2'));
  t.is(turns.next(), 'a1');
  turns.add('c', 'c1');
  t.is(turns.size, 5);
  t.deepEqual(
    Array.from({ length: 6 }, () => turns.next()),
    ['b1', 'a3', 'c1', 'b2', 'a4', undefined],
  );
  t.is(turns.size, 0);
});

test('as many go before one more of a client as is told, if nobody else comes', (t) => {
  const client = fc.constantFrom('a', 'b', 'c', 'd');
  const steps = fc.array(fc.oneof(client, fc.constant(null)), { maxLength: 60 });
  t.notThrows(() =>
    fc.assert(
      fc.property(steps, client, (asked, last) => {
        const turns = new FairTurns<object>();
        for (const one of asked) {
          if (one === null) turns.next();
          else turns.add(one, {});
        }
        const told = turns.before(last);
        const mine = {};
        turns.add(last, mine);
        let before = 0;
        while (turns.next() !== mine) before += 1;
        return told === before;
      }),
      { numRuns: 500 },
    ),
  );
});

test('a client among many waits in as many places as is its share', (t) => {
  const most = 100;
  const turns = new FairTurns<object>();
  const taken = Array.from({ length: 200 }, (_, client) => {
    let count = 0;
    for (; turns.before(`c${client}`) < most; count++) turns.add(`c${client}`, {});
    return count;
  });
  t.deepEqual(taken.slice(0, 4), [100, 50, 33, 25]);
  t.deepEqual(taken.slice(100), Array(100).fill(0));
  t.true(turns.size <= most * (1 + Math.log(most)));
});
