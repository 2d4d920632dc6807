import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, existsSync, mkdirSync, openSync, readSync } from 'node:fs';
import { mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import fc from 'fast-check';
import { destination } from 'pino';
import { AccessLog, openAccessLog } from '../../src/telemetry/access-log.ts';
import type { AccessRecord } from '../../src/telemetry/access-record.ts';
import { accessLine } from '../support/access-line.ts';
import { until } from '../support/until.ts';

const record: AccessRecord = {
  time: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
  id: 'r-1',
  listener: 'mixed',
  source: '127.0.0.1',
  client: 'acme',
  session: 'cart42',
  tag: null,
  pool: 'retail',
  exit: 'e-7',
  authority: 'shop.example:443',
  method: 'CONNECT',
  path: '/a?token=1',
  kind: 'exit_timeout',
  by: 'exit',
  status: 504,
  cut: false,
  originMs: null,
  verdict: null,
  clientToOrigin: 12,
  originToClient: 3_456,
  exitSent: 1_500,
  exitReceived: 4_000,
  attempts: [{ exit: 'e-7', kind: 'exit_timeout', ms: 12.345678 }],
  phasesMs: { admit: 0.1, attempt: 12 },
};

async function temporaryFolder(t: { teardown(release: () => Promise<void>): void }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'access-log-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

const lineOf = (of: AccessRecord) => accessLine(of, false);
const linesOf = async (file: string) => (await readFile(file, 'utf8')).split('\n').slice(0, -1);

test('a line is JSON with every member, and the path only where it is switched on', (t) => {
  const { path, verdict: _, originMs: __, ...rest } = record;
  const told = { ...rest, time: '2026-01-02T03:04:05.678Z', attempts: [{ ...record.attempts[0], ms: 12.346 }] };
  t.deepEqual(JSON.parse(accessLine(record, false)), told);
  t.deepEqual(JSON.parse(accessLine(record, true)), { ...told, path });
});

test('a verdict and the origin’s latency stand in it where they are known', (t) => {
  const judged = { ...record, verdict: { page: 'refused', rule: 'status-403' }, originMs: 51.23456 };
  const told = JSON.parse(accessLine(judged, false));
  t.like(told, { verdict: 'refused', rule: 'status-403', originMs: 51.235, cut: false, clientToOrigin: 12 });
});

test('nothing is written but the members of a record', (t) => {
  const careless = { ...record, password: 'hunter2', attempts: [{ ...record.attempts[0]!, credential: 'hunter2' }] };
  t.false(accessLine(careless, true).includes('hunter2'));
});

test('whatever a peer sent, a line is one line of visible characters that parses back', (t) => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.constantFrom(
      '\u001b[2J',
      '\r\n{"kind":"ok"}',
      '\u202egnp.exe',
      '\u2066x\u2069',
      '\u009b31m',
      '\u2028\u2029\u0000\u007f',
      '\u{e0041}',
      '\ud800',
      '__proto__',
    ),
  );
  fc.assert(
    fc.property(hostile, (text) => {
      const line = accessLine({ ...record, session: text, authority: text, path: text }, true);
      const told = JSON.parse(line);
      return (
        line.indexOf('\n') === line.length - 1 &&
        !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(line.slice(0, -1)) &&
        told.session === text &&
        told.authority === text &&
        told.path === text
      );
    }),
    { numRuns: 2_000 },
  );
  t.pass();
});

test('a text without end does not make a line without end', (t) => {
  const line = accessLine({ ...record, path: 'x'.repeat(60_000), method: 'M'.repeat(60_000) }, true);
  t.true(line.length < 6_000);
  t.true(JSON.parse(line).path.endsWith('x…'));
});

test('lines stand in the file, in order, once it is closed; the file is appended to, and not for others to read', async (t) => {
  const file = join(await temporaryFolder(t), 'made', 'access.log');
  for (const from of [0, 500]) {
    const log = await openAccessLog({ makeFolder: () => void mkdirSync(dirname(file), { recursive: true }), file });
    for (let i = from; i < from + 500; i++) log.writeLines(lineOf({ ...record, id: `r-${i}` }));
    await log.close();
    t.is(log.dropped, 0);
  }
  t.deepEqual(
    (await linesOf(file)).map((line) => JSON.parse(line).id),
    Array.from({ length: 1_000 }, (_, i) => `r-${i}`),
  );
  t.is((await stat(file)).mode & 0o007, 0);
});

