import test from 'ava';
import fc from 'fast-check';
import { PoolCatalogue } from '../../src/pool/catalogue.ts';
import { MINTS } from '../../src/pool/exit-draft.ts';
import type { PoolSource } from '../../src/pool/pool-builder.ts';
import { type ExitFilter, PoolRegistry } from '../../src/pool/registry.ts';
import { placeKey } from '../../src/protocol/places.ts';
import { draftOf, poolOf, registryOf, sourcesOf, type TestExit, templateOf } from '../support/pools.ts';

const countries = ['us', 'de', 'fr', undefined] as const;
const cities = ['São Paulo', 'New York', undefined] as const;
const families = [null, 4, 6] as const;

/** One exit of a random world: `n` is who it is, the rest is what is said of it this time. */
const anExit = fc.record({
  n: fc.nat(15),
  country: fc.constantFrom(...countries),
  city: fc.constantFrom(...cities),
  ip: fc.constantFrom(...families),
  password: fc.constantFrom('a', 'b'),
});
type Person = Parameters<typeof testExit>[0];

const aWorld = fc.record({
  p: fc.uniqueArray(anExit, { selector: ({ n }) => n, maxLength: 16 }),
  q: fc.uniqueArray(anExit, { selector: ({ n }) => n, maxLength: 6 }),
});

const aFilter: fc.Arbitrary<ExitFilter> = fc.record(
  {
    pools: fc.constantFrom(['p'], ['q'], ['q', 'p'], ['none', 'P']),
    country: fc.constantFrom(['us'], ['de', 'us'], ['xx']),
    city: fc.constantFrom('sao_paulo', 'newyork', 'nowhere'),
    ip: fc.constantFrom(4 as const, 6 as const),
    tier: fc.constantFrom('res' as const, 'dc' as const),
  },
  { requiredKeys: ['pools'] },
);

function testExit({
  n,
  country,
  city,
  ip,
  password,
}: {
  n: number;
  country: string | undefined;
  city: string | undefined;
  ip: 4 | 6 | null;
  password: string;
}): TestExit {
  const geo = { ...(country && { country }), ...(city && { city }) };
  return { host: `h${n}`, username: 'u', password, ip, geo, tier: n % 2 === 0 ? 'res' : 'dc' };
}

/** Whether a filter lets an exit pass, read straight from its words. */
function passes(filter: ExitFilter, pool: string, { n, country, city, ip }: Person): boolean {
  if (!filter.pools.map((name) => name.toLowerCase()).includes(pool)) return false;
  if (filter.tier !== undefined && filter.tier !== (n % 2 === 0 ? 'res' : 'dc')) return false;
  if (filter.country !== undefined && !filter.country.includes(country ?? '')) return false;
  if (filter.city !== undefined && placeKey(filter.city) !== placeKey(city ?? '')) return false;
  return filter.ip === undefined || filter.ip === (ip ?? 4);
}

test('over any row of reloads slots are unique, kept ones stay, and a slot and generation name one exit for ever', (t) => {
  fc.assert(
    fc.property(fc.array(aWorld, { maxLength: 12 }), (worlds) => {
      const { registry, apply } = registryOf();
      const owners = new Map<string, string>();
      let before = new Map<string, number>();
      for (const { p, q } of worlds) {
        apply(poolOf('p', p.map(testExit)), poolOf('q', q.map(testExit)));
        const now = new Map<string, number>();
        for (let slot = 0; slot < registry.slotCount; slot += 1) {
          const exit = registry.exitAt(slot);
          if (exit === undefined) continue;
          const who = `${exit.pool} ${exit.endpoint.host}`;
          const key = `${slot}/${registry.generationOf(slot)}`;
          t.is(owners.get(key) ?? who, who);
          t.is(before.get(who) ?? slot, slot);
          t.is(registry.slotOf(exit.id), slot);
          owners.set(key, who);
          now.set(who, slot);
        }
        t.is(now.size, p.length + q.length);
        before = now;
      }
    }),
  );
});

