import test from 'ava';
import fc from 'fast-check';
import type { Parsed } from '../../src/protocol/decoded.ts';
import { defaultHeadLimits, RequestHeadDecoder } from '../../src/protocol/http-head.ts';
import type { Framing, RequestPlan } from '../../src/protocol/http-message.ts';
import { planRequest } from '../../src/protocol/http-request.ts';
import { mutated, octets, soundRequests } from './http-samples.ts';

/** The plan of a head that is sound as such. */
function plan(head: string): Parsed<RequestPlan> {
  const result = new RequestHeadDecoder(defaultHeadLimits).push(octets(head));
  if (result.state !== 'value') throw new Error(`no head: ${head}`);
  return planRequest(result.value);
}

function planned(head: string): RequestPlan {
  const result = plan(head);
  if (!result.ok) throw new Error(result.fault.detail);
  return result.value;
}

const outcome = (result: Parsed<unknown>): string => {
  if (result.ok) return 'ok';
  return result.fault.status === undefined ? result.fault.kind : `${result.fault.kind} ${result.fault.status}`;
};

const get = (target: string, fields = 'Host: a\r\n') => `GET ${target} HTTP/1.1\r\n${fields}\r\n`;
const post = (fields: string, version = '1.1') => `POST http://a/ HTTP/${version}\r\nHost: a\r\n${fields}\r\n`;

const targets: readonly [head: string, form: RequestPlan['form'], authority: string, path: string][] = [
  [get('http://a.example/b?c'), 'absolute', 'a.example 80', '/b?c'],
  [get('HTTP://A.Example./'), 'absolute', 'a.example 80', '/'],
  [get('http://a.example'), 'absolute', 'a.example 80', '/'],
  [get('http://a.example?q'), 'absolute', 'a.example 80', '/?q'],
  [get('http://a.example:8080//b/../c'), 'absolute', 'a.example 8080', '//b/../c'],
  [get('http://[2001:DB8::0:1]:81/'), 'absolute', '2001:db8::1 81', '/'],
  [get('http://a/?u=http://b@c/'), 'absolute', 'a 80', '/?u=http://b@c/'],
  [get('http://0x7f.1/'), 'absolute', '127.0.0.1 80', '/'],
  ['OPTIONS http://a.example HTTP/1.1\r\nHost: a\r\n\r\n', 'absolute', 'a.example 80', '*'],
  ['OPTIONS http://a.example/ HTTP/1.1\r\nHost: a\r\n\r\n', 'absolute', 'a.example 80', '/'],
  ['OPTIONS http://a.example?x HTTP/1.1\r\nHost: a\r\n\r\n', 'absolute', 'a.example 80', '/?x'],
  ['OPTIONS * HTTP/1.1\r\nHost: gate:8080\r\n\r\n', 'asterisk', 'gate 8080', '*'],
  [get('/echo', 'Host: roundabout.internal\r\n'), 'origin', 'roundabout.internal 80', '/echo'],
  [get('//evil/', 'Host: gate\r\n'), 'origin', 'gate 80', '//evil/'],
  ['GET /x HTTP/1.0\r\n\r\n', 'origin', 'none', '/x'],
  ['CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n', 'authority', 'a.example 443', ''],
  ['CONNECT a.example:443 HTTP/1.0\r\n\r\n', 'authority', 'a.example 443', ''],
  ['CONNECT [::1]:22 HTTP/1.1\r\nHost: a\r\n\r\n', 'authority', '::1 22', ''],
  ['CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 0\r\n\r\n', 'authority', 'a 1', ''],
  [get('http://target.example/', 'Host: other.example:99\r\n'), 'absolute', 'target.example 80', '/'],
];

for (const [head, form, authority, path] of targets) {
  test(`target: ${JSON.stringify(head)}`, (t) => {
    const result = planned(head);
    const named = result.authority === null ? 'none' : `${result.authority.host} ${result.authority.port}`;
    t.deepEqual([result.form, named, result.path], [form, authority, path]);
  });
}

