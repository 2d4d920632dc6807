import test from 'ava';
import fc from 'fast-check';
import { RejectionLedger } from '../../src/selection/blame.ts';

const site = 'shop.example:443';
const windowMs = 1_000;

test('one rejection is charged to nobody', (t) => {
  const ledger = new RejectionLedger({ windowMs });
  t.deepEqual(ledger.rejected(site, { slot: 1, endpoint: 'a' }, 0), []);
});

test('it is charged once another exit succeeds with the same authority', (t) => {
  const ledger = new RejectionLedger({ windowMs });
  ledger.rejected(site, { slot: 1, endpoint: 'a' }, 0);
  t.deepEqual(ledger.succeeded('other.example:443', 2, 1), []);
  t.deepEqual(ledger.succeeded(site, 2, 1), [1]);
  t.deepEqual(ledger.succeeded(site, 2, 2), []);
});

test('it is charged at once where another exit recently succeeded', (t) => {
  const ledger = new RejectionLedger({ windowMs });
  ledger.succeeded(site, 2, 0);
  t.deepEqual(ledger.rejected(site, { slot: 1, endpoint: 'a' }, windowMs - 1), [1]);
  t.deepEqual(ledger.rejected(site, { slot: 1, endpoint: 'a' }, windowMs), []);
});

test('one whose failure may be the origin’s of late is charged by what reaches that later alone', (t) => {
  const ledger = new RejectionLedger({ windowMs });
  ledger.succeeded(site, 2, 0);
  t.deepEqual(ledger.rejected(site, { slot: 1, endpoint: 'a', mayBeNew: true }, 1), [], 'it may be gone since');
  t.deepEqual(ledger.succeeded(site, 2, 2), [1]);
  ledger.rejected(site, { slot: 1, endpoint: 'a', mayBeNew: true }, 3);
  t.deepEqual(ledger.rejected(site, { slot: 2, endpoint: 'b', mayBeNew: true }, 4), []);
  t.deepEqual(ledger.succeeded(site, 3, 5), [], 'two agreed');
});

test("an exit's own success says nothing of its rejection", (t) => {
  const ledger = new RejectionLedger({ windowMs });
  ledger.succeeded(site, 1, 0);
  t.deepEqual(ledger.rejected(site, { slot: 1, endpoint: 'a' }, 1), []);
  t.deepEqual(ledger.succeeded(site, 1, 2), []);
  ledger.succeeded(site, 2, 3);
  ledger.succeeded(site, 1, 4);
  t.deepEqual(ledger.rejected(site, { slot: 1, endpoint: 'a' }, 5), [1], 'the other one is still remembered');
});

test('two exits of different endpoints that fail alike charge the site, that is nobody', (t) => {
  const ledger = new RejectionLedger({ windowMs });
  ledger.rejected(site, { slot: 1, endpoint: 'a' }, 0);
  t.deepEqual(ledger.rejected(site, { slot: 2, endpoint: 'b' }, 1), []);
  t.deepEqual(ledger.succeeded(site, 3, 2), []);
});

test('exits of one endpoint may share its fault', (t) => {
  const ledger = new RejectionLedger({ windowMs });
  ledger.rejected(site, { slot: 1, endpoint: 'a' }, 0);
  ledger.rejected(site, { slot: 2, endpoint: 'a' }, 1);
  ledger.rejected(site, { slot: 1, endpoint: 'a' }, 2);
  t.deepEqual(ledger.succeeded(site, 3, 3), [2, 1]);
});

test('nine of ten exits that refuse everything are found out by one that works', (t) => {
  const ledger = new RejectionLedger();
  const charged = new Set<number>();
  for (let exchange = 0; exchange < 50; exchange++) {
    for (let slot = exchange % 10, tries = 0; tries < 6; slot = (slot + 7) % 10, tries++) {
      const by = { slot, endpoint: `e${slot}` };
      const guilty = slot === 4 ? ledger.succeeded(site, slot, exchange) : ledger.rejected(site, by, exchange);
      for (const each of guilty) charged.add(each);
      if (slot === 4) break;
    }
  }
  t.deepEqual([...charged].sort(), [0, 1, 2, 3, 5, 6, 7, 8, 9]);
});

test('what is not recent is forgotten', (t) => {
  const ledger = new RejectionLedger({ windowMs });
  ledger.rejected(site, { slot: 1, endpoint: 'a' }, 0);
  t.deepEqual(ledger.succeeded(site, 2, windowMs), []);
});

test('the memory is bounded, in authorities and within one', (t) => {
  const ledger = new RejectionLedger({ windowMs, capacity: 100 });
  for (let i = 0; i < 1_000; i++) ledger.rejected(`h${i}:443`, { slot: 1, endpoint: 'a' }, 0);
  t.is(ledger.size, 100);
  t.deepEqual(ledger.succeeded('h0:443', 2, 0), []);
  t.deepEqual(ledger.succeeded('h999:443', 2, 0), [1]);
  for (let slot = 0; slot < 1_000; slot++) ledger.rejected(site, { slot, endpoint: 'a' }, 0);
  t.is(ledger.succeeded(site, 5_000, 0).length, 8);
});

test('nobody is ever charged at an authority with which no other exit succeeded', (t) => {
  const step = fc.record({ ok: fc.boolean(), slot: fc.nat(4), site: fc.nat(2), after: fc.nat(300) });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const ledger = new RejectionLedger({ windowMs });
      const worked = new Set<string>();
      let now = 0;
      for (const { ok, slot, site: number, after } of steps) {
        now += after;
        const authority = `s${number}`;
        if (ok) worked.add(`${authority}/${slot}`);
        const charged = ok
          ? ledger.succeeded(authority, slot, now)
          : ledger.rejected(authority, { slot, endpoint: `e${slot % 2}` }, now);
        for (const guilty of charged) {
          if (![0, 1, 2, 3, 4].some((other) => other !== guilty && worked.has(`${authority}/${other}`))) return false;
        }
      }
      return true;
    }),
  );
  t.pass();
});

test('once two exits agree that an origin is gone, who reached it before says nothing', (t) => {
  const ledger = new RejectionLedger({ windowMs });
  ledger.succeeded(site, 2, 5);
  t.is(ledger.workedAt(site), 5);
  t.is(ledger.workedAt(site, 2), null);
  ledger.agreed(site);
  ledger.agreed('other.example:443');
  t.is(ledger.workedAt(site), null);
  t.deepEqual(ledger.rejected(site, { slot: 1, endpoint: 'a' }, 6), []);
});
