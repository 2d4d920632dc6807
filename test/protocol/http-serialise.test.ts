import test from 'ava';
import { defaultHeadLimits, RequestHeadDecoder, ResponseHeadDecoder } from '../../src/protocol/http-head.ts';
import { isDropped, isForbiddenTrailer } from '../../src/protocol/http-hop-by-hop.ts';
import type { RequestPlan, ResponsePlan } from '../../src/protocol/http-message.ts';
import { planRequest } from '../../src/protocol/http-request.ts';
import { planResponse } from '../../src/protocol/http-response.ts';
import {
  type RequestOptions,
  type ResponseOptions,
  serialiseInterim,
  serialiseRequest,
  serialiseResponse,
} from '../../src/protocol/http-serialise.ts';
import { octets } from './http-samples.ts';

function request(lines: readonly string[]): RequestPlan {
  const head = new RequestHeadDecoder(defaultHeadLimits).push(octets(`${lines.join('\r\n')}\r\n\r\n`));
  const plan = head.state === 'value' ? planRequest(head.value) : null;
  if (plan?.ok !== true) throw new Error(`no request: ${lines.join(' | ')}`);
  return plan.value;
}

function response(lines: readonly string[], method = 'GET'): ResponsePlan {
  const head = new ResponseHeadDecoder(defaultHeadLimits).push(octets(`${lines.join('\r\n')}\r\n\r\n`));
  const plan = head.state === 'value' ? planResponse(head.value, method) : null;
  if (plan?.ok !== true) throw new Error(`no response: ${lines.join(' | ')}`);
  return plan.value;
}

function lines(head: string): string[] {
  if (!head.endsWith('\r\n\r\n')) throw new Error('the head has no end');
  return head.slice(0, -4).split('\r\n');
}

const sendRequest = (received: readonly string[], options: Partial<RequestOptions> = {}): string[] =>
  lines(serialiseRequest(request(received), { target: '/t', host: 'h', connection: 'keep-alive', ...options }));

const sendResponse = (plan: ResponsePlan, options: Partial<ResponseOptions> = {}): string[] =>
  lines(
    serialiseResponse(plan, { minorVersionOfClient: 1, framing: plan.framing, connection: 'keep-alive', ...options }),
  );

test('end-to-end fields keep order, case and number; ours stand where the received ones stood', (t) => {
  const received = [
    'POST http://a/ HTTP/1.1',
    'x-B: 2',
    'HOST: a',
    'Proxy-Connection: Keep-Alive',
    'X-a: \x80',
    'content-LENGTH: 05',
    'x-b: 1',
  ];
  t.deepEqual(
    sendRequest(received, {
      extra: [
        ['Via', '1.1 x'],
        ['Max-Forwards', '2'],
      ],
    }),
    [
      'POST /t HTTP/1.1',
      'x-B: 2',
      'HOST: h',
      'Connection: keep-alive',
      'X-a: \x80',
      'content-LENGTH: 5',
      'x-b: 1',
      'Via: 1.1 x',
      'Max-Forwards: 2',
    ],
  );
});

test('a request without Host gets one first, and becomes HTTP/1.1', (t) => {
  t.deepEqual(sendRequest(['GET http://a/ HTTP/1.0', 'X: 1']), ['GET /t HTTP/1.1', 'Host: h', 'X: 1']);
});

test('hop-by-hop, nominated and reserved fields of a request go no further', (t) => {
  const dropped = [
    'Proxy-Authorization: Basic x',
    'Proxy-Foo: x',
    'Proxy-Status: x',
    'Keep-Alive: x',
    'TE: trailers',
    'Upgrade: websocket',
  ]
    .concat([
      'HTTP2-Settings: x',
      'X-Mine: x',
      'x-mine: x',
      'Roundabout-Error: x',
      'X-Scrapoxy-Proxyname: x',
      'Trailer: X',
    ])
    .concat(['Connection: X-Mine', 'connection: x-other, ', 'X-Other: x']);
  const received = ['GET http://a/ HTTP/1.1', 'Host: a', 'A: 1', ...dropped, 'Authorization: x', 'Via: 1.0 y'];
  t.deepEqual(sendRequest(received, { omit: new Set(['via']) }), [
    'GET /t HTTP/1.1',
    'Host: h',
    'A: 1',
    'Connection: keep-alive',
    'Authorization: x',
  ]);
});

