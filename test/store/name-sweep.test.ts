import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import type { Database } from '../../src/store/database.ts';
import { type LedgerEntry, type LedgerStore, openLedger } from '../../src/store/ledger-store.ts';
import { dropStep, foldStep, oldestDay } from '../../src/store/ledger-upkeep.ts';
import { nameBearers } from '../../src/store/name-sweep.ts';
import { temporaryFolder } from './folder.ts';
import { servedEntry } from './ledger-entry.ts';

const OTHER = '(other)';
const DAY = 24;
const entry: LedgerEntry = { ...servedEntry, hour: 20_000 * DAY };

function open(t: ExecutionContext): LedgerStore {
  const ledger = openLedger(temporaryFolder(t), { exchanges: 10, pairs: 1_000, other: OTHER, now: () => 0 });
  t.teardown(() => ledger.close());
  return ledger;
}

/** Names there are, and numbers that buckets bear. */
function names(ledger: LedgerStore) {
  return ledger.store.read((database) => {
    const all = new Map(
      (database.prepare('SELECT id, text FROM name').all() as { id: number; text: string }[]).map(({ id, text }) => [
        id,
        text,
      ]),
    );
    const borne = new Set<number>();
    for (const [table, { names: columns }] of Object.entries(nameBearers))
      for (const column of columns)
        for (const id of database.prepare(`SELECT DISTINCT ${column} FROM ${table}`).pluck().all())
          borne.add(Number(id));
    return { all, borne };
  });
}

const sweep = (ledger: LedgerStore): void => {
  while (ledger.sweepStep());
};

const dropDays = (database: Database): void => {
  for (let day = oldestDay(database, 2 ** 31); day !== null; day = oldestDay(database, 2 ** 31))
    while (dropStep(database, day));
};

test('names of sites that nothing bears go, all others stay, and one that comes back has a number again', (t) => {
  const ledger = open(t);
  const old = Array.from({ length: 5_000 }, (_, i) => ({ ...entry, site: `s${i}.example` }));
  ledger.add(old, []);
  const limits = { shareOf: () => 100, other: OTHER };
  ledger.store.write((database) => {
    while (foldStep(database, entry.hour + 2 * DAY, limits));
    dropDays(database);
  });
  ledger.add([{ ...entry, hour: entry.hour + 5 * DAY, site: 's7.example' }], []);
  t.true(names(ledger).all.size > 1_000);
  sweep(ledger);
  t.deepEqual([...names(ledger).all.values()].sort(), ['', OTHER, 'acme', 'de', 'ok', 's7.example']);
  ledger.add([{ ...entry, hour: entry.hour + 5 * DAY, site: 's9.example' }], []);
  const { all, borne } = names(ledger);
  t.true([...borne].every((id) => all.has(id)));
  t.true([...all.values()].includes('s9.example'));
});

test('every column of the ledger that holds the number of a name is looked at', (t) => {
  const ledger = open(t);
  const known = Object.entries(nameBearers).flatMap(([table, bearer]) =>
    bearer.names.map((name) => `${table}.${name}`),
  );
  const columns = ledger.store.read((database) =>
    database
      .prepare(
        `SELECT m.name || '.' || c.name FROM sqlite_schema m, pragma_table_info(m.name) c
         WHERE m.type = 'table' AND c.type = 'INTEGER' AND c.name IN ('client', 'tag', 'site', 'kind', 'country', 'name')`,
      )
      .pluck()
      .all(),
  );
  t.deepEqual(columns.toSorted(), known.toSorted());
});

test('whatever is booked, summed and dropped between its steps, a sweep takes no name that is borne', (t) => {
  const shareOf = () => 1;
  const hours = fc.integer({ min: 0, max: 2 * DAY });
  const doing = fc.oneof(
    fc.record({ what: fc.constant('sweep' as const), steps: fc.integer({ min: 1, max: 7 }) }),
    fc.record({ what: fc.constant('book' as const), site: fc.integer({ min: 0, max: 3 }), hour: hours }),
    fc.record({ what: fc.constant('fold' as const), hour: hours }),
    fc.constant({ what: 'drop' as const }),
  );
  fc.assert(
    fc.property(fc.array(doing, { minLength: 5, maxLength: 40 }), (steps) => {
      const ledger = openLedger(temporaryFolder(t), { exchanges: 0, pairs: 1_000, other: OTHER, now: () => 0 });
      for (const step of steps) {
        if (step.what === 'sweep') for (let i = 0; i < step.steps; i++) ledger.sweepStep();
        else if (step.what === 'book')
          ledger.add([{ ...entry, site: `s${step.site}`, hour: entry.hour + step.hour }], []);
        else if (step.what === 'fold')
          ledger.store.write((database) => foldStep(database, entry.hour + step.hour, { shareOf, other: OTHER }));
        else ledger.store.write(dropDays);
        const { all, borne } = names(ledger);
        if (![...borne].every((id) => all.has(id))) return false;
      }
      sweep(ledger);
      sweep(ledger);
      const { all, borne } = names(ledger);
      ledger.close();
      return [...all].every(([id, text]) => borne.has(id) || text === OTHER);
    }),
    { numRuns: 150 },
  );
  t.pass();
});
