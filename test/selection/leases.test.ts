import test from 'ava';
import fc from 'fast-check';
import { LeaseTable, type LeaseTerms } from '../../src/selection/leases.ts';

const termsOf = (more: Partial<LeaseTerms> = {}): LeaseTerms => ({
  slot: 3,
  generation: 1,
  ttlMs: Infinity,
  idleMs: Infinity,
  strict: false,
  mintKey: '',
  ...more,
});

test('a lease is found by its key alone, with its terms', (t) => {
  const leases = new LeaseTable();
  leases.create('__proto__', termsOf({ ttlMs: 500, strict: true, mintKey: 'm' }), 100);
  t.deepEqual(leases.find('__proto__', 100), {
    slot: 3,
    generation: 1,
    createdAt: 100,
    expiresAt: 600,
    idleMs: Infinity,
    lastUsed: 100,
    strict: true,
    mintKey: 'm',
    confirmed: false,
    failed: false,
  });
  t.is(leases.find('constructor', 100), undefined);
});

test('ttl is absolute: use does not lengthen it, nor does a move', (t) => {
  const leases = new LeaseTable();
  leases.create('a', termsOf({ ttlMs: 1_000, strict: true }), 0);
  leases.touch('a', 900);
  t.deepEqual(leases.move('a', { slot: 9, generation: 4, mintKey: 'n' }), leases.find('a', 999));
  t.is(leases.find('a', 999)?.slot, 9);
  t.is(leases.find('a', 1_000), undefined);
  t.is(leases.size, 0);
  t.is(leases.move('a', { slot: 1, generation: 1, mintKey: '' }), undefined);
});

test('what the exit did for the session is known until the session moves', (t) => {
  const leases = new LeaseTable();
  leases.create('a', termsOf(), 0);
  leases.confirm('a');
  leases.fail('a');
  t.like(leases.find('a', 1), { confirmed: true, failed: true });
  leases.move('a', { slot: 9, generation: 4, mintKey: 'n' });
  t.like(leases.find('a', 1), { slot: 9, generation: 4, mintKey: 'n', confirmed: false, failed: false });
  leases.fail('unknown');
  t.is(leases.size, 1);
});

test('idle time slides with use, and not with a look', (t) => {
  const leases = new LeaseTable();
  leases.create('a', termsOf({ idleMs: 100 }), 0);
  leases.touch('a', 90);
  t.truthy(leases.find('a', 189));
  t.is(leases.find('a', 190), undefined);
});

test('over capacity the least recently used goes first, and is counted unless it had ended', (t) => {
  const leases = new LeaseTable({ capacity: 2 });
  leases.create('a', termsOf(), 0);
  leases.create('b', termsOf({ ttlMs: 10 }), 1);
  leases.touch('a', 2);
  leases.create('c', termsOf(), 20);
  t.is(leases.evicted, 0);
  leases.create('d', termsOf(), 21);
  t.is(leases.evicted, 1);
  t.is(leases.find('a', 21), undefined);
  leases.create('d', termsOf({ slot: 8 }), 22);
  t.is(leases.evicted, 1);
  t.is(leases.size, 2);
});

test('a sweep is bounded, goes on where the last stopped, and removes what ended', (t) => {
  const leases = new LeaseTable();
  for (let i = 0; i < 100; i++) leases.create(`k${i}`, termsOf({ ttlMs: i % 2 === 0 ? 10 : 1_000 }), 0);
  t.is(leases.sweep(10, 30), 15);
  t.is(leases.sweep(10, 30), 15);
  t.is(leases.size, 70);
  leases.sweep(10, 41);
  t.is(leases.size, 50);
  t.is(leases.sweep(1_000, 1_000), 50);
  t.is(leases.sweep(2_000, 10), 0);
});

test('sweeps come round to every lease, used in between or not', (t) => {
  const leases = new LeaseTable();
  for (let i = 0; i < 20; i++) leases.create(`k${i}`, termsOf({ ttlMs: 50 }), 0);
  for (let now = 50; now < 90; now++) {
    leases.create('busy', termsOf(), now);
    leases.touch('busy', now);
    leases.sweep(now, 2);
  }
  t.is(leases.size, 1);
});

test('whatever is done, size stays within capacity, and what is found has not ended', (t) => {
  const step = fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    what: fc.constantFrom('create', 'touch', 'move', 'remove', 'sweep', 'find'),
    ttlMs: fc.constantFrom(5, 50, Infinity),
    idleMs: fc.constantFrom(3, 30, Infinity),
    after: fc.nat(10),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const leases = new LeaseTable({ capacity: 3 });
      let now = 0;
      for (const { key, what, ttlMs, idleMs, after } of steps) {
        now += after;
        if (what === 'create') leases.create(key, termsOf({ ttlMs, idleMs }), now);
        else if (what === 'touch') leases.touch(key, now);
        else if (what === 'move') leases.move(key, { slot: 1, generation: 1, mintKey: '' });
        else if (what === 'remove') leases.remove(key);
        else if (what === 'sweep') leases.sweep(now, 2);
        const found = leases.find(key, now);
        if (leases.size > 3) return false;
        if (found && (now >= found.expiresAt || now - found.lastUsed >= found.idleMs)) return false;
      }
      return true;
    }),
  );
  t.pass();
});