test('exits are what their pools say, and filters find those that a plain look finds', (t) => {
  fc.assert(
    fc.property(
      fc.array(aWorld, { minLength: 1, maxLength: 4 }),
      fc.array(aFilter, { maxLength: 8 }),
      (worlds, filters) => {
        const { registry, apply } = registryOf();
        for (const { p, q } of worlds) {
          apply(poolOf('p', p.map(testExit)), poolOf('q', q.map(testExit)));
          const all = [...p.map((one) => ({ pool: 'p', one })), ...q.map((one) => ({ pool: 'q', one }))];
          const hostsIn = (slots: Iterable<number>) =>
            [...slots].map((slot) => `${registry.exitAt(slot)?.pool} ${registry.exitAt(slot)?.endpoint.host}`).sort();
          for (const filter of filters) {
            const wanted = all.filter(({ pool, one }) => passes(filter, pool, one));
            const expected = wanted.map(({ pool, one }) => `${pool} h${one.n}`).sort();
            const { list, exact, count, matches } = registry.drawFrom(filter);
            const drawn = Array.from({ length: list.length }, (_, index) => list.at(index) ?? -1);
            t.deepEqual(hostsIn(drawn.filter(matches)), expected);
            t.is(count, expected.length);
            if (exact) t.is(drawn.length, expected.length);
            t.deepEqual(hostsIn(registry.candidates(filter)), expected);
            t.true(registry.accountOf(filter).passing === expected.length);
          }
          for (const { pool, one } of all) {
            const found = registry
              .candidates({ pools: [pool] })
              .find((slot) => registry.exitAt(slot)?.endpoint.host === `h${one.n}`);
            const { username, password, ...terms } = testExit(one);
            t.like(registry.exitAt(found ?? -1), {
              pool,
              ip: terms.ip,
              geo: terms.geo,
              endpoint: { username, password },
            });
          }
        }
      },
    ),
  );
});

const p = { pools: ['p'] };
const many = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => ({
    host: `h${from + i}`,
    geo: { country: 'us', city: `c${(from + i) % 500}` },
    ip: (from + i) % 500 === 7 ? (6 as const) : null,
  }));

test('a list that is worth its making is asked for once, and until it stands the narrowest one serves', (t) => {
  const { catalogue } = registryOf(poolOf('p', many(2000)));
  const asked: ExitFilter[] = [];
  const registry = new PoolRegistry(catalogue.record, { wantList: (filter) => asked.push(filter) });
  const rare = { ...p, ip: 6 as const };
  const before = registry.drawFrom(rare);
  t.like(before, { exact: false, count: 4 });
  t.is(before.list.length, 2000);
  registry.drawFrom(rare);
  t.deepEqual(asked, [rare]);

  registry.takeList(catalogue.listOf(rare));
  const after = registry.drawFrom(rare);
  t.like(after, { exact: true, count: 4, ring: before.ring });
  t.true(Array.from({ length: 4 }, (_, i) => after.list.at(i) ?? -1).every(after.matches));

  registry.drawFrom({ ...p, country: ['us'], ip: 4 });
  t.is(registry.drawFrom({ ...p, city: 'atlantis' }).list.length, 0);
  t.is(asked.length, 1);
});

test('where exits have more terms than can be counted at once, their list is asked for', (t) => {
  const exits = Array.from({ length: 70_000 }, (_, i) => ({ host: `h${i}`, geo: { country: 'us', zip: `${i}` } }));
  const { catalogue } = registryOf(poolOf('p', exits));
  const asked: ExitFilter[] = [];
  const registry = new PoolRegistry(catalogue.record, { wantList: (filter) => asked.push(filter) });
  const filter = { ...p, ip: 4 as const };
  t.like(registry.drawFrom(filter), { exact: false, count: null });
  t.deepEqual(asked, [filter]);
  registry.takeList(catalogue.listOf(filter));
  t.is(registry.drawFrom(filter).count, 70_000);
  t.like(registry.drawFrom({ ...p, country: ['us'] }), { exact: true, count: 70_000 });
  t.is(registry.drawFrom({ ...p, zip: '69999', exit: registry.exitAt(5)?.id }).count, 0);
  t.deepEqual(registry.accountOf({ ...p, zip: '69999' }), {
    passing: 1,
    total: 70_000,
    others: ['69999 with another zip'],
  });
});

