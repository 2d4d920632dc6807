import { Buffer } from 'node:buffer';
import { isIP } from 'node:net';
import test from 'ava';
import fc from 'fast-check';
import { canonicalAddress, formatAuthority, parseAuthority, parseHost } from '../../src/protocol/authority.ts';
import { mutations } from './mutation.ts';

const loopback = [
  '127.0.0.1',
  '127.0.0.1.',
  '127.1',
  '127.0.1',
  '2130706433',
  '0x7f000001',
  '0X7F000001',
  '0x7f.1',
  '0x7f.0.0.0x1',
  '017700000001',
  '0177.0.0.1',
  '0177.0.0.01',
  '127.0x1',
  '00000000000000000000177.0.0.1',
];

for (const spelling of loopback) {
  test(`${spelling} is 127.0.0.1`, (t) => {
    t.deepEqual(parseHost(spelling), { ok: true, value: { host: '127.0.0.1', family: 4 } });
    t.deepEqual(parseAuthority(`${spelling}:80`, null), {
      ok: true,
      value: { host: '127.0.0.1', family: 4, port: 80 },
    });
  });
}

const addresses: readonly (readonly [string, string, 4 | 6])[] = [
  ['0', '0.0.0.0', 4],
  ['0x', '0.0.0.0', 4],
  ['1.2', '1.0.0.2', 4],
  ['1.2.65535', '1.2.255.255', 4],
  ['4294967295', '255.255.255.255', 4],
  ['2852039166', '169.254.169.254', 4],
  ['0xa9.0xfe.0xa9.0xfe', '169.254.169.254', 4],
  ['::1', '::1', 6],
  ['[::1]', '::1', 6],
  ['[0:0:0:0:0:0:0:1]', '::1', 6],
  ['[::FFFF:127.0.0.1]', '::ffff:7f00:1', 6],
  ['[::ffff:7f00:1]', '::ffff:7f00:1', 6],
  ['[::127.0.0.1]', '::7f00:1', 6],
  ['[64:ff9b::10.0.0.1]', '64:ff9b::a00:1', 6],
  ['[2001:DB8:0:0:1:0:0:1]', '2001:db8::1:0:0:1', 6],
];

for (const [spelling, host, family] of addresses) {
  test(`${spelling} is ${host}`, (t) => t.deepEqual(parseHost(spelling), { ok: true, value: { host, family } }));
}

test('names are lower-cased and lose one dot of the root', (t) => {
  t.deepEqual(parseHost('Example.COM.'), { ok: true, value: { host: 'example.com', family: 0 } });
  t.deepEqual(parseHost('_dmarc.a-b.x'), { ok: true, value: { host: '_dmarc.a-b.x', family: 0 } });
  t.deepEqual(parseHost('1.2.3.4.example'), { ok: true, value: { host: '1.2.3.4.example', family: 0 } });
  t.deepEqual(parseHost('0xyz'), { ok: true, value: { host: '0xyz', family: 0 } });
  t.true(parseHost(`${'a.'.repeat(126)}a`).ok);
});

const fullWidth = Buffer.from('１２７．０．０．１', 'utf8').toString('latin1');
const refusedHosts = [
  '',
  '.',
  '..',
  'a..b',
  '.a',
  'example.com..',
  '127.0.0.1..',
  '1.2.3.4.5',
  '1.2.3.256',
  '256.1.1.1',
  '4294967296',
  '0x100000000',
  '1.2.65536',
  '08',
  '1.2.3.09',
  'example.1',
  'example.0x1',
  'foo.0x',
  '127.0.0.1%00',
  '127%2e0.0.1',
  '%31%32%37.1',
  'a b',
  ' a',
  'a\t',
  'a\0',
  '127.0.0.1\0.example.com',
  'a\r\nb',
  'user@host',
  'a/b',
  'a,b',
  'a?',
  'a#',
  'a\\b',
  'b\xfccher.example',
  fullWidth,
  '١٢٧.0.0.1',
  '\u212aelvin',
  `${'a'.repeat(64)}.example`,
  `${'a.'.repeat(127)}a`,
  '[',
  ']',
  '[]',
  '[::1',
  '::1]',
  '[[::1]]',
  '[127.0.0.1]',
  '[example.com]',
  '[::1%lo]',
  '[fe80::1%25eth0]',
  '::1%1',
  '[v1.x]',
  '[:::1]',
  '[1::2::3]',
  '[::00001]',
  '[::256.0.0.1]',
  '1:2',
];

