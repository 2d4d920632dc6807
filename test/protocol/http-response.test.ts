import test from 'ava';
import type { Parsed } from '../../src/protocol/decoded.ts';
import { defaultHeadLimits, ResponseHeadDecoder } from '../../src/protocol/http-head.ts';
import type { Framing, ResponsePlan } from '../../src/protocol/http-message.ts';
import { planResponse, switchesAsAsked } from '../../src/protocol/http-response.ts';
import { octets } from './http-samples.ts';

function plan(status: number, fields: string, { method = 'GET', version = '1.1' } = {}): Parsed<ResponsePlan> {
  const result = new ResponseHeadDecoder(defaultHeadLimits).push(
    octets(`HTTP/${version} ${status} X\r\n${fields}\r\n`),
  );
  if (result.state !== 'value') throw new Error(`no head: ${fields}`);
  return planResponse(result.value, method);
}

const none: Framing = { type: 'none' };
const chunked: Framing = { type: 'chunked' };
const close: Framing = { type: 'close' };
const length = (count: number): Framing => ({ type: 'length', octets: count });
const bad = 'refused';

const five = 'Content-Length: 5\r\n';
const chunks = 'Transfer-Encoding: chunked\r\n';

const framings: readonly [
  status: number,
  fields: string,
  framing: Framing | typeof bad,
  context?: { method?: string; version?: string },
][] = [
  [200, five, length(5)],
  [200, 'Content-Length: 0\r\n', length(0)],
  [200, five + five, length(5)],
  [200, 'Content-Length: 5, 5\r\n', length(5)],
  [200, `Content-Length: 5,5\r\n${five}`, length(5)],
  [200, `${five}Content-Length: 6\r\n`, bad],
  [200, `${five}Content-Length: 05\r\n`, bad],
  [200, 'Content-Length: 5, 6\r\n', bad],
  [200, 'Content-Length: 5,\r\n', bad],
  [200, 'Content-Length: ,5\r\n', bad],
  [200, 'Content-Length:\r\n', bad],
  [200, 'Content-Length: +5\r\n', bad],
  [200, 'Content-Length: -5\r\n', bad],
  [200, 'Content-Length: 0x5\r\n', bad],
  [200, 'Content-Length: 9007199254740992\r\n', bad],
  [200, chunks, chunked],
  [200, 'Transfer-Encoding: CHUNKED\r\n', chunked],
  [200, chunks + five, bad],
  [200, five + chunks, bad],
  [200, chunks + chunks, bad],
  [200, 'Transfer-Encoding: gzip, chunked\r\n', bad],
  [200, 'Transfer-Encoding: chunked, gzip\r\n', bad],
  [200, 'Transfer-Encoding: identity\r\n', bad],
  [200, 'Transfer-Encoding:\r\n', bad],
  [200, chunks, bad, { version: '1.0' }],
  [200, five, length(5), { version: '1.0' }],
  [200, '', close],
  [200, '', close, { version: '1.0' }],
  [200, five, none, { method: 'HEAD' }],
  [200, chunks, none, { method: 'HEAD' }],
  [200, '', none, { method: 'HEAD' }],
  [200, five + chunks, bad, { method: 'HEAD' }],
  [304, five, none],
  [304, 'Content-Length: x\r\n', bad],
  [204, five, none],
  [204, chunks, none],
  [204, '', none],
  [100, five, none],
  [103, chunks, none],
  [101, '', none],
  [205, '', length(0)],
  [205, 'Content-Length: 0\r\n', length(0)],
  [205, chunks, chunked],
  [205, five, bad],
  [200, five, none, { method: 'CONNECT' }],
  [200, chunks, none, { method: 'CONNECT' }],
  [299, '', none, { method: 'CONNECT' }],
  [407, five, length(5), { method: 'CONNECT' }],
  [403, five + chunks, bad, { method: 'CONNECT' }],
  [999, five, length(5)],
];

for (const [status, fields, framing, context] of framings) {
  const name = typeof framing === 'string' ? framing : framing.type;
  test(`${context?.method ?? 'GET'} ${context?.version ?? '1.1'} ${status} ${JSON.stringify(fields)} is ${name}`, (t) => {
    const result = plan(status, fields, context);
    if (result.ok) t.deepEqual(result.value.framing, framing);
    else t.deepEqual([result.fault.kind, framing], ['origin_bad_response', bad]);
  });
}

const kept: readonly [fields: string, version: string, keepAlive: boolean][] = [
  [five, '1.1', true],
  [`${five}Connection: close\r\n`, '1.1', false],
  [`${five}Proxy-Connection: close\r\n`, '1.1', false],
  [five, '1.0', false],
  [`${five}Connection: keep-alive\r\n`, '1.0', true],
  ['', '1.1', false],
  ['Connection: keep-alive\r\n', '1.0', false],
];

for (const [fields, version, keepAlive] of kept) {
  test(`HTTP/${version} ${JSON.stringify(fields)} ${keepAlive ? 'keeps' : 'ends'} the connection`, (t) => {
    const result = plan(200, fields, { version });
    t.is(result.ok && result.value.keepAlive, keepAlive);
  });
}

test('a 101 switches to what was asked for, or is none', (t) => {
  const switches = (fields: string, asked: string) => {
    const planned = plan(101, fields);
    return planned.ok && switchesAsAsked(planned.value, asked);
  };
  t.true(switches('Upgrade: WebSocket\r\n', 'websocket'));
  t.true(switches('Upgrade: b/2\r\n', 'a, B/2 ,c'));
  t.true(switches('Upgrade: a\r\nUpgrade: b\r\n', 'a, b'));
  for (const [fields, asked] of [
    ['', 'websocket'],
    ['Upgrade: \r\n', 'websocket'],
    ['Upgrade: h2c\r\n', 'websocket'],
    ['Upgrade: websocket, h2c\r\n', 'websocket'],
    ['Upgrade: websocket\r\n', ''],
    ['', ''],
  ] as const)
    t.false(switches(fields, asked), `${fields} for ${asked}`);
});
