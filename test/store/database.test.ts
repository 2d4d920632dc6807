import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import Sqlite from 'better-sqlite3';
import { assertFitRuntime, openStore, Store } from '../../src/store/database.ts';
import { migrations } from '../../src/store/migrations.ts';
import { StoreError, type StoreErrorCode } from '../../src/store/store-error.ts';
import { temporaryFolder } from './folder.ts';

const options = { now: () => 1000, busyTimeoutMs: 20 };

function open(t: ExecutionContext, folder = temporaryFolder(t)): Store {
  const store = openStore(folder, options);
  t.teardown(() => store.close());
  return store;
}

function fails(t: ExecutionContext, code: StoreErrorCode, work: () => unknown): void {
  const fault = t.throws(work, { instanceOf: StoreError });
  t.is(fault?.code, code);
  t.truthy(fault?.detail);
  t.truthy(fault?.remedy);
}

/** Runs `work` as a user whom permissions bind: root may write anywhere. */
function unprivileged(work: () => void): void {
  const root = process.getuid?.() === 0;
  if (root) process.seteuid?.(65_534);
  try {
    work();
  } finally {
    if (root) process.seteuid?.(0);
  }
}

const addFact = (name: string) => (database: Sqlite.Database) =>
  database.prepare("INSERT INTO fact VALUES (?, 'x')").run(name);

test('a new store is private, durable and up to date', (t) => {
  const folder = join(temporaryFolder(t), 'deep', 'data');
  const store = open(t, folder);
  store.write(addFact('one'));
  t.is(statSync(folder).mode & 0o777, 0o700);
  for (const file of readdirSync(folder)) t.is(statSync(join(folder, file)).mode & 0o777, 0o600, file);
  const pragma = (name: string) => store.read((database) => database.pragma(name, { simple: true }));
  t.is(pragma('journal_mode'), 'wal');
  t.is(pragma('synchronous'), 2);
  t.is(pragma('foreign_keys'), 1);
  t.is(pragma('user_version'), migrations.length);
});

test('every earlier version is brought up to date, and keeps what it has', (t) => {
  for (let version = 0; version <= migrations.length; version++) {
    const folder = temporaryFolder(t);
    const old = new Sqlite(join(folder, 'roundabout.db'));
    for (const step of migrations.slice(0, version)) old.exec(step);
    if (version > 0) addFact('kept')(old);
    old.pragma(`user_version = ${version}`);
    old.close();
    const facts = open(t, folder).read((database) => database.prepare('SELECT name FROM fact').pluck().all());
    t.deepEqual(facts, version > 0 ? ['kept'] : []);
  }
});

test('a newer store is refused untouched', (t) => {
  const folder = temporaryFolder(t);
  const newer = new Sqlite(join(folder, 'roundabout.db'));
  newer.pragma(`user_version = ${migrations.length + 1}`);
  newer.close();
  fails(t, 'newer', () => openStore(folder, options));
});

test('a damaged file is told', (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'roundabout.db'), 'this is no database, however long one looks at it'.repeat(100));
  fails(t, 'damaged', () => openStore(folder, options));
});

test('a file that is damaged further in is told by whoever comes to read it', (t) => {
  const folder = temporaryFolder(t);
  const store = openStore(folder, options);
  for (let i = 0; i < 20; i++) store.write(addFact(`${i}`.repeat(2000)));
  store.close();
  const whole = readFileSync(store.path);
  writeFileSync(store.path, Buffer.concat([whole.subarray(0, 4096), Buffer.alloc(whole.length - 4096, 0xa5)]));
  fails(t, 'damaged', () => open(t, folder).read((database) => database.prepare('SELECT * FROM fact').all()));
});

test('a folder that can’t be written is told', (t) => {
  const folder = temporaryFolder(t);
  chmodSync(folder, 0o555);
  unprivileged(() => {
    fails(t, 'read_only', () => openStore(folder, options));
    fails(t, 'read_only', () => openStore(join(folder, 'below'), options));
  });
});

