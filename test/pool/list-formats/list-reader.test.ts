import test from 'ava';
import fc from 'fast-check';
import type { ListScheme } from '../../../src/protocol/list-format.ts';
import { readList } from './read-list.ts';

const only = (line: string, scheme: ListScheme = 'http') => {
  const { endpoints, faults } = readList(line, { scheme });
  return faults.length > 0 || endpoints.length !== 1 ? null : endpoints[0]!.endpoint;
};

const at = { scheme: 'http', host: 'h.example', port: 8080 };
const named = { ...at, username: 'user', password: 'pa:ss' };

for (const [line, endpoint] of [
  ['h.example:8080', at],
  ['H.Example:8080', at],
  ['http://h.example:8080', at],
  ['h.example:8080:user:pa:ss', named],
  ['user:pa:ss@h.example:8080', named],
  ['http://user:pa%3Ass@h.example:8080', named],
  ['user@h.example:8080', { ...at, username: 'user', password: '' }],
  ['h.example:8080:user:p@ss', { ...at, username: 'user', password: 'p@ss' }],
  ['user:p@ss@h.example:8080', { ...at, username: 'user', password: 'p@ss' }],
  ['h.example:8080:user:100%/é', { ...at, username: 'user', password: '100%/é' }],
  ['h.example:8080:user:', { ...at, username: 'user', password: '' }],
  ['[2001:DB8::1]:8080', { ...at, host: '2001:db8::1' }],
  ['[2001:db8::1]:8080:user:pa:ss', { ...named, host: '2001:db8::1' }],
  ['socks5h://h.example:8080', { ...at, scheme: 'socks5' }],
  ['  h.example:8080\t# comment', at],
  ['h.example:8080:user:p://ss', { ...at, username: 'user', password: 'p://ss' }],
  ['@h.example:8080', at],
  ['h.example:8080:user:pa#ss', { ...at, username: 'user', password: 'pa#ss' }],
] as const) {
  test(`entry ${line}`, (t) => t.deepEqual(only(line), { ...endpoint }));
}

test('the scheme of a list holds where a line names none', (t) => {
  t.is(only('h:1', 'socks5h')?.scheme, 'socks5');
  t.is(only('h:1:u:p', 'https')?.scheme, 'https');
  t.is(only('http://h:1', 'socks5')?.scheme, 'http');
});

for (const line of [
  'hunter2',
  'h',
  'h:',
  'h:port',
  'h:0',
  'h:65536',
  'h:1:hunter2',
  '::1:80',
  'direct',
  'direct://',
  'ftp://h:1',
  'a b:1',
  'h:1:u\u0007:p',
  ':1',
]) {
  test(`no entry: ${JSON.stringify(line)}`, (t) => {
    const { endpoints, faults } = readList(`\n${line}`);
    t.deepEqual([endpoints.length, faults.length, faults[0]?.line], [0, 1, 2]);
    t.false(faults[0]!.message.includes('hunter2'));
  });
}

test('comments, empty lines, CRLF and a byte order mark; and lines are known', (t) => {
  const text = '\uFEFF# list\r\na:1\r\n\r\n  \r\nb:2:u:p\r\nA:1\r\nb:2:u:other\r\nu:p@b:2\r\nbad\r\n';
  const { endpoints, faults } = readList(text);
  t.deepEqual(
    endpoints.map(({ endpoint, line }) => [line, endpoint.host, endpoint.password]),
    [
      [2, 'a', undefined],
      [5, 'b', 'p'],
      [6, 'a', undefined],
      [7, 'b', 'other'],
      [8, 'b', 'p'],
    ],
  );
  t.deepEqual(
    faults.map(({ line }) => line),
    [9],
  );
});

test('lines end with LF, CR or CRLF', (t) => {
  const { endpoints } = readList('a:1\rb:1\r\rc:1\n\rd:1\r\n\ne:1');
  t.deepEqual(
    endpoints.map(({ endpoint, line }) => [endpoint.host, line]),
    [
      ['a', 1],
      ['b', 2],
      ['c', 4],
      ['d', 6],
      ['e', 8],
    ],
  );
});

test('wherever a list is cut into parts, it holds the same', (t) => {
  const text = '\uFEFFa:1\r\nb:1:u:p\rc:1\n\r\n# no\r\r\nd:1:é:😀\nbad\r\ne:1\r';
  const whole = readList(text);
  for (let i = 0; i <= text.length; i += 1) t.deepEqual(readList([text.slice(0, i), text.slice(i)]), whole);
  t.deepEqual(readList([...text]), whole);
});

test('a line without an end is not held, and is one fault', (t) => {
  const { endpoints, faults } = readList(['a:1\n', ...Array.from({ length: 100 }, () => 'x'.repeat(10_000)), '\nb:1']);
  t.deepEqual(faults, [{ line: 2, message: 'the line is too long' }]);
  t.deepEqual(
    endpoints.map(({ line }) => line),
    [1, 3],
  );
});

test('no text makes it throw', (t) => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => readList(text) !== null));
  const parts = fc.array(fc.constantFrom(':', '@', '[', ']', '%', '#', '\n', '//', 'http', 'h', '1', '\uD800'), {
    maxLength: 20,
  });
  fc.assert(fc.property(parts, (text) => readList(text.join(''), { scheme: 'socks5' }) !== null));
  t.pass();
});

test('every credential survives both raw forms', (t) => {
  // Digits alone could be a port, a semicolon begins a comment, and a bracket JSON.
  const word = fc
    .string({ minLength: 1, maxLength: 20 })
    .filter((text) => /^[^\s:@#;/|[{]*[^\s:@#;/|[{0-9][^\s:@#;/|[{]*$/.test(text));
  fc.assert(
    fc.property(word, word, (username, password) => {
      const expected = { scheme: 'http', host: 'h', port: 1, username, password };
      t.deepEqual([only(`h:1:${username}:${password}`), only(`${username}:${password}@h:1`)], [expected, expected]);
    }),
  );
});
