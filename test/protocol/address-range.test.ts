import { isIP } from 'node:net';
import test from 'ava';
import fc from 'fast-check';
import { AddressSet, ipv6Groups, parseRange, plainAddress, readingsOf } from '../../src/protocol/address-range.ts';
import { canonicalAddress } from '../../src/protocol/authority.ts';

test('ranges are read strictly', (t) => {
  t.deepEqual(parseRange('10.0.0.0/8'), { address: '10.0.0.0', prefix: 8, family: 4 });
  t.deepEqual(parseRange('192.0.2.7'), { address: '192.0.2.7', prefix: 32, family: 4 });
  t.deepEqual(parseRange('FD00::/8'), { address: 'fd00::', prefix: 8, family: 6 });
  t.deepEqual(parseRange('::ffff:10.0.0.0/104'), { address: '10.0.0.0', prefix: 8, family: 4 });
  t.deepEqual(parseRange('0.0.0.0/0'), { address: '0.0.0.0', prefix: 0, family: 4 });
  for (const bad of [
    '',
    '/8',
    '10/8',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '10.0.0.0/8/8',
    '::/129',
  ]) {
    t.is(parseRange(bad), null, bad);
  }
  for (const bad of [
    'fe80::1%eth0/64',
    'fe80::1%eth0',
    'localhost',
    ' 10.0.0.0/8',
    '10.0.0.0/8 ',
    '010.0.0.0/8',
    '[::1]',
  ]) {
    t.is(parseRange(bad), null, bad);
  }
});

test('a set answers each family by its own ranges', (t) => {
  const set = new AddressSet(['10.0.0.0/8', '::1', '::ffff:192.0.2.0/120']);
  t.is(set.size, 3);
  for (const inside of ['10.0.0.0', '10.255.255.255', '::1', '192.0.2.9']) t.true(set.has(inside), inside);
  for (const outside of ['11.0.0.0', 'a00::1', '::2', '192.0.3.0', '::a00:1']) t.false(set.has(outside), outside);
  t.throws(() => new AddressSet(['10.0.0.0/64']), { instanceOf: RangeError });
});

test('a mapped peer is an IPv4 peer', (t) => {
  t.is(plainAddress('::ffff:127.0.0.1'), '127.0.0.1');
  t.is(plainAddress('::FFFF:7F00:1'), '127.0.0.1');
  t.is(plainAddress('fe80::1%eth0'), 'fe80::1');
  t.is(plainAddress('::ffff:0:1'), '0.0.0.1');
  t.is(plainAddress('localhost'), null);
  t.is(plainAddress(''), null);
});

const carriers: readonly (readonly [string, readonly string[]])[] = [
  ['127.0.0.1', ['127.0.0.1']],
  ['2606:4700::1', ['2606:4700::1']],
  ['::ffff:7f00:1', ['127.0.0.1']],
  ['::7f00:1', ['::7f00:1', '127.0.0.1']],
  ['::ffff:0:7f00:1', ['::ffff:0:7f00:1', '127.0.0.1']],
  ['64:ff9b::7f00:1', ['64:ff9b::7f00:1', '127.0.0.1']],
  ['64:ff9b:1::7f00:1', ['64:ff9b:1::7f00:1', '127.0.0.1']],
  ['2002:7f00:1::', ['2002:7f00:1::', '127.0.0.1']],
  ['2001:0:102:304::80ff:fffe', ['2001:0:102:304::80ff:fffe', '127.0.0.1']],
  ['::', ['::', '0.0.0.0']],
];

for (const [address, readings] of carriers) {
  test(`readings of ${address}`, (t) => {
    t.deepEqual(readingsOf(address), readings);
  });
}

test('every IPv6 address has the groups it was written with, and readings that are addresses', (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 }), (groups) => {
      const address = canonicalAddress(groups.map((group) => group.toString(16)).join(':'))!;
      t.deepEqual(ipv6Groups(address), groups);
      for (const reading of readingsOf(address)) t.not(isIP(reading), 0);
    }),
  );
  t.deepEqual(ipv6Groups('::1.2.3.4'), [0, 0, 0, 0, 0, 0, 0x102, 0x304]);
});
