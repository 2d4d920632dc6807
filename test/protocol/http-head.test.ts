import test from 'ava';
import fc from 'fast-check';
import type { Decoded } from '../../src/protocol/decoded.ts';
import { defaultHeadLimits, RequestHeadDecoder, ResponseHeadDecoder } from '../../src/protocol/http-head.ts';
import type { RequestHead, ResponseHead } from '../../src/protocol/http-message.ts';
import { cuts, decodeChunks, growth, mutated, octets, pairs, singles, soundRequests } from './http-samples.ts';

const asRequest = (chunks: readonly Buffer[], limits = defaultHeadLimits): Decoded<RequestHead> =>
  decodeChunks(new RequestHeadDecoder(limits), chunks);
const asResponse = (chunks: readonly Buffer[], limits = defaultHeadLimits): Decoded<ResponseHead> =>
  decodeChunks(new ResponseHeadDecoder(limits), chunks);

const outcome = (result: Decoded<unknown>): string => {
  if (result.state !== 'error') return result.state;
  return result.fault.status === undefined ? result.fault.kind : `${result.fault.kind} ${result.fault.status}`;
};

const line = 'GET http://a/ HTTP/1.1\r\n';
const host = 'Host: a\r\n';

test('a request head is taken apart as it was written', (t) => {
  const result = asRequest([
    octets(`PURGE http://a/b?c HTTP/1.0\r\nHOST: a\r\nX: \t1, 2 \t\r\nx:\r\n__proto__: y\xff\r\n\r\nrest`),
  ]);
  t.is(result.state, 'value');
  if (result.state !== 'value') return;
  const { method, target, minorVersion, fields } = result.value;
  t.deepEqual([method, target, minorVersion], ['PURGE', 'http://a/b?c', 0]);
  t.deepEqual(pairs(fields), [
    ['HOST', 'a'],
    ['X', '1, 2'],
    ['x', ''],
    ['__proto__', 'y\xff'],
  ]);
  t.deepEqual(fields.keys, ['host', 'x', 'x', '__proto__']);
  t.is(result.rest.toString(), 'rest');
});

test('every cut of a head gives the same', (t) => {
  for (const text of soundRequests) {
    const whole = asRequest([octets(text)]);
    t.is(whole.state, 'value', text);
    for (const chunks of cuts(octets(text))) t.deepEqual(asRequest(chunks), whole, text);
  }
});

test('heads that follow one another are decoded one by one', (t) => {
  const decoder = new RequestHeadDecoder(defaultHeadLimits);
  let rest = octets(`${line}${host}\r\n\r\nGET http://b/ HTTP/1.1\r\n${host}\r\nGET`);
  const targets: string[] = [];
  for (;;) {
    const result = decoder.push(rest);
    if (result.state !== 'value') break;
    targets.push(result.value.target);
    rest = result.rest;
  }
  t.deepEqual(targets, ['http://a/', 'http://b/']);
  t.true(decoder.pending);
});

test('pending tells an unfinished head from an idle connection', (t) => {
  const decoder = new RequestHeadDecoder(defaultHeadLimits);
  const seen = ['\r\n', '\r', '\n', 'G', 'ET http://a/ HTTP/1.1\r\n', '\r\n'].map((text) => {
    decoder.push(octets(text));
    return decoder.pending;
  });
  t.deepEqual(seen, [false, true, false, true, true, false]);
});

