import test from 'ava';
import type { AccessRecord } from '../../src/telemetry/access-record.ts';
import { LineBatches } from '../../src/telemetry/line-batches.ts';

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

const idsOf = (text: string) => text.split('\n').flatMap((line) => (line === '' ? [] : JSON.parse(line).id));

test('lines come in order and whole, a batch at a time, and the rest when they are flushed', (t) => {
  const posted: string[] = [];
  const batches = new LineBatches({
    paths: false,
    onDrop: () => t.fail(),
    taken: () => 0,
    post: (lines, octets) => {
      t.is(octets, Buffer.byteLength(lines));
      posted.push(lines);
    },
  });
  for (let i = 0; i < 800; i++) batches.write({ ...record, id: `r-${i}` });
  t.true(posted.length > 1 && posted.length < 20);
  t.true(posted.every((lines) => lines.endsWith('\n')));
  batches.flush();
  batches.flush();
  t.deepEqual(
    idsOf(posted.join('')),
    Array.from({ length: 800 }, (_, i) => `r-${i}`),
  );
});

test('a line that nothing follows is posted by itself', async (t) => {
  const posted = new Promise<string>((resolve) => {
    new LineBatches({ paths: false, onDrop: () => t.fail(), taken: () => 0, post: resolve }).write(record);
    // The batch's own timer keeps no process alive.
    setTimeout(() => resolve('nothing came'), 5_000);
  });
  t.deepEqual(idsOf(await posted), ['r-1']);
});

test('who takes nothing costs lines, not memory; they flow again once taken, also over the wrap of 32 bits', (t) => {
  for (const begin of [0, 2 ** 31 - 120_000, -80_000]) {
    let [posted, taken, dropped] = [0, begin, 0];
    const post = (_: string, octets: number) => {
      posted += octets;
    };
    const onDrop = () => {
      dropped++;
    };
    const batches = new LineBatches({ paths: false, taken: () => taken, post, onDrop, limitBytes: 160_000 });
    for (let i = 0; i < 4_000; i++) batches.write(record);
    t.true(posted >= 160_000 && posted < 240_000);
    t.true(dropped > 2_800);
    const before = dropped;
    taken = (begin + posted) | 0;
    batches.write(record);
    t.is(dropped, before);
  }
});
