import test from 'ava';
import fc from 'fast-check';
import { newestOf, type RecentExchange, RecentExchanges } from '../../src/gateway/internal/recent-exchanges.ts';

const minute = 60_000;

const exchange = (id: string, more: Partial<RecentExchange> = {}): RecentExchange => ({
  id,
  client: 'acme',
  session: null,
  tag: null,
  site: 'shop.example',
  exit: 'e-1',
  at: { slot: 1, generation: 1 },
  startedAt: 0,
  ...more,
});

/** A ring with these exchanges, ended at 0. */
function ringOf(exchanges: readonly RecentExchange[], capacity = 100): RecentExchanges {
  const ring = new RecentExchanges({ capacity });
  for (const one of exchanges) {
    ring.ended(ring.add(one), 0);
  }
  return ring;
}

test('by id, for whoever it belongs to, and for an operator', (t) => {
  const ring = ringOf([exchange('a')]);
  const idOf = (client: string | null, id = 'a') => ring.find({ by: 'id', id, client }, 0).exchange?.id;
  t.is(idOf('acme'), 'a');
  t.is(idOf(null), 'a');
  t.is(idOf('other'), undefined);
  t.is(idOf('acme', 'b'), undefined);
  t.is(idOf('acme', '__proto__'), undefined);
});

test('a session’s newest exchange, of all or of a site', (t) => {
  const ring = ringOf([
    exchange('a', { session: 's' }),
    exchange('b', { session: 's' }),
    exchange('c', { session: 's', site: 'other.example' }),
    exchange('d', { session: 's', client: 'other' }),
  ]);
  const idOf = (site: string | null, client = 'acme') =>
    ring.find({ by: 'session', session: 's', site, client }, 0).exchange?.id;
  t.is(idOf(null), 'c');
  t.is(idOf('shop.example'), 'b');
  t.is(idOf('other.example'), 'c');
  t.is(idOf('third.example'), undefined);
  t.is(idOf(null, 'other'), 'd');
});

test('a tag names one exchange, or it is ambiguous', (t) => {
  const ring = ringOf([
    exchange('a', { tag: 'one' }),
    exchange('b', { tag: 'two' }),
    exchange('c', { tag: 'two' }),
    exchange('d', { tag: 'one', client: 'other' }),
  ]);
  const find = (tag: string) => ring.find({ by: 'tag', tag, client: 'acme' }, 0);
  t.like(find('one'), { exchange: { id: 'a' }, ambiguous: false });
  t.true(find('two').ambiguous);
  t.is(find('three').exchange, null);
  ring.add(exchange('e', { tag: 'one' }));
  t.true(ring.find({ by: 'tag', tag: 'one', client: 'acme' }, 10 * minute).ambiguous);
  const later = ring.find({ by: 'tag', tag: 'one', client: 'acme' }, 11 * minute);
  t.like(later, { exchange: { id: 'e' }, ambiguous: false }, 'the former is forgotten by then');
});

test('ten minutes after its end it is too late, but never while it runs', (t) => {
  const ring = ringOf([exchange('a')]);
  const found = (id: string, now: number) => ring.find({ by: 'id', id, client: null }, now).exchange !== null;
  t.true(found('a', 10 * minute));
  t.false(found('a', 10 * minute + 1));
  t.false(ring.claim('a', 10 * minute + 1));
  ring.add(exchange('b'));
  t.true(found('b', 1_000 * minute));
});

test('an exchange is claimed once', (t) => {
  const ring = ringOf([exchange('a')]);
  t.true(ring.claim('a', 0));
  t.false(ring.claim('a', 0));
  t.false(ring.claim('b', 0));
});

test('a tunnel whose site turns out later is found by it', (t) => {
  const ring = new RecentExchanges({ capacity: 10 });
  ring.rename(ring.add(exchange('a', { session: 's', site: '192.0.2.1' })), 'shop.example');
  const idOf = (site: string | null) =>
    ring.find({ by: 'session', session: 's', site, client: 'acme' }, 0).exchange?.id;
  t.is(idOf('shop.example'), 'a');
  t.is(idOf('192.0.2.1'), undefined);
  t.is(idOf(null), 'a');
});

test('only so many are remembered, and nothing is left of the others', (t) => {
  const one = fc.record({
    session: fc.constantFrom(null, 's', 't'),
    tag: fc.constantFrom(null, 'x', 'y'),
    site: fc.constantFrom('a.example', 'b.example'),
    client: fc.constantFrom('acme', 'other'),
  });
  fc.assert(
    fc.property(fc.array(one, { minLength: 10, maxLength: 60 }), (list) => {
      const ring = ringOf(
        list.map((more, i) => exchange(`e${i}`, more)),
        5,
      );
      const last = list.length - 1;
      const kept = [0, 1, 2, 3, 4].every((i) => ring.find({ by: 'id', id: `e${last - i}`, client: null }, 0).exchange);
      const gone = ring.find({ by: 'id', id: `e${last - 5}`, client: null }, 0).exchange === null;
      for (let i = 0; i < 5; i++) ring.add(exchange(`plain${i}`));
      return kept && gone && ring.size === 5;
    }),
  );
  t.pass();
});

test('as a plain list of the newest tells', (t) => {
  const capacity = 4;
  const step = fc.record({
    id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'),
    asked: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'),
    session: fc.constantFrom(null, 's', 't'),
    claims: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const ring = new RecentExchanges({ capacity });
      const list: { id: string; session: string | null; startedAt: number; reported: boolean }[] = [];
      for (const [startedAt, { id, asked, session, claims }] of steps.entries()) {
        if (!list.some((one) => one.id === id)) {
          ring.add(exchange(id, { session, startedAt }));
          list.unshift({ id, session, startedAt, reported: false });
          list.length = Math.min(list.length, capacity);
        }
        const byId = list.find((one) => one.id === asked);
        const found = ring.find({ by: 'id', id: asked, client: null }, 0).exchange;
        if (found?.startedAt !== byId?.startedAt) return false;
        const newest = list.find((one) => one.session === 's');
        const ofSession = ring.find({ by: 'session', session: 's', site: null, client: 'acme' }, 0).exchange;
        if (ofSession?.id !== newest?.id) return false;
        if (!claims) continue;
        if (ring.claim(asked, 0) !== (byId?.reported === false)) return false;
        if (byId !== undefined) byId.reported = true;
      }
      return true;
    }),
  );
  t.pass();
});

test('over several threads the newest counts, and a tag found twice is ambiguous', (t) => {
  const finding = (id: string, startedAt: number) => ({ exchange: exchange(id, { startedAt }), ambiguous: false });
  const none = { exchange: null, ambiguous: false };
  const session = { by: 'session', session: 's', site: null, client: 'acme' } as const;
  const tag = { by: 'tag', tag: 'x', client: 'acme' } as const;
  t.like(newestOf([finding('a', 1), none, finding('b', 3), finding('c', 2)], session), {
    exchange: { id: 'b' },
    ambiguous: false,
  });
  t.true(newestOf([finding('a', 1), finding('b', 3)], tag).ambiguous);
  t.like(newestOf([none, finding('b', 3)], tag), { exchange: { id: 'b' }, ambiguous: false });
  t.deepEqual(newestOf([none, none], tag), none);
});