const refusedRequests: readonly [reason: string, text: string, outcome: string][] = [
  ['bare LF after the request line', 'GET http://a/ HTTP/1.1\nHost: a\r\n\r\n', 'bad_request'],
  ['bare LF after a field', `${line}Host: a\n\r\n`, 'bad_request'],
  ['bare LF as the end', `${line}${host}\n`, 'bad_request'],
  ['bare CR in a value', `${line}X: a\rb\r\n\r\n`, 'bad_request'],
  ['CR before CRLF', `${line}X: a\r\r\n\r\n`, 'bad_request'],
  ['bare CR in the request line', 'GET http://a/\rb HTTP/1.1\r\n\r\n', 'bad_request'],
  ['bare LF before the request line', `\n${line}\r\n`, 'bad_request'],
  ['NUL in a value', `${line}X: a\0b\r\n\r\n`, 'bad_request'],
  ['NUL in a name', `${line}X\0: a\r\n\r\n`, 'bad_request'],
  ['NUL in the target', 'GET http://a/\0 HTTP/1.1\r\n\r\n', 'bad_request'],
  ['a control character in a value', `${line}X: \x01\r\n\r\n`, 'bad_request'],
  ['DEL in a value', `${line}X: \x7f\r\n\r\n`, 'bad_request'],
  ['a folded line', `${line}X: a\r\n b\r\n\r\n`, 'bad_request'],
  ['a line folded with HTAB', `${line}X: a\r\n\tb\r\n\r\n`, 'bad_request'],
  ['a first field line that begins with a space', `${line} Host: a\r\n\r\n`, 'bad_request'],
  ['a line of white space', `${line}${host} \r\n\r\n`, 'bad_request'],
  ['a space before the colon', `${line}Host : a\r\n\r\n`, 'bad_request'],
  ['HTAB before the colon', `${line}Host\t: a\r\n\r\n`, 'bad_request'],
  ['an empty name', `${line}: a\r\n\r\n`, 'bad_request'],
  ['a line without a colon', `${line}Host\r\nX: a\r\n\r\n`, 'bad_request'],
  ['a last line without a colon', `${line}${host}Host\r\n\r\n`, 'bad_request'],
  ['a name that is no token', `${line}X(y): a\r\n\r\n`, 'bad_request'],
  ['a name beyond ASCII', `${line}H\xf6st: a\r\n\r\n`, 'bad_request'],
  ['a name with a space', `${line}A B: a\r\n\r\n`, 'bad_request'],
  ['three empty lines', `\r\n\r\n\r\n${line}\r\n`, 'bad_request'],
  ['a space before the method', ` ${line}\r\n`, 'bad_request'],
  ['a method that is no token', 'G(T http://a/ HTTP/1.1\r\n\r\n', 'bad_request'],
  ['two spaces before the target', 'GET  http://a/ HTTP/1.1\r\n\r\n', 'bad_request'],
  ['two spaces before the version', 'GET http://a/  HTTP/1.1\r\n\r\n', 'bad_request'],
  ['a space after the version', 'GET http://a/ HTTP/1.1 \r\n\r\n', 'bad_request'],
  ['a space in the target', 'GET http://a/ b HTTP/1.1\r\n\r\n', 'bad_request'],
  ['HTAB for a space', 'GET\thttp://a/ HTTP/1.1\r\n\r\n', 'bad_request'],
  ['HTAB in the target', 'GET http://a/\tb HTTP/1.1\r\n\r\n', 'bad_request'],
  ['a target beyond ASCII', 'GET http://a/\xe9 HTTP/1.1\r\n\r\n', 'bad_request'],
  ['a tab behind chunked', `${line}${host}Transfer-Encoding: chunked\t\r\n\r\n`, 'bad_request'],
  ['a tab before a length', `${line}${host}content-length:\t5\r\n\r\n`, 'bad_request'],
  ['HTTP/0.9', 'GET /\r\n\r\n', 'bad_request'],
  ['HTTP/0.9 with a space', 'GET / \r\n\r\n', 'bad_request'],
  ['a method alone', 'GET\r\n\r\n', 'bad_request'],
  ['HTTP/1.2', 'GET http://a/ HTTP/1.2\r\n\r\n', 'not_supported 505'],
  ['HTTP/0.9 written out', 'GET http://a/ HTTP/0.9\r\n\r\n', 'not_supported 505'],
  ['HTTP/2.0', 'GET http://a/ HTTP/2.0\r\n\r\n', 'not_supported 505'],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'not_supported 505'],
  ['a version of one part', 'GET http://a/ HTTP/2\r\n\r\n', 'bad_request'],
  ['a version of many digits', 'GET http://a/ HTTP/1.10\r\n\r\n', 'bad_request'],
  ['a version in lower case', 'GET http://a/ http/1.1\r\n\r\n', 'bad_request'],
  ['another protocol', 'GET http://a/ RTSP/1.0\r\n\r\n', 'bad_request'],
  ['a TLS ClientHello', '\x16\x03\x01\x02\x00\x01', 'bad_request'],
  ['SOCKS5', '\x05\x01\x00', 'bad_request'],
];

for (const [reason, text, expected] of refusedRequests) {
  test(`request refused: ${reason}`, (t) => {
    for (const chunks of cuts(octets(text))) t.is(outcome(asRequest(chunks)), expected);
  });
}

const limits = { headBytes: 200, startLineBytes: 50, fieldLineBytes: 60, fieldCount: 3 };
const startLine = (length: number) => `GET /${'x'.repeat(length - 14)} HTTP/1.1`;
const fieldLine = (length: number) => `X: ${'x'.repeat(length - 3)}`;

