import { Buffer } from 'node:buffer';
import test from 'ava';
import fc from 'fast-check';
import { GatewayError } from '../../src/errors.ts';
import { addressOctets, addressText } from '../../src/protocol/address-octets.ts';
import { canonicalAddress } from '../../src/protocol/authority.ts';
import {
  GreetingDecoder,
  methodReply,
  PasswordDecoder,
  passwordReply,
  type SocksRequest,
  SocksRequestDecoder,
  socksReply,
} from '../../src/protocol/socks5.ts';
import { connectRequest, greeting, passwordRequest } from '../../src/protocol/socks5-client.ts';
import { decodeEveryWay, decodePieces, survivesMutation } from './splitting.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const makeGreeting = () => new GreetingDecoder();
const makePassword = () => new PasswordDecoder();
const makeRequest = () => new SocksRequestDecoder();

test('a greeting gives its methods, in order, and exactly what is behind it', (t) => {
  t.deepEqual(decodeEveryWay(t, makeGreeting, hex('05 02 0002 aabb')), { state: 'value', value: [0, 2], rest: 'aabb' });
  t.deepEqual(decodeEveryWay(t, makeGreeting, hex('05 00')), { state: 'value', value: [], rest: '' });
  const longest = Buffer.concat([hex('05 ff'), Buffer.alloc(255, 2)]);
  t.is(decodeEveryWay(t, makeGreeting, longest).value?.length, 255);
  t.is(decodeEveryWay(t, makeGreeting, hex('05 03 0002')).state, 'more');
  t.is(decodeEveryWay(t, makeGreeting, hex('04 01 0050')).kind, 'bad_request');
});

test('a login is decoded as the Basic one is', (t) => {
  const login = hex('01 03 613a62 02 7071 05');
  t.deepEqual(decodeEveryWay(t, makePassword, login), {
    state: 'value',
    value: { username: 'a:b', password: 'pq', alternatives: [] },
    rest: '05',
  });
  t.like(decodeEveryWay(t, makePassword, hex('01 01 fc 02 c3bc')).value, { username: 'ü', password: 'ü' });
  t.deepEqual(decodePieces(makePassword(), [hex('01 01 61 03 253431')]).value?.alternatives, [
    { username: 'a', password: 'A' },
  ]);
  t.like(decodeEveryWay(t, makePassword, hex('01 00 00')).value, { username: '', password: '' });
  t.is(decodeEveryWay(t, makePassword, hex('05 01 61 01 62')).kind, 'bad_request');
  t.is(decodeEveryWay(t, makePassword, hex('01 02 6100 01 62')).kind, 'auth_failed');
});

function target(octets: Buffer): string {
  const { value } = decodePieces<SocksRequest>(makeRequest(), [octets]);
  if (value === undefined) return 'none';
  if (value.target instanceof GatewayError) return `${value.target.kind} ${value.target.socks5}`;
  return `${value.target.host} ${value.target.port} ${value.target.family}`;
}

const domain = (text: string | Buffer, port = '0050') => {
  const octets = Buffer.from(text as string, 'latin1');
  return Buffer.concat([hex('05 01 00 03'), Buffer.from([octets.length]), octets, hex(port)]);
};