test('after a rotation, reopening goes on in a new file and loses nothing', async (t) => {
  const folder = await temporaryFolder(t);
  const file = join(folder, 'access.log');
  const rotated = join(folder, 'access.log.1');
  const log = await openAccessLog({ file });
  log.writeLines(lineOf({ ...record, id: 'before' }));
  await rename(file, rotated);
  const reopened = log.reopen();
  log.writeLines(lineOf({ ...record, id: 'meanwhile' }));
  await reopened;
  log.writeLines(lineOf({ ...record, id: 'after' }));
  await log.close();
  const ids = [...(await linesOf(rotated)), ...(await linesOf(file))].map((line) => JSON.parse(line).id);
  t.deepEqual(ids, ['before', 'meanwhile', 'after']);
  t.true((await linesOf(file)).length >= 1);
});

test('where reopening fails the log goes on in the old file', async (t) => {
  const folder = await temporaryFolder(t);
  const file = join(folder, 'logs', 'access.log');
  const makeFolder = () => void mkdirSync(join(folder, 'logs'), { recursive: true });
  const log = await openAccessLog({ file, makeFolder });
  await rename(join(folder, 'logs'), join(folder, 'moved'));
  await writeFile(join(folder, 'logs'), '');
  await t.throwsAsync(log.reopen(), { code: 'EEXIST' });
  log.writeLines(lineOf(record));
  await log.close();
  t.is((await linesOf(join(folder, 'moved', 'access.log'))).length, 1);
});

test('a file that cannot be opened is said so', async (t) => {
  const folder = await temporaryFolder(t);
  await t.throwsAsync(openAccessLog({ file: folder }), { code: 'EISDIR' });
});

test('a full disk costs lines, which are counted, and closing still ends', async (t) => {
  const log = await openAccessLog({ file: '/dev/full', limitBytes: 2_000 });
  for (let i = 0; i < 20; i++) log.writeLines(lineOf(record));
  t.true(log.dropped >= 14);
  const dropped = log.dropped;
  log.writeLines(lineOf(record).repeat(3));
  t.is(log.dropped, dropped + 3);
  await log.close();
  t.true(log.failedWrites >= 1);
  log.writeLines(lineOf(record));
  await log.close();
});

test('a log that was full when the disk was goes on once there is room again', async (t) => {
  const file = join(await temporaryFolder(t), 'access.log');
  const full = openSync('/dev/full', 'a');
  const sink = destination({ dest: full, sync: false, maxLength: 2_000 });
  const log = new AccessLog({ file }, { sink, descriptor: null });
  const failed = once(sink, 'error');
  for (let i = 0; i < 20; i++) log.writeLines(lineOf(record));
  await failed;
  const { dropped } = log;
  t.true(dropped > 0);
  // As if the file itself could grow again.
  Object.assign(sink, { fd: openSync(file, 'a') });
  closeSync(full);
  const written = once(sink, 'drain');
  // They find no room yet, and have what waits written.
  log.writeLines(lineOf(record).repeat(5));
  await written;
  log.writeLines(lineOf(record));
  await log.close();
  t.is((await linesOf(file)).length, 20 - dropped + 1);
  t.is(log.dropped, dropped + 5);
});

test('closing twice, and writing or reopening afterwards, does no harm', async (t) => {
  const file = join(await temporaryFolder(t), 'access.log');
  const log = await openAccessLog({ file });
  await Promise.all([log.close(), log.close()]);
  log.writeLines(lineOf(record));
  await log.reopen();
  t.is(log.dropped, 1);
});

const writer = `
  import { openAccessLog } from '${new URL('../../src/telemetry/access-log.ts', import.meta.url).href}';
  const log = await openAccessLog({ file: null });
  process.on('message', async (what) => {
    if (what === 'write') for (let i = 0; i < 100; i++) log.writeLines(${JSON.stringify(accessLine(record, false))});
    if (what === 'reopen') await log.reopen();
    if (what === 'close') await log.close();
    process.send({ dropped: log.dropped, failedWrites: log.failedWrites });
    if (what === 'close') process.disconnect();
  });
  process.send('ready');
`;

async function startWriter(t: { teardown(release: () => void): void }) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', writer], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child, 'message');
  const ask = async (what: string) => {
    const answer = once(child, 'message');
    child.send(what);
    return (await answer)[0] as { dropped: number; failedWrites: number };
  };
  return { child, ask };
}