const sized: readonly [reason: string, text: string, outcome: string][] = [
  ['start line at its limit', `${startLine(50)}\r\n\r\n`, 'value'],
  ['start line at its limit, unfinished', `${startLine(50)}\r`, 'more'],
  ['start line beyond', `${startLine(51)}\r\n\r\n`, 'head_too_large 414'],
  ['start line beyond, unfinished', 'x'.repeat(51), 'head_too_large 414'],
  ['field line at its limit', `${line}${fieldLine(60)}\r\n\r\n`, 'value'],
  ['field line beyond', `${line}${fieldLine(61)}\r\n\r\n`, 'head_too_large 431'],
  ['field line beyond, unfinished', `${line}${fieldLine(61)}`, 'head_too_large 431'],
  ['as many fields as allowed', `${line}${host.repeat(3)}\r\n`, 'value'],
  ['one field too many', `${line}${host.repeat(4)}`, 'head_too_large 431'],
  ['head at its limit', `${startLine(50)}\r\n${`${fieldLine(40)}\r\n`.repeat(2)}${fieldLine(60)}\r\n\r\n`, 'value'],
  [
    'head beyond',
    `${startLine(50)}\r\n${`${fieldLine(42)}\r\n`.repeat(2)}${fieldLine(60)}\r\n\r\n`,
    'head_too_large 431',
  ],
  [
    'head at its limit without an end',
    `${startLine(50)}\r\n${`${fieldLine(42)}\r\n`.repeat(2)}${fieldLine(58)}\r\n`,
    'head_too_large 431',
  ],
];

for (const [reason, text, expected] of sized) {
  test(`size: ${reason}`, (t) => {
    for (const chunks of cuts(octets(text))) t.is(outcome(asRequest(chunks, limits)), expected);
  });
}

test('a response beyond a limit is bad whichever it is', (t) => {
  const beyond = ['x'.repeat(51), `HTTP/1.1 200 OK\n${fieldLine(61)}\n\n`, `HTTP/1.1 200 OK\n${'A: 1\n'.repeat(4)}\n`];
  for (const text of beyond) t.is(outcome(asResponse([octets(text)], limits)), 'origin_bad_response');
  t.is(outcome(asResponse([octets(`HTTP/1.1 200 OK\n${fieldLine(60)}\n\n`)], limits)), 'value');
});

test('a head that comes octet by octet costs each octet once', (t) => {
  const work = (size: number) => {
    const chunks = singles(octets(`${line}${`X: ${'x'.repeat(995)}\r\n`.repeat(size)}\r\n`));
    t.is(asRequest(chunks).state, 'value');
  };
  t.true(growth(60, work) < 4);
});

test('a response head is taken apart as it was written', (t) => {
  const text = 'HTTP/1.1 404 Not\tFound \xe9\r\nSet-Cookie: a\r\nset-cookie: b\r\n\r\ncontent';
  for (const chunks of cuts(octets(text))) {
    const result = asResponse(chunks);
    if (result.state !== 'value') return t.fail(result.state);
    const { minorVersion, status, reason, fields } = result.value;
    t.deepEqual([minorVersion, status, reason], [1, 404, 'Not\tFound \xe9']);
    t.deepEqual(pairs(fields), [
      ['Set-Cookie', 'a'],
      ['set-cookie', 'b'],
    ]);
    t.is(result.rest.toString(), 'content');
  }
});

const repaired: readonly [reason: string, text: string, status: number, phrase: string, fields: [string, string][]][] =
  [
    [
      'bare LF',
      'HTTP/1.1 200 OK\nA: 1\nB: 2\r\n\n',
      200,
      'OK',
      [
        ['A', '1'],
        ['B', '2'],
      ],
    ],
    ['bare LF as the end', 'HTTP/1.1 200 OK\r\nA: 1\r\n\n', 200, 'OK', [['A', '1']]],
    [
      'a folded line',
      'HTTP/1.1 200 OK\r\nA: 1\r\n  2\r\n\t3\r\nB: 4\r\n\r\n',
      200,
      'OK',
      [
        ['A', '1 2 3'],
        ['B', '4'],
      ],
    ],
    ['a line folded with bare LF', 'HTTP/1.1 200 OK\nA: 1\n 2\n\n', 200, 'OK', [['A', '1 2']]],
    [
      'white space before a colon',
      'HTTP/1.1 200 OK : \r\nA : 1 : 2\r\nContent-Length: 0\r\nContent-Length-Of\t \t: 3\r\n\r\n',
      200,
      'OK : ',
      [
        ['A', '1 : 2'],
        ['Content-Length', '0'],
        ['Content-Length-Of', '3'],
      ],
    ],
    ['no reason phrase', 'HTTP/1.0 200\r\n\r\n', 200, '', []],
    ['an empty reason phrase', 'HTTP/1.1 200 \r\n\r\n', 200, '', []],
    ['a status beyond the classes', 'HTTP/1.1 999 Denied\r\n\r\n', 999, 'Denied', []],
  ];

