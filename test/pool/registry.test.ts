import test from 'ava';
import type { ExitFilter, PoolRegistry } from '../../src/pool/registry.ts';
import { placeKey } from '../../src/protocol/places.ts';
import { poolOf as pool, registryOf, type TestExit } from '../support/pools.ts';

const exit = (host: string, more: Partial<TestExit> = {}): TestExit => ({ host, ...more });

/** The hosts of all exits that pass. */
const hosts = (registry: PoolRegistry, filter: ExitFilter) =>
  Array.from(registry.candidates(filter), (slot) => registry.exitAt(slot)?.endpoint.host);

/** The slot of the exit on `host`, wherever it is. */
const slotOn = (registry: PoolRegistry, host: string) =>
  Array.from({ length: registry.slotCount }, (_, slot) => slot).find(
    (slot) => registry.exitAt(slot)?.endpoint.host === host,
  );

const p = { pools: ['p'] };

test('an exit that stays keeps its slot and generation, with its new facts', (t) => {
  const { registry, apply } = registryOf(pool('p', [exit('a'), exit('b'), exit('c')]));
  const slot = slotOn(registry, 'c')!;
  const id = registry.exitAt(slot)!.id;
  const changes = apply(pool('p', [exit('c', { geo: { country: 'de' } }), exit('a'), exit('d')]));
  t.is(registry.slotOf(id), slot);
  t.is(registry.generationOf(slot), 1);
  t.is(registry.exitAt(slot)?.geo.country, 'de');
  t.deepEqual(changes, { added: [slotOn(registry, 'd')!], removed: [1], kept: 2 });
  t.is(slotOn(registry, 'b'), undefined);
  t.is(registry.exitAt(1), undefined);
});

test('an exit that has left can be told until the next change, and takes nothing', (t) => {
  const { registry, apply } = registryOf(pool('p', [exit('a'), exit('b')]));
  const left = registry.exitAt(1)!;
  apply(pool('p', [exit('a')]));
  t.deepEqual(registry.formerExitAt(1), left);
  t.is(registry.slotOf(left.id), undefined);
  t.is(registry.generationOf(1), 2);
  t.false(registry.matches(1, p));
  t.is(registry.formerExitAt(0), undefined);
  apply(pool('p', [exit('a')]));
  t.is(registry.formerExitAt(1), undefined);
});

test('a vacant slot is given away in a later call, under the next generation', (t) => {
  const { registry, apply } = registryOf(pool('p', [exit('a'), exit('b')]));
  apply(pool('p', [exit('a'), exit('c')]));
  t.is(slotOn(registry, 'c'), 2);
  apply(pool('p', [exit('a'), exit('c'), exit('d')]));
  t.is(slotOn(registry, 'd'), 1);
  t.is(registry.generationOf(1), 2);
  t.is(registry.generationOf(99), 0);
  t.is(registry.slotCount, 3);
});

test('pools and exits are found whatever the case', (t) => {
  const { registry } = registryOf(pool('p', [exit('a')]), pool('q', []));
  t.is(registry.pool('P')?.name, 'p');
  t.is(registry.pool('none'), undefined);
  t.is(registry.slotOf(registry.exitAt(0)!.id.toUpperCase()), 0);
  t.is(registry.slotOf('no id'), undefined);
  t.deepEqual(
    registry.pools().map(({ name, exits }) => [name, exits]),
    [
      ['p', 1],
      ['q', 0],
    ],
  );
});

test('an exit is found by the words of its id, for tables that were saved', (t) => {
  const { registry } = registryOf(pool('p', [exit('a'), exit('b')]));
  for (const slot of [0, 1]) {
    t.is(registry.slotOfIdWords(registry.idWordsOf(slot)), slot);
    t.is(registry.idOf(slot), registry.exitAt(slot)!.id);
  }
  t.is(registry.slotOfIdWords({ high: 0, low: 0 }), undefined);
});

