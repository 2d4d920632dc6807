import test from 'ava';
import fc from 'fast-check';
import { FactArena, FactView } from '../../src/memory/fact-arena.ts';
import { GrowingWords } from '../../src/memory/growing.ts';
import { HashIndex } from '../../src/memory/hash-index.ts';
import { Term, TermsTable, TermsView, termColumns } from '../../src/memory/terms-table.ts';
import { TextTable, TextView } from '../../src/memory/text-table.ts';

test('words grow in place, keep what they hold, and end at their maximum', (t) => {
  const growing = new GrowingWords(100_000);
  growing.reserve(10);
  growing.words[9] = 7;
  const { shared } = growing;
  growing.reserve(99_999);
  t.is(growing.shared, shared);
  t.is(growing.words[9], 7);
  t.is(growing.words[99_998], 0);
  t.throws(() => growing.reserve(100_001), { instanceOf: RangeError });
});

test('an index finds what was added, whatever collides, and in another thread over the same words', (t) => {
  const hashes = fc.array(fc.oneof(fc.integer(), fc.constantFrom(0, 1, -1, 2 ** 31 - 1)), { maxLength: 300 });
  fc.assert(
    fc.property(hashes, (all) => {
      const index = new HashIndex();
      const hashOf = (number: number) => all[number] ?? 0;
      for (const number of all.keys()) index.add(number, hashOf);
      const elsewhere = new HashIndex(index.shared);
      for (const [number, hash] of all.entries()) {
        t.is(
          elsewhere.find(hash, (one) => one === number),
          number,
        );
        t.is(
          elsewhere.find(hash, () => false),
          -1,
        );
      }
    }),
  );
});

const lower = (text: string) => text.toLowerCase();

test('each text has one number and a key, and both are read as they were written', (t) => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 12 })), (texts) => {
      const table = new TextTable(lower);
      const numbers = texts.map((text) => table.intern(text));
      const view = new TextView(table.publish());
      for (const [i, text] of texts.entries()) {
        const number = numbers[i] ?? -1;
        t.is(table.intern(text), number);
        t.is(view.text(number), text);
        t.is(view.numberOf(text), number);
        t.is(view.text(view.keyOf(number)), lower(text));
      }
      t.is(view.numberOf(''), 0);
      t.is(view.numberOf('not there at all'), -1);
    }),
  );
});

test('texts that are given up are gone, and those before them stay', (t) => {
  const table = new TextTable(lower);
  const berlin = table.intern('Berlin');
  const { count } = table;
  const before = new TextView(table.publish());
  table.intern('Rome');
  table.publish();
  table.truncate(count);
  const paris = table.intern('Paris');
  const view = new TextView(table.publish());
  t.is(paris, count);
  t.deepEqual([view.text(berlin), view.text(paris), view.numberOf('Rome')], ['Berlin', 'Paris', -1]);
  t.deepEqual([before.text(berlin), before.numberOf('Paris')], ['Berlin', -1]);
});

test('rows of terms are kept once, and can be given up', (t) => {
  const table = new TermsTable();
  const row = (pool: number, asn: number) =>
    termColumns.map(({ term }) => (term === Term.pool ? pool : term === Term.asn ? asn : 0));
  t.deepEqual(
    [row(1, 2), row(1, 3), row(1, 2), row(2, 2)].map((one) => table.intern(one)),
    [0, 1, 0, 2],
  );
  table.truncate(1);
  t.deepEqual(
    [row(2, 2), row(1, 2), row(1, 3)].map((one) => table.intern(one)),
    [1, 0, 2],
  );
  const view = new TermsView(table.shared, table.count);
  t.deepEqual([view.word(1, Term.pool), view.word(2, Term.asn), view.count], [2, 3, 3]);
});

const facts = fc.record(
  {
    host: fc.string({ maxLength: 253 }),
    port: fc.nat(65_535),
    username: fc.string({ unit: 'grapheme', maxLength: 40 }),
    password: fc.string({ unit: 'grapheme', maxLength: 40 }),
  },
  { requiredKeys: ['host', 'port', 'username'] },
);

test('dialling facts are read as they were written, and told apart', (t) => {
  fc.assert(
    fc.property(fc.array(facts), (all) => {
      const arena = new FactArena();
      const starts = all.map((one) => arena.append(one));
      const view = new FactView(arena.shared);
      for (const [i, one] of all.entries()) {
        t.deepEqual(view.read(starts[i]!), { ...one });
        for (const [j, other] of all.entries()) {
          t.is(arena.alike(starts[i]!, starts[j]!), JSON.stringify(one) === JSON.stringify(other));
        }
      }
    }),
  );
});

test('an exit without a credential has none, and records can be copied and given up', (t) => {
  const arena = new FactArena();
  const bare = arena.append({ host: 'h', port: 80 });
  const { end } = arena;
  arena.append({ host: 'x'.repeat(200), port: 1, username: 'u', password: '' });
  arena.truncate(end);
  const next = arena.append({ host: 'i', port: 2, username: '', password: 'p' });
  t.is(next, end);
  const copy = new FactArena();
  const at = copy.appendCopy(new FactView(arena.shared), next);
  t.deepEqual(copy.read(at), { host: 'i', port: 2, username: '', password: 'p' });
  t.deepEqual(arena.read(bare), { host: 'h', port: 80 });
  t.throws(() => arena.append({ host: 'h', port: 1, username: 'u'.repeat(65_535) }), { instanceOf: RangeError });
});