test('exits in a rare place are found at once, among whatever others, and nobody is asked', (t) => {
  const exits = Array.from({ length: 70_000 }, (_, i) => ({
    host: `h${i}`,
    geo: {
      country: i % 2 === 0 ? 'us' : 'de',
      state: `S${i % 50}`,
      city: `S${i % 7_000}`,
      zip: `${i}`,
      asn: `${i % 90}`,
    },
  }));
  const { catalogue } = registryOf(poolOf('p', exits), poolOf('q', exits.slice(0, 100)));
  const registry = new PoolRegistry(catalogue.record, { wantList: () => t.fail() });
  const hosts = (filter: Omit<ExitFilter, 'pools'>) => {
    const { list, exact, count } = registry.drawFrom({ ...p, ...filter });
    t.true(exact);
    t.is(count, list.length);
    return Array.from({ length: list.length }, (_, i) => registry.exitAt(list.at(i) ?? -1)?.endpoint.host);
  };
  t.deepEqual(hosts({ zip: '69999' }), ['h69999']);
  t.deepEqual(hosts({ city: 's-7', country: ['de'], asn: '17' }), expectedHosts());
  t.deepEqual(hosts({ zip: '5', country: ['us'] }), []);
  t.deepEqual(hosts({ city: 'atlantis' }), []);
  t.deepEqual(registry.accountOf({ ...p, country: ['us'], zip: '7' }), {
    passing: 0,
    total: 70_000,
    others: ['35000 in other countries', '35000 with another zip'],
  });

  function expectedHosts() {
    return exits
      .filter(({ geo }) => geo.city === 'S7' && geo.country === 'de' && geo.asn === '17')
      .map(({ host }) => host);
  }
});

test('a list is made once for all threads, until they are too many', (t) => {
  const { catalogue } = registryOf(poolOf('p', many(2000)));
  const list = catalogue.listOf({ ...p, city: 'c7' });
  t.is(catalogue.listOf({ pools: ['P'], city: 'C.7' }).slots, list.slots);
  for (let i = 0; i < 4096; i += 1) catalogue.listOf({ ...p, zip: `${i}` });
  t.not(catalogue.listOf({ ...p, city: 'c7' }).slots, list.slots);
});

test('a list of another version is not taken', (t) => {
  const { catalogue, registry } = registryOf(poolOf('p', many(2000)));
  const reader = new PoolRegistry(catalogue.record, { wantList: () => {} });
  const old = catalogue.listOf({ ...p, ip: 6 });
  const { record } = catalogue.commit(catalogue.stage(sourcesOf(poolOf('p', many(2000, 4)))));
  reader.take(record);
  t.false(reader.drawFrom({ ...p, ip: 6 }).exact);
  reader.takeList(old);
  t.false(reader.drawFrom({ ...p, ip: 6 }).exact);
  t.not(registry.version, reader.version);
});

test('filters of one thread have numbers of their own, over versions too', (t) => {
  const { catalogue } = registryOf(poolOf('p', many(10)));
  const reader = new PoolRegistry(catalogue.record);
  const rings = () => [{}, { city: 'c1' }, { city: 'c2' }].map((more) => reader.drawFrom({ ...p, ...more }).ring);
  const first = rings();
  t.deepEqual(rings(), first);
  reader.take(catalogue.commit(catalogue.stage(sourcesOf(poolOf('p', many(10))))).record);
  t.is(new Set([...first, ...rings()]).size, 6);
});

