import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { createOctetRing, octetRingOf, RingWriter } from '../../src/memory/octet-ring.ts';
import { openAccessLog } from '../../src/telemetry/access-log.ts';
import { LineCollector } from '../../src/telemetry/line-collector.ts';
import { logRoomOf } from '../../src/threads/shared-memory.ts';
import { until } from '../support/until.ts';

/** Two rings, and the lines that came of them. */
function makeScene() {
  const shared = [createOctetRing(1_024), createOctetRing(1_024)];
  const writers = shared.map((ring) => new RingWriter(octetRingOf(ring)));
  const came: string[] = [];
  const collector = new LineCollector(shared, (lines) => came.push(lines));
  /** Writes as a worker does. Returns whether it has to tell. */
  const write = (worker: number, line: string): boolean => {
    const writer = writers[worker]!;
    return writer.put(Buffer.from(line)) && writer.wakes();
  };
  return { collector, came, write };
}

test('who is told takes what there is at once, and what comes afterwards without being told', async (t) => {
  const { collector, came, write } = makeScene();
  t.true(write(0, 'a\n'));
  t.false(write(0, 'b\n'));
  collector.look();
  t.deepEqual(came, ['a\nb\n']);
  t.false(write(0, 'c\n'));
  await until(() => came.length === 2);
  t.deepEqual(came, ['a\nb\n', 'c\n']);
  // Nothing comes any more: it rests after a while, and has to be told.
  let isToTell = write(0, 'd\n');
  for (let waited = 0; !isToTell && waited < 20_000; waited += 500) {
    await pause(500);
    isToTell = write(0, 'd\n');
  }
  t.true(isToTell);
  collector.look();
  t.is(came.at(-1), 'd\n');
  collector.close();
});

test('whatever a worker has written before it died comes, told of or not; its successor is heard again', (t) => {
  const { collector, came, write } = makeScene();
  collector.look();
  t.true(write(1, 'last words\n'), 'and it dies before it tells');
  collector.look();
  t.deepEqual(came, ['last words\n']);
  t.false(write(1, 'of a successor\n'));
  collector.close();
  t.deepEqual(came, ['last words\n', 'of a successor\n']);
  t.true(write(0, 'later\n'));
  collector.look();
  t.is(came.at(-1), 'later\n');
});

test('rings of many workers that are full at every look lose nothing on the way to the file', async (t) => {
  const [workers, line] = [12, `${'x'.repeat(499)}\n`];
  const file = join(tmpdir(), `roundabout-lines-${process.pid}.log`);
  t.teardown(() => rm(file, { force: true }));
  const log = await openAccessLog({ file, limitBytes: logRoomOf(workers) });
  const shared = Array.from({ length: workers }, () => createOctetRing(logRoomOf(workers) / (2 * workers)));
  const writers = shared.map((ring) => new RingWriter(octetRingOf(ring)));
  const collector = new LineCollector(shared, (lines) => log.writeLines(lines));
  let written = 0;
  // Nothing is written to the file between the two: no turn of the event loop passes.
  for (let look = 0; look < 2; look++) {
    for (const writer of writers) while (writer.put(Buffer.from(line))) written += 1;
    collector.look();
  }
  collector.close();
  t.is(log.dropped, 0);
  await log.close();
  t.is((await readFile(file)).length, written * line.length);
});
