import test from 'ava';
import { printable, printableJson } from '../../src/cli/printable.ts';
import { formatFacts, formatTable, page } from '../../src/cli/table.ts';

const hostile = 'a\x1b[31m\r\n\x9b2J\u202Eevil\u2028\u200B\u{E0041}\uD800\0';

test('nothing that a terminal obeys is printed', (t) => {
  const shown = printable(hostile);
  t.is(shown, 'a\\u{1b}[31m\\u{d}\\u{a}\\u{9b}2J\\u{202e}evil\\u{2028}\\u{200b}\\u{e0041}\\u{d800}\\u{0}');
  t.is(printable('Sãо Paulo 東京 😀'), 'Sãо Paulo 東京 😀');
});

test('JSON is printable and still says the same', (t) => {
  const text = printableJson({ [hostile]: hostile });
  t.notRegex(text, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
  t.deepEqual(JSON.parse(text), { [hostile]: hostile });
});

test('columns are aligned by what is shown, and an empty cell is a dash', (t) => {
  t.deepEqual(
    formatTable(
      ['NAME', 'N'],
      [
        ['a\nb', 1],
        [null, 20],
        ['', 3],
      ],
      { ...page, emphasise: (head) => `*${head}*` },
    ),
    ['*NAME     N*', 'a\\u{a}b  1', '-        20', '-        3'],
  );
  t.deepEqual(
    formatFacts([
      ['a', null],
      ['long', 'x\ty'],
    ]),
    ['a     -', 'long  x\\u{9}y'],
  );
});
