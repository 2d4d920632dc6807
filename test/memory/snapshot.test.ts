import test from 'ava';
import {
  FrameKind,
  frameOf,
  readFrames,
  readSnapshot,
  restoreSections,
  type SnapshotSection,
  saveSnapshot,
} from '../../src/memory/snapshot.ts';

const header = { wallTime: 5_000, systemMs: 100, log: 7, final: false, boot: 'b' };
const now = { wallTime: 5_000, systemMs: 350, boot: 'b' };
const octets = (...values: number[]) => new Uint8Array(values);

/** A section that saves `parts` and keeps what it is given. */
function makeSection(name: string, parts: Uint8Array[], version = 1) {
  const taken: { parts: readonly Uint8Array[]; elapsedMs: number }[] = [];
  const section: SnapshotSection = {
    name,
    version,
    save: () => parts,
    restore: (parts, elapsedMs) => {
      taken.push({ parts: parts.map((part) => new Uint8Array(part)), elapsedMs });
      return parts.length > 0;
    },
  };
  return { section, taken };
}

const bytesOf = (...sections: SnapshotSection[]) => new Uint8Array(Buffer.concat([...saveSnapshot(header, sections)]));

test('sections come back with their parts, and know how long it took', (t) => {
  const first = makeSection('rows', [octets(1, 2), octets()]);
  const second = makeSection('pairs', [octets(3)]);
  const reading = readSnapshot(bytesOf(first.section, second.section))!;
  t.deepEqual(reading.header, header);
  const unsaved = makeSection('sites', []);
  t.deepEqual(restoreSections(reading, [first.section, second.section, unsaved.section], now), []);
  t.deepEqual(first.taken, [{ parts: [octets(1, 2), octets()], elapsedMs: 250 }]);
  t.deepEqual(second.taken, [{ parts: [octets(3)], elapsedMs: 250 }]);
  t.deepEqual(unsaved.taken, []);
});

test('a section of another version, or that means nothing, is refused by name', (t) => {
  const reading = readSnapshot(bytesOf(makeSection('rows', [octets(1)]).section, makeSection('pairs', []).section))!;
  const newer = makeSection('rows', [], 2);
  t.deepEqual(restoreSections(reading, [newer.section, makeSection('pairs', []).section], now), ['rows', 'pairs']);
  t.deepEqual(newer.taken, []);
});

test('with any octet changed, missing or more, it is no snapshot', (t) => {
  const bytes = bytesOf(makeSection('rows', [octets(1, 2, 3)]).section);
  for (let at = 0; at < bytes.length; at++) {
    t.is(readSnapshot(bytes.with(at, bytes[at]! ^ 1)), null, `octet ${at}`);
    t.is(readSnapshot(bytes.subarray(0, at)), null, `cut at ${at}`);
  }
  t.is(readSnapshot(new Uint8Array([...bytes, 0])), null);
});

test('frames are read as far as they are whole', (t) => {
  const frames = [octets(1), octets(), octets(2, 3)].map((payload) => frameOf({ kind: FrameKind.part, payload }));
  const bytes = new Uint8Array(Buffer.concat(frames));
  t.deepEqual(
    readFrames(bytes).frames.map(({ payload }) => [...payload]),
    [[1], [], [2, 3]],
  );
  t.deepEqual({ ...readFrames(bytes.subarray(0, -1)), frames: null }, { frames: null, rest: 10 });
  t.is(readFrames(bytes.subarray(0, -1)).frames.length, 2);
  t.is(readFrames(octets(255, 255, 255, 255, 0, 0, 0, 0, 1)).frames.length, 0);
});
