import test from 'ava';
import { ConnectionsByAge } from '../../src/transport/connections-by-age.ts';

test('the oldest goes first, those taken out never, and none before its time', (t) => {
  let now = 0;
  const closed: string[] = [];
  const byAge = new ConnectionsByAge(() => now);
  const add = (name: string) => byAge.add({ destroy: () => closed.push(name) });
  t.false(byAge.closeOldest(0));
  const entries = ['a', 'b', 'c', 'd', 'e'].map((name, at) => {
    now = at;
    return add(name);
  });
  for (const at of [0, 2, 4]) byAge.remove(entries[at]!);
  byAge.remove(entries[2]!);
  now = 10;
  t.false(byAge.closeOldest(10));
  now = 11;
  t.true(byAge.closeOldest(10));
  t.false(byAge.closeOldest(10));
  byAge.remove(entries[1]!);
  add('f');
  t.true(byAge.closeOldest(8));
  t.true(byAge.closeOldest(0));
  t.false(byAge.closeOldest(0));
  t.deepEqual(closed, ['b', 'd', 'f']);
});
