import test from 'ava';
import fc from 'fast-check';
import { digestName, type Exit, type Pool } from '../../src/pool/exit.ts';
import { placeKey } from '../../src/pool/exit-filter.ts';
import { PoolRegistry } from '../../src/pool/registry.ts';

function exit(id: string, more: Partial<Exit> = {}): Exit {
  return {
    id,
    pool: 'p',
    tier: 'res',
    name: null,
    endpoint: { scheme: 'http', host: id, port: 1 },
    verifyTls: true,
    ca: null,
    dns: 'remote',
    ip: null,
    geo: {},
    minted: false,
    mint: null,
    ...more,
  };
}

function pool(name: string, exits: Exit[]): Pool {
  return { name, tier: 'res', price: null, strategy: 'random', exits: exits.map((one) => ({ ...one, pool: name })) };
}

function registryOf(...pools: Pool[]): PoolRegistry {
  const registry = new PoolRegistry();
  registry.apply(pools);
  return registry;
}

const ids = (registry: PoolRegistry, ...filter: Parameters<PoolRegistry['candidates']>) =>
  registry.candidates(...filter).map((slot) => registry.exitAt(slot)?.id);

const p = { pools: ['p'] };

test('an exit that stays keeps its slot and generation, with its new facts', (t) => {
  const registry = registryOf(pool('p', [exit('a'), exit('b'), exit('c')]));
  const slot = registry.slotOf('c')!;
  const changes = registry.apply([pool('p', [exit('c', { geo: { country: 'de' } }), exit('a'), exit('d')])]);
  t.is(registry.slotOf('c'), slot);
  t.is(registry.generationOf(slot), 0);
  t.is(registry.exitAt(slot)?.geo.country, 'de');
  t.deepEqual(changes, { added: [registry.slotOf('d')!], removed: [1], kept: 2 });
  t.is(registry.slotOf('b'), undefined);
  t.is(registry.exitAt(1), undefined);
});

test('a vacant slot is given away in a later call, under the next generation', (t) => {
  const registry = registryOf(pool('p', [exit('a'), exit('b')]));
  registry.apply([pool('p', [exit('a'), exit('c')])]);
  t.is(registry.slotOf('c'), 2);
  registry.apply([pool('p', [exit('a'), exit('c'), exit('d')])]);
  t.is(registry.slotOf('d'), 1);
  t.is(registry.generationOf(1), 1);
  t.is(registry.generationOf(99), 0);
  t.is(registry.slotCount, 3);
});

test('pools and exits are found whatever the case', (t) => {
  const registry = registryOf(pool('p', [exit('a')]), pool('q', []));
  t.is(registry.pool('P')?.name, 'p');
  t.is(registry.pool('none'), undefined);
  t.is(registry.slotOf('A'), 0);
  t.deepEqual(
    registry.pools().map(({ name }) => name),
    ['p', 'q'],
  );
});

