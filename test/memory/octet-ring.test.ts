import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import fc from 'fast-check';
import { createOctetRing, type OctetRing, octetRingOf, RingReader, RingWriter } from '../../src/memory/octet-ring.ts';
import type { Words } from '../../src/memory/words.ts';
import type { RingLoad } from './ring-load.ts';
import { type Actor, exploreSchedules } from './schedules.ts';

const [written, taken] = [0, 16];
const copyOf = (octets: Buffer<ArrayBufferLike>) => Buffer.from(octets);

/** A ring of so many octets, in which `begin` octets have passed already. */
function ringAt(bytes: number, begin: number): OctetRing {
  const ring = octetRingOf(createOctetRing(bytes));
  ring.words.store(written, begin);
  ring.words.store(taken, begin);
  return ring;
}

const step = fc.oneof(
  fc.record({ kind: fc.constantFrom('put', 'in place'), count: fc.nat(80), wanted: fc.nat(80) }),
  fc.record({
    kind: fc.constantFrom('take', 'another writer', 'another reader'),
    count: fc.constant(0),
    wanted: fc.nat(1),
  }),
);

test('what goes in comes out, in order, up to what fits in: also where the counts wrap at 32 bits', (t) => {
  const begins = fc.oneof(fc.integer({ min: -200, max: 200 }), fc.integer({ min: 2 ** 31 - 200, max: 2 ** 31 + 200 }));
  fc.assert(
    fc.property(fc.constantFrom(1, 2, 16, 64), begins, fc.array(step, { maxLength: 100 }), (bytes, begin, steps) => {
      const ring = ringAt(bytes, begin);
      let [writer, reader] = [new RingWriter(ring), new RingReader(ring)];
      const model: number[] = [];
      let next = 0;
      const some = (count: number) => Array.from({ length: count }, () => next++ & 255);
      for (const { kind, count, wanted } of steps) {
        if (kind === 'put') {
          const fits = model.length + count <= bytes;
          const octets = some(fits ? count : 0);
          t.is(writer.put(fits ? Uint8Array.from(octets) : new Uint8Array(count)), fits);
          model.push(...octets);
        } else if (kind === 'in place') {
          const end = writer.endFor(wanted);
          const free = Math.min(bytes - model.length, bytes - writer.start);
          t.true(end - writer.start <= free);
          t.true(end - writer.start >= Math.min(wanted, free));
          const octets = some(Math.min(count, end - writer.start));
          writer.octets.set(octets, writer.start);
          writer.publish(octets.length);
          model.push(...octets);
        } else if (kind === 'take') {
          const got = reader.take(copyOf);
          t.deepEqual(got === null ? [] : [...got], model.splice(0));
        } else if (kind === 'another writer') writer = new RingWriter(ring);
        else reader = new RingReader(ring);
      }
      t.deepEqual([...(reader.take(copyOf) ?? [])], model);
    }),
    { numRuns: 3_000 },
  );
});

test('what was written and not handed over is not seen, and a successor writes over it', (t) => {
  const ring = ringAt(16, 12);
  new RingWriter(ring).octets.fill(9);
  t.is(new RingReader(ring).take(copyOf), null);
  t.true(new RingWriter(ring).put(Uint8Array.of(1, 2, 3, 4, 5, 6)));
  t.deepEqual([...(new RingReader(ring).take(copyOf) ?? [])], [1, 2, 3, 4, 5, 6]);
});

interface View {
  readonly words: Words;
  readonly writer: RingWriter;
  readonly reader: RingReader;
}

const octets = Buffer.alloc(16);
const rings = 40;
const [told, rested] = [rings, rings + 1];

const actor = (operations: Actor<View>['operations']): Actor<View> => ({
  open: (words) => {
    const ring = { words, octets };
    return { words, writer: new RingWriter(ring), reader: new RingReader(ring) };
  },
  operations,
});

/** Notes whether the writer tells. */
const write = ({ words, writer }: View): void => {
  if (writer.put(Uint8Array.of(1)) && writer.wakes()) words.store(told, 1);
};
/** Takes, and rests where it may. */
const look = ({ words, reader }: View): void => {
  reader.take(copyOf);
  if (reader.rest()) words.store(rested, 1);
};

test('in no order of their accesses does one rest while there is something that the other did not tell of', (t) => {
  for (const watched of [0, 1]) {
    const { states, strange } = exploreSchedules<View>({
      initial: () => Int32Array.from({ length: rings + 2 }, (_, word) => (word === 17 ? watched : 0)),
      actors: [actor([write, write]), actor([look])],
      observe: (words: Words) => {
        const isLost = words.load(rested) === 1 && words.load(told) === 0 && words.load(written) !== words.load(taken);
        return { isLost };
      },
    });
    t.true(states > 10);
    t.deepEqual(strange, []);
  }
});

test('nothing is torn between threads, whoever is faster', async (t) => {
  for (const bytes of [64, 4_096]) {
    const shared = createOctetRing(bytes);
    const load: RingLoad = { shared, pieces: 10_000, longest: Math.min(bytes, 300) };
    const worker = new Worker(new URL('./ring-load.ts', import.meta.url), { workerData: load });
    const exited = once(worker, 'exit');
    const reader = new RingReader(octetRingOf(shared));
    let [octet, pieces] = [0, 0];
    let isWhole = true;
    let isOver = false;
    void exited.then(() => {
      isOver = true;
    });
    for (let wasOver = false; !wasOver; ) {
      wasOver = isOver;
      for (let some = reader.take(copyOf); some !== null; some = reader.take(copyOf)) {
        // Each piece ends with a 0, and nothing is taken but whole pieces.
        isWhole &&= some.at(-1) === 0;
        for (const value of some) {
          if (value === 0) pieces++;
          else {
            octet = (octet % 255) + 1;
            isWhole &&= value === octet;
          }
        }
      }
      await new Promise(setImmediate);
    }
    t.deepEqual(await exited, [0]);
    t.true(isWhole);
    t.is(pieces, load.pieces);
  }
});
