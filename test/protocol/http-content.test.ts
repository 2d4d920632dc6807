import test from 'ava';
import fc from 'fast-check';
import { Fields } from '../../src/protocol/fields.ts';
import { ContentDecoder, chunkHead, lastChunk } from '../../src/protocol/http-content.ts';
import type { Framing } from '../../src/protocol/http-message.ts';
import { cuts, type DecodedContent, decodeContent, growth, mutated, octets, singles } from './http-samples.ts';

const chunked: Framing = { type: 'chunked' };
const length = (count: number): Framing => ({ type: 'length', octets: count });

/** The same for every cut of `text`. */
function decodeAnyhow(framing: Framing, text: string, role: 'request' | 'response' = 'request'): Set<string> {
  const all = cuts(octets(text)).map((chunks) => JSON.stringify(decodeContent(framing, role, chunks)));
  return new Set(all.concat(JSON.stringify(decodeContent(framing, role, [octets(text)]))));
}

const done = (content: string, rest = '', trailers: [string, string][] = []): DecodedContent => ({
  state: 'done',
  content,
  trailers,
  rest,
});

const sound: readonly [reason: string, framing: Framing, text: string, expected: DecodedContent][] = [
  ['none', { type: 'none' }, 'rest', done('', 'rest')],
  ['length 0', length(0), 'rest', done('', 'rest')],
  ['length', length(5), 'hello', done('hello')],
  ['length and the next message', length(5), 'helloGET', done('hello', 'GET')],
  ['length, cut', length(5), 'hell', { state: 'more', content: 'hell', trailers: [], rest: '' }],
  ['until close', { type: 'close' }, 'hello', { state: 'more', content: 'hello', trailers: [], rest: '' }],
  ['chunks', chunked, '5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET', done('hello world', 'GET')],
  ['no chunks', chunked, '0\r\n\r\n', done('')],
  ['CRLF in chunks', chunked, '4\r\n\r\n\r\n\r\n0\r\n\r\n', done('\r\n\r\n')],
  [
    'sizes in both cases',
    chunked,
    `a\r\n${'x'.repeat(10)}\r\nB\r\n${'y'.repeat(11)}\r\n0\r\n\r\n`,
    done('x'.repeat(10) + 'y'.repeat(11)),
  ],
  ['leading zeros', chunked, '0000000000000001\r\na\r\n000\r\n\r\n', done('a')],
  ['extensions', chunked, '1;a;b=c;d="e;\\"\t\xff"\r\na\r\n0;x\r\n\r\n', done('a')],
  [
    'trailers',
    chunked,
    '0\r\nX-A: 1\r\nx-a:2 \r\n\r\n!',
    done('', '!', [
      ['X-A', '1'],
      ['x-a', '2'],
    ]),
  ],
  ['trailers, cut', chunked, '1\r\na\r\n0\r\nX: 1\r\n', { state: 'more', content: 'a', trailers: [], rest: '' }],
  ['a missing final CRLF', chunked, '1\r\na\r\n0\r\n', { state: 'more', content: 'a', trailers: [], rest: '' }],
];

for (const [reason, framing, text, expected] of sound) {
  test(`content: ${reason}`, (t) => t.deepEqual([...decodeAnyhow(framing, text)], [JSON.stringify(expected)]));
}

test('content: sizes of a response may be padded', (t) => {
  const padded: readonly [string, DecodedContent][] = [
    ['5  \t  \r\nhello\r\n0     \r\n\r\nHTTP', done('hello', 'HTTP')],
    ['5 ;a=b\r\nhello\r\n0\r\n\r\n', done('hello')],
    [`5${' '.repeat(15)}\r\nhello\r\n0\r\n\r\n`, done('hello')],
  ];
  for (const [text, expected] of padded)
    t.deepEqual([...decodeAnyhow(chunked, text, 'response')], [JSON.stringify(expected)], JSON.stringify(text));
  for (const text of [
    ' 5\r\nhello\r\n',
    '5 0\r\nhello\r\n',
    '5 \nhello\r\n',
    '5;a \r\nhello\r\n',
    `5${' '.repeat(16)}\r\nhello\r\n`,
  ])
    for (const outcome of decodeAnyhow(chunked, text, 'response')) t.regex(outcome, /"origin_bad_response"/, text);
});

