import test from 'ava';
import fc from 'fast-check';
import { cutTo, widthOf } from '../../src/cli/columns.ts';
import { formatTable, page } from '../../src/cli/table.ts';

const head = ['EXIT', 'POOL', { title: 'ENDPOINT', rank: 9 }, { title: 'STATE', rank: 1 }];
const rows = [
  ['aaaaaaaaaa', 'residential', 'http://a-very-long-name.example.com:8080', 'ok'],
  ['bbbbbbbbbb', 'dc', 'direct', 'frozen until tomorrow'],
];
const at = (width: number) => formatTable(head, rows, { ...page, width });

test('without a bound, all is shown', (t) => {
  t.is(
    at(Number.POSITIVE_INFINITY)[2],
    'bbbbbbbbbb  dc           direct                                    frozen until tomorrow',
  );
});

test('where there is less room long cells are cut, then columns of high rank are left out, and that is told', (t) => {
  t.is(at(80)[1], 'aaaaaaaaaa  residential  http://a-very-long-name.example…  ok');
  t.deepEqual(at(40), [
    'EXIT        POOL         STATE',
    'aaaaaaaaaa  residential  ok',
    'bbbbbbbbbb  dc           frozen until t…',
    '(no room for ENDPOINT)',
  ]);
  t.deepEqual(at(5)[0], 'EXIT');
});

test('a line is never wider than the screen, once the first column fits, and the first column is whole', (t) => {
  const cell = fc.oneof(fc.string({ maxLength: 30 }), fc.string({ unit: 'grapheme', maxLength: 30 }), fc.integer());
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.stringMatching(/^[a-z]{1,10}$/), cell, cell, cell), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 10, max: 120 }),
      (cells, width) => {
        const lines = formatTable(['A', 'BEE', 'CELL', 'D'], cells, { ...page, width }).slice(0, cells.length + 1);
        return (
          lines.every((line) => widthOf(line) <= width) &&
          cells.every(([first], index) => lines[index + 1]?.startsWith(first) === true)
        );
      },
    ),
  );
  t.pass();
});

test('wide characters take two columns, and marks none', (t) => {
  t.is(widthOf('東京'), 4);
  t.is(widthOf('São'), 3);
  t.is(widthOf('Sa\u0303o'), 3);
  t.is(cutTo('東京都', 5), '東京…');
  t.is(cutTo('東京都', 4), '東…');
  t.is(cutTo('abc', 3), 'abc');
});

test('there may be more rows than a call takes arguments', (t) => {
  const many = Array.from({ length: 300_000 }, (_, index) => [`s${index}`, index]);
  t.is(formatTable(['SESSION', 'MOVES'], many).at(-1), 's299999  299999');
});
