import test from 'ava';
import fc from 'fast-check';
import { calendarOf } from '../../src/probing/calendar.ts';
import { ProbeBudget, type Reservation, type SpendingBook } from '../../src/probing/probe-budget.ts';

/** A book that stays when the budget over it is made anew. */
function bookOf(): SpendingBook & {
  readonly days: Map<string, Map<string, number>>;
  broken: boolean;
  written: number;
} {
  const days = new Map<string, Map<string, number>>();
  return {
    days,
    broken: false,
    written: 0,
    of: (day) => new Map(days.get(day)),
    add(day, pool, octets) {
      if (this.broken) throw new Error('full');
      this.written += 1;
      const pools = days.get(day) ?? new Map<string, number>();
      pools.set(pool, (pools.get(pool) ?? 0) + octets);
      days.set(day, pools);
    },
  };
}

test('whatever probes cost and whenever the process ends, a day never costs more than its budget', (t) => {
  const step = fc.record({
    most: fc.integer({ min: 1, max: 400 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    dies: fc.boolean(),
    gives: fc.boolean(),
    mayWait: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 0, max: 2_000 }), (steps, budget) => {
      const book = bookOf();
      const make = () => new ProbeBudget({ book, day: () => ({ name: 'd', over: 0.5 }), warn: () => {} });
      let all = make();
      let real = 0;
      for (const { most, share, dies, gives, mayWait } of steps) {
        const reservation = all.reserve('p', most, { budget, mayWait });
        if (reservation === null) continue;
        const cost = Math.floor(most * share);
        real += cost;
        if (dies) all = make();
        else all.settle(reservation, cost);
        if (gives) all.giveBack();
        if ((book.days.get('d')?.get('p') ?? 0) < real) return false;
      }
      return real <= budget && all.spent('p') >= real && all.spent('p') <= budget;
    }),
  );
  t.pass();
});

test('few of many probes write to the book, and what was booked ahead and not needed is given back', (t) => {
  const book = bookOf();
  const make = () => new ProbeBudget({ book, day: () => ({ name: 'd', over: 1 }), warn: () => {} });
  const budget = make();
  const terms = { budget: 10_000, mayWait: false };
  for (let probe = 0; probe < 100; probe += 1) {
    const both = [budget.reserve('p', 400, terms), budget.reserve('p', 400, terms)] as [Reservation, Reservation];
    t.true((book.days.get('d')?.get('p') ?? 0) >= budget.spent('p'));
    for (const reservation of both) budget.settle(reservation, 10);
  }
  t.true(book.written <= 20, `${book.written} times`);
  const booked = book.days.get('d')?.get('p') ?? 0;
  t.true(booked > 2_000 && booked <= 2_000 + 800 + 100, `${booked} are booked`);
  t.is(make().spent('p'), booked, 'a kill loses what was booked ahead');
  budget.giveBack();
  t.is(make().spent('p'), 2_000);
});

test('what is under way counts at its most, and is given back', (t) => {
  const book = bookOf();
  const budget = new ProbeBudget({ book, day: () => ({ name: 'd', over: 1 }), warn: () => {} });
  const terms = { budget: 100, mayWait: false };
  const first = budget.reserve('p', 60, terms) as Reservation;
  t.is(budget.reserve('p', 60, terms), null);
  budget.settle(first, 10);
  t.is(budget.spent('p'), 10);
  t.not(budget.reserve('p', 90, terms), null);
  t.is(budget.reserve('p', 1, terms), null);
  t.not(budget.reserve('other', 100, terms), null, 'each pool has its own');
});

test('what can wait is spread over the day, and the next day begins anew', (t) => {
  const now = { name: 'a', over: 0 };
  const book = bookOf();
  const budget = new ProbeBudget({ book, day: () => now, warn: () => {} });
  const reserve = (mayWait: boolean) => budget.reserve('p', 10, { budget: 100, mayWait });
  t.not(reserve(true), null);
  t.not(reserve(true), null);
  t.is(reserve(true), null, 'a quarter is all at first');
  t.not(reserve(false), null, 'who failed is asked at once');
  now.over = 0.5;
  t.not(reserve(true), null);
  const late = reserve(false) as Reservation;
  now.name = 'b';
  now.over = 0;
  t.is(budget.spent('p'), 0);
  budget.settle(late, 3);
  t.is(budget.spent('p'), 0, 'a probe is booked on the day that it began');
  t.is(book.days.get('a')?.get('p'), 43);
});

test('no probe begins that can not be booked', (t) => {
  const book = bookOf();
  const said: string[] = [];
  const budget = new ProbeBudget({ book, day: () => ({ name: 'd', over: 1 }), warn: (line) => said.push(line) });
  book.broken = true;
  t.is(budget.reserve('p', 1, { budget: 100, mayWait: false }), null);
  t.is(budget.reserve('p', 1, { budget: 100, mayWait: false }), null);
  t.is(said.length, 1);
  book.broken = false;
  t.not(budget.reserve('p', 1, { budget: 100, mayWait: false }), null);
});

test('a day is that of its time zone', (t) => {
  const at = Date.UTC(2026, 6, 1, 23, 0, 0);
  t.deepEqual(calendarOf('UTC', () => at)(), { name: '2026-07-01', over: 23 / 24 });
  t.deepEqual(calendarOf('Europe/Berlin', () => at)(), { name: '2026-07-02', over: 1 / 24 });
});
