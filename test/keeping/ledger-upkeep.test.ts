import test, { type ExecutionContext } from 'ava';
import { LedgerUpkeep } from '../../src/keeping/ledger-upkeep.ts';
import { OTHER } from '../../src/ledger/booking.ts';
import { coveredHours, type LedgerQuery, readLedger } from '../../src/store/ledger-report.ts';
import { type LedgerEntry, openLedger } from '../../src/store/ledger-store.ts';
import { temporaryFolder } from '../store/folder.ts';
import { servedEntry } from '../store/ledger-entry.ts';

const DAY_MS = 24 * 3_600_000;
const day = 20_000;
const entry: LedgerEntry = { ...servedEntry, pool: { name: 'p', tier: 'res', price: null }, hour: 24 * day };

function setUp(t: ExecutionContext, pairs = 1_000) {
  const clock = { now: day * DAY_MS };
  const ledger = openLedger(temporaryFolder(t), { exchanges: 10, pairs, other: OTHER, now: () => 0 });
  const limits = { enabled: true, keep: 30 * DAY_MS, hours: 2 * DAY_MS, exchanges: 10, pairs };
  const upkeep = new LedgerUpkeep({ ledger, limits, other: OTHER, wallTime: () => clock.now });
  t.teardown(() => {
    upkeep.close();
    ledger.close();
  });
  const read = (query: Partial<LedgerQuery>) =>
    ledger.store.read((database) => readLedger(database, { since: 0, until: 2 ** 31, by: [], ...query }));
  const settle = () => {
    while (upkeep.step());
  };
  const rows = (table: string) =>
    ledger.store.read((database) => Number(database.prepare(`SELECT count(*) FROM ${table}`).pluck().get()));
  return { clock, ledger, settle, read, rows, step: () => upkeep.step() };
}

const told = (rows: ReturnType<typeof readLedger>) => rows.map(({ keys, sent }) => [...keys, Number(sent)]);

test('hours become days when they are old enough, and every sum stays', (t) => {
  const { clock, ledger, settle, read, rows } = setUp(t);
  const entries = Array.from({ length: 24 * 5 }, (_, hour) => ({ ...entry, hour: 24 * day + hour }));
  ledger.add([...entries, ...entries.map((one) => ({ ...one, client: 'b', site: 'b.example', tag: 'x' }))], []);
  const before = told(read({ by: ['client', 'site', 'tag', 'day', 'kind', 'pool'] }));
  const totals = told(read({ by: ['client', 'country', 'day'] }));
  clock.now += 5 * DAY_MS;
  settle();
  t.deepEqual(told(read({ by: ['client', 'site', 'tag', 'day', 'kind', 'pool'] })), before);
  t.deepEqual(told(read({ by: ['client', 'country', 'day'] })), totals);
  t.is(rows('hour_total'), 2 * 2 * 24);
  t.is(rows('day_pair'), 2 * 3);
  ledger.add([entry], []);
  settle();
  t.deepEqual(told(read({ by: ['client', 'day'], client: 'acme', until: 24 * (day + 1) })), [
    ['acme', String(24 * day), 2_500],
  ]);
});

test('a range that begins or ends within a day that is kept as one covers all of it, and nothing is left out', (t) => {
  const { clock, ledger, settle, step, read } = setUp(t);
  const first = 24 * day;
  const until = first + 24 * 5;
  const entries = Array.from({ length: until - first }, (_, hour) => ({ ...entry, hour: first + hour }));
  ledger.add([...entries, ...entries.map((one) => ({ ...one, client: 'b' }))], []);
  const covered = (range: Pick<LedgerQuery, 'since' | 'until'>) =>
    ledger.store.read((database) => coveredHours(database, range));
  const within = { since: first + 7, until: first + 9 };
  t.deepEqual(covered(within), within);
  clock.now += 5 * DAY_MS;
  step();
  t.deepEqual(covered(within), { since: first, until: first + 24 }, 'once the first client’s hours have been summed');
  settle();
  t.deepEqual(covered(within), { since: first, until: first + 24 });
  t.deepEqual(covered({ since: first + 7, until }), { since: first, until });
  t.deepEqual(covered({ since: first + 24, until: first + 49 }), { since: first + 24, until: first + 72 });
  // Its last two days still have hours.
  const byHours = { since: first + 24 * 3 + 1, until: until - 1 };
  t.deepEqual(covered(byHours), byHours);
  for (const by of [['client'], ['client', 'site']] as const) {
    const rows = read({ by, ...covered({ since: first + 7, until: until - 1 }) });
    t.deepEqual(
      rows.map(({ keys, exchanges }) => [keys[0], Number(exchanges)]),
      [
        ['acme', 24 * 5 - 1],
        ['b', 24 * 5 - 1],
      ],
    );
  }
});

test('a day keeps the sites of most octets, and the others as one', (t) => {
  const { clock, ledger, settle, read } = setUp(t, 100);
  for (let hour = 0; hour < 2; hour++) {
    const sites = Array.from({ length: 90 }, (_, site) => ({
      ...entry,
      site: `s${hour}-${site}`,
      hour: 24 * day + hour,
      sent: site,
    }));
    ledger.add([...sites, ...sites.map((one) => ({ ...one, client: 'b', site: 'same' }))], []);
  }
  const whole = read({ client: 'acme' }).reduce((sum, { sent }) => sum + sent, 0n);
  clock.now += 4 * DAY_MS;
  settle();
  const kept = read({ client: 'acme', by: ['site'] });
  t.is(kept.length, 51);
  t.is(
    kept.reduce((sum, { sent }) => sum + sent, 0n),
    whole,
  );
  t.true(kept.some(({ keys }) => keys[0] === 's1-80'));
  t.false(kept.some(({ keys }) => keys[0] === 's1-10'));
});

test('days that are too old go, one an hour of running: a clock that jumps ahead costs one', (t) => {
  const { clock, ledger, settle, rows, step } = setUp(t);
  const entries = Array.from({ length: 10 }, (_, ago) => ({ ...entry, hour: 24 * (day + ago) }));
  ledger.add(entries, []);
  clock.now += 13 * DAY_MS;
  settle();
  t.is(rows('day_total'), 10);
  clock.now += 365 * DAY_MS;
  for (let look = 0; look < 55; look++) settle();
  t.true(rows('day_total') >= 9);
  clock.now -= 365 * DAY_MS;
  for (let look = 0; look < 200; look++) settle();
  t.true(rows('day_total') >= 9);
  clock.now += 365 * DAY_MS;
  for (let look = 0; look < 700; look++) step();
  t.deepEqual([rows('day_total'), rows('day_pair'), rows('day_site')], [0, 0, 0]);
});
