import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import Sqlite from 'better-sqlite3';
import { readLedger, readLog } from '../../src/store/ledger-report.ts';
import {
  type LedgerEntry,
  type LedgerLimits,
  type LedgerStore,
  ledgerLayout,
  openLedger,
} from '../../src/store/ledger-store.ts';
import { StoreError } from '../../src/store/store-error.ts';
import { temporaryFolder } from './folder.ts';

const price = { perGB: 4.2, perRequest: 0.0001, perIpMonth: 0, currency: 'USD' };
const hour = 24 * 20_000 + 5;
const entry: LedgerEntry = {
  client: 'acme',
  tag: '',
  site: 'a.example',
  pool: { name: 'p', tier: 'res', price },
  kind: 'ok',
  country: 'de',
  hour,
  exchanges: 1,
  attempts: 1,
  requests: 1,
  sent: 100,
  received: 1_000,
  ms: 12.4,
};

function open(t: ExecutionContext, limits: Partial<LedgerLimits> = {}, folder = temporaryFolder(t)): LedgerStore {
  const ledger = openLedger(folder, { exchanges: 10, pairs: 1_000, other: '(other)', now: () => 0, ...limits });
  t.teardown(() => ledger.close());
  return ledger;
}

type Asked = Partial<Parameters<typeof readLedger>[1]>;

const report = (ledger: LedgerStore, query: Asked = {}) =>
  ledger.store.read((database) => readLedger(database, { since: hour - 48, until: hour + 48, by: [], ...query }));

const sentBy = (ledger: LedgerStore, query: Asked) =>
  Object.fromEntries(report(ledger, query).map(({ keys, sent }) => [keys.join(' '), Number(sent)]));

test('entries of one bucket are summed, and every key tells them apart', (t) => {
  const ledger = open(t);
  ledger.add([entry, { ...entry, client: 'other', site: 'b.example', tag: 'x', kind: 'blocked', country: 'us' }], []);
  ledger.add(
    [
      { ...entry, hour: hour + 1 },
      { ...entry, pool: null, received: 2 ** 52 },
    ],
    [],
  );
  t.deepEqual(sentBy(ledger, { by: ['client'], pool: 'p' }), { acme: 200, other: 100 });
  t.deepEqual(sentBy(ledger, { by: ['site', 'kind'], pool: 'p' }), { 'a.example ok': 200, 'b.example blocked': 100 });
  t.deepEqual(sentBy(ledger, { by: ['hour'], client: 'acme', pool: 'p' }), { [hour]: 100, [hour + 1]: 100 });
  t.deepEqual(sentBy(ledger, { by: ['day', 'tier', 'country', 'tag'], client: 'other' }), {
    [`${hour - 5} res us x`]: 100,
  });
  t.deepEqual(
    report(ledger, { site: 'a.example', pool: 'p' }).map(({ exchanges, ms }) => [exchanges, ms]),
    [[2n, 24n]],
  );
  t.deepEqual(report(ledger, { client: 'nobody' }), []);
  t.deepEqual(sentBy(ledger, { by: ['client'], since: hour + 1 }), { acme: 100 });
  t.is(
    report(ledger).reduce((sum, { received }) => sum + received, 0n),
    3_000n + 2n ** 52n,
  );
});

test('a pool whose terms change goes on at its new price, and what was booked before stays at the old one', (t) => {
  const ledger = open(t);
  ledger.add([entry, { ...entry, pool: { name: 'p', tier: 'res', price: { ...price, perGB: 0.35 } } }], []);
  const prices = report(ledger, { by: ['pool'] }).map((row) => row.price?.perGB);
  t.deepEqual(prices.sort(), [350_000_000_000n, 4_200_000_000_000n]);
});

test('pairs beyond the bound go to other sites: none is lost, each client has its share', (t) => {
  const ledger = open(t, { pairs: 100 });
  const many = (client: string) => Array.from({ length: 300 }, (_, i) => ({ ...entry, client, site: `s${i}.example` }));
  ledger.add([...many('a'), ...many('b')], []);
  const pairs = report(ledger, { by: ['client', 'site'] });
  const ofB = pairs.filter(({ keys }) => keys[0] === 'b');
  t.is(ofB.length, 51);
  t.is(Number(ofB.find(({ keys }) => keys[1] === '(other)')?.exchanges), 250);
  t.deepEqual(sentBy(ledger, { by: ['client'] }), { a: 30_000, b: 30_000 });
});

const linesOf = (name: string) => ({ lines: 4, head: name, content: Uint8Array.of(0, 255, 10) });

const logged = (ledger: LedgerStore, lines: number) =>
  ledger.store.read((database) => readLog(database, lines)).map(({ head }) => head);

