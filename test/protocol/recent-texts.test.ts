import test from 'ava';
import fc from 'fast-check';
import { RecentTexts } from '../../src/protocol/recent-texts.ts';

test('a text means what it would if it were read each time', (t) => {
  const recent = new RecentTexts<{ readonly text: string }>();
  const text = fc.oneof(
    fc.string({ unit: 'binary-ascii', maxLength: 4 }),
    fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 300 }),
  );
  fc.assert(
    fc.property(text, (each) => {
      t.deepEqual(
        recent.of(each, (read) => ({ text: read })),
        { text: each },
      );
    }),
  );
});

test('one that comes again and again has the very value that it had', (t) => {
  const recent = new RecentTexts<{ readonly text: string }>();
  const read = (text: string) => ({ text });
  recent.of('shop.example:443', read);
  const first = recent.of('shop.example:443', read);
  t.is(recent.of(['shop.example', '443'].join(':'), read), first);
  for (let i = 0; i < 10_000; i++) recent.of(`${i}.example:443`, read);
  t.deepEqual(recent.of('shop.example:443', read), first, 'its place was taken meanwhile');
});
