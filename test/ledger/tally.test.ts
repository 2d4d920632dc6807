import test from 'ava';
import fc from 'fast-check';
import { type BookedFigures, type BookedPool, type BookingKey, OTHER } from '../../src/ledger/booking.ts';
import { logHead, parseLog } from '../../src/ledger/log-lines.ts';
import { Tally } from '../../src/ledger/tally.ts';

const pool: BookedPool = { name: 'p', tier: 'res', price: null };
const key: BookingKey = { client: 'acme', tag: '', site: 'a.example', pool, country: 'de', kind: 'ok' };

test('figures of one key are summed, whatever differs in it is told apart, and taking begins anew', (t) => {
  const tally = new Tally({ bookings: 100, lineBytes: 4_096 });
  const others: BookingKey[] = [
    { ...key, client: 'other' },
    { ...key, tag: 'x' },
    { ...key, site: 'b.example' },
    { ...key, pool: null },
    { ...key, country: 'us' },
    { ...key, kind: 'blocked' },
    { ...key, kind: 'blocked', movedFrom: 'ok' },
  ];
  for (const one of [key, ...others, { ...key }]) tally.sumOf(one).sent += 5;
  const { bookings } = tally.take();
  t.deepEqual(
    bookings.map(({ sent }) => sent),
    [10, 5, 5, 5, 5, 5, 5, 5],
  );
  t.true(tally.isEmpty);
  t.deepEqual(tally.take().bookings, []);
});

test('what was found last serves for its own key alone, and no more once that has another', (t) => {
  const tally = new Tally({ bookings: 8, lineBytes: 4_096 });
  const last = tally.sumOf(key);
  t.is(tally.sumOf({ ...key }, last), last);
  for (const other of [
    { ...key, site: 'b.example' },
    { ...key, client: 'other' },
    { ...key, tag: 'x' },
  ])
    t.not(tally.sumOf(other, last), last);
  tally.take();
  t.is(tally.sumOf({ ...key }, last), last, 'it begins anew');
  for (let i = 0; i < 8; i++) tally.sumOf({ ...key, site: `${i}.example` });
  tally.take();
  const next = tally.sumOf({ ...key }, last);
  t.not(next, last, 'so many that they were let go');
  next.sent += 5;
  t.is(tally.sumOf({ ...key }), next);
  t.is(tally.take().bookings.length, 1);
});

test('a pool is the same as long as it is booked alike, whichever version it came with', (t) => {
  const tally = new Tally({ bookings: 100, lineBytes: 4_096 });
  const price = { perGB: 1, perRequest: 0, perIpMonth: 0, currency: 'USD' };
  const pools: BookedPool[] = [
    { ...pool, price },
    { ...pool, price: { ...price } },
    { ...pool, price: { ...price, perGB: 2 } },
    { ...pool, price: null },
    { ...pool, tier: 'dc', price },
  ];
  for (const one of pools) tally.sumOf({ ...key, pool: one }).sent += 5;
  t.deepEqual(
    tally.take().bookings.map(({ sent }) => sent),
    [10, 5, 5, 5],
  );
});

test('beyond its room figures are summed under other sites, then tags: none is lost', (t) => {
  const entry = fc.record({ client: fc.nat(3), tag: fc.nat(30), site: fc.nat(40), sent: fc.nat(1_000) });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 400 }), (entries) => {
      const tally = new Tally({ bookings: 20, lineBytes: 4_096 });
      for (const { client, tag, site, sent } of entries) {
        tally.sumOf({ ...key, client: `c${client}`, tag: `t${tag}`, site: `s${site}` }).sent += sent;
      }
      const { bookings } = tally.take();
      t.true(bookings.length <= 40 + 4);
      t.is(sumOf(bookings, 'sent'), sumOf(entries, 'sent'));
      for (const client of [0, 1, 2, 3]) {
        const [ours, theirs] = [
          bookings.filter((one) => one.client === `c${client}`),
          entries.filter((one) => one.client === client),
        ];
        t.is(sumOf(ours, 'sent'), sumOf(theirs, 'sent'));
      }
    }),
  );
});

test('many tags on one site end under one', (t) => {
  const tally = new Tally({ bookings: 10_000, lineBytes: 4_096 });
  for (let tag = 0; tag < 1_000; tag++) tally.sumOf({ ...key, tag: `t${tag}` }).sent += 1;
  const { bookings } = tally.take();
  t.is(sumOf(bookings, 'sent'), 1_000);
  t.true(bookings.length < 100);
  t.true(bookings.some(({ tag }) => tag === OTHER));
});

test('of one pair, tags of former batches make room for others', (t) => {
  const tally = new Tally({ bookings: 10_000, lineBytes: 64 });
  for (let batch = 0; batch < 10; batch++) {
    for (let tag = 0; tag < 60; tag++) tally.sumOf({ ...key, tag: `${batch} ${tag}` }).sent += 1;
    const { bookings } = tally.take();
    t.deepEqual(
      bookings.map(({ tag, sent }) => [tag, sent]),
      Array.from({ length: 60 }, (_, tag) => [`${batch} ${tag}`, 1]),
    );
  }
});

test('whatever is booked in however many batches, each has its own sums and no others', (t) => {
  const entry = fc.record({ tag: fc.nat(5), site: fc.nat(5), sent: fc.nat(1_000) });
  fc.assert(
    fc.property(fc.array(fc.array(entry, { maxLength: 20 }), { maxLength: 100 }), (batches) => {
      const tally = new Tally({ bookings: 20, lineBytes: 64 });
      for (const entries of batches) {
        const expected = new Map<string, number>();
        for (const { tag, site, sent } of entries) {
          tally.sumOf({ ...key, tag: `${tag}`, site: `${site}` }).sent += sent;
          expected.set(`${tag} ${site}`, (expected.get(`${tag} ${site}`) ?? 0) + sent);
        }
        const { bookings } = tally.take();
        t.deepEqual(new Map(bookings.map((one) => [`${one.tag} ${one.site}`, one.sent])), expected);
      }
    }),
  );
});

test('lines keep to their booking on the way, and those beyond the room are counted', (t) => {
  const tally = new Tally({ bookings: 10, lineBytes: 100 });
  const line = { id: idOf(1), time: 1_700_000_000_123, ms: 12, sent: 2 ** 40, received: 7, attempts: 2 };
  tally.log(tally.sumOf(key), line);
  t.false(tally.isFull);
  tally.log(tally.sumOf({ ...key, site: 'b.example' }), { ...line, id: idOf(2) });
  t.true(tally.isFull);
  tally.log(tally.sumOf(key), { ...line, id: idOf(3) });
  const batch = structuredClone(tally.take());
  t.is(batch.linesLost, 1);
  t.is(batch.lines.count, 2);
  t.deepEqual(parseLog({ head: logHead(batch), content: batch.lines.octets }), [
    { ...key, ...line },
    { ...key, ...line, site: 'b.example', id: idOf(2) },
  ]);
  t.false(tally.isFull);
});

const idOf = (number: number): string => number.toString(16).padStart(32, '0');

const sumOf = <Name extends keyof BookedFigures>(all: readonly Pick<BookedFigures, Name>[], name: Name): number =>
  all.reduce((sum, one) => sum + one[name], 0);