for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'POST']) {
  test(`content of ${method} stays framed`, (t) => {
    t.true(sendRequest([`${method} http://a/ HTTP/1.1`, 'Host: a', 'Content-Length: 3']).includes('Content-Length: 3'));
    t.true(sendRequest([`${method} http://a/ HTTP/1.1`, 'Host: a', 'Content-Length: 0']).includes('Content-Length: 0'));
    const chunked = sendRequest([
      `${method} http://a/ HTTP/1.1`,
      'Host: a',
      'transfer-encoding: CHUNKED',
      'Trailer: a',
      'X: 1',
      'Trailer: b',
    ]);
    t.deepEqual(chunked.slice(2), ['transfer-encoding: chunked', 'Trailer: a, b', 'X: 1']);
  });
}

test('what is said of the connection', (t) => {
  const quiet = ['GET http://a/ HTTP/1.1', 'Host: a'];
  const spoken = [...quiet, 'Connection: close'];
  const upgrading = [...quiet, 'Upgrade: websocket', 'connection: upgrade'];
  t.deepEqual(sendRequest(quiet).slice(2), []);
  t.deepEqual(sendRequest(quiet, { connection: 'close' }).slice(2), ['Connection: close']);
  t.deepEqual(sendRequest(spoken).slice(2), ['Connection: keep-alive']);
  t.deepEqual(sendRequest(spoken, { connection: 'close' }).slice(2), ['Connection: close']);
  t.deepEqual(sendRequest(upgrading).slice(2), ['connection: keep-alive']);
  t.deepEqual(sendRequest(upgrading, { connection: 'upgrade' }).slice(2), [
    'Upgrade: websocket',
    'connection: Upgrade',
  ]);
});

test('an expectation is passed on from HTTP/1.1 only', (t) => {
  t.true(
    sendRequest(['PUT http://a/ HTTP/1.1', 'Host: a', 'Expect: 100-Continue', 'Content-Length: 1']).includes(
      'Expect: 100-continue',
    ),
  );
  t.false(
    sendRequest(['PUT http://a/ HTTP/1.0', 'Expect: 100-continue', 'Content-Length: 1']).some((line) =>
      line.startsWith('Expect'),
    ),
  );
  const omitted = sendRequest(['PUT http://a/ HTTP/1.1', 'Host: a', 'Expect: 100-continue'], {
    omit: new Set(['expect']),
  });
  t.deepEqual(omitted, ['PUT /t HTTP/1.1', 'Host: h']);
});

test('a response keeps its end-to-end fields, a received Proxy-Status included', (t) => {
  const dropped = [
    'Connection: x-mine',
    'X-Mine: 1',
    'Keep-Alive: timeout=5',
    'Proxy-Authenticate: Basic',
    'Proxy-Authentication-Info: x',
  ].concat(['Roundabout-Exit: x', 'Upgrade: h2', 'TE: x', 'Host: x']);
  const plan = response([
    'HTTP/1.0 200 Fine',
    'Set-Cookie: a',
    ...dropped,
    'set-cookie: b',
    'Proxy-Status: y',
    'Content-Length: 3',
  ]);
  t.deepEqual(sendResponse(plan, { extra: [['Roundabout-Request-Id', 'r']] }), [
    'HTTP/1.1 200 Fine',
    'Set-Cookie: a',
    'set-cookie: b',
    'Proxy-Status: y',
    'Content-Length: 3',
    'Roundabout-Request-Id: r',
  ]);
});

