import test from 'ava';
import { LedgerWriter } from '../../src/keeping/ledger-writer.ts';
import { type Booking, type BookingBatch, NO_LINES, OTHER } from '../../src/ledger/booking.ts';
import type { LedgerEntry } from '../../src/store/ledger-store.ts';
import { StoreError } from '../../src/store/store-error.ts';

const booking: Booking = {
  client: 'acme',
  tag: '',
  site: 'a.example',
  pool: null,
  country: '',
  kind: 'ok',
  exchanges: 1,
  attempts: 1,
  requests: 1,
  sent: 10,
  received: 20,
  ms: 1,
};

const batchOf = (...bookings: Booking[]): BookingBatch => ({
  bookings,
  lines: NO_LINES,
  linesLost: 0,
});

/** A writer whose target fails while `faulty`. */
function setUp() {
  const state = { faulty: false, now: 3_600_000 * 100 };
  const written: LedgerEntry[] = [];
  const warnings: string[] = [];
  const writer = new LedgerWriter({
    target: {
      add: (entries) => {
        if (state.faulty) throw new StoreError('full', { detail: 'the disk is full', remedy: 'free some space' });
        written.push(...entries.map((entry) => ({ ...entry })));
      },
    },
    wallTime: () => state.now,
    warn: (line) => warnings.push(line),
  });
  return { state, written, warnings, writer };
}

test('what moves from one kind to another is told apart from what is new', (t) => {
  const { written, writer } = setUp();
  writer.take(batchOf({ ...booking, kind: 'cut' }, { ...booking, kind: 'cut', movedFrom: 'ok' }));
  writer.take(batchOf({ ...booking, kind: 'cut', movedFrom: 'ok' }, { ...booking, kind: 'cut', movedFrom: 'blocked' }));
  writer.write();
  t.deepEqual(
    written.map(({ movedFrom, sent }) => [movedFrom, sent]),
    [
      [undefined, 10],
      ['ok', 20],
      ['blocked', 10],
    ],
  );
});

test('what workers book goes into the hour of the wall clock, the same summed, whichever way the clock jumps', (t) => {
  const { state, written, writer } = setUp();
  writer.take(batchOf(booking, { ...booking, site: 'b.example' }));
  writer.take(batchOf(booking));
  state.now += 24 * 3_600_000;
  writer.take(batchOf(booking));
  state.now -= 25 * 3_600_000;
  writer.take(batchOf(booking));
  t.true(writer.write());
  t.deepEqual(
    written.map(({ hour, site, sent }) => [hour, site, sent]),
    [
      [100, 'a.example', 20],
      [100, 'b.example', 10],
      [124, 'a.example', 10],
      [99, 'a.example', 10],
    ],
  );
});

test('while nothing can be written bookings wait and an alarm shows; then all is written, once', (t) => {
  const { state, written, warnings, writer } = setUp();
  state.faulty = true;
  for (let round = 0; round < 5; round++) {
    writer.take(batchOf(booking));
    t.false(writer.write());
  }
  t.like(writer.health, { waiting: 1, failedWrites: 5 });
  t.regex(writer.health.fault ?? '', /disk is full/);
  t.is(warnings.length, 1);
  state.faulty = false;
  t.true(writer.write());
  t.true(writer.write());
  t.like(writer.health, { waiting: 0, fault: null });
  t.deepEqual(
    written.map(({ sent }) => sent),
    [50],
  );
  t.regex(warnings[1] ?? '', /nothing of it was lost/);
});

test('what waits is bounded, and its sums are whole', (t) => {
  const { state, written, writer } = setUp();
  state.faulty = true;
  for (let site = 0; site < 120_000; site++) writer.take(batchOf({ ...booking, site: `s${site}` }));
  t.false(writer.write());
  t.is(writer.health.waiting, 100_001);
  state.faulty = false;
  writer.close();
  t.is(
    written.reduce((sum, { exchanges }) => sum + exchanges, 0),
    120_000,
  );
  t.is(written.find(({ site }) => site === OTHER)?.exchanges, 20_000);
});

test('what is lost at the end for good is said', (t) => {
  const { state, warnings, writer } = setUp();
  state.faulty = true;
  writer.take(batchOf(booking));
  writer.close();
  t.regex(warnings.at(-1) ?? '', /^1 bookings? (is|are) lost/);
});
