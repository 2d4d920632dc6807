import test from 'ava';
import { expandVariables, readSecrets } from '../../src/config/variables.ts';

const V = (name: string) => `\${${name}}`;
const env = { HOST: 'pr.example', EMPTY: '', NESTED: V('HOST'), BOTH: 'of the environment', GONE: undefined };
const secrets = new Map([
  ['PASSWORD', 's3cret$1'],
  ['BOTH', 'of the file'],
]);
const expand = (text: string) => {
  const reading = expandVariables(text, { env, secrets });
  return reading.ok ? reading.value : null;
};

test('variables come from the environment, then from the secrets file', (t) => {
  t.is(expand(`http://u:${V('PASSWORD')}@${V('HOST')}:1`), 'http://u:s3cret$1@pr.example:1');
  t.is(expand(V('BOTH')), 'of the environment');
  t.is(expand(V('EMPTY')), '');
});

test('what a variable holds is not expanded again', (t) => t.is(expand(V('NESTED')), V('HOST')));

test('a doubled dollar sign stands for itself, and one without a brace is just text', (t) => {
  t.is(expand(`$${V('HOST')}`), V('HOST'));
  t.is(expand('$HOST costs $5 {session}'), '$HOST costs $5 {session}');
});

test('what is missing is named, and each name once', (t) => {
  const reading = expandVariables(`${V('A')} ${V('HOST')} ${V('B')} ${V('A')}`, { env, secrets });
  t.deepEqual(reading, {
    ok: false,
    message: `${V('A')}, ${V('B')} is neither in the environment nor in the secrets file`,
  });
});

for (const text of [
  V(''),
  V('A B'),
  V('9'),
  V('HOST:-x'),
  '\u0024{HOST',
  V('__proto__'),
  V('constructor'),
  V('GONE'),
]) {
  test(`no variable: ${text}`, (t) => t.is(expand(text), null));
}

test('a secrets file: comments, quotes, CRLF, a byte order mark, and equals signs in values', (t) => {
  const text = '\uFEFF# comment\r\n\r\nA=1\r\n B = two words \nC="quo ted"\nD=\'x=y\'\nE=\nF=a#b\n';
  const read = readSecrets('secrets.env', text);
  t.deepEqual(read.faults, []);
  t.deepEqual(Object.fromEntries(read.secrets), { A: '1', B: 'two words', C: 'quo ted', D: 'x=y', E: '', F: 'a#b' });
});

test('faults of a secrets file name the line, and show nothing of it', (t) => {
  const { faults } = readSecrets('secrets.env', 'A=1\nhunter2\n=hunter2\nA=hunter2\nB-C=hunter2\n');
  t.deepEqual(
    faults.map(({ line, message }) => [line, message]),
    [
      [2, 'expected KEY=VALUE'],
      [3, 'expected KEY=VALUE'],
      [4, 'this key stands above already'],
      [5, 'expected KEY=VALUE'],
    ],
  );
  t.false(JSON.stringify(faults).includes('hunter2'));
});