test('a folder that is a file is told', (t) => {
  const path = join(temporaryFolder(t), 'data');
  writeFileSync(path, '');
  fails(t, 'unavailable', () => openStore(path, options));
});

test('a database that is a folder is told', (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'roundabout.db'));
  fails(t, 'unavailable', () => openStore(folder, options));
});

test('a change that fails leaves nothing behind', (t) => {
  const store = open(t);
  const fault = new Error('midway');
  const thrown = t.throws(() =>
    store.write((database) => {
      addFact('half')(database);
      throw fault;
    }),
  );
  t.is(thrown, fault);
  t.deepEqual(
    store.read((database) => database.prepare('SELECT * FROM fact').all()),
    [],
  );
});

test('locked, full, read-only, deleted: each said for what it is, and reading goes on', (t) => {
  const folder = temporaryFolder(t);
  const store = open(t, folder);
  const other = new Sqlite(store.path);
  t.teardown(() => other.close());

  other.exec('BEGIN IMMEDIATE');
  fails(t, 'locked', () => store.write(addFact('a')));
  t.is(
    store.read((database) => database.prepare('SELECT count(*) FROM fact').pluck().get()),
    0,
  );
  other.exec('COMMIT');

  store.read((database) => database.pragma('max_page_count = 1'));
  fails(t, 'full', () => store.write(addFact('x'.repeat(1_000_000))));
  store.read((database) => database.pragma('max_page_count = 1000000'));

  store.read((database) => database.pragma('query_only = ON'));
  fails(t, 'read_only', () => store.write(addFact('a')));
  store.read((database) => database.pragma('query_only = OFF'));

  store.write(addFact('a'));
  rmSync(store.path);
  fails(t, 'deleted', () => store.write(addFact('b')));
  writeFileSync(store.path, '');
  fails(t, 'deleted', () => store.write(addFact('b')));
});

test('a store that may lose the last of it in a power cut loses nothing of what is written durably', (t) => {
  const layout = { file: 'notes.db', migrations: ['CREATE TABLE note (text TEXT NOT NULL) STRICT'], durable: false };
  const store = openStore(temporaryFolder(t), options, layout);
  t.teardown(() => store.close());
  const safety = (database: Sqlite.Database) => database.pragma('synchronous', { simple: true });
  t.deepEqual([store.write(safety), store.writeDurably(safety), store.write(safety)], [1, 2, 1]);
  const failing = () => {
    throw new StoreError('bad_value', { detail: 'a', remedy: 'b' });
  };
  fails(t, 'bad_value', () => store.writeDurably(failing));
  t.is(store.write(safety), 1);
  const safe = open(t);
  t.deepEqual([safe.writeDurably(safety), safe.write(safety)], [2, 2]);
});

test('the version changes with every change of our own, and only then', (t) => {
  const store = open(t);
  const before = store.dataVersion();
  t.is(store.dataVersion(), before);
  store.write(addFact('a'));
  const changed = store.dataVersion();
  t.not(changed, before);
  store.writeUnwatched(addFact('b'));
  t.is(store.dataVersion(), changed, 'what a process notes for itself is no news to it');
  const other = new Store(store.path, { now: Date.now });
  t.teardown(() => other.close());
  const seenByOther = other.dataVersion();
  store.writeUnwatched(addFact('c'));
  t.not(other.dataVersion(), seenByOther);
  store.write(addFact('d'));
  t.not(store.dataVersion(), changed);
});

test('a runtime that the store would crash on is refused first', (t) => {
  fails(t, 'unfit_runtime', () => assertFitRuntime({ node: '20.19.0', napi: '9' }));
  fails(t, 'unfit_runtime', () => assertFitRuntime({ node: '20.19.0' }));
  t.notThrows(() => assertFitRuntime({ node: '22.14.0', napi: '10' }));
  t.notThrows(() => assertFitRuntime(process.versions));
});