test('a response is framed as the client gets it', (t) => {
  const chunked = response(['HTTP/1.1 200 OK', 'Transfer-Encoding: Chunked', 'Trailer: X']);
  t.deepEqual(sendResponse(chunked), ['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', 'Trailer: X']);
  const toOld = { minorVersionOfClient: 0, framing: { type: 'close' }, connection: 'close' } as const;
  t.deepEqual(sendResponse(chunked, toOld), ['HTTP/1.1 200 OK', 'Connection: close']);
  const endless = response(['HTTP/1.1 200', 'Connection: close']);
  t.deepEqual(sendResponse(endless, { framing: { type: 'chunked' } }), ['HTTP/1.1 200 ', 'Transfer-Encoding: chunked']);
  const repeated = response(['HTTP/1.1 200 OK', 'content-length: 3', 'X: 1', 'Content-Length: 3']);
  t.deepEqual(sendResponse(repeated), ['HTTP/1.1 200 OK', 'content-length: 3', 'X: 1']);
  t.deepEqual(sendResponse(response(['HTTP/1.1 205 X'])), ['HTTP/1.1 205 X', 'Content-Length: 0']);
});

test('a length without content is told where it may be', (t) => {
  const told = 'Content-Length: 3';
  t.deepEqual(sendResponse(response(['HTTP/1.1 200 OK', told], 'HEAD')), ['HTTP/1.1 200 OK', told]);
  t.deepEqual(sendResponse(response(['HTTP/1.1 304 OK', told, told])), ['HTTP/1.1 304 OK', told]);
  t.deepEqual(sendResponse(response(['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'], 'HEAD')), ['HTTP/1.1 200 OK']);
  t.deepEqual(sendResponse(response(['HTTP/1.1 204 OK', told])), ['HTTP/1.1 204 OK']);
});

test('what a response says of the connection', (t) => {
  const plan = response(['HTTP/1.1 200 OK', 'Connection: close', 'Content-Length: 0']);
  const said = (options: Partial<ResponseOptions>) =>
    sendResponse(plan, options).filter((line) => line.includes('onnection'));
  t.deepEqual(said({}), []);
  t.deepEqual(said({ connection: null }), []);
  t.deepEqual(said({ connection: 'close' }), ['Connection: close']);
  t.deepEqual(said({ minorVersionOfClient: 0 }), ['Connection: keep-alive']);
  t.deepEqual(said({ minorVersionOfClient: 0, proxyConnection: true }), ['Proxy-Connection: keep-alive']);
  const switched = response(['HTTP/1.1 101 Switching', 'upgrade: websocket', 'Connection: upgrade', 'X: 1']);
  const upgraded = ['HTTP/1.1 101 Switching', 'upgrade: websocket', 'Connection: Upgrade', 'X: 1'];
  t.deepEqual(sendResponse(switched, { connection: 'upgrade' }), upgraded);
});

test('an interim response has end-to-end fields only', (t) => {
  const plan = response([
    'HTTP/1.1 103 Early Hints',
    'Link: </a>',
    'Content-Length: 3',
    'Connection: x',
    'X: 1',
    'Roundabout-Exit: x',
  ]);
  t.deepEqual(lines(serialiseInterim(plan)), ['HTTP/1.1 103 Early Hints', 'Link: </a>']);
});

test('names such as __proto__ are fields like any other', (t) => {
  t.false(isDropped('__proto__', [], 'request'));
  t.false(isForbiddenTrailer('constructor', 'response'));
  t.deepEqual(sendRequest(['GET http://a/ HTTP/1.1', 'Host: a', '__proto__: 1', 'constructor: 2']).slice(2), [
    '__proto__: 1',
    'constructor: 2',
  ]);
});

test('lines are written in one form, however they came', (t) => {
  const plan = request([
    'GET http://o.example/ HTTP/1.1',
    'A: 1',
    'B:2',
    'Proxy-X: no',
    'C: \t3 ',
    'D:',
    'Host: o.example',
    'E: ',
  ]);
  const written = serialiseRequest(plan, { target: '/', host: 'o.example', connection: 'keep-alive' });
  t.is(written, 'GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: \r\nHost: o.example\r\nE: \r\n\r\n');
});