test('tables are made anew when most in them is dead, and nobody notices', (t) => {
  const catalogue = new PoolCatalogue();
  const applyMany = (from: number) =>
    catalogue.commit(catalogue.stage(sourcesOf(poolOf('p', [{ host: 'stays' }, ...many(20_000, from)]))));
  const registry = new PoolRegistry(applyMany(0).record);
  const stays = registry.exitAt(0)!;
  const facts = new Set<SharedArrayBuffer>();
  for (let round = 1; round <= 12; round += 1) {
    const leaving = registry.exitAt(registry.candidates(p).at(-1)!)!;
    const slot = registry.slotOf(leaving.id)!;
    const { record } = applyMany(round * 20_000);
    facts.add(record.catalogue.facts);
    registry.take(record);
    t.deepEqual(registry.exitAt(registry.slotOf(stays.id)!), stays);
    t.deepEqual(registry.formerExitAt(slot), leaving);
    t.is(registry.candidates({ ...p, city: 'c3' }).length, 40);
  }
  t.is(registry.slotOf(stays.id), 0);
  t.true(facts.size > 1);
  t.true(registry.slotCount <= 40_001);
});

test('a reload without a change needs no more room for facts', (t) => {
  const catalogue = new PoolCatalogue();
  const applySame = () => catalogue.commit(catalogue.stage(sourcesOf(poolOf('p', many(1000))))).record.catalogue;
  const first = applySame();
  const size = first.facts.byteLength;
  for (let round = 0; round < 50; round += 1) t.is(applySame().facts, first.facts);
  t.is(first.facts.byteLength, size);
});

test('an exit that stays keeps its id, though others differ in their passwords alone, in whatever order they come', (t) => {
  const passwords = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1 });
  const idsOf = (catalogue: PoolCatalogue) => {
    const registry = new PoolRegistry(catalogue.record);
    const slots = Array.from({ length: registry.slotCount }, (_, slot) => registry.exitAt(slot));
    const exits = slots.filter((exit) => exit?.pool === 'p');
    return new Map(exits.map((exit) => [exit!.endpoint.password, exit!.id]));
  };
  fc.assert(
    fc.property(fc.array(passwords, { minLength: 2, maxLength: 6 }), fc.boolean(), (worlds, isKept) => {
      const { catalogue, apply } = registryOf();
      let [before, former] = [new Map<string | undefined, string>(), 0];
      for (const world of worlds) {
        const exits = [...world, ...world.slice(0, 1)].map((password) => ({ host: 'h', username: 'u', password }));
        apply(poolOf('p', exits), poolOf('q', exits.slice(0, 1)));
        if (isKept) catalogue.commit(catalogue.stage(sourcesOf(poolOf('q', [])), new Set(['p'])));
        const ids = idsOf(catalogue);
        t.is(ids.size, world.length);
        t.is(new Set(ids.values()).size, world.length);
        // One alone is the same exit with another password, as far as anybody can tell.
        const stay = former === 1 || world.length === 1 ? [] : world.filter((password) => before.has(password));
        for (const password of stay) t.is(ids.get(password), before.get(password));
        [before, former] = [ids, world.length];
      }
    }),
  );
});

test('a pool keeps its number over reloads, and no other ever gets it', (t) => {
  const { registry, apply } = registryOf(poolOf('p', []), poolOf('q', []));
  const numbers = () => Object.fromEntries(registry.pools().map(({ name, number }) => [name, number]));
  t.deepEqual(numbers(), { p: 0, q: 1 });
  apply(poolOf('r', []), poolOf('q', []));
  t.deepEqual(numbers(), { r: 2, q: 1 });
  apply(poolOf('p', []), poolOf('s', []));
  t.deepEqual(numbers(), { p: 0, s: 3 });
});

