import test from 'ava';
import fc from 'fast-check';
import { lineForms } from '../../../src/pool/list-formats/registry.ts';
import { listFormats } from '../../../src/protocol/list-format.ts';
import { readList } from './read-list.ts';

const bare = { scheme: 'http', host: 'h.example', port: 8080 };
const named = { ...bare, username: 'user', password: 'pass' };
const six = { ...named, host: '2001:db8::1' };

/** What a line is read as: endpoint, and where the exit stands. */
const rows: readonly (readonly [form: string, line: string, endpoint: object, place?: object])[] = [
  ['host-port', 'h.example:8080', bare],
  ['host-port', '192.0.2.1:8080', { ...bare, host: '192.0.2.1' }],
  ['host-port', '[2001:DB8::1]:8080', { ...bare, host: '2001:db8::1' }],
  ['host-port-user-pass', 'h.example:8080:user:pass', named],
  ['host-port-user-pass', '[2001:db8::1]:8080:user:pass', six],
  ['host-port-user-pass', 'h.example:8080:user:a:b@c#d%20é', { ...named, password: 'a:b@c#d%20é' }],
  ['host-port-user-pass', 'h.example:8080:user:', { ...named, password: '' }],
  ['host-port-user-pass', '192.0.2.1:8080:user:12345', { ...named, host: '192.0.2.1', password: '12345' }],
  ['host-port-user-pass', 'h.example:8080:12345:678', { ...named, username: '12345', password: '678' }],
  ['host-port-user-pass', 'h.example:8080', bare],
  ['user-pass-host-port', 'user:pass:h.example:8080', named],
  ['user-pass-host-port', 'user:pass:[2001:db8::1]:8080', six],
  ['user-pass-host-port', 'user:a:b@c#d:h.example:8080', { ...named, password: 'a:b@c#d' }],
  ['user-pass-host-port', 'user:1234:192.0.2.1:8080', { ...named, host: '192.0.2.1', password: '1234' }],
  ['user-pass-host-port', 'user::h.example:8080', { ...named, password: '' }],
  ['user-pass-at-host-port', 'user:pass@h.example:8080', named],
  ['user-pass-at-host-port', 'http:pass@h.example:8080', { ...named, username: 'http' }],
  ['user-pass-at-host-port', 'user:p@s:s@[2001:db8::1]:8080', { ...six, password: 'p@s:s' }],
  ['user-pass-at-host-port', 'user:1234@192.0.2.1:8080', { ...named, host: '192.0.2.1', password: '1234' }],
  ['host-port-at-user-pass', 'h.example:8080@user:pass', named],
  ['host-port-at-user-pass', '[2001:db8::1]:8080@user:p@s:s', { ...six, password: 'p@s:s' }],
  ['host-port-at-user-pass', '192.0.2.1:8080@user:1234', { ...named, host: '192.0.2.1', password: '1234' }],
  ['url', 'http://user:p%40ss@h.example:8080/', { ...named, password: 'p@ss' }],
  ['url', 'HTTP://user:p@ss@h.example:8080', { ...named, password: 'p@ss' }],
  ['url', 'http://user:8|x@h.example:8080', { ...named, password: '8|x' }],
  ['url', 'https://h.example', { scheme: 'https', host: 'h.example', port: 443 }],
  ['url', 'socks5h://user:pass@h.example', { ...named, scheme: 'socks5', port: 1080 }],
  ['scheme-host-port', 'SOCKS5:h.example:8080', { ...bare, scheme: 'socks5' }],
  ['scheme-host-port', 'https:h.example:8080:user:a:b', { ...named, scheme: 'https', password: 'a:b' }],
  ['scheme-host-port', 'http:[2001:db8::1]:8080:user:pass', six],
  ['scheme-host-port', 'http:h.example:8080:user:9000', { ...named, password: '9000' }],
  ['pipe', 'h.example:8080|DE', bare, { country: 'de' }],
  ['pipe', 'h.example:8080 | Germany | elite | 120 ms', bare, { country: 'de' }],
  ['pipe', 'h.example:8080||elite', bare, {}],
  [
    'pipe',
    'http://user:pass@h.example:8080|country=us|city=New York|asn=AS3320 Example',
    named,
    { country: 'us', city: 'New York', asn: '3320' },
  ],
  ['pipe', 'http:h.example:8080|isp=a%7Cb%25', bare, { isp: 'a|b%' }],
  ['proxychains', 'http h.example 8080 user pass', named],
  ['proxychains', 'socks5\t192.0.2.1\t1080', { scheme: 'socks5', host: '192.0.2.1', port: 1080 }],
  ['proxychains', 'http 2001:db8::1 8080 user pass', six],
  ['pac', 'PROXY h.example:8080', bare],
  ['pac', 'HTTPS [2001:db8::1]:8080;', { ...bare, scheme: 'https', host: '2001:db8::1' }],
  ['pac', 'SOCKS h.example:8080', { ...bare, scheme: 'socks4' }],
];