const refused: readonly [reason: string, text: string, kind?: string][] = [
  ['no size', '\r\nhello'],
  ['a plus sign', '+5\r\nhello\r\n'],
  ['a minus sign', '-5\r\nhello\r\n'],
  ['0x', '0x5\r\nhello\r\n'],
  ['a space before the size', ' 5\r\nhello\r\n'],
  ['no hexadecimal digit', '5g\r\nhello\r\n'],
  ['a letter beyond F', 'g\r\n'],
  ['an underscore', '1_0\r\n'],
  ['2^53', '20000000000000\r\n'],
  ['2^64 + 5', '10000000000000005\r\nhello\r\n'],
  ['too many leading zeros', `${'0'.repeat(16)}5\r\nhello\r\n`],
  ['endless zeros', '0'.repeat(17)],
  ['bare LF after the size', '5\nhello\r\n'],
  ['bare CR after the size', '5\rhello\r\n'],
  ['CR CR LF after the size', '5\r\r\nhello\r\n'],
  ['bare LF after the last size', '0\n\n'],
  ['bare LF after a chunk', '5\r\nhello\n0\r\n\r\n'],
  ['bare CR after a chunk', '5\r\nhello\r0\r\n\r\n'],
  ['nothing after a chunk', '5\r\nhello0\r\n\r\n'],
  ['a chunk beyond its size', '4\r\nhello\r\n'],
  ['a chunk short of its size', '6\r\nhello\r\n0\r\n\r\n'],
  ['an empty extension', '5;\r\nhello\r\n'],
  ['an extension without a name', '5;=a\r\nhello\r\n'],
  ['an extension without a value', '5;a=\r\nhello\r\n'],
  ['a space in an extension', '5;a b\r\nhello\r\n'],
  ['an open quote', '5;a="b\r\nhello\r\n'],
  ['text behind a quote', '5;a="b"c\r\nhello\r\n'],
  ['bare LF in an extension', '5;a\nb\r\nhello\r\n'],
  ['bare LF in a quote', '5;a="\n"\r\nhello\r\n'],
  ['NUL in an extension', '5;a\0\r\nhello\r\n'],
  ['obs-text in an extension', '5;\xe9\r\nhello\r\n'],
  ['an extension beyond its bound', `5;${'a'.repeat(4096)}\r\nhello\r\n`],
  ['an endless extension', `5;${'a'.repeat(4096)}`],
  ['bare LF as the end', '0\r\n\n'],
  ['bare CR as the end', '0\r\n\rX'],
  ['bare LF in the trailers', '0\r\nX: a\n\r\n'],
  ['a folded trailer', '0\r\nX: a\r\n b\r\n\r\n'],
  ['a trailer without a colon', '0\r\nX\r\n\r\n'],
  ['a request for a trailer', '0\r\nGET / HTTP/1.1\r\n\r\n'],
  ['a trailer with a space before the colon', '0\r\nX : a\r\n\r\n'],
  ['a trailer line beyond its bound', `0\r\nX: ${'x'.repeat(32_768)}\r\n\r\n`, 'head_too_large'],
  ['too many trailers', `0\r\n${'X: y\r\n'.repeat(201)}\r\n`, 'head_too_large'],
];

for (const [reason, text, kind = 'bad_request'] of refused) {
  test(`chunked content refused: ${reason}`, (t) => {
    const pieces = singles(octets(text));
    const all = text.length > 2000 ? [[octets(text)], pieces] : cuts(octets(text));
    for (const chunks of all) {
      const { state } = decodeContent(chunked, 'request', chunks);
      t.is<string, string>(typeof state === 'string' ? state : state.kind, kind);
      const response = decodeContent(chunked, 'response', chunks).state;
      t.is(typeof response === 'string' ? response : response.kind, 'origin_bad_response');
    }
  });
}

for (const text of ['5 \r\nhello\r\n', '5 ;a\r\nhello\r\n', '5\t\r\nhello\r\n']) {
  test(`content: sizes of a request may not: ${JSON.stringify(text)}`, (t) => {
    for (const outcome of decodeAnyhow(chunked, text)) t.regex(outcome, /"bad_request"/);
  });
}

const forbidden = [
  'Content-Length: 5',
  'transfer-encoding: chunked',
  'Host: b',
  'Connection: close',
  'Keep-Alive: x',
  'TE: x',
  'Upgrade: x',
]
  .concat([
    'Authorization: x',
    'Proxy-Authorization: x',
    'Cookie: x',
    'Set-Cookie: x',
    'Content-Type: x',
    'Content-Encoding: gzip',
  ])
  .concat(['Roundabout-Error: x', 'Max-Forwards: 1', 'Trailer: x', 'Expect: 100-continue']);

