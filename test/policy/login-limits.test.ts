import test from 'ava';
import fc from 'fast-check';
import { createLoginMemory, LoginLimits } from '../../src/policy/login-limits.ts';

const small = { perSource: 5, perName: 10, windowMs: 60_000 };
const capacity = 100;

const smallLimits = (memory = createLoginMemory(Buffer.from('a key'), capacity)) => new LoginLimits(small, memory);

/** Guesses until it is told to wait; how many guesses were looked at. */
function guess(
  limits: LoginLimits,
  source: string,
  name: (i: number) => string,
  { now = 0, times = 1000 } = {},
): number {
  let checked = 0;
  for (let i = 0; i < times; i++) {
    if (!limits.mayTry(source, name(i), now).ok) continue;
    limits.failed(source, name(i), now);
    checked++;
  }
  return checked;
}

test('a source has its budget, whatever names it tries, and gets it back over the window', (t) => {
  const limits = smallLimits();
  t.is(
    guess(limits, '192.0.2.1', (i) => `name${i}`),
    5,
  );
  t.deepEqual(limits.mayTry('192.0.2.1', 'acme', 0), { ok: false, retryAfterS: 12 });
  t.deepEqual(limits.mayTry('192.0.2.1', 'acme', 11_000), { ok: false, retryAfterS: 1 });
  t.true(limits.mayTry('192.0.2.1', 'acme', 12_000).ok);
  t.is(
    guess(limits, '192.0.2.1', (i) => `name${i}`, { now: 3_600_000 }),
    5,
  );
  t.true(limits.mayTry('192.0.2.2', 'acme', 0).ok);
});

test('threads that share the memory share the budgets and the trust', (t) => {
  const memory = createLoginMemory(Buffer.from('a key'));
  const [one, other] = [smallLimits(memory), smallLimits(memory)];
  const all = [one, other].map((limits) => guess(limits, '192.0.2.1', (i) => `name${i}`, { times: 4 }));
  t.deepEqual(all, [4, 1]);
  one.succeeded('192.0.2.1', 'acme', 0);
  t.true(other.mayTry('192.0.2.1', 'acme', 0).ok);
});

test('a thread that looks a little later than it thinks finds no budget whole that others have spent', (t) => {
  const memory = createLoginMemory(Buffer.from('a key'));
  const [one, other] = [smallLimits(memory), smallLimits(memory)];
  const now = 100_000;
  for (let source = 0; source < 20; source++) one.failed(`192.0.2.${source}`, 'acme', now);
  for (const behindMs of [0, 1, 5_000]) {
    t.is(
      guess(other, `198.51.100.${behindMs}`, () => 'acme', { now: now - behindMs }),
      3,
      `${behindMs} ms`,
    );
  }
});

test('times go on over the wrap of 32 bits', (t) => {
  const limits = smallLimits();
  for (const begin of [2 ** 31 - 30_000, 2 ** 32 - 30_000]) {
    t.is(
      guess(limits, '192.0.2.1', () => 'acme', { now: begin }),
      5,
    );
    limits.succeeded('192.0.2.2', 'acme', begin);
    t.false(limits.mayTry('192.0.2.1', 'acme', begin + 11_999).ok);
    t.true(limits.mayTry('192.0.2.1', 'acme', begin + 48_000).ok);
    t.true(limits.mayTry('192.0.2.2', 'acme', begin + 48_000).ok);
  }
});

test('tidying forgets what is over and nothing else', (t) => {
  const limits = smallLimits();
  guess(limits, '192.0.2.1', (i) => `name${i}`);
  limits.succeeded('192.0.2.1', 'acme', 0);
  limits.tidy(5_999);
  t.is(limits.size, 1 + 5 + 5 + 1);
  limits.tidy(60_000);
  t.is(limits.size, 1);
  limits.tidy(3_600_000);
  t.is(limits.size, 0);
});

