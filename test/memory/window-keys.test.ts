import test from 'ava';
import fc from 'fast-check';
import { asKey, WINDOW, WindowKeys, type WindowRows } from '../../src/memory/window-keys.ts';
import { AtomicWords, type Words } from '../../src/memory/words.ts';

/** Rows with one figure each and a staleness that is set by hand. */
class Rows implements WindowRows {
  readonly figures: number[] = [];
  readonly stale: number[] = [];

  staleness(index: number): number {
    return this.stale[index] ?? 0;
  }

  clear(index: number): void {
    this.figures[index] = 0;
  }
}

const bufferOf = (windows: number): SharedArrayBuffer => new SharedArrayBuffer(windows * WINDOW * 4);

const keysOf = (buffer: SharedArrayBuffer, words: Words = new AtomicWords(buffer)): WindowKeys =>
  new WindowKeys(words, new Int32Array(buffer));

test('a key is found where it was claimed, and claimed once', (t) => {
  const keys = keysOf(bufferOf(4));
  const rows = new Rows();
  const index = keys.claim(2, asKey(99), rows);
  t.true(index >= 2 * WINDOW && index < 3 * WINDOW);
  t.is(keys.claim(2, asKey(99), rows), index);
  t.is(keys.find(2, asKey(99)), index);
  t.is(keys.find(1, asKey(99)), -1);
  t.true(keys.holds(index, asKey(99)));
});

test('no bits make a key that stands for no key', (t) => {
  for (const bits of [0, 1, 2, 3, -1]) t.false([0, 1].includes(asKey(bits)));
});

test('of a full window the stalest makes room, and its row is clear', (t) => {
  const keys = keysOf(bufferOf(1));
  const rows = new Rows();
  for (let key = 10; key < 10 + WINDOW; key++) {
    const index = keys.claim(0, key, rows);
    rows.figures[index] = key;
    rows.stale[index] = key === 13 ? 5 : 1;
  }
  const index = keys.claim(0, 50, rows);
  t.is(rows.figures[index], 0);
  t.is(keys.find(0, 13), -1);
  t.is(keys.find(0, 12), rows.figures.indexOf(12));
});

test('a place whose clearing was never finished is cleared again', (t) => {
  const buffer = bufferOf(1);
  const words = new AtomicWords(buffer);
  const keys = keysOf(buffer);
  const rows = new Rows();
  for (let key = 10; key < 10 + WINDOW; key++) rows.figures[keys.claim(0, key, rows)] = key;
  words.store(4, 1);
  rows.stale[4] = 9;
  t.is(keys.claim(0, 77, rows), 4);
  t.is(rows.figures[4], 0);
});

test('however keys come, a window holds each at most once, and the last claimed is there', (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 2, max: 20 }), { maxLength: 60 }), (claimed) => {
      const buffer = bufferOf(1);
      const words = new AtomicWords(buffer);
      const keys = keysOf(buffer);
      const rows = new Rows();
      claimed.forEach((key, turn) => {
        const index = keys.claim(0, key, rows);
        rows.stale[index] = -turn;
      });
      const held = Array.from({ length: WINDOW }, (_, index) => words.load(index)).filter((key) => key !== 0);
      const last = claimed.at(-1);
      return new Set(held).size === held.length && (last === undefined || held.includes(last));
    }),
  );
  t.pass();
});

/** Thrown by words that may not be accessed yet. */
class NoPermit extends Error {}

/** Words for one of two actors that take turns by a schedule: an operation is begun anew from the journal of what it has been
 *  answered so far, and stops at its first access beyond it. */
class Turns implements Words {
  readonly #words: Words;
  readonly #journal: number[] = [];
  #at = 0;
  #permits = 0;
  result: number | null = null;

  constructor(words: Words) {
    this.#words = words;
  }

  get length(): number {
    return this.#words.length;
  }

  /** Allows one more access and runs the operation up to the next. */
  step(operation: (words: Words) => number): void {
    if (this.result !== null) return;
    this.#permits++;
    this.#at = 0;
    try {
      this.result = operation(this);
    } catch (stopped) {
      if (!(stopped instanceof NoPermit)) throw stopped;
    }
  }

  peek(index: number): number {
    return this.load(index);
  }

  put(index: number, value: number): void {
    this.store(index, value);
  }

  load(index: number): number {
    return this.#access(() => this.#words.load(index));
  }

  store(index: number, value: number): void {
    this.#access(() => {
      this.#words.store(index, value);
      return 0;
    });
  }

  add(index: number, by: number): number {
    return this.#access(() => this.#words.add(index, by));
  }

  compareExchange(index: number, expected: number, value: number): number {
    return this.#access(() => this.#words.compareExchange(index, expected, value));
  }

  #access(act: () => number): number {
    const at = this.#at++;
    const known = this.#journal[at];
    if (known !== undefined) return known;
    if (at >= this.#permits) throw new NoPermit();
    const answer = act();
    this.#journal.push(answer);
    return answer;
  }
}

/** Plays one schedule of two actors that claim a key each in one window; a bit tells whose turn it is. */
function play(schedule: number, { keys, filled }: { keys: readonly [number, number]; filled: number }) {
  const buffer = bufferOf(1);
  const words = new AtomicWords(buffer);
  for (let index = 0; index < filled; index++) words.store(index, 100 + index);
  const rows = new Rows();
  const actors = keys.map((key) => ({ key, turns: new Turns(words) }));
  const claim = (key: number) => (seen: Words) => keysOf(buffer, seen).claim(0, key, rows);
  for (let turn = 0; turn < 24; turn++) {
    const actor = actors[(schedule >> turn) & 1]!;
    actor.turns.step(claim(actor.key));
  }
  for (const { key, turns } of actors) for (let left = 0; left < 400; left++) turns.step(claim(key));
  const held = Array.from({ length: WINDOW }, (_, index) => words.load(index));
  return { held, results: actors.map(({ turns }) => turns.result) };
}

for (const filled of [0, 7, 8]) {
  test(`two threads that claim one key at once agree on its place, ${filled} of ${WINDOW} taken`, (t) => {
    fc.assert(
      fc.property(fc.nat(2 ** 24 - 1), (schedule) => {
        const { held, results } = play(schedule, { keys: [9, 9], filled });
        return results[0] === results[1] && held.filter((key) => key === 9).length === 1 && held[results[0]!] === 9;
      }),
      { numRuns: 3_000 },
    );
    t.pass();
  });

  test(`two threads that claim two keys at once both get a place, ${filled} of ${WINDOW} taken`, (t) => {
    fc.assert(
      fc.property(fc.nat(2 ** 24 - 1), (schedule) => {
        const { held, results } = play(schedule, { keys: [9, 8], filled });
        const [one, other] = results;
        // Of a full window either may push the other, which nobody has used yet, out again.
        const both = held[one!] === 9 && held[other!] === 8;
        return both || (filled >= 7 && one === other && [8, 9].includes(held[one!]!));
      }),
      { numRuns: 3_000 },
    );
    t.pass();
  });
}