test('a cursor is one per pool, and goes with it', (t) => {
  const registry = registryOf(pool('p', []));
  registry.cursorOf('p').next = 7;
  t.is(registry.cursorOf('P').next, 7);
  registry.cursorOf('none').next = 7;
  t.is(registry.cursorOf('none').next, 0);
  registry.apply([]);
  registry.apply([pool('p', [])]);
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
const world = () =>
  registryOf(
    pool('p', [exit('a', { geo }), exit('b', { geo: { country: 'us', city: 'New York' }, tier: 'dc' }), exit('c')]),
    pool('q', [exit('d', { geo: { country: 'us' }, ip: 6 })]),
  );

for (const [title, filter, found] of [
  ['one pool', {}, 'a b c'],
  ['several pools, as asked', { pools: ['q', 'P', 'q'] }, 'd a b c'],
  ['an unknown pool', { pools: ['none'] }, ''],
  ['no pool', { pools: [] }, ''],
  ['tier', { tier: 'dc' }, 'b'],
  ['country', { country: ['US'] }, 'b'],
  ['any of countries', { country: ['us', 'br'] }, 'a b'],
  ['region', { region: 'SUDESTE' }, 'a'],
  ['state, without accents and spaces', { state: 'sao_paulo' }, 'a'],
  ['city', { city: 'new.york' }, 'b'],
  ['zip', { zip: '01000' }, 'a'],
  ['asn', { asn: '26599' }, 'a'],
  ['isp', { isp: 'vivosa' }, 'a'],
  ['exit', { exit: 'B' }, 'b'],
  ['an exit of another pool', { exit: 'd' }, ''],
  ['all together', { country: ['br'], city: 'saopaulo', tier: 'res' }, 'a'],
  ['a contradiction', { country: ['us'], zip: '01000' }, ''],
  ['IPv6 that is said', { pools: ['p', 'q'], ip: 6 }, 'd'],
  ['IPv4 where nothing is said', { pools: ['p', 'q'], ip: 4 }, 'a b c'],
] as const) {
  test(`filter: ${title}`, (t) => t.is(ids(world(), { ...p, ...filter }).join(' '), found));
}

test('where names are resolved here, either family will do', (t) => {
  const local = exit('l', { dns: 'local' });
  const direct = exit('m', { dns: 'local', endpoint: { scheme: 'direct', host: '', port: 0 } });
  const socks4 = exit('n', { dns: 'local', endpoint: { scheme: 'socks4', host: 'h', port: 1 } });
  const registry = registryOf(pool('p', [local, direct, socks4]));
  t.deepEqual(ids(registry, { ...p, ip: 6 }), ['l', 'm']);
  t.deepEqual(ids(registry, { ...p, ip: 4 }), ['l', 'm', 'n']);
});

test('a list is kept until pools change, and is the same for filters that mean the same', (t) => {
  const registry = world();
  const list = registry.candidates({ ...p, city: 'New York' });
  t.is(registry.candidates({ pools: ['P'], city: 'new_york' }), list);
  t.not(registry.candidates({ ...p, state: 'New York' }), list);
  registry.apply([pool('p', [exit('z', { geo: { city: 'New York' } })])]);
  t.deepEqual(ids(registry, { ...p, city: 'newyork' }), ['z']);
});

test('lists for filters that clients think up are bounded', (t) => {
  const registry = world();
  const inBrazil = { ...p, country: ['br'] };
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

test('why nothing matches is told in counts', (t) => {
  const registry = world();
  t.is(registry.describe({ ...p, country: ['fr'] }), '0 of 3 exits match: 3 in other countries');
  t.is(
    registry.describe({ ...p, tier: 'dc', country: ['br'] }),
    '0 of 3 exits match: 2 of another tier, 1 in other countries',
  );
  t.is(registry.describe({ ...p, exit: 'd' }), '0 of 3 exits match: 3 with another id');
  t.is(registry.describe({ pools: ['p', 'q'], ip: 6 }), '1 of 4 exits match: 3 of the other address family');
  t.is(registry.describe(p), '3 of 3 exits match');
  t.is(registry.describe({ pools: [] }), '0 of 0 exits match');
});

test('over any row of reloads slots are unique, kept ones stay, and a slot and generation name one exit for ever', (t) => {
  const sets = fc.array(fc.uniqueArray(fc.integer({ min: 0, max: 12 }), { maxLength: 12 }), { maxLength: 12 });
  fc.assert(
    fc.property(sets, (reloads) => {
      const registry = new PoolRegistry();
      const owners = new Map<string, string>();
      for (const numbers of reloads) {
        const before = new Map(numbers.map((n) => [`e${n}`, registry.slotOf(`e${n}`)]));
        registry.apply([
          pool(
            'p',
            numbers.map((n) => exit(`e${n}`)),
          ),
        ]);
        for (const [id, slot] of before) {
          const now = registry.slotOf(id)!;
          if (slot !== undefined && slot !== now) return false;
          const key = `${now}/${registry.generationOf(now)}`;
          if ((owners.get(key) ?? id) !== id || registry.exitAt(now)?.id !== id) return false;
          owners.set(key, id);
        }
        if (registry.candidates(p).length !== numbers.length) return false;
      }
      return true;
    }),
  );
  t.pass();
});

test('an id is base32 of the parts, which are kept apart', (t) => {
  t.is(digestName(['a'], 10), digestName(['a'], 52).slice(0, 10));
  t.not(digestName(['ab', 'c'], 10), digestName(['a', 'bc'], 10));
  t.regex(digestName(['a'], 51), /^[a-z2-7]{51}$/);
});

test('places are compared by letters and digits', (t) => {
  t.is(placeKey('Île-de-France'), 'iledefrance');
  t.is(placeKey('東京'), '東京');
  t.is(placeKey(undefined), '');
});