const requests: readonly (readonly [string, Buffer, string])[] = [
  ['IPv4', hex('05 01 00 01 7f000001 01bb'), '127.0.0.1 443 4'],
  ['IPv6', hex('05 01 00 04 20010db8000000000000000000000001 0050'), '2001:db8::1 80 6'],
  ['mapped IPv6', hex('05 01 00 04 00000000000000000000ffff7f000001 0050'), '::ffff:7f00:1 80 6'],
  ['a name', domain('Example.COM.'), 'example.com 80 0'],
  ['an address as a name', domain('0x7f.1'), '127.0.0.1 80 4'],
  ['an IPv6 address as a name', domain('::1'), '::1 80 6'],
  ['the same in brackets', domain('[::1]'), '::1 80 6'],
  ['the longest name', domain(`${'a.'.repeat(126)}a`), `${'a.'.repeat(126)}a 80 0`],
  ['an empty name', domain(''), 'bad_request 1'],
  ['NUL in the name', domain('a\0b.example'), 'bad_request 1'],
  ['CRLF in the name', domain('a\r\nb'), 'bad_request 1'],
  ['a port in the name', domain('a:80'), 'bad_request 1'],
  ['full-width digits', domain(Buffer.from('１２７.1', 'utf8')), 'bad_request 1'],
  ['a zone', domain('fe80::1%lo'), 'bad_request 1'],
  ['255 octets', domain('a'.repeat(255)), 'bad_request 1'],
  ['port 0', hex('05 01 00 01 08080808 0000'), 'bad_request 1'],
  ['BIND', hex('05 02 00 01 08080808 0050'), 'not_supported 7'],
  ['UDP ASSOCIATE', hex('05 03 00 01 00000000 0000'), 'not_supported 7'],
  ['command 0', hex('05 00 00 01 08080808 0050'), 'not_supported 7'],
  ['BIND to an empty name', hex('05 02 00 03 00 0050'), 'not_supported 7'],
  ['address type 2', hex('05 01 00 02 08080808 0050'), 'not_supported 8'],
  ['address type 0', hex('05 01 00 00'), 'not_supported 8'],
];

for (const [title, octets, expected] of requests) {
  test(`a request with ${title}`, (t) => {
    t.is(target(octets), expected);
    if (!title.startsWith('address type')) {
      const outcome = decodeEveryWay(t, makeRequest, Buffer.concat([octets, hex('1603')]));
      t.is(outcome.rest, '1603');
    }
  });
}

test('VER and RSV are strict, and told at once', (t) => {
  t.is(decodePieces(makeRequest(), [hex('04')]).kind, 'bad_request');
  t.is(decodePieces(makeRequest(), [hex('05 01 01')]).kind, 'bad_request');
  t.is(decodePieces(makeRequest(), [hex('474554')]).kind, 'bad_request');
});

test('replies are whole', (t) => {
  t.deepEqual(methodReply(2), hex('05 02'));
  t.deepEqual(passwordReply(true), hex('01 00'));
  t.deepEqual(passwordReply(false), hex('01 01'));
  t.deepEqual(socksReply(5), hex('05 05 00 01 00000000 0000'));
  t.deepEqual(socksReply(0, { host: '192.0.2.1', port: 8080 }), hex('05 00 00 01 c0000201 1f90'));
  const six = hex('05 00 00 04 20010db8000000000000000000000001 ffff');
  t.deepEqual(socksReply(0, { host: '2001:db8::1', port: 65_535 }), six);
  t.deepEqual(socksReply(0, { host: 'no address', port: 80 }), hex('05 00 00 01 00000000 0000'));
});

test('addresses survive as octets', (t) => {
  const property = fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
    const address = canonicalAddress(text);
    return address === null || addressText(addressOctets(address)) === address;
  });
  t.notThrows(() => fc.assert(property, { numRuns: 2000, seed: 1 }));
  t.is(addressText(Buffer.alloc(5)), '');
  t.deepEqual(addressOctets('::'), Buffer.alloc(16));
});

test('10,000 mutated greetings', (t) =>
  survivesMutation(t, makeGreeting, [greeting(true), greeting(false), hex('05 05 0102030405')]));

test('10,000 mutated logins', (t) => {
  const login = passwordRequest({ username: 'acme-country-us', password: 'p%20ü' });
  survivesMutation(t, makePassword, [login.ok ? login.value : Buffer.alloc(0), hex('01 01 61 01 62')]);
});

test('10,000 mutated requests', (t) => {
  const authorities = [
    { host: 'example.com', family: 0, port: 443 },
    { host: '192.0.2.1', family: 4, port: 80 },
    { host: '2001:db8::1', family: 6, port: 80 },
  ] as const;
  survivesMutation(t, makeRequest, authorities.map(connectRequest));
});
