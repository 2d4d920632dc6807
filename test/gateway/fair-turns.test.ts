import test from 'ava';
import { FairTurns } from '../../src/gateway/fair-turns.ts';

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
