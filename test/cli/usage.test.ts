import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { LineBuffer, logHead } from '../../src/ledger/log-lines.ts';
import { type LedgerEntry, openLedger } from '../../src/store/ledger-store.ts';
import { foldStep } from '../../src/store/ledger-upkeep.ts';
import { servedEntry } from '../store/ledger-entry.ts';
import { makeProject } from './project.ts';

const DAY_HOURS = 24;
const begin = Date.parse('2025-11-20') / 3_600_000;
const entry: LedgerEntry = { ...servedEntry, pool: { name: 'res', tier: 'res', price: null }, hour: begin };

/** A project whose ledger has one exchange in each of 72 hours, of which the first two days are kept as days, and four lines of
 *  log, of two sites and two ids. */
function projectWithLedger(t: ExecutionContext) {
  const project = makeProject(t);
  const data = join(project.folder, 'kept');
  const ledger = openLedger(data, { exchanges: 10, pairs: 100, other: '(other)', now: Date.now });
  const buffer = new LineBuffer(1_000);
  const line = { id: '0'.repeat(32), time: begin * 3_600_000, ms: 12, sent: 100, received: 1_000, attempts: 1 };
  buffer.add(0, line);
  buffer.add(1, { ...line, attempts: 0 });
  buffer.add(2, line);
  buffer.add(3, { ...line, id: 'ab'.repeat(16) });
  const lines = buffer.take();
  const site = 'b.example';
  const bookings = [
    entry,
    { ...entry, site, kind: 'exit_refused' },
    { ...entry, site },
    { ...entry, site, kind: 'blocked' },
  ];
  const head = logHead({ bookings, lines, linesLost: 0 });
  ledger.add(
    Array.from({ length: 3 * DAY_HOURS }, (_, hour) => ({ ...entry, hour: begin + hour })),
    [{ lines: lines.count, head, content: lines.octets }],
  );
  const limits = { shareOf: () => 100, other: '(other)' };
  while (ledger.store.write((database) => foldStep(database, begin + 2 * DAY_HOURS, limits)));
  ledger.close();
  return (...args: string[]) => project.command('usage', ...args, '--data', data);
}

test('where hours are no longer kept whole days are told, and that they are', async (t) => {
  const usage = projectWithLedger(t);
  const within = ['--since', '2025-11-20T01:00Z', '--until', '2025-11-20T23:00Z'];
  const { stdout, stderr } = await usage(...within, '--json');
  t.like(JSON.parse(stdout), {
    since: '2025-11-20T00:00:00.000Z',
    until: '2025-11-21T00:00:00.000Z',
    total: { exchanges: 24 },
  });
  t.regex(stderr, /this covers 2025-11-20 00:00 to 2025-11-21 00:00 \(UTC\)/);
  for (const more of [['--csv'], ['--by', 'day']]) {
    const ended = await usage(...within, ...more);
    t.regex(ended.stdout, /\b24\b/);
    t.regex(ended.stderr, /this covers/);
  }
  const top = await usage('top', '--since', '2025-11-21T12:00Z', '--until', '2025-11-22T12:00Z', '--json');
  t.like(JSON.parse(top.stdout), { since: '2025-11-21T00:00:00.000Z', rows: [{ site: 'a.example', exchanges: 36 }] });
  const hours = await usage('--since', '2025-11-22T12:00Z', '--until', '2025-11-22T14:00Z', '--json');
  t.is(JSON.parse(hours.stdout).total.exchanges, 2);
  t.is(hours.stderr, '');
});

test('a site and a pool are found however their letters are written', async (t) => {
  const usage = projectWithLedger(t);
  const ofPool = JSON.parse((await usage('--since', '2025-11-20', '--pool', 'RES', '--json')).stdout).rows;
  t.is(ofPool[0]?.exchanges, 72);
  t.is(JSON.parse((await usage('log', '--pool', 'Res', '--json')).stdout).length, 4);
  const rows = JSON.parse((await usage('--since', '2025-11-20', '--site', 'A.Example', '--json')).stdout).rows;
  t.is(rows[0].exchanges, 72);
  const log = JSON.parse((await usage('log', '--site', 'A.Example', '--json')).stdout);
  t.deepEqual(
    log.map(({ site }: { site: string }) => site),
    ['a.example'],
  );
});

test('an exchange is found by its id, with its attempts, and others by how they ended', async (t) => {
  const usage = projectWithLedger(t);
  const log = async (...args: string[]) => {
    const { code, stdout, stderr } = await usage('log', ...args, '--json');
    t.is(code, 0, stderr);
    return JSON.parse(stdout).map(({ id, kind }: { id: string; kind: string }) => `${id.slice(0, 2)} ${kind}`);
  };
  t.deepEqual(await log('--id', 'AB'.repeat(16)), ['ab blocked']);
  t.deepEqual(await log('--site', 'b.example', '--id', '0'.repeat(32)), ['00 exit_refused', '00 ok']);
  t.deepEqual(await log('--kind', 'blocked', '--kind', 'exit_refused'), ['00 exit_refused', 'ab blocked']);
  t.regex((await usage('log', '--id', 'f'.repeat(32))).stdout, /^nothing that fits is booked under this id/);
  const bad = await usage('log', '--id', 'abc');
  t.is(bad.code, 2);
  t.regex(bad.stderr, /--id: "abc" is no id/);
  t.is((await usage('log', '--kind', 'odd')).code, 2);
});

test('what is asked for by the minute is told by the hour, and that it is', async (t) => {
  const usage = projectWithLedger(t);
  const asked = ['--since', '2025-11-22T12:20Z', '--until', '2025-11-22T12:30Z'];
  const { stdout, stderr, code } = await usage(...asked, '--json');
  t.is(code, 0);
  t.like(JSON.parse(stdout), { since: '2025-11-22T12:00:00.000Z', until: '2025-11-22T13:00:00.000Z' });
  t.is(JSON.parse(stdout).total.exchanges, 1);
  t.true(stderr.includes('hours count as a whole: this covers 2025-11-22 12:00 to 2025-11-22 13:00 (UTC); '), stderr);
  const recent = await usage('--since', '10m');
  t.is(recent.code, 0, recent.stderr);
  t.true(recent.stderr.includes('hours count as a whole: this covers '), recent.stderr);
});
