import test from 'ava';
import { newPoolText, withList } from '../../src/config/pool-text.ts';
import { YamlFile } from '../../src/config/yaml-file.ts';

const documentOf = (text: string) => {
  const yaml = new YamlFile('p.yaml', text);
  return yaml.faults.length === 0 ? yaml.value : yaml.faults;
};

for (const [title, text, expected] of [
  [
    'exits one below the other: every other character stays',
    '# head\npool: p   # name\nexits:\n  # first\n  - url: "http://h:1" # why\n    country: de\n\n# foot\n',
    '# head\npool: p   # name\nexits:\n  # first\n  - url: "http://h:1" # why\n    country: de\n  - list: lists/p.txt\n\n# foot\n',
  ],
  [
    'dashes at the margin',
    'exits:\n- url: http://h:1\npool: p\n',
    'exits:\n- url: http://h:1\n- list: lists/p.txt\npool: p\n',
  ],
  [
    'no line feed at the end',
    'pool: p\nexits:\n  - url: http://h:1',
    'pool: p\nexits:\n  - url: http://h:1\n  - list: lists/p.txt\n',
  ],
  ['carriage returns', 'pool: p\r\nexits:\r\n  - url: http://h:1\r\n', null],
  ['an empty list', 'pool: p # name\nexits: []\n', null],
  ['a list in brackets', 'pool: p # name\nexits: [{ url: "http://h:1" }] # all\n', null],
  ['exits left empty', 'pool: p # name\nexits:\n', null],
  ['a text over several lines at the end', 'pool: p\nexits:\n  - url: >-\n      http://h:1\n\n\ntier: dc\n', null],
] as const) {
  test(title, (t) => {
    const changed = withList(text, 'lists/p.txt');
    if (expected !== null) t.is(changed, expected);
    const before = documentOf(text) as { exits: object[] | null };
    t.deepEqual(documentOf(changed), { ...before, exits: [...(before.exits ?? []), { list: 'lists/p.txt' }] } as never);
    for (const comment of text.match(/# .*/g) ?? []) t.true(changed.includes(comment), comment);
  });
}

test('a new pool is a pool whatever its name', (t) => {
  for (const pool of ['res', '1.5', 'true', '0x10', '~', 'a.b', 'null']) {
    t.deepEqual(documentOf(newPoolText(pool, `lists/${pool}.txt`)), { pool, exits: [{ list: `lists/${pool}.txt` }] });
  }
});
