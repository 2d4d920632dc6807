import test, { type ExecutionContext } from 'ava';
import { openStore } from '../../src/store/database.ts';
import { DisabledPools } from '../../src/store/disabled-pools.ts';
import { ExitStates } from '../../src/store/exit-states.ts';
import { temporaryFolder } from './folder.ts';

function setUp(t: ExecutionContext) {
  const folder = temporaryFolder(t);
  const clock = { now: 1_000 };
  const open = () => {
    const store = openStore(folder, { now: () => clock.now });
    t.teardown(() => store.close());
    return store;
  };
  const store = open();
  return { clock, open, store, states: new ExitStates(store) };
}

const frozen = { site: null, state: 'frozen', until: null, reason: '' } as const;
const everywhere = () => true;

test('a state is kept by exit and site, and another one takes its place', (t) => {
  const { open, states } = setUp(t);
  states.put({ ...frozen, exits: ['a', 'b'], reason: 'slow' }, everywhere);
  states.put({ ...frozen, exits: ['a'], site: 'shop.example' }, everywhere);
  states.put({ ...frozen, exits: ['a'], state: 'draining' }, everywhere);
  const again = new ExitStates(open());
  t.deepEqual(again.of('a'), [
    { exit: 'a', site: null, state: 'draining', until: null, reason: '', since: 1_000 },
    { exit: 'a', site: 'shop.example', state: 'frozen', until: null, reason: '', since: 1_000 },
  ]);
  t.like(again.of('b'), [{ state: 'frozen', reason: 'slow' }]);
  t.deepEqual(again.of('c'), []);
});

test('a thaw ends what was said for one site, or everything', (t) => {
  const { states } = setUp(t);
  states.put({ ...frozen, exits: ['a'] }, everywhere);
  for (const site of ['one.example', 'two.example']) states.put({ ...frozen, exits: ['a'], site }, everywhere);
  t.is(states.end(['a'], 'one.example').length, 1);
  t.deepEqual(
    states.of('a').map(({ site }) => site),
    [null, 'two.example'],
  );
  t.is(states.end(['a', 'b'], null).length, 2);
  t.is(states.byExit.size, 0);
});

test('what has an end ends, and the next end is known', (t) => {
  const { clock, states } = setUp(t);
  states.put({ ...frozen, exits: ['a'], until: 5_000 }, everywhere);
  states.put({ ...frozen, exits: ['b'], until: 3_000 }, everywhere);
  states.put({ ...frozen, exits: ['c'] }, everywhere);
  t.is(states.nextEnd, 3_000);
  clock.now = 3_000;
  t.deepEqual(
    states.endExpired().map(({ exit }) => exit),
    ['b'],
  );
  t.is(states.nextEnd, 5_000);
  t.deepEqual([...states.byExit.keys()], ['a', 'c']);
});

test('a retired exit stays so until it is thawed', (t) => {
  const { states } = setUp(t);
  states.put({ ...frozen, exits: ['a'], state: 'retired' }, everywhere);
  t.throws(() => states.put({ ...frozen, exits: ['b', 'a'] }, everywhere), { message: /exit a is retired/ });
  t.deepEqual(states.of('b'), [], 'all or nothing');
  states.end(['a'], null);
  t.notThrows(() => states.put({ ...frozen, exits: ['a'] }, everywhere));
});

test('where there is no room the oldest of exits that are gone make some, and those that stand never', (t) => {
  const { clock, states } = setUp(t);
  const ids = (from: number, count: number) => Array.from({ length: count }, (_, i) => `x${from + i}`);
  states.put({ ...frozen, exits: ids(0, 3) }, everywhere);
  clock.now = 2_000;
  states.put({ ...frozen, exits: ids(3, 199_997) }, everywhere);
  states.put({ ...frozen, exits: ids(200_000, 2) }, (exit) => exit !== 'x1' && exit !== 'x2' && exit !== 'x9');
  t.deepEqual([states.of('x1'), states.of('x2')], [[], []]);
  t.is(states.of('x9').length, 1);
  t.throws(() => states.put({ ...frozen, exits: ['y', 'z'] }, (exit) => exit !== 'x9'), { message: /can't be kept/ });
  t.is(states.of('x9').length, 1, 'nothing has changed');
  t.is(states.byExit.size, 200_000);
});

test('of states for one site there may be fewer', (t) => {
  const { states } = setUp(t);
  const exits = Array.from({ length: 8_192 }, (_, i) => `x${i}`);
  states.put({ ...frozen, exits, site: 'shop.example' }, everywhere);
  t.throws(() => states.put({ ...frozen, exits: ['y'], site: 'shop.example' }, everywhere), { message: /one site/ });
});

test('a disabled pool is disabled until it is enabled, wherever the store is opened', (t) => {
  const { open, store } = setUp(t);
  const pools = new DisabledPools(store);
  pools.disable('res', 'bill unpaid');
  const again = new DisabledPools(open());
  t.like(again.byName.get('res'), { reason: 'bill unpaid', since: 1_000 });
  again.enable('res');
  t.is(pools.byName.size, 1, 'read again only when told');
  pools.refresh();
  t.is(pools.byName.size, 0);
});