for (const spelling of refusedHosts) {
  test(`${JSON.stringify(spelling)} is no host`, (t) => {
    const host = parseHost(spelling);
    t.false(host.ok);
    t.is(host.ok ? '' : host.fault.kind, 'bad_request');
    t.false(parseAuthority(`${spelling}:80`, null).ok);
  });
}

test('ports', (t) => {
  const port = (text: string, fallback: number | null = null) => {
    const authority = parseAuthority(text, fallback);
    return authority.ok ? authority.value.port : null;
  };
  t.is(port('h:1'), 1);
  t.is(port('h:65535'), 65_535);
  t.is(port('h:00080'), 80);
  t.is(port('h', 80), 80);
  t.is(port('h:', 80), 80);
  t.is(port('[::1]', 80), 80);
  t.is(port('[::1]:443', 80), 443);
  for (const text of [
    'h',
    'h:',
    'h:0',
    'h:00000',
    'h:000080',
    'h:65536',
    'h:+80',
    'h:-1',
    'h:8 0',
    'h: 80',
    'h:0x50',
  ]) {
    t.is(port(text), null, text);
  }
  for (const text of ['::1', '::1:80', 'h:80:80', '[::1]80', '[::1]:', ':80', 'u:p@h:80', 'h:80/', 'h:8０']) {
    t.is(port(text), null, text);
  }
});

test('an authority is written as it is read', (t) => {
  const label = fc.stringMatching(/^[a-z_-]{1,20}$/);
  const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'));
  const host = fc.oneof(
    name,
    fc.ipV4(),
    fc.ipV6().map((address) => `[${address}]`),
  );
  const property = fc.property(host, fc.integer({ min: 1, max: 65_535 }), (text, port) => {
    const first = parseAuthority(`${text}:${port}`, null);
    if (!first.ok) return false;
    const second = parseAuthority(formatAuthority(first.value), null);
    t.deepEqual(second, first);
    t.deepEqual(parseAuthority(formatAuthority(first.value, port), port), first);
    return true;
  });
  t.notThrows(() => fc.assert(property, { numRuns: 1000, seed: 1 }));
});

test('10,000 mutated hosts: what is taken is canonical, and no address hides in a name', (t) => {
  const samples = [...loopback, ...addresses.map(([spelling]) => spelling), 'Example.com.', 'a-b.c_d'];
  for (const octets of mutations(
    samples.map((text) => Buffer.from(text, 'latin1')),
    10_000,
  )) {
    const read = parseHost(octets.toString('latin1'));
    if (!read.ok) continue;
    const { host, family } = read.value;
    if (isIP(host) !== family) t.fail(host);
    const expected = family === 0 ? /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(host) : canonicalAddress(host) === host;
    if (!expected) t.fail(host);
    // What the rest of the system would make of the name: an address would have to be one here as well.
    const url = URL.parse(`http://${family === 6 ? `[${host}]` : host}/`);
    if (url !== null && url.hostname.replace(/^\[|\]$/g, '') !== host) t.fail(`${host} is ${url.hostname} elsewhere`);
  }
  t.pass();
});

test('addresses of sockets and resolvers', (t) => {
  t.is(canonicalAddress('127.0.0.1'), '127.0.0.1');
  t.is(canonicalAddress('FE80::1%eth0'), 'fe80::1');
  t.is(canonicalAddress('::ffff:127.0.0.1'), '::ffff:7f00:1');
  for (const text of ['', 'localhost', '127.1', '127.0.0.1%1', '[::1]', '1.2.3.4 '])
    t.is(canonicalAddress(text), null, text);
});
