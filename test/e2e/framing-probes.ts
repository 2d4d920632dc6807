/** A request as octets in latin-1, in which `O` stands for the origin's authority, and a line `A` for the credential. */
export type Probe = string;

/** What must never be a request of its own. */
export const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';

const post = (fields: string, content = '', start = 'POST http://O/p HTTP/1.1'): Probe =>
  `${start}\r\nHost: O\r\nA\r\n${fields}\r\n${content}`;
const get = (fields: string, start = 'GET http://O/p HTTP/1.1'): Probe => `${start}\r\n${fields}A\r\n\r\n`;
const chunked = (content: string): Probe => post('Transfer-Encoding: chunked\r\n', content);
const last = `0\r\n\r\n${smuggled}`;

const each = (name: string, values: readonly string[], probe: (value: string) => Probe): [string, Probe][] =>
  values.map((value, i) => [`${name} ${i}: ${JSON.stringify(value.slice(0, 40))}`, probe(value)]);

// biome-ignore format: a table
const lengths = ['', '+5', '-5', '5 5', '5,5', '5, 5', '5,6', '0x5', '5.0', '5e0', 'five', '9007199254740992', '18446744073709551621', '5\t', '\t5', '5;a', '"5"', '5\x0b', '5\0'];
// biome-ignore format: a table
const codings = ['', 'identity', 'chunked, identity', 'chunked, chunked', 'chunked,', ',chunked', 'gzip, chunked', 'gzip', 'xchunked', '"chunked"', 'chunked;a=b', 'chunked\t', '\tchunked', '\x0bchunked', 'chunked\x0b', 'chun ked', 'ch\xfcnked', 'chunked\0'];
const names = [
  'Transfer-Encoding ',
  ' Transfer-Encoding',
  'Transfer-Encoding\t',
  'Transfer-Encoding\0',
  'a b',
  '\xe9',
  '(a)',
  '',
];
// biome-ignore format: a table
const nominated = ['Host', 'Content-Length', 'Transfer-Encoding', 'Proxy-Authorization', 'Authorization', 'Cookie', 'host , close', 'close,CONTENT-LENGTH'];
// biome-ignore format: a table
const sizes = ['', '-1', '+1', ' 1', '1 ', '0x1', '1\t', 'g', '1;', '1;=a', '1;a=', '1;a="', '1;a="\x01"', '1;a b', '1\0', '1\n', '1\r', 'ffffffffffffffff1', '10000000000000000', '20000000000000', '00000000000000001', `1;${'a'.repeat(5_000)}`];
// biome-ignore format: a table
const trailers = ['Content-Length', 'Transfer-Encoding', 'Host', 'Connection', 'Proxy-Authorization', 'Authorization', 'Content-Encoding', 'Trailer', 'Cookie', 'Roundabout-Error', 'bad name', ' X'];
// biome-ignore format: a table
const targets = ['http://a:b@O/p', 'http://O/p#x', 'http://127.0.0.1:0/p', 'http://127.0.0.1:65536/p', 'http://127.0.0.1:+80/p', 'https://O/p', 'ftp://O/p', 'http:/O/p', 'http:///p', 'http://O\\@127.0.0.2/p', '/p', '*', 'O', 'http://O/\xe9', 'http://O/p\0', `http://O/${'a'.repeat(20_000)}`, ''];
const lines = [
  'GET  http://O/p HTTP/1.1',
  'GET\thttp://O/p\tHTTP/1.1',
  'GET http://O/p HTTP/1.1 x',
  'G(T http://O/p HTTP/1.1',
  ' GET http://O/p HTTP/1.1',
];
const versions = ['', 'HTTP/1.2', 'HTTP/2.0', 'http/1.1', 'HTTP/01.1', 'HTTP/1.10', 'HTTP/1', 'HTTP/1,1'];
const hosts = ['Host: O/x', 'Host: a@O', 'Host: a b', 'Host: a, b', 'Host: O\r\nHost: O', 'Host : O', 'X: 1'];
// biome-ignore format: a table
const lineEnds = ['X: a\n', 'X: a\nTransfer-Encoding: chunked\r\n', 'X: a\rTransfer-Encoding: chunked\r\n', 'X: a\0b\r\n', 'X: a\r\n b\r\n', 'Transfer-Encoding:\r\n chunked\r\n', 'nonsense\r\n', 'X\r\n', `X: ${'a'.repeat(40_000)}\r\n`, `X: ${'a'.repeat(1_000)}\r\n`.repeat(80), 'X: a\r\n'.repeat(250)];

