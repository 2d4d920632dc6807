import test from 'ava';
import fc from 'fast-check';
import { ClientLimits } from '../../src/policy/limit-book.ts';
import type { LimitCell } from '../../src/policy/limit-cells.ts';
import { createLimitMemory, LimitCounts, type LimitMemory, NONE_LEFT, TAKEN } from '../../src/policy/limit-counts.ts';
import { parseLimitRule } from '../../src/protocol/limit-rule.ts';

/** A limit as two threads see it. */
class Threads {
  readonly memory: LimitMemory = createLimitMemory(2, Buffer.from('a key'));
  readonly counts = [new LimitCounts(this.memory, 0), new LimitCounts(this.memory, 1)] as const;
  readonly #text: string;
  cells: readonly [LimitCell, LimitCell];
  readonly held: readonly number[][] = [[], []];

  constructor(text: string) {
    this.#text = text;
    this.cells = this.#cellsNow();
  }

  /** The same limit, made anew. */
  reload(): void {
    this.cells = this.#cellsNow();
  }

  #cellsNow(): readonly [LimitCell, LimitCell] {
    const reading = parseLimitRule(this.#text);
    if (!reading.ok) throw new Error(reading.message);
    const [limit] = new ClientLimits('acme', { own: [reading.value], everyone: [] }).of({
      pool: 'res',
      host: 'shop.example',
      tag: undefined,
    });
    return [this.counts[0].cellOf(limit!), this.counts[1].cellOf(limit!)];
  }

  take(thread: 0 | 1, now = 0): number {
    const place = this.counts[thread].take(this.cells[thread], now);
    if (place >= 0) this.held[thread]!.push(place);
    return place;
  }

  end(thread: 0 | 1, index = 0): void {
    const [place] = this.held[thread]!.splice(index, 1);
    if (place !== undefined) this.counts[thread].giveBack(place);
  }

  get underWay(): number {
    return this.held[0]!.length + this.held[1]!.length;
  }

  left(thread: 0 | 1, now = 0): number {
    return this.counts[thread].left(this.cells[thread], now);
  }
}

const thread = fc.constantFrom<0 | 1>(0, 1);

test('however places are kept, no more exchanges are under way than may be, and each has a place of its own', (t) => {
  const step = { thread, ends: fc.boolean(), times: fc.nat({ max: 90 }), index: fc.nat(), looks: fc.boolean() };
  const steps = fc.array(fc.record(step), { maxLength: 60 });
  t.notThrows(() =>
    fc.assert(
      fc.property(fc.integer({ min: 64, max: 300 }), steps, (most, asked) => {
        const threads = new Threads(`exchanges=${most}`);
        for (const { thread: by, ends, times, index, looks } of asked) {
          if (looks) threads.counts[by].giveBackUnused();
          for (let i = 0; i < times; i++) {
            if (ends) threads.end(by, index % Math.max(1, threads.held[by]!.length));
            else threads.take(by);
            if (threads.underWay > most) return false;
            if (threads.held.some((places) => new Set(places).size !== places.length)) return false;
          }
        }
        for (const by of [0, 1] as const) while (threads.held[by]!.length > 0) threads.end(by);
        return threads.left(0) === most;
      }),
      { numRuns: 60 },
    ),
  );
});

test('a place that is kept is used again, and given back once fewer are in use', (t) => {
  const threads = new Threads('exchanges=640');
  for (let i = 0; i < 12; i++) threads.take(0);
  for (let i = 0; i < 4; i++) threads.end(0);
  t.is(threads.left(1), 640 - 12, 'eight in use, and four that are kept');
  for (let i = 0; i < 4; i++) threads.take(0);
  t.is(threads.left(1), 640 - 12);
  for (let i = 0; i < 9; i++) threads.end(0);
  t.true(threads.left(1) >= 640 - 6, 'no more are kept than are in use');
  for (let i = 0; i < 3; i++) threads.end(0);
  t.is(threads.left(1), 640);
});

test('where half of the places are taken none is kept, so that another thread may have all the others', (t) => {
  const threads = new Threads('exchanges=640');
  for (let i = 0; i < 330; i++) threads.take(0);
  for (let i = 0; i < 8; i++) threads.end(0);
  for (let i = 0; i < 640 - 322; i++) t.true(threads.take(1) >= 0);
  t.is(threads.take(1), NONE_LEFT);
});

test('where half of the places are taken those that were kept before are given back as well', (t) => {
  const threads = new Threads('exchanges=640');
  for (let i = 0; i < 12; i++) threads.take(0);
  for (let i = 0; i < 4; i++) threads.end(0);
  for (let i = 0; i < 320; i++) threads.take(1);
  t.is(threads.left(1), 640 - 320 - 12);
  threads.end(0);
  t.is(threads.left(1), 640 - 320 - 7);
});

