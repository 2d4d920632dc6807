import { Buffer } from 'node:buffer';
import test from 'ava';
import { Socks4ReplyDecoder, socks4Refusal, socks4Request } from '../../src/protocol/socks4.ts';
import { decodeEveryWay, decodePieces, survivesMutation } from './splitting.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const makeReply = () => new Socks4ReplyDecoder();

test('SOCKS4 names an address, SOCKS4A a name', (t) => {
  const byAddress = socks4Request({ host: '192.0.2.1', family: 4, port: 80 }, 'me');
  t.deepEqual(byAddress, { ok: true, value: hex('04 01 0050 c0000201 6d65 00') });
  const byName = socks4Request({ host: 'a.b', family: 0, port: 443 }, '');
  t.deepEqual(byName, { ok: true, value: hex('04 01 01bb 00000001 00 612e62 00') });
});

test('what the protocol cannot say', (t) => {
  t.like(socks4Request({ host: '::1', family: 6, port: 80 }, ''), { ok: false, fault: { kind: 'exit_rejected' } });
  t.like(socks4Request({ host: '0.0.0.7', family: 4, port: 80 }, ''), { ok: false, fault: { kind: 'exit_rejected' } });
  t.like(socks4Request({ host: 'a', family: 0, port: 80 }, 'a\0b'), { ok: false, fault: { kind: 'exit_auth_failed' } });
});

test('replies', (t) => {
  for (const code of [90, 91, 92, 93]) {
    const octets = Buffer.concat([Buffer.from([0, code]), hex('0050 c0000201 1603')]);
    t.deepEqual(decodeEveryWay(t, makeReply, octets), { state: 'value', value: code, rest: '1603' });
  }
  t.is(decodePieces(makeReply(), [hex('04 5a 0000 00000000')]).value, 90);
  t.is(decodePieces(makeReply(), [hex('00 5a 0000 000000')]).state, 'more');
  t.is(decodePieces(makeReply(), [hex('05')]).kind, 'exit_rejected');
  t.is(decodePieces(makeReply(), [hex('00 59')]).kind, 'exit_rejected');
  t.is(decodePieces(makeReply(), [Buffer.from('HTTP/1.1')]).kind, 'exit_rejected');
});

test('a SOCKS4 client is refused in its own words', (t) => {
  t.deepEqual(socks4Refusal(), hex('00 5b 0000 00000000'));
});

test('10,000 mutated replies', (t) =>
  survivesMutation(t, makeReply, [hex('00 5a 0050 c0000201'), hex('00 5b 0000 00000000')]));