test('sessions of a template are derived from their numbers, and keep their slots', (t) => {
  const terms = {
    ...({
      pool: 'p',
      tier: 'res',
      scheme: 'http',
      name: null,
      verifyTls: true,
      ca: null,
      dns: 'remote',
      ip: null,
    } as const),
    geo: { country: 'us' },
    template: templateOf('http://u-{country}-{session}:pw@h:1', { country: 'US' }),
  };
  const minted = (sessions: readonly number[]): PoolSource => ({
    ...poolOf('p', []),
    *drafts(sink) {
      for (const session of sessions) {
        sink({ terms, facts: null, session, label: '' });
        yield;
      }
      return [];
    },
  });
  const { registry, apply } = registryOf(minted([0, 1, 2, 1, MINTS]));
  t.is(registry.slotCount, 4);
  const [first, second, , mints] = [0, 1, 2, 3].map((slot) => registry.exitAt(slot)!);
  t.deepEqual(mints?.mint?.mint('s', {}), registry.exitAt(3)?.mint?.mint('s', {}));
  t.is(first?.mint, null);
  t.not(first?.endpoint.username, second?.endpoint.username);
  t.regex(second?.endpoint.username ?? '', /^u-US-[a-z2-7]{16}$/);
  t.deepEqual(apply(minted([1, 2])), { added: [], removed: [0, 3], kept: 2 });
  t.deepEqual(registry.exitAt(1), second);
  t.deepEqual(registry.formerExitAt(0), first);
});

test('a list that was made elsewhere is the one that is made here', (t) => {
  const { catalogue, registry } = registryOf(poolOf('p', many(3000)));
  const filter = { ...p, city: 'C 11' };
  t.deepEqual(new Int32Array(catalogue.listOf(filter).slots), registry.candidates(filter));
});

test('credentials are in no text for people', (t) => {
  const { registry } = registryOf(poolOf('p', [{ host: 'secret.example', username: 'hunter1', password: 'hunter2' }]));
  for (const filter of [p, { ...p, city: 'hunter2' }, { ...p, exit: 'hunter1' }]) {
    t.notRegex(JSON.stringify(registry.accountOf(filter)), /hunter|secret/);
  }
  t.notRegex(JSON.stringify(registry.pools()), /hunter|secret/);
});

test('pools that are kept stay as they are while others change, also when tables are made anew', (t) => {
  const catalogue = new PoolCatalogue();
  const kept = poolOf(
    'kept',
    many(50).map((exit, i) => ({ ...exit, password: `${i}`, geo: { city: `k${i % 7}` } })),
  );
  const minting: PoolSource = {
    ...poolOf('minting', []),
    *drafts(sink) {
      for (let session = 0; session < 20; session += 1) {
        const template = templateOf('http://u-{session}-{country}:p@h:1', { country: 'us' });
        sink({ ...draftOf('minting', { host: '', template }), facts: null, session });
        yield;
      }
      return [];
    },
  };
  const churning = (from: number) => poolOf('churning', many(20_000, from));
  const registry = new PoolRegistry(catalogue.commit(catalogue.stage(sourcesOf(kept, minting, churning(0)))).record);
  const look = () =>
    ['kept', 'minting'].flatMap((pool) =>
      [...registry.candidates({ pools: [pool] })].map((slot) => [
        slot,
        registry.generationOf(slot),
        registry.exitAt(slot)?.id,
        registry.exitAt(slot)?.endpoint,
        registry.exitAt(slot)?.geo,
      ]),
    );
  const before = look();
  t.is(before.length, 70);
  const facts = new Set<SharedArrayBuffer>();
  const unread: PoolSource = { ...kept, drafts: () => t.fail('a kept pool is not read') as never };
  for (let round = 1; round <= 8; round += 1) {
    const sources = sourcesOf(unread, churning(round * 20_000));
    const { record, changes } = catalogue.commit(catalogue.stage(sources, new Set(['kept', 'minting'])));
    facts.add(record.catalogue.facts);
    registry.take(record);
    t.deepEqual(look(), before);
    t.is(changes.kept, 70);
    t.is(changes.added.length, 20_000);
    t.deepEqual(
      registry
        .pools()
        .map(({ name, exits }) => [name, exits])
        .toSorted(),
      [
        ['churning', 20_000],
        ['kept', 50],
        ['minting', 20],
      ],
    );
  }
  t.true(facts.size > 1);
});