test('the log keeps the last lines, over a start too', (t) => {
  const folder = temporaryFolder(t);
  const ledger = open(t, {}, folder);
  for (let i = 0; i < 8; i++) ledger.add([entry], [linesOf(`${i}`)]);
  t.deepEqual(logged(ledger, 100), ['7', '6', '5']);
  const [row] = ledger.store.read((database) => readLog(database, 1));
  t.deepEqual(row, { ...linesOf('7'), content: Buffer.of(0, 255, 10) });
  ledger.close();
  const again = open(t, {}, folder);
  again.add([entry], [linesOf('8')]);
  t.deepEqual(logged(again, 5), ['8', '7']);
  t.deepEqual(logged(again, 100), ['8', '7', '6']);
});

test('lines of a log that a former version wrote stay, and go in their turn', (t) => {
  const folder = temporaryFolder(t);
  const former = new Sqlite(join(folder, ledgerLayout.file));
  for (const step of ledgerLayout.migrations.slice(0, 2)) former.exec(step);
  former.pragma('user_version = 2');
  const text = '{"keys":[],"lines":[]}';
  for (let i = 0; i < 2; i++) former.prepare('INSERT INTO log (lines, content) VALUES (4, ?)').run(text);
  former.close();
  const ledger = open(t, {}, folder);
  t.deepEqual(
    ledger.store.read((database) => readLog(database, 100)),
    [
      { lines: 4, head: '', content: text },
      { lines: 4, head: '', content: text },
    ],
  );
  for (const name of ['a', 'b']) ledger.add([entry], [linesOf(name)]);
  t.deepEqual(logged(ledger, 100), ['b', 'a', '']);
});

test('what can’t be written is written whole later: locked by another', (t) => {
  const folder = temporaryFolder(t);
  const ledger = open(t, {}, folder);
  ledger.add([entry], []);
  const other = new Sqlite(join(folder, 'ledger.db'));
  other.exec('BEGIN IMMEDIATE');
  const fault = t.throws(() => ledger.add([{ ...entry, client: 'late' }], []), { instanceOf: StoreError });
  t.is(fault?.code, 'locked');
  t.deepEqual(sentBy(ledger, { by: ['client'] }), { acme: 100 });
  other.exec('ROLLBACK');
  other.close();
  ledger.add([{ ...entry, client: 'late' }], []);
  t.deepEqual(sentBy(ledger, { by: ['client'] }), { acme: 100, late: 100 });
});

test('what can’t be written is written whole later: no room', (t) => {
  const ledger = open(t);
  ledger.add([entry], []);
  const pages = (most: number) => ledger.store.read((database) => database.pragma(`max_page_count = ${most}`));
  const many = Array.from({ length: 900 }, (_, i) => ({ ...entry, client: `c${i}`, site: `s${i}.example` }));
  pages(1);
  const fault = t.throws(() => ledger.add(many, []), { instanceOf: StoreError });
  t.is(fault?.code, 'full');
  t.deepEqual(sentBy(ledger, { by: ['client'] }), { acme: 100 });
  pages(100_000);
  ledger.add(many, []);
  t.is(report(ledger, { by: ['client'] }).length, 901);
  t.is(report(ledger, { by: ['client', 'site'] }).length, 901);
  t.deepEqual(
    ledger.store.read((database) => database.pragma('integrity_check', { simple: true })),
    'ok',
  );
});

test('octets move from one kind to another, no more than stand there: sums stay, and nothing is negative', (t) => {
  const ledger = open(t);
  const move = (fields: Partial<LedgerEntry>): LedgerEntry => {
    const none = { exchanges: 0, attempts: 0, requests: 0, sent: 0, received: 0, ms: 0 };
    return { ...entry, ...none, kind: 'cut', movedFrom: 'ok', ...fields };
  };
  const octets = (query: Asked) =>
    report(ledger, { ...query, by: ['kind'] }).map(({ kind, sent, received }) => `${kind} ${sent} ${received}`);
  const [byCountry, bySite, byDay] = [
    {},
    { client: 'acme', site: 'a.example' },
    { site: 'a.example', since: 0, until: 24 * 30_000 },
  ];
  // What moves may be booked by an entry behind it.
  ledger.add([move({ sent: 60, received: 0 }), entry], []);
  for (const query of [byCountry, bySite, byDay]) t.deepEqual(octets(query), ['ok 40 1000', 'cut 60 0']);
  ledger.add([move({ sent: 60, received: 400 })], []);
  for (const query of [byCountry, bySite, byDay]) t.deepEqual(octets(query), ['ok 0 600', 'cut 100 400']);
  ledger.add([move({ sent: 1, received: 1, hour: hour + 1 }), move({ sent: 1, received: 1, site: 'b.example' })], []);
  t.deepEqual(octets(bySite), ['ok 0 600', 'cut 100 400'], 'of another hour or site nothing stands there');
  t.is(
    report(ledger).reduce((sum, { sent, received }) => sum + sent + received, 0n),
    1_100n,
  );

  const running = { ...entry, exchanges: 0, attempts: 0, requests: 0, ms: 0, tag: 'x' };
  ledger.add([running, move({ sent: 100, received: 1_000, tag: 'x' })], []);
  t.deepEqual(octets({ tag: 'x' }), ['cut 100 1000'], 'what is empty is gone');
});