test('what is kept and not used is given back after a while, and what is used is not', (t) => {
  const threads = new Threads('exchanges=640');
  const [mine] = threads.counts;
  for (let i = 0; i < 12; i++) threads.take(0);
  for (let i = 0; i < 4; i++) threads.end(0);
  mine.giveBackUnused();
  t.is(threads.left(1), 640 - 12, 'four that came just now');
  for (let i = 0; i < 3; i++) threads.take(0);
  for (let i = 0; i < 3; i++) threads.end(0);
  mine.giveBackUnused();
  t.is(threads.left(1), 640 - 11, 'three were used');
  mine.giveBackUnused();
  t.is(threads.left(1), 640 - 8);
  while (threads.take(1) >= 0);
  t.is(threads.underWay, 640);
  for (const by of [0, 1] as const) while (threads.held[by]!.length > 0) threads.end(by);
  t.is(threads.left(0), 640);
});

test('what is kept of a limit that was made anew is nobody’s for a while alone', (t) => {
  const threads = new Threads('exchanges=640');
  const [mine] = threads.counts;
  for (let i = 0; i < 12; i++) threads.take(0);
  for (let i = 0; i < 4; i++) threads.end(0);
  threads.reload();
  for (let i = 0; i < 4; i++) threads.take(0);
  t.is(threads.left(1), 640 - 16);
  mine.giveBackUnused();
  mine.giveBackUnused();
  t.is(threads.left(1), 640 - 12);
  for (let i = 0; i < 12; i++) threads.end(0);
  mine.giveBackUnused();
  mine.giveBackUnused();
  t.is(threads.left(1), 640);
});

test('a place that was given back counts once, also where its thread keeps it', (t) => {
  const threads = new Threads('exchanges=640');
  for (let i = 0; i < 6; i++) threads.take(0);
  const [place] = threads.held[0]!;
  threads.end(0);
  threads.counts[0].giveBack(place!);
  threads.counts[0].giveBack(place!);
  t.is(threads.left(1), 640 - 6);
  while (threads.held[0]!.length > 0) threads.end(0);
  t.is(threads.left(1), 640);
});

test('what a dead thread had in use and what it kept is given back', (t) => {
  const threads = new Threads('exchanges=640');
  for (let i = 0; i < 12; i++) threads.take(0);
  for (let i = 0; i < 4; i++) threads.end(0);
  new LimitCounts(threads.memory, 2).bury(0);
  t.is(threads.left(1), 640);
});

test('requests of two threads, taken one by one or ahead, are no more than the rate lets in', (t) => {
  const steps = fc.array(
    fc.record({
      thread,
      pause: fc.oneof(fc.double({ min: 0, max: 0.4, noNaN: true }), fc.double({ min: 0, max: 300, noNaN: true })),
      times: fc.nat({ max: 300 }),
      gap: fc.double({ min: 0, max: 0.2, noNaN: true }),
    }),
    { maxLength: 30 },
  );
  const rates = fc.record({
    perSecond: fc.integer({ min: 1, max: 3_000 }),
    burst: fc.integer({ min: 1_024, max: 3_000 }),
  });
  t.notThrows(() =>
    fc.assert(
      fc.property(rates, steps, ({ perSecond, burst }, asked) => {
        const threads = new Threads(`requests=${perSecond}/s burst=${burst}`);
        // What is owed where each request is counted when it is let in.
        let [owed, last, now] = [0, 1_000, 1_000];
        for (const { thread: by, pause, times, gap } of asked) {
          now += pause;
          for (let i = 0; i < times; i++) {
            now += gap;
            if (threads.take(by, now) !== TAKEN) continue;
            owed = Math.max(0, owed - ((now - last) * perSecond) / 1_000) + 1;
            last = now;
            if (owed > burst + 0.01 + perSecond / 1_000) return false;
          }
        }
        return true;
      }),
      { numRuns: 60 },
    ),
  );
});

test('a burst that comes at once is let in whole, but for what another thread has taken ahead', (t) => {
  const threads = new Threads('requests=1000/h burst=4096');
  let taken = 0;
  for (let i = 0; i < 5_000; i++) if (threads.take(0, 1_000 + i / 100) === TAKEN) taken++;
  t.true(taken <= 4_096 && taken >= 4_096 - 16, String(taken));
});

test('who asks now and then takes no more than is used', (t) => {
  const threads = new Threads('requests=1000/h burst=4096');
  for (let i = 0; i < 50; i++) threads.take(0, 1_000 + 10 * i);
  t.is(threads.left(1, 1_500), 4_096 - 50);
});