for (const [reason, text, status, phrase, fields] of repaired) {
  test(`response repaired: ${reason}`, (t) => {
    for (const chunks of cuts(octets(text))) {
      const result = asResponse(chunks);
      if (result.state !== 'value') return t.fail(outcome(result));
      t.deepEqual([result.value.status, result.value.reason, pairs(result.value.fields)], [status, phrase, fields]);
    }
  });
}

const ok = 'HTTP/1.1 200 OK\r\n';

const refusedResponses: readonly [reason: string, text: string][] = [
  ['an empty line first', `\r\n${ok}\r\n`],
  ['bare CR in a value', `${ok}A: 1\r2\r\n\r\n`],
  ['CR before CRLF', `${ok}A: 1\r\r\n\r\n`],
  ['NUL in a value', `${ok}A: \0\r\n\r\n`],
  ['a control character in the reason phrase', 'HTTP/1.1 200 O\x1bK\r\n\r\n'],
  ['a fold before any field', `${ok} A: 1\r\n\r\n`],
  ['a blank folded line', `${ok}A: 1\r\n \r\nB: 2\r\n\r\n`],
  ['a blank line at the end', `${ok}A: 1\r\n\t\r\n\r\n`],
  ['a space before the colon of a length', `${ok}Content-Length : 1\r\n\r\n`],
  ['a tab before the colon of a coding', `${ok}A : 1\r\ntransfer-encoding\t: chunked\r\n\r\n`],
  ['a space before a colon and no name', `${ok} : 1\r\n\r\n`],
  ['no colon', `${ok}A\r\n\r\n`],
  ['an empty name', `${ok}: A\r\n\r\n`],
  ['a name that is no token', `${ok}A B: 1\r\n\r\n`],
  ['HTTP/0.9', '<html>\r\n\r\n'],
  ['HTTP/2', 'HTTP/2 200\r\n\r\n'],
  ['HTTP/1.2', 'HTTP/1.2 200 OK\r\n\r\n'],
  ['a version in lower case', 'http/1.1 200 OK\r\n\r\n'],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
  ['a status below 100', 'HTTP/1.1 099 OK\r\n\r\n'],
  ['no status', 'HTTP/1.1 OK\r\n\r\n'],
  ['two spaces before the status', 'HTTP/1.1  200 OK\r\n\r\n'],
  ['a space before the version', ' HTTP/1.1 200 OK\r\n\r\n'],
  ['another protocol', 'ICY 200 OK\r\n\r\n'],
];

for (const [reason, text] of refusedResponses) {
  test(`response refused: ${reason}`, (t) => {
    for (const chunks of cuts(octets(text))) t.is(outcome(asResponse(chunks)), 'origin_bad_response');
  });
}

const soundResponses = repaired.map(([, text]) => text).concat(`${ok}Content-Length: 3\r\nX: \t y\r\n\r\nabc`);
const spacedLines = /[\r\n\0]/;

test('mutated heads end in the same however they are cut, and no value carries CR, LF or NUL', (t) => {
  const clean = (fields: { names: string[]; values: string[] }) =>
    !spacedLines.test([...fields.names, ...fields.values].join(''));
  const runs = { numRuns: 10_000, seed: 20_251 };
  fc.assert(
    fc.property(mutated(soundRequests), (text) => {
      const whole = asRequest([octets(text)]);
      t.deepEqual(asRequest(singles(octets(text))), whole);
      return whole.state !== 'value' || (clean(whole.value.fields) && !/[^\x21-\x7e]/.test(whole.value.target));
    }),
    runs,
  );
  fc.assert(
    fc.property(mutated(soundResponses), (text) => {
      const whole = asResponse([octets(text)]);
      t.deepEqual(asResponse(singles(octets(text))), whole);
      if (whole.state === 'error' && whole.fault.kind !== 'origin_bad_response') return false;
      return whole.state !== 'value' || (clean(whole.value.fields) && !spacedLines.test(whole.value.reason));
    }),
    runs,
  );
});