test('a reader goes on with its version until it takes the next', (t) => {
  const { catalogue, registry } = registryOf(pool('p', [exit('a'), exit('b')]));
  const [a, b] = [registry.exitAt(0), registry.exitAt(1)];
  const applied = catalogue.commit(catalogue.stage({ pools: [pool('p', [exit('c')])], faults: [] }));
  catalogue.commit(catalogue.stage({ pools: [pool('p', [exit('c'), exit('d')])], faults: [] }));
  t.deepEqual([registry.exitAt(0), registry.exitAt(1)], [a, b]);
  t.deepEqual(hosts(registry, p), ['a', 'b']);
  registry.take(applied.record);
  t.deepEqual(hosts(registry, p), ['c']);
});

test('what is staged and not committed leaves no trace', (t) => {
  const { catalogue, registry, apply } = registryOf(pool('p', [exit('a', { geo: { city: 'Ulm' } })]));
  const dropped = catalogue.stage({ pools: [pool('q', [exit('x', { geo: { city: 'Bonn' } })])], faults: [] });
  t.deepEqual(apply(pool('p', [exit('a', { geo: { city: 'Ulm' } })])), { added: [], removed: [], kept: 1 });
  t.throws(() => catalogue.commit(dropped));
  t.like(registry.exitAt(0), { endpoint: { host: 'a' }, geo: { city: 'Ulm' } });
  t.deepEqual(hosts(registry, { ...p, city: 'bonn' }), []);
});

test('a cursor is one per pool, and goes with it', (t) => {
  const { registry, apply } = registryOf(pool('p', []));
  registry.cursorOf('p').next = 7;
  t.is(registry.cursorOf('P').next, 7);
  registry.cursorOf('none').next = 7;
  t.is(registry.cursorOf('none').next, 0);
  apply();
  apply(pool('p', []));
  t.is(registry.cursorOf('p').next, 0);
});

const geo = {
  country: 'br',
  region: 'Sudeste',
  state: 'São Paulo',
  city: 'São Paulo',
  zip: '01000',
  asn: '26599',
  isp: 'Vivo S.A.',
};
const settled = () =>
  registryOf(
    pool('p', [exit('a', { geo }), exit('b', { geo: { country: 'us', city: 'New York' }, tier: 'dc' }), exit('c')]),
    pool('q', [exit('d', { geo: { country: 'us' }, ip: 6 })]),
  );
const world = () => settled().registry;
/** Filters can't name an exit by its host. */
const idOn = (host: string) => world().exitAt(slotOn(world(), host)!)!.id;

for (const [title, filter, found] of [
  ['one pool', {}, 'a b c'],
  ['several pools, as asked', { pools: ['q', 'P', 'q'] }, 'd a b c'],
  ['an unknown pool', { pools: ['none'] }, ''],
  ['no pool', { pools: [] }, ''],
  ['tier', { tier: 'dc' }, 'b'],
  ['country', { country: ['US'] }, 'b'],
  ['any of countries, as asked', { country: ['us', 'br', 'US'] }, 'b a'],
  ['region', { region: 'SUDESTE' }, 'a'],
  ['state, without accents and spaces', { state: 'sao_paulo' }, 'a'],
  ['city', { city: 'new.york' }, 'b'],
  ['zip', { zip: '01000' }, 'a'],
  ['asn', { asn: '26599' }, 'a'],
  ['isp', { isp: 'vivosa' }, 'a'],
  ['exit', { exit: idOn('b').toUpperCase() }, 'b'],
  ['an exit of another pool', { exit: idOn('d') }, ''],
  ['an exit that nobody knows', { exit: 'nobody' }, ''],
  ['an exit that stands elsewhere', { exit: idOn('b'), country: ['br'] }, ''],
  ['all together', { country: ['br'], city: 'saopaulo', tier: 'res' }, 'a'],
  ['a contradiction', { country: ['us'], zip: '01000' }, ''],
  ['IPv6 that is said', { pools: ['p', 'q'], ip: 6 }, 'd'],
  ['IPv4 where nothing is said', { pools: ['p', 'q'], ip: 4 }, 'a b c'],
] as const) {
  test(`filter: ${title}`, (t) => {
    const registry = world();
    const asked: ExitFilter = { ...p, ...filter };
    t.is(hosts(registry, asked).join(' '), found);
    const { list, exact, count, matches } = world().drawFrom(asked);
    const drawn = Array.from({ length: list.length }, (_, index) => list.at(index)!);
    t.is(
      drawn
        .filter(matches)
        .map((slot) => registry.exitAt(slot)?.endpoint.host)
        .join(' '),
      found,
    );
    t.is(count, drawn.filter(matches).length);
    if (exact) t.true(drawn.every(matches));
  });
}