test('standard output gets every line; reopening does nothing there', async (t) => {
  const { child, ask } = await startWriter(t);
  let output = '';
  child.stdout!.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  const exited = once(child, 'close');
  await ask('write');
  await ask('reopen');
  await ask('close');
  t.deepEqual(await exited, [0, null]);
  t.is(output, accessLine(record, false).repeat(100));
});

test('a reader of standard output that goes away costs lines only', async (t) => {
  const { child, ask } = await startWriter(t);
  child.stdout!.destroy();
  const exited = once(child, 'exit');
  let answer = await ask('write');
  for (let i = 0; i < 100 && answer.failedWrites === 0; i++) answer = await ask('write');
  t.true(answer.failedWrites > 0);
  t.true((await ask('write')).dropped >= 100);
  await ask('close');
  t.deepEqual(await exited, [0, null]);
});

test('a pipe is written to while somebody reads it, and refused at once where nobody does', async (t) => {
  const pipe = join(await temporaryFolder(t), 'pipe');
  await once(spawn('mkfifo', [pipe]), 'close');
  await t.throwsAsync(openAccessLog({ file: pipe }), { code: 'ENXIO' });
  const reader = spawn('cat', [pipe]);
  const read = reader.stdout.toArray();
  const writer = openSync(pipe, 'w');
  const log = await openAccessLog({ file: pipe });
  closeSync(writer);
  log.writeLines(lineOf(record));
  await log.close();
  t.is(Buffer.concat(await read).toString(), lineOf(record));
});

test('a pipe whose reader leaves while it is opened is opened or refused, and not waited for', async (t) => {
  const pipe = join(await temporaryFolder(t), 'pipe');
  await once(spawn('mkfifo', [pipe]), 'close');
  for (let i = 0; i < 200; i++) {
    const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    const opening = openAccessLog({ file: pipe, flushTimeoutMs: 100 }).then(
      (log) => log.close().then(() => 'opened'),
      (error: NodeJS.ErrnoException) => error.code,
    );
    const leavesAt = performance.now() + (i % 40) * 0.02;
    while (performance.now() < leavesAt) await new Promise((resolve) => setImmediate(resolve));
    closeSync(reader);
    const how = await Promise.race([opening, pause(20_000, 'waits', { ref: false })]);
    if (how !== 'opened' && how !== 'ENXIO') return t.fail(`${i}: ${how}`);
  }
  t.pass();
});

test('a pipe that is full waits for its reader, and closing doesn’t', async (t) => {
  const pipe = join(await temporaryFolder(t), 'pipe');
  await once(spawn('mkfifo', [pipe]), 'close');
  const reader = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
  t.teardown(() => closeSync(reader));
  const log = await openAccessLog({ file: pipe, flushTimeoutMs: 100 });
  const lines = lineOf(record).repeat(1_000);
  log.writeLines(lines);
  await log.reopen();
  t.false(log.isStuck, 'it is the same pipe');
  await rename(pipe, `${pipe}.1`);
  const reopened = log.reopen();
  await until(() => existsSync(pipe));
  await log.close();
  t.true(log.isStuck);
  await reopened;
  let read = '';
  const octets = Buffer.alloc(65_536);
  await until(() => {
    try {
      read += octets.toString('latin1', 0, readSync(reader, octets));
    } catch {
      // Nothing is there yet.
    }
    return !log.isStuck;
  });
  t.is(log.dropped, 0);
  t.true(lines.startsWith(read) && read.length > 65_536);
});

test('once a pipe has another reader, opening it again goes on', async (t) => {
  const pipe = join(await temporaryFolder(t), 'pipe');
  await once(spawn('mkfifo', [pipe]), 'close');
  const first = openSync(pipe, 'r+');
  const log = await openAccessLog({ file: pipe, flushTimeoutMs: 100 });
  closeSync(first);
  await until(() => {
    log.writeLines(lineOf(record));
    return log.failedWrites > 0;
  });
  await t.throwsAsync(log.reopen(), { code: 'ENXIO' });
  const reader = spawn('cat', [pipe]);
  const read = reader.stdout.toArray();
  const writer = openSync(pipe, 'w');
  await log.reopen();
  closeSync(writer);
  log.writeLines(lineOf(record));
  await log.close();
  t.is(Buffer.concat(await read).toString(), lineOf(record));
});
