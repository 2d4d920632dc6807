import { Buffer } from 'node:buffer';
import test from 'ava';
import fc from 'fast-check';
import { parseAuthority } from '../../src/protocol/authority.ts';
import { PasswordDecoder, SocksRequestDecoder, socksReply } from '../../src/protocol/socks5.ts';
import {
  connectRequest,
  greeting,
  MethodDecoder,
  PasswordReplyDecoder,
  passwordRequest,
  SocksReplyDecoder,
} from '../../src/protocol/socks5-client.ts';
import { decodeEveryWay, decodePieces, survivesMutation } from './splitting.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const makeReply = () => new SocksReplyDecoder();

test('what is written', (t) => {
  t.deepEqual(greeting(false), hex('05 01 00'));
  t.deepEqual(greeting(true), hex('05 02 00 02'));
  t.deepEqual(passwordRequest({ username: 'ab', password: 'ü' }), { ok: true, value: hex('01 02 6162 02 c3bc') });
  t.deepEqual(connectRequest({ host: 'a.b', family: 0, port: 443 }), hex('05 01 00 03 03 612e62 01bb'));
  t.deepEqual(connectRequest({ host: '192.0.2.1', family: 4, port: 80 }), hex('05 01 00 01 c0000201 0050'));
});

test('a credential that RFC 1929 cannot carry is a fault', (t) => {
  t.true(passwordRequest({ username: 'a'.repeat(255), password: 'b'.repeat(255) }).ok);
  for (const credential of [
    { username: 'ü'.repeat(128), password: '' },
    { username: '', password: 'a'.repeat(256) },
  ]) {
    t.like(passwordRequest(credential), { ok: false, fault: { kind: 'exit_auth_failed' } });
  }
});

test('our server reads what our client writes', (t) => {
  const host = fc.oneof(
    fc.domain(),
    fc.ipV4(),
    fc.ipV6().map((address) => `[${address}]`),
  );
  const property = fc.property(host, fc.integer({ min: 1, max: 65_535 }), (text, port) => {
    const authority = parseAuthority(`${text}:${port}`, null);
    if (!authority.ok) return false;
    t.deepEqual(
      decodePieces(new SocksRequestDecoder(), [connectRequest(authority.value)]).value?.target,
      authority.value,
    );
    return true;
  });
  t.notThrows(() => fc.assert(property, { numRuns: 500, seed: 1 }));
  const login = passwordRequest({ username: 'acme-tag-x', password: 'p:ü' });
  t.like(login.ok && decodePieces(new PasswordDecoder(), [login.value]).value, {
    username: 'acme-tag-x',
    password: 'p:ü',
  });
});

test('methods and login replies', (t) => {
  const makeMethod = () => new MethodDecoder();
  t.deepEqual(decodeEveryWay(t, makeMethod, hex('05 02 01')), { state: 'value', value: 2, rest: '01' });
  t.is(decodeEveryWay(t, makeMethod, hex('05 ff')).value, 0xff);
  t.is(decodeEveryWay(t, makeMethod, Buffer.from('HTTP/1.1 400')).kind, 'exit_rejected');
  const makePasswordReply = () => new PasswordReplyDecoder();
  t.deepEqual(decodeEveryWay(t, makePasswordReply, hex('01 00 05')), { state: 'value', value: true, rest: '05' });
  t.is(decodeEveryWay(t, makePasswordReply, hex('05 00')).value, true);
  t.is(decodeEveryWay(t, makePasswordReply, hex('01 01')).value, false);
});

const successes = [
  ['IPv4', '05 00 00 01 00000000 0000'],
  ['IPv6', '05 00 00 04 00000000000000000000000000000000 0000'],
  ['a domain', '05 00 00 03 03 612e62 0050'],
  ['a domain of no octets', '05 00 00 03 00 0000'],
  ['RSV other than 0', '05 00 01 01 00000000 0000'],
] as const;

for (const [title, octets] of successes) {
  test(`a success with ${title} has its exact length`, (t) => {
    const outcome = decodeEveryWay(t, makeReply, hex(`${octets} 160301`));
    t.deepEqual(outcome, { state: 'value', value: 0, rest: '160301' });
    t.is(decodePieces(makeReply(), [hex(octets).subarray(0, -1)]).state, 'more');
  });
}

test('a refusal is taken from its first two octets', (t) => {
  for (let rep = 1; rep <= 255; rep++) {
    t.deepEqual(decodePieces(makeReply(), [Buffer.from([5, rep])]), { state: 'value', value: rep, rest: '' });
    t.is(decodePieces(makeReply(), [socksReply(rep)]).value, rep);
  }
});

test('what is no reply', (t) => {
  t.is(decodePieces(makeReply(), [hex('00')]).kind, 'exit_rejected');
  t.is(decodePieces(makeReply(), [Buffer.from('HTTP/1.1 200 OK\r\n\r\n')]).kind, 'exit_rejected');
  t.is(decodePieces(makeReply(), [hex('05 00 00 02 00000000 0000')]).kind, 'exit_rejected');
});

test('10,000 mutated methods', (t) => survivesMutation(t, () => new MethodDecoder(), [hex('05 00'), hex('05 02')]));
test('10,000 mutated replies', (t) => {
  survivesMutation(
    t,
    makeReply,
    successes.map(([, octets]) => hex(octets)),
  );
});