test('where names are resolved here, either family will do', (t) => {
  const local = exit('l', { dns: 'local' });
  const direct = exit('m', { dns: 'local', scheme: 'direct' });
  const socks4 = exit('n', { dns: 'local', scheme: 'socks4' });
  const { registry } = registryOf(pool('p', [local, direct, socks4]));
  t.deepEqual(hosts(registry, { ...p, ip: 6 }), ['l', 'm']);
  t.deepEqual(hosts(registry, { ...p, ip: 4 }), ['l', 'm', 'n']);
});

test('a list is kept until pools change, and is the same for filters that mean the same', (t) => {
  const { registry, apply } = settled();
  const list = registry.candidates({ ...p, city: 'New York' });
  t.is(registry.candidates({ pools: ['P'], city: 'new_york' }), list);
  t.not(registry.candidates({ ...p, state: 'New York' }), list);
  apply(pool('p', [exit('z', { geo: { city: 'New York' } })]));
  t.deepEqual(hosts(registry, { ...p, city: 'newyork' }), ['z']);
});

test('lists for filters that clients think up are bounded', (t) => {
  const registry = world();
  const inBrazil = { ...p, state: 'saopaulo' };
  const list = registry.candidates(inBrazil);
  for (let i = 0; i < 4095; i += 1) registry.candidates({ ...p, city: `c${i}` });
  t.is(registry.candidates(inBrazil), list);
  for (let i = 0; i < 4096; i += 1) registry.candidates({ ...p, city: `d${i}` });
  t.not(registry.candidates(inBrazil), list);
});

test('whether one exit passes is what its list says', (t) => {
  const registry = world();
  t.true(registry.matches(0, { ...p, country: ['br'] }));
  t.false(registry.matches(0, { ...p, country: ['us'] }));
  t.false(registry.matches(0, { pools: ['q'] }));
  t.false(registry.matches(99, p));
});

const describe = (registry: PoolRegistry, filter: ExitFilter): string => {
  const { passing, total, others } = registry.accountOf(filter);
  return `${passing} of ${total} exits match${others.length === 0 ? '' : `: ${others.join(', ')}`}`;
};

test('why nothing matches is told in counts', (t) => {
  const registry = world();
  t.is(describe(registry, { ...p, country: ['fr'] }), '0 of 3 exits match: 3 in other countries');
  t.is(
    describe(registry, { ...p, tier: 'dc', country: ['br'] }),
    '0 of 3 exits match: 2 of another tier, 1 in other countries',
  );
  t.is(describe(registry, { ...p, exit: idOn('d') }), '0 of 3 exits match: 3 with another id');
  t.is(describe(registry, { pools: ['p', 'q'], ip: 6 }), '1 of 4 exits match: 3 of the other address family');
  t.is(
    describe(registry, { ...p, exit: idOn('a'), tier: 'dc' }),
    '0 of 3 exits match: 2 with another id, 1 of another tier',
  );
  t.is(describe(registry, p), '3 of 3 exits match');
  t.is(describe(registry, { pools: [] }), '0 of 0 exits match');
});

test('places are compared by letters and digits', (t) => {
  t.is(placeKey('Île-de-France'), 'iledefrance');
  t.is(placeKey('東京'), '東京');
  t.is(placeKey('?'), '');
});
