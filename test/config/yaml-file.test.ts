import test from 'ava';
import { formatFault, formatPath } from '../../src/config/fault.ts';
import { YamlFile } from '../../src/config/yaml-file.ts';

const faultsOf = (text: string) => new YamlFile('f.yaml', text).faults.map(formatFault);

for (const [text, fault] of [
  ['a: 1\nb:\n  c: 1\n  c: 2', 'f.yaml:4:3 this key stands in its mapping already'],
  ['a: "x', 'f.yaml:1:6 a quote, bracket or colon is missing'],
  ['a:\n\tb: 1', 'f.yaml:2:1 tabs cannot indent: use spaces'],
  ['a: b: c', 'f.yaml:1:4 a second ": " on one line: quote the text, or give the mapping lines of its own'],
  ['a: @x', 'f.yaml:1:4 text that begins with this character must be quoted'],
  ['[1]: 2', 'f.yaml:1:1 a key must be plain text'],
  ['a: 1\n---\nb: 2', 'f.yaml:2:1 a file holds one document: remove "---" and what follows'],
  ['a: &x 1\nb: *x', 'f.yaml:2:4 b aliases are not used here: write the value out'],
  ['a: &x [*x]', 'f.yaml:1:8 a[0] aliases are not used here: write the value out'],
  ['a: !!js/function x', 'f.yaml:1:4 tags are not used here'],
  ['a: "\\q"', 'f.yaml:1:5 unknown escape sequence in double quotes: write the backslash twice, or use single quotes'],
] as const) {
  test(`syntax: ${JSON.stringify(text)}`, (t) => t.true(faultsOf(text).includes(fault), faultsOf(text).join('\n')));
}

test('no fault of syntax quotes the document', (t) => {
  for (const text of [
    'a: "hunter2" hunter2',
    '%hunter2\n---\na: 1',
    'a: "\\hunter2"',
    'a: !hunter2 x',
    'a: *hunter2',
  ]) {
    const faults = faultsOf(text);
    t.true(faults.length > 0, text);
    t.false(faults.join().includes('hunter2'), faults.join());
  }
});

test('a bomb of aliases and a pit of brackets end in faults', (t) => {
  const levels = Array.from({ length: 30 }, (_, i) => `l${i + 1}: &l${i + 1} [*l${i}, *l${i}, *l${i}, *l${i}]`);
  t.is(new YamlFile('f.yaml', ['l0: &l0 [x]', ...levels].join('\n')).value, undefined);
  for (const depth of [20, 500, 200_000]) {
    const pit = new YamlFile('f.yaml', '['.repeat(depth) + ']'.repeat(depth));
    t.is(pit.value, undefined);
    t.true(pit.faults.some(({ message }) => message === 'the document is nested too deeply'));
    t.true(pit.faults.length <= 20);
  }
});

test('an empty file is an empty mapping, and names of prototypes are plain keys', (t) => {
  t.deepEqual(new YamlFile('f', '').value, {});
  t.deepEqual(new YamlFile('f', '# nothing\n').value, {});
  const value = new YamlFile('f', '__proto__: { polluted: 1 }').value;
  t.true(Object.hasOwn(Object(value), '__proto__'));
  t.is(Reflect.get({}, 'polluted'), undefined);
});

test('YAML 1.2: no, off and on are text', (t) => {
  t.deepEqual(new YamlFile('f', 'a: no\nb: off\nc: on\nd: 017').value, { a: 'no', b: 'off', c: 'on', d: 17 });
});

test('a place is the value, the key, or the nearest value above', (t) => {
  const yaml = new YamlFile('f.yaml', 'listeners:\n  - name: a\n    port: 80\n  - { name: b, port: 81 }\n');
  const at = (...args: Parameters<typeof yaml.faultAt>) => formatFault(yaml.faultAt(...args));
  t.is(at(['listeners', 0, 'port'], 'x'), 'f.yaml:3:11 listeners[0].port x');
  t.is(at(['listeners', 0, 'port'], 'x', 'key'), 'f.yaml:3:5 listeners[0].port x');
  t.is(at(['listeners', 1, 'port'], 'x'), 'f.yaml:4:22 listeners[1].port x');
  t.is(at(['listeners', 1, 'host'], 'x'), 'f.yaml:4:5 listeners[1].host x');
  t.is(at(['listeners', 7, 'host'], 'x'), 'f.yaml:2:3 listeners[7].host x');
  t.is(at(['data'], 'x'), 'f.yaml:1:1 data x');
});

test('CRLF and a byte order mark shift no place', (t) => {
  const yaml = new YamlFile('f.yaml', '\uFEFFa: 1\r\nb:\r\n  c: 2\r\n');
  t.is(formatFault(yaml.faultAt(['b', 'c'], 'x')), 'f.yaml:3:6 b.c x');
});

test('variables: each text, at its place; digits alone become a number', (t) => {
  const [A, B] = ['\u0024{A}', '\u0024{B}'];
  const yaml = new YamlFile('f.yaml', `port: ${A}\nquoted: "${A}"\nmore: x${A}\nlist: [ok, "${B}"]\n${A}: key`);
  yaml.expand((text) => (text === B ? { ok: false, message: 'no B' } : { ok: true, value: text.replace(A, '80') }));
  t.deepEqual(yaml.value, { port: 80, quoted: 80, more: 'x80', list: ['ok', B], [A]: 'key' });
  t.deepEqual(yaml.faults.map(formatFault), ['f.yaml:4:12 list[1] no B']);
});

test('a variable that expands to more digits than a number holds, or to a sign, stays text', (t) => {
  for (const held of ['9007199254740993', '007', '-1', '1e3', '']) {
    const yaml = new YamlFile('f.yaml', 'a: \u0024{A}');
    yaml.expand(() => ({ ok: true, value: held }));
    t.deepEqual(yaml.value, { a: held });
  }
});

test('paths show keys that are no names in quotes, without control characters', (t) => {
  t.is(formatPath(['a', 0, 'b-c', 'x y', 'e\u001b[31m\u202E']), 'a[0].b-c["x y"]["e\\u001b[31m\\u{202e}"]');
});