const refused: readonly [reason: string, head: string, outcome?: string][] = [
  ['https in absolute form', get('https://a/')],
  ['ftp', get('ftp://a/')],
  ['a scheme alone', get('http:')],
  ['no slashes after the scheme', get('http:a/')],
  ['one slash after the scheme', get('http:/a/')],
  ['an authority for GET', get('a:80')],
  ['a name for GET', get('a')],
  ['* for GET', get('*')],
  ['userinfo', get('http://u:p@a/')],
  ['an empty userinfo', get('http://@a/')],
  ['userinfo behind a backslash', get('http://a\\@b/')],
  ['a backslash for a slash', get('http://a\\b/')],
  ['a fragment', get('http://a/#b')],
  ['a fragment behind the authority', get('http://a#b')],
  ['a fragment in origin form', get('/#b')],
  ['an empty host', get('http:///b')],
  ['an empty host with a port', get('http://:80/')],
  ['port 0', get('http://a:0/')],
  ['port 65536', get('http://a:65536/')],
  ['a signed port', get('http://a:+80/')],
  ['a percent-encoded host', get('http://%61/')],
  ['a NUL in the host, percent-encoded', get('http://a%00.b/')],
  ['a zone id', get('http://[fe80::1%25eth0]/')],
  ['an unclosed bracket', get('http://[::1/')],
  ['CONNECT without a port', 'CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['CONNECT with an empty port', 'CONNECT a: HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['CONNECT with a URL', 'CONNECT http://a:80/ HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['CONNECT with a path', 'CONNECT a:80/ HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['CONNECT with userinfo', 'CONNECT u@a:80 HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['CONNECT without Host', 'CONNECT a:80 HTTP/1.1\r\n\r\n'],
  ['CONNECT with a length', 'CONNECT a:80 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n'],
  ['CONNECT with chunks', 'CONNECT a:80 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['no Host', get('http://a/', '')],
  ['two Hosts', get('http://a/', 'Host: a\r\nHost: b\r\n')],
  ['two Hosts alike', get('http://a/', 'Host: a\r\nhost: a\r\n')],
  ['two Hosts in HTTP/1.0', 'GET http://a/ HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n'],
  ['an empty Host', get('http://a/', 'Host:\r\n')],
  ['an empty Host in origin form', get('/', 'Host:\r\n')],
  ['a listed Host', get('http://a/', 'Host: a, b\r\n')],
  ['a Host with userinfo', get('http://a/', 'Host: u@a\r\n')],
  ['a Host with a path', get('http://a/', 'Host: a/b\r\n')],
  ['a Host with port 0', get('http://a/', 'Host: a:0\r\n')],
  ['both framings', post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n')],
  ['both framings, the other way round', post('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n')],
  ['both framings in mixed case', post('tRANSFER-eNCODING: chunked\r\ncONTENT-lENGTH: 0\r\n')],
  ['both framings in HTTP/1.0', post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '1.0')],
  ['both framings on GET', get('http://a/', 'Host: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n')],
  ['an empty length', post('Content-Length:\r\n')],
  ['a plus sign', post('Content-Length: +5\r\n')],
  ['a minus sign', post('Content-Length: -5\r\n')],
  ['a space in the length', post('Content-Length: 1 2\r\n')],
  ['a hexadecimal length', post('Content-Length: 0x5\r\n')],
  ['an exponent', post('Content-Length: 1e1\r\n')],
  ['a fraction', post('Content-Length: 5.0\r\n')],
  ['digits beyond ASCII', post('Content-Length: \xb2\r\n')],
  ['a listed length', post('Content-Length: 5, 5\r\n')],
  ['a length and a comma', post('Content-Length: 5,\r\n')],
  ['two lengths', post('Content-Length: 5\r\nContent-Length: 6\r\n')],
  ['two lengths alike', post('Content-Length: 5\r\nContent-Length: 5\r\n')],
  ['2^53', post('Content-Length: 9007199254740992\r\n')],
  ['2^64 + 5', post('Content-Length: 18446744073709551621\r\n')],
  ['an empty coding', post('Transfer-Encoding:\r\n')],
  ['identity', post('Transfer-Encoding: identity\r\n')],
  ['a coding that does not end in chunked', post('Transfer-Encoding: chunked, gzip\r\n')],
  ['an unknown coding', post('Transfer-Encoding: gzip, chunked\r\n'), 'not_supported 501'],
  [
    'an unknown coding in another line',
    post('Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n'),
    'not_supported 501',
  ],
  ['chunked twice', post('Transfer-Encoding: chunked, chunked\r\n')],
  ['chunked in two lines', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n')],
  ['chunked and another line', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n')],
  ['chunked behind a comma', post('Transfer-Encoding: ,chunked\r\n')],
  ['chunked before a comma', post('Transfer-Encoding: chunked,\r\n')],
  ['quoted chunked', post('Transfer-Encoding: "chunked"\r\n')],
  ['chunked with a parameter', post('Transfer-Encoding: chunked;q=1\r\n')],
  ['nearly chunked', post('Transfer-Encoding: xchunked\r\n')],
  ['chunked with obs-text', post('Transfer-Encoding: \xa0chunked\r\n')],
  ['two words', post('Transfer-Encoding: x chunked\r\n')],
  ['chunked in HTTP/1.0', post('Transfer-Encoding: chunked\r\n', '1.0')],
  ['another expectation', post('Expect: x\r\n'), 'bad_request 417'],
  ['an expectation with others', post('Expect: 100-continue, x\r\n'), 'bad_request 417'],
  ['an empty expectation', post('Expect:\r\n'), 'bad_request 417'],
];

const needed = [
  'Host',
  'Content-Length',
  'Transfer-Encoding',
  'Trailer',
  'Authorization',
  'Proxy-Authorization',
  'Cookie',
  'Max-Forwards',
];

for (const name of needed) {
  test(`refused: Connection nominates ${name}`, (t) =>
    t.is(outcome(plan(get('http://a/', `Host: a\r\nConnection: x, ${name.toUpperCase()}\r\n`))), 'bad_request'));
}

for (const [reason, head, expected = 'bad_request'] of refused) {
  test(`refused: ${reason}`, (t) => t.is(outcome(plan(head)), expected));
}

test('https in absolute form is told what to do', (t) => {
  const result = plan(get('https://a/'));
  t.regex(result.ok ? '' : result.fault.detail, /CONNECT/);
});

const framings: readonly [head: string, framing: Framing][] = [
  [get('http://a/'), { type: 'none' }],
  [post(''), { type: 'none' }],
  [post('Content-Length: 0\r\n'), { type: 'length', octets: 0 }],
  [post('Content-Length: 007\r\n'), { type: 'length', octets: 7 }],
  [post('Content-Length: 9007199254740991\r\n'), { type: 'length', octets: Number.MAX_SAFE_INTEGER }],
  [post('Content-Length: 5\r\n', '1.0'), { type: 'length', octets: 5 }],
  [post('Transfer-Encoding: chunked\r\n'), { type: 'chunked' }],
  [post('transfer-encoding:  CHUNKED \r\n'), { type: 'chunked' }],
  [get('http://a/', 'Host: a\r\nContent-Length: 5\r\n'), { type: 'length', octets: 5 }],
  ['CONNECT a:1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n', { type: 'none' }],
];

for (const [head, framing] of framings) {
  test(`framing ${framing.type}: ${JSON.stringify(head)}`, (t) => t.deepEqual(planned(head).framing, framing));
}

const kept: readonly [version: string, fields: string, keepAlive: boolean][] = [
  ['1.1', '', true],
  ['1.1', 'Connection: close\r\n', false],
  ['1.1', 'Connection: keep-alive, CLOSE\r\n', false],
  ['1.1', 'Connection: x\r\nConnection: close\r\n', false],
  ['1.1', 'Proxy-Connection: close\r\n', false],
  ['1.1', 'Connection: keep-alive\r\nProxy-Connection: close\r\n', false],
  ['1.0', '', false],
  ['1.0', 'Connection: Keep-Alive\r\n', true],
  ['1.0', 'Proxy-Connection: keep-alive\r\n', true],
  ['1.0', 'Connection: close, keep-alive\r\n', false],
];

for (const [version, fields, keepAlive] of kept) {
  test(`HTTP/${version} with ${JSON.stringify(fields)} ${keepAlive ? 'keeps' : 'closes'}`, (t) =>
    t.is(planned(post(fields, version)).keepAlive, keepAlive));
}

test('100-continue is an expectation of HTTP/1.1 only', (t) => {
  t.true(planned(post('Expect: 100-CONTINUE\r\n')).expectsContinue);
  t.false(planned(post('')).expectsContinue);
  t.false(planned(post('Expect: 100-continue\r\n', '1.0')).expectsContinue);
  t.false(planned(post('Expect: x\r\n', '1.0')).expectsContinue);
});

const upgrades: readonly [head: string, upgrade: string][] = [
  [get('http://a/', 'Host: a\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n'), 'WebSocket'],
  [get('http://a/', 'Host: a\r\nConnection: x, upgrade\r\nUpgrade: a/1\r\nUpgrade: b\r\n'), 'a/1, b'],
  [get('http://a/', 'Host: a\r\nUpgrade: websocket\r\n'), ''],
  [get('http://a/', 'Host: a\r\nConnection: upgrade\r\n'), ''],
  ['GET http://a/ HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n', ''],
  [get('http://a/', 'Host: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n'), ''],
  [get('http://a/', 'Host: a\r\nConnection: upgrade\r\nUpgrade: websocket, H2C\r\n'), ''],
  [get('http://a/', 'Host: a\r\nConnection: upgrade\r\nUpgrade: HTTP/2.0\r\n'), ''],
  ['CONNECT a:1 HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n', ''],
];

for (const [head, upgrade] of upgrades) {
  test(`upgrade "${upgrade}" of ${JSON.stringify(head)}`, (t) => t.is(planned(head).upgrade, upgrade));
}

test('mutated requests are planned or refused, and never leave the target or the framing in doubt', (t) => {
  const decoder = () => new RequestHeadDecoder(defaultHeadLimits);
  const sound = (text: string) => {
    const head = decoder().push(octets(text));
    if (head.state !== 'value') return true;
    const result = planRequest(head.value);
    if (!result.ok) return ['bad_request', 'not_supported'].includes(result.fault.kind);
    const { form, authority, path, fields, framing } = result.value;
    const framed = Number(fields.has('content-length')) + fields.all('transfer-encoding').length;
    const target = form === 'authority' ? path === '' : path === '*' || path.startsWith('/');
    return (
      target &&
      (authority !== null || form === 'origin' || form === 'asterisk') &&
      framed <= 1 &&
      framing.type !== 'close'
    );
  };
  fc.assert(fc.property(mutated(soundRequests), sound), { numRuns: 10_000, seed: 20_252 });
  t.pass();
});
