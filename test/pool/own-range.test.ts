import test from 'ava';
import { addressesOf, type OwnRange, tooWide } from '../../src/pool/own-range.ts';

const range = (text: string, count: number | null = null): OwnRange => {
  const [network = '', prefix] = text.split('/');
  return { text, network, prefix: Number(prefix), family: network.includes(':') ? 6 : 4, count };
};

test('each address of a range is an exit', (t) => {
  t.deepEqual([...addressesOf(range('203.0.113.0/30'))], ['203.0.113.0', '203.0.113.1', '203.0.113.2', '203.0.113.3']);
  t.deepEqual([...addressesOf(range('2001:db8::/127'))], ['2001:db8::', '2001:db8::1']);
  t.deepEqual([...addressesOf(range('10.0.0.7/32'))], ['10.0.0.7']);
  const wide = [...addressesOf(range('10.1.0.0/16'))];
  t.is(wide.length, 65_536);
  t.is(wide.at(-1), '10.1.255.255');
});

test('so many as are asked for are spread over the range', (t) => {
  t.deepEqual([...addressesOf(range('10.0.0.0/24', 4))], ['10.0.0.0', '10.0.0.64', '10.0.0.128', '10.0.0.192']);
  t.is([...addressesOf(range('10.0.0.0/30', 100))].length, 4);
  t.is(new Set(addressesOf(range('10.0.0.0/8', 1_000))).size, 1_000);
});

test('of a wide IPv6 range some are taken, the same each time, all of them within it', (t) => {
  const addresses = [...addressesOf(range('2001:db8:1::/48'))];
  t.is(new Set(addresses).size, 256);
  t.true(addresses.every((address) => address.startsWith('2001:db8:1:')));
  t.deepEqual([...addressesOf(range('2001:db8:1::/48', 3))], addresses.slice(0, 3));
});

test('a wide IPv4 range needs a count', (t) => {
  t.is(tooWide(range('10.0.0.0/16')), null);
  t.regex(tooWide(range('10.0.0.0/15')) ?? '', /say how many/);
  t.is(tooWide(range('10.0.0.0/8', 10)), null);
  t.is(tooWide(range('2001:db8::/32')), null);
});
