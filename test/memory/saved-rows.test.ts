import test from 'ava';
import fc from 'fast-check';
import { eachSaved, RowCodec, SavedAs, savedParts } from '../../src/memory/saved-rows.ts';

const codec = new RowCodec([
  { word: 1, as: SavedAs.bits },
  { word: 2, as: SavedAs.figure },
  { word: 3, as: SavedAs.past },
  { word: 4, as: SavedAs.due },
]);

/** A row of six words, saved at `from` and restored over `over` at `to`. */
function carry(row: readonly number[], { from = 0, to = 0, elapsedMs = 0, over = [0, 0, 0, 0, 0, 0] } = {}) {
  const view = new DataView(new ArrayBuffer(codec.octets + 2));
  codec.save({ ints: new Int32Array([9, ...row]), base: 1 }, { view, at: 2 }, from);
  const ints = new Int32Array(over);
  codec.restore({ view, at: 2 }, { ints, base: 0 }, { now: to, elapsedMs });
  return ints;
}

test('words come back as they were, and those that are not saved stay', (t) => {
  t.deepEqual([...carry([7, -3, 5, 0, 0, 8], { over: [1, 2, 3, 4, 5, 6] })], [1, -3, 5, 0, 0, 6]);
});

test('times come back as far from now as they were, plus what has passed, whatever the two clocks show', (t) => {
  const word = fc.integer({ min: 0, max: 2 ** 33 });
  const span = fc.integer({ min: 0, max: 2 ** 29 });
  fc.assert(
    fc.property(word, word, span, span, (from, to, apart, elapsedMs) => {
      const row = carry([0, 0, 0, from - apart, from + apart, 0], { from, to, elapsedMs });
      t.is((to - row[3]!) >>> 0, apart + elapsedMs);
      t.is((row[4]! - to) | 0, Math.max(0, apart - elapsedMs));
    }),
  );
});

test('what is older than the clock can tell stays old, and what another thread put a little ahead is of now', (t) => {
  const old = carry([0, 0, 0, 1_000 - 2 ** 31, 0, 0], { from: 1_000, to: 5, elapsedMs: 2 ** 40 });
  t.is((5 - old[3]!) >>> 0, 2 ** 31 - 1);
  t.is(carry([0, 0, 0, 1_100, 0, 0], { from: 1_000, to: 50 })[3], 50);
  const endless = carry([0, 0, 0, 0, 9, 0], { to: 50, elapsedMs: Number.POSITIVE_INFINITY });
  t.deepEqual([(50 - endless[3]!) >>> 0, endless[4]], [2 ** 31 - 1, 50]);
});

test('a row with a figure that is none is told', (t) => {
  const view = new DataView(new ArrayBuffer(codec.octets));
  const saved = { view, at: 0 };
  for (const [figure, isSound] of [
    [0, true],
    [-1e30, true],
    [Number.NaN, false],
    [Number.NEGATIVE_INFINITY, false],
  ] as const) {
    view.setFloat32(4, figure, true);
    t.is(codec.isSound(saved), isSound, `${figure}`);
  }
});

test('rows are saved in parts, however many come while it goes on', (t) => {
  let count = 10_000;
  const save = (index: number, { view, at }: { view: DataView; at: number }) => {
    view.setInt32(at, index, true);
    return index % 3 === 0;
  };
  const parts: Uint8Array[] = [];
  for (const part of savedParts(4, { count: () => count, save })) {
    parts.push(part);
    if (parts.length === 1) count = 30_000;
  }
  t.true(parts.length > 3);
  t.true(
    parts.every(({ buffer, length }) => buffer.byteLength === length),
    'a part takes no more memory than it holds',
  );
  const found: number[] = [];
  t.true(eachSaved(4, parts, ({ view, at }) => found.push(view.getInt32(at, true))));
  t.deepEqual(
    found,
    Array.from({ length: 10_000 }, (_, i) => i * 3),
  );
});

test('parts that are no whole rows are not looked at', (t) => {
  const take = () => t.fail();
  t.false(eachSaved(4, [new Uint8Array(8), new Uint8Array(7)], take));
  t.true(eachSaved(4, [new Uint8Array(0)], take));
});