for (const [format, line, endpoint, geo = {}] of rows) {
  test(`${format}: ${line}`, (t) => {
    for (const options of [{}, { format: format as (typeof listFormats)[number] }]) {
      const { exits, faults, question } = readList(line, options);
      t.deepEqual(
        { exits, faults, question },
        {
          exits: [{ endpoint: endpoint as never, geo, name: null }],
          faults: [],
          question: null,
        },
      );
    }
  });
}

test('every form has a row', (t) => {
  t.deepEqual(new Set(rows.map(([form]) => form)).size, lineForms.length);
});

test('a named format takes nothing else', (t) => {
  const lines: readonly (readonly [string, string])[] = [
    ['host-port', 'h:1:u:p'],
    ['host-port-user-pass', 'u:p@h:1'],
    ['user-pass-host-port', 'h.example:80:u:p'],
    ['url', 'h:1'],
    ['pipe', 'h:1:u:p'],
    ['proxychains', 'PROXY h:1'],
  ];
  for (const [format, line] of lines) {
    const { exits, faults } = readList(line, { format: format as never });
    t.deepEqual([exits.length, faults.length], [0, 1], line);
    t.regex(faults[0]?.message ?? '', /^expected /);
  }
});

test('what fits two forms is asked about', (t) => {
  const list = 'a:1:b:2\nc:3:d:4\n';
  const unanswered = readList(list);
  t.deepEqual(unanswered.question, ['host-port-user-pass', 'user-pass-host-port']);
  t.deepEqual(
    unanswered.faults.map(({ line }) => line),
    [1, 2],
  );
  t.is(
    unanswered.faults[0]?.message,
    'this fits host:port:user:pass and user:pass:host:port alike: say by "format" which it is, host-port-user-pass or user-pass-host-port',
  );
  t.like(readList(list, { answer: 'host-port-user-pass' }).exits[1]?.endpoint, { host: 'c', username: 'd' });
  t.like(readList(list, { format: 'user-pass-host-port' }).exits[1]?.endpoint, { host: 'd', username: 'c' });
  t.deepEqual(readList('a:1@b:2').question, ['user-pass-at-host-port', 'host-port-at-user-pass']);
  t.deepEqual(readList('h:80:u:p@x:99').question, ['host-port-user-pass', 'user-pass-at-host-port']);
});

test('one line that fits a single form decides for all that fit two', (t) => {
  t.is(readList('a:1:b:2\nc:3:d:pass\n').exits[0]?.endpoint.host, 'a');
  t.is(readList('a:1:b:2\nc:pass:d:4\n').exits[0]?.endpoint.host, 'b');
  const late = `${'a:1:b:2\n'.repeat(900)}c:3:d:pass\n${'a:1:b:2\n'.repeat(900)}`;
  t.deepEqual([readList(late).exits.length, readList(late).exits[1800]?.endpoint.host], [1801, 'a']);
  t.is(readList('a:1@b:2\nu:p@h:1').exits[0]?.endpoint.host, 'b');
  t.is(readList('a:80:u:p@b:99\nc:80:u:pass').exits[0]?.endpoint.host, 'a');
  t.is(readList('a:80:u:p@b:99\nu:pass@c:80').exits[0]?.endpoint.host, 'b');
});