/** Each is answered with one refusal, and the connection closed. */
export const refused: ReadonlyMap<string, Probe> = new Map([
  ...each('Content-Length', lengths, (value) => post(`Content-Length: ${value}\r\n`, `hello${smuggled}`)),
  ...each('twice Content-Length', ['5', '6', '0', ''], (value) =>
    post(`Content-Length: 5\r\nContent-Length: ${value}\r\n`, `hello${smuggled}`),
  ),
  ...each('both framings', ['Content-Length: 5', 'content-length: 0', 'CONTENT-LENGTH: 3'], (length) =>
    post(`${length}\r\nTransfer-Encoding: chunked\r\n`, last),
  ),
  ...each('both framings, reversed', ['5', '0', '3'], (length) =>
    post(`transfer-encoding: chunked\r\nContent-Length: ${length}\r\n`, last),
  ),
  ...each('Transfer-Encoding', codings, (value) => post(`Transfer-Encoding: ${value}\r\n`, last)),
  ...each('twice Transfer-Encoding', ['chunked', 'identity', ''], (value) =>
    post(`Transfer-Encoding: ${value}\r\nTransfer-Encoding: chunked\r\n`, last),
  ),
  ['Transfer-Encoding in HTTP/1.0', post('Transfer-Encoding: chunked\r\n', last, 'POST http://O/p HTTP/1.0')],
  ...each('field name', names, (name) => post(`${name}: chunked\r\n`, last)),
  ...each('Connection', nominated, (name) => post(`Connection: ${name}\r\nContent-Length: 5\r\n`, 'hello')),
  ...each('chunk size', sizes, (size) => chunked(`${size}\r\nx\r\n${last}`)),
  ...each('chunk', ['1\nx\r\n', '1\r\nx\n', '1\r\nx\r', '1\r\nxy\r\n'], (chunk) => chunked(`${chunk}${last}`)),
  ...each('last chunk', ['0\n\n', '0\r\nA: b\n\n', '0\r\n', ''], (end) => chunked(`1\r\nx\r\n${end}`)),
  ...each('trailer', trailers, (name) => chunked(`0\r\n${name}: 5\r\n\r\n${smuggled}`)),
  ...each('target', targets, (target) => get('Host: O\r\n', `GET ${target} HTTP/1.1`)),
  ['target * of OPTIONS', get('Host: O\r\n', 'OPTIONS * HTTP/1.1')],
  ...each('request line', lines, (line) => get('Host: O\r\n', line)),
  ...each('version', versions, (version) => get('Host: O\r\n', `GET http://O/p ${version}`)),
  ['HTTP/0.9', 'GET http://O/p\r\n\r\n'],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0'],
  ...each('Host', hosts, (host) => get(`${host}\r\n`)),
  ...each('line', lineEnds, (line) => get(`Host: O\r\n${line}`)),
  ['a space before the first field', get(' Host: O\r\nHost: O\r\n')],
  ['lines by LF', get('Host: O\r\n').replaceAll('\r\n', '\n')],
  ['an unknown expectation', post('Expect: 200-ok\r\nContent-Length: 1\r\n', 'x')],
  ['CONNECT with content', post(`Content-Length: ${smuggled.length}\r\n`, smuggled, 'CONNECT O HTTP/1.1')],
  ['CONNECT with chunks', post('Transfer-Encoding: chunked\r\n', last, 'CONNECT O HTTP/1.1')],
  ...each('CONNECT to', ['http://O', '127.0.0.1', 'O/p', 'a@O', '/', '*'], (target) =>
    get('Host: O\r\n', `CONNECT ${target} HTTP/1.1`),
  ),
]);

const methods = ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'PROPFIND'];
const h2c = 'Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n';