for (const line of forbidden) {
  test(`trailer ${line} is refused in a request and dropped from a response`, (t) => {
    const text = `0\r\n${line}\r\nX: 1\r\n\r\n`;
    const { state } = decodeContent(chunked, 'request', [octets(text)]);
    t.is(typeof state === 'string' ? state : state.kind, 'bad_request');
    t.deepEqual(decodeContent(chunked, 'response', [octets(text)]), done('', '', [['X', '1']]));
  });
}

test('content is sliced, not copied', (t) => {
  for (const [framing, text] of [
    [length(5), 'hello!'],
    [chunked, '5\r\nhello\r\n0\r\n\r\n'],
  ] as [Framing, string][]) {
    const chunk = octets(text);
    const out: Buffer[] = [];
    new ContentDecoder(framing, 'request').push(chunk, out);
    t.is(out[0]?.buffer, chunk.buffer);
  }
});

test('done tells content that needs no push', (t) => {
  t.true(new ContentDecoder({ type: 'none' }, 'request').done);
  t.true(new ContentDecoder(length(0), 'request').done);
  t.false(new ContentDecoder(length(1), 'request').done);
  t.false(new ContentDecoder(chunked, 'request').done);
  t.false(new ContentDecoder({ type: 'close' }, 'response').done);
});

const closings: readonly [framing: Framing, text: string, complete: boolean][] = [
  [{ type: 'none' }, '', true],
  [length(2), 'a', false],
  [length(2), 'ab', true],
  [{ type: 'close' }, 'a', true],
  [chunked, '1\r\na\r\n', false],
  [chunked, '1\r\na\r\n0\r\n', false],
  [chunked, '1\r\na\r\n0\r\n\r\n', true],
];

for (const [framing, text, complete] of closings) {
  test(`a close after ${framing.type} ${JSON.stringify(text)} ${complete ? 'completes' : 'cuts'} the content`, (t) => {
    for (const [role, kind] of [
      ['request', 'bad_request'],
      ['response', 'origin_bad_response'],
    ] as const) {
      const decoder = new ContentDecoder(framing, role);
      decoder.push(octets(text), []);
      t.is(decoder.atClose()?.kind, complete ? undefined : kind);
    }
  });
}

test('many tiny chunks in one push cost each its octets', (t) => {
  const work = (size: number) => {
    const out: Buffer[] = [];
    t.is(new ContentDecoder(chunked, 'response').push(octets(`${'1\r\na\r\n'.repeat(size)}0\r\n\r\n`), out), 'done');
    t.is(out.length, size);
  };
  t.true(growth(100_000, work) < 4);
});

test('what is encoded decodes to the same', (t) => {
  const content = fc.array(fc.string({ minLength: 1, maxLength: 40 }).map((text) => Buffer.from(text)));
  const encode = (parts: Buffer[], trailers: Fields) =>
    Buffer.concat([
      ...parts.flatMap((part) => [octets(chunkHead(part.length)), part, octets('\r\n')]),
      octets(lastChunk(trailers)),
    ]);
  fc.assert(
    fc.property(content, fc.array(fc.constantFrom('a', 'b c', '\xff')), (parts, values) => {
      const trailers = new Fields();
      for (const value of values) trailers.append('X-Sum', value);
      const decoded = decodeContent(chunked, 'request', [encode(parts, trailers)]);
      t.deepEqual(
        decoded,
        done(
          Buffer.concat(parts).toString('latin1'),
          '',
          values.map((value) => ['X-Sum', value]),
        ),
      );
    }),
    { seed: 20_253 },
  );
  t.is(lastChunk(), '0\r\n\r\n');
});

test('mutated chunks end in the same however they are cut', (t) => {
  const samples = sound.filter(([, framing]) => framing.type === 'chunked').map(([, , text]) => text);
  fc.assert(
    fc.property(mutated(samples), fc.constantFrom('request' as const, 'response' as const), (text, role) => {
      const pieces = singles(octets(text));
      t.deepEqual(decodeContent(chunked, role, pieces), decodeContent(chunked, role, [octets(text)]));
    }),
    { numRuns: 10_000, seed: 20_254 },
  );
});