test('of rival forms the greater part of a list decides; the others are faults', (t) => {
  const { exits, faults } = readList('a:1:b:pass\nc:2:d:pass\nuser:pass:e:5\nf:6:g:7');
  t.deepEqual(
    exits.map(({ endpoint }) => endpoint.host),
    ['a', 'c', 'f'],
  );
  t.deepEqual(faults, [
    { line: 3, message: 'the line is user:pass:host:port, and most others are not: bring all into one form' },
  ]);
});

test('a list may mix forms that cannot be taken for one another', (t) => {
  const { exits, faults } = readList(
    'a:1\nu:p@b:1\nsocks5://c:1\nd:1|de\nhttps:e:1\nPROXY f:1; SOCKS5 g:1; DIRECT\nhttp h 1',
  );
  t.deepEqual(faults, []);
  t.is(exits.map(({ endpoint }) => endpoint.host).join(''), 'abcdefgh');
});

test('a whole proxychains.conf', (t) => {
  const text = `# proxychains.conf\nstrict_chain\nproxy_dns\nremote_dns_subnet 224\ntcp_read_time_out 15000
localnet 127.0.0.0/255.0.0.0\n[ProxyList]\n# add proxy here\nsocks4 \t127.0.0.1 9050\nhttp 192.0.2.1 8080 user pass\nraw 192.0.2.2 9\n`;
  const { exits, faults, skipped } = readList(text);
  t.deepEqual(faults, []);
  t.deepEqual(skipped, ['raw']);
  t.deepEqual(
    exits.map(({ endpoint }) => endpoint.scheme),
    ['socks4', 'http'],
  );
});

test('comments of every kind', (t) => {
  const { exits, faults } = readList('; ini\n// code\n# shell\n  # more\na:1 # behind\n;b:2\n');
  t.deepEqual([exits.length, faults.length], [1, 0]);
});

for (const [line, message] of [
  ['h:99999', 'the port must be a number from 1 to 65535'],
  ['ftp://hunter2:hunter2@h:1', 'the scheme of an exit is one of'],
  ['http://hunter2:%hunter2@h:1', 'the credential is not percent-encoded right'],
  ['h.example:1|hunter2', 'the country is neither'],
  ['http h 1 hunter2', 'a user name stands without its password'],
  ['http h 1 u p hunter2', 'more than type, host'],
  ['h:1:hunter2\0:hunter2', 'the credential contains control characters'],
  [`h:1:hunter2:${'x'.repeat(20_000)}`, 'the line is too long'],
  ['2001:db8::1:8080', 'expected a URL, host:port'],
] as const) {
  test(`fault of ${JSON.stringify(line.slice(0, 40))}`, (t) => {
    const { exits, faults } = readList(line);
    t.deepEqual([exits.length, faults.length], [0, 1]);
    t.true(faults[0]!.message.startsWith(message), faults[0]!.message);
    t.false(faults[0]!.message.includes('hunter2'));
  });
}

test('no text of any format makes a reader throw, and cuts change nothing', (t) => {
  const word = fc.constantFrom(
    ':',
    '@',
    '[',
    ']',
    '%',
    '#',
    '\n',
    '\r',
    '//',
    'http',
    'h',
    '1',
    '|',
    ' ',
    'PROXY ',
    ';',
    '\0',
    'us',
    'é',
  );
  const text = fc.array(word, { maxLength: 40 }).map((words) => words.join(''));
  fc.assert(
    fc.property(text, fc.constantFrom(...listFormats), fc.nat(40), (whole, format, cut) => {
      t.deepEqual(readList([whole.slice(0, cut), whole.slice(cut)], { format }), readList(whole, { format }));
    }),
  );
});