/** Each is one request at the origin, with the content named here. */
export const accepted: ReadonlyMap<string, readonly [probe: Probe, content: string]> = new Map([
  ...methods.flatMap((method): [string, [Probe, string]][] => [
    [
      `${method} with length`,
      [post(`Content-Length: ${smuggled.length}\r\n`, smuggled, `${method} http://O/p HTTP/1.1`), smuggled],
    ],
    [
      `${method} with chunks`,
      [
        post(
          'Transfer-Encoding: chunked\r\n',
          `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
          `${method} http://O/p HTTP/1.1`,
        ),
        smuggled,
      ],
    ],
  ]),
  ['leading zeros', [post('Content-Length: 0005\r\n', 'hello'), 'hello']],
  ['a coding in capitals', [post('TRANSFER-ENCODING: CHUNKED\r\n', '5\r\nhello\r\n0\r\n\r\n'), 'hello']],
  ['chunk extensions', [chunked('5;a=b;c="d\\"e";f\r\nhello\r\n000;g\r\n\r\n'), 'hello']],
  ['a trailer', [chunked('5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n'), 'hello']],
  ['h2c', [get(`Host: O\r\nConnection: Upgrade, HTTP2-Settings\r\n${h2c}`), '']],
  [
    'h2c with content',
    [post(`Connection: Upgrade\r\n${h2c}Content-Length: ${smuggled.length}\r\n`, smuggled), smuggled],
  ],
  ['a Host of its own', [get('Host: other.example:81\r\n'), '']],
  ['no Host in HTTP/1.0', [get('', 'GET http://O/p HTTP/1.0'), '']],
  ['empty lines first', [`\r\n\r\n${get('Host: O\r\n')}`, '']],
  ['a scheme in capitals', [get('Host: O\r\n', 'GET HTTP://O/p HTTP/1.1'), '']],
  ['names of objects', [get('Host: O\r\n__proto__: a\r\nconstructor: b\r\nhasOwnProperty: c\r\n'), '']],
]);

/** What comes on one connection, with the statuses of all answers and the requests that the origin sees. */
export const sequences: ReadonlyMap<string, { sent: Probe; told: readonly number[]; seen: readonly string[] }> =
  new Map([
    [
      'octets behind a refused CONNECT',
      { sent: get('Host: O\r\n', 'CONNECT 10.0.0.1:443 HTTP/1.1') + get('Host: O\r\n'), told: [403], seen: [] },
    ],
    [
      'octets behind a CONNECT without credential',
      { sent: `CONNECT O HTTP/1.1\r\nHost: O\r\n\r\n${get('Host: O\r\n')}`, told: [407], seen: [] },
    ],
    [
      'content that was not needed for a 407',
      {
        sent: `POST http://O/p HTTP/1.1\r\nHost: O\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}${get('Host: O\r\n')}`,
        told: [407, 200],
        seen: ['GET /p'],
      },
    ],
    [
      'content that was not needed for a 403',
      {
        sent:
          post(`Content-Length: ${smuggled.length}\r\n`, smuggled, 'POST http://10.0.0.1/p HTTP/1.1') +
          get('Host: O\r\n'),
        told: [403, 200],
        seen: ['GET /p'],
      },
    ],
    [
      'faulty content that was not needed',
      {
        sent: `POST http://O/p HTTP/1.1\r\nHost: O\r\nTransfer-Encoding: chunked\r\n\r\nx${last}`,
        told: [407],
        seen: [],
      },
    ],
    [
      'octets behind an Upgrade that is declined',
      {
        sent: get('Host: O\r\nConnection: upgrade\r\nUpgrade: websocket\r\n') + get('Host: O\r\n'),
        told: [200],
        seen: ['GET /p'],
      },
    ],
    [
      'octets behind Connection: close',
      { sent: get('Host: O\r\nConnection: close\r\n') + get('Host: O\r\n'), told: [200], seen: ['GET /p'] },
    ],
    ...[
      ['a page of ours', 'PUT http://roundabout.internal/echo HTTP/1.1', 405] as const,
      ['an OPTIONS that goes no further', 'OPTIONS http://O/p HTTP/1.1', 200] as const,
    ].map(([what, start, status]): [string, { sent: Probe; told: readonly number[]; seen: readonly string[] }] => [
      `content that ${what} never asked for`,
      {
        sent: post('Max-Forwards: 0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n', '', start) + get('Host: O\r\n'),
        told: [status],
        seen: [],
      },
    ]),
    [
      'TRACE with content',
      {
        sent:
          post(`Content-Length: ${smuggled.length}\r\n`, smuggled, 'TRACE http://O/p HTTP/1.1') + get('Host: O\r\n'),
        told: [501, 200],
        seen: ['GET /p'],
      },
    ],
  ]);