test('an IPv6 source is its /64, and a mapped one its IPv4', (t) => {
  const limits = smallLimits();
  t.is(
    guess(limits, '2001:db8:0:1::1', () => 'acme'),
    5,
  );
  t.false(limits.mayTry('2001:db8:0:1:ffff::2', 'acme', 0).ok);
  t.true(limits.mayTry('2001:db8:0:2::1', 'acme', 0).ok);
  t.is(
    guess(limits, '::ffff:192.0.2.1', () => 'other'),
    5,
  );
  t.false(limits.mayTry('192.0.2.1', 'other', 0).ok);
});

test('a pair that logged in right is checked on, but its failures are told as rate_limited', (t) => {
  const limits = smallLimits();
  limits.succeeded('192.0.2.1', 'acme', 0);
  t.is(
    guess(limits, '192.0.2.1', () => 'other'),
    5,
  );
  t.true(limits.mayTry('192.0.2.1', 'acme', 0).ok);
  t.false(limits.failed('192.0.2.1', 'acme', 0).ok);
  t.false(limits.mayTry('192.0.2.1', 'other', 0).ok);
});

test('trust lasts an hour after the last login', (t) => {
  const limits = smallLimits();
  limits.succeeded('192.0.2.1', 'acme', 0);
  limits.succeeded('192.0.2.1', 'acme', 1_800_000);
  t.is(
    guess(limits, '192.0.2.1', () => 'other', { now: 5_399_000 }),
    5,
  );
  t.true(limits.mayTry('192.0.2.1', 'acme', 5_399_000).ok);
  t.false(limits.mayTry('192.0.2.1', 'acme', 5_400_000).ok);
});

test('guesses from everywhere leave each stranger three, and shut nobody out', (t) => {
  const limits = smallLimits();
  limits.succeeded('198.51.100.1', 'acme', 0);
  for (let i = 0; i < 2; i++)
    t.is(
      guess(limits, `192.0.2.${i}`, () => 'acme'),
      5,
    );
  t.is(
    guess(limits, '192.0.2.100', () => 'acme'),
    3,
  );
  t.true(limits.mayTry('198.51.100.1', 'acme', 0).ok);
  t.true(limits.mayTry('198.51.100.2', 'acme', 0).ok);
  t.is(
    guess(limits, '192.0.2.101', () => 'another'),
    5,
  );
});

test('a failing pair with trust does not use up what others of its source have', (t) => {
  const limits = smallLimits();
  limits.succeeded('192.0.2.1', 'acme', 0);
  for (let now = 0; now <= 60_000; now += 100) limits.failed('192.0.2.1', 'acme', now);
  t.true(limits.mayTry('192.0.2.1', 'other', 72_000).ok);
});

test('memory is bounded by capacity, however many sources and names come', (t) => {
  const limits = smallLimits();
  for (let i = 0; i < 10_000; i++) {
    limits.failed(`10.0.${i >> 8}.${i & 255}`, `name${i}`.padEnd(200, 'x'), i);
    limits.succeeded(`10.0.${i >> 8}.${i & 255}`, `name${i}`, i);
  }
  t.true(limits.size <= 4 * capacity);
});

test('whatever happened, a right login from a source of its own is checked at once', (t) => {
  const step = fc.record({
    source: fc.integer({ min: 0, max: 50 }),
    name: fc.constantFrom('acme', 'b', '__proto__'),
    wait: fc.nat(5000),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const limits = smallLimits();
      let now = 0;
      for (const { source, name, wait } of steps) {
        now += wait;
        if (limits.mayTry(`192.0.2.${source}`, name, now).ok) limits.failed(`192.0.2.${source}`, name, now);
      }
      t.true(limits.mayTry('198.51.100.1', 'acme', now).ok);
    }),
  );
});

test('no source gets more looks than its budget and what came back', (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat(3000), { maxLength: 300 }), (waits) => {
      const limits = smallLimits();
      let now = 0;
      let checked = 0;
      for (const wait of waits) {
        now += wait;
        checked += guess(limits, '192.0.2.1', (i) => `n${i}`, { now, times: 3 });
      }
      t.true(checked <= small.perSource + (now * small.perSource) / small.windowMs + 1e-6);
    }),
  );
});
