import test from 'ava';
import { createOctetRing, octetRingOf, RingReader, RingWriter } from '../../src/memory/octet-ring.ts';
import { AccessLines } from '../../src/telemetry/access-lines.ts';
import type { AccessRecord } from '../../src/telemetry/access-record.ts';

const record: AccessRecord = {
  time: 0,
  id: 'r-1',
  listener: 'mixed',
  source: null,
  client: null,
  session: null,
  tag: null,
  pool: null,
  exit: null,
  authority: 'bücher.example:80',
  method: 'GET',
  kind: 'ok',
  by: null,
  status: 200,
  cut: false,
  originMs: null,
  verdict: null,
  clientToOrigin: 0,
  originToClient: 0,
  exitSent: 0,
  exitReceived: 0,
  attempts: [],
  phasesMs: {},
};

/** The lines of a worker, and what is taken of them. */
function makeScene(bytes: number) {
  const ring = octetRingOf(createOctetRing(bytes));
  const counts = { told: 0, dropped: 0 };
  const lines = new AccessLines({
    paths: true,
    ring: new RingWriter(ring),
    tell: () => void counts.told++,
    onDrop: () => void counts.dropped++,
  });
  const reader = new RingReader(ring);
  const taken = () => (reader.take((octets) => octets.toString()) ?? '').split('\n').slice(0, -1);
  return { lines, counts, reader, taken };
}

const idsOf = (lines: readonly string[]) => lines.map((line) => JSON.parse(line).id);

test('lines come in order and whole, however often the ring goes round', (t) => {
  const { lines, counts, taken } = makeScene(16_384);
  const ids: string[] = [];
  for (let i = 0; i < 2_000; i++) {
    // Long ones and invisible ones, too, which aren't written where they begin.
    const path = `/${(i % 7 === 0 ? 'ü\u0001' : 'x').repeat((i * 37) % 700)}`;
    lines.write({ ...record, id: `r-${i}`, path });
    if (i % 3 !== 2) continue;
    const some = taken();
    t.is(some.length, 3);
    ids.push(...idsOf(some));
  }
  ids.push(...idsOf(taken()));
  t.deepEqual(
    ids,
    Array.from({ length: 2_000 }, (_, i) => `r-${i}`),
  );
  t.is(counts.dropped, 0);
});

test('the first line is told of, and no other until who takes them rests again', (t) => {
  const { lines, counts, reader, taken } = makeScene(65_536);
  for (let i = 0; i < 10; i++) lines.write(record);
  t.is(counts.told, 1);
  t.is(taken().length, 10);
  lines.write(record);
  t.is(counts.told, 1);
  t.is(reader.rest(), false, 'there is one that it would not be told of');
  t.is(taken().length, 1);
  t.is(reader.rest(), true);
  lines.write(record);
  lines.write(record);
  t.is(counts.told, 2);
});

test('who takes nothing costs lines, and no more wait than the ring holds; they flow again once taken', (t) => {
  const { lines, counts, taken } = makeScene(65_536);
  for (let round = 0; round < 3; round++) {
    const before = counts.dropped;
    for (let i = 0; i < 400; i++) lines.write({ ...record, id: `r-${i}` });
    const dropped = counts.dropped - before;
    const some = taken();
    t.true(dropped > 200);
    t.is(some.length + dropped, 400);
    t.is(idsOf(some)[0], 'r-0');
    t.true(some.join('\n').length < 65_536);
  }
});
