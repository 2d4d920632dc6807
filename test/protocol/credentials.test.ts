import { Buffer } from 'node:buffer';
import test from 'ava';
import fc from 'fast-check';
import { credentialText, formatBasic, parseBasic, percentDecodedOnce } from '../../src/protocol/credentials.ts';
import { mutations } from './mutation.ts';

const base64 = (text: string, encoding: BufferEncoding = 'utf8') => Buffer.from(text, encoding).toString('base64');

function read(fieldValue: string): string {
  const credential = parseBasic(fieldValue);
  if (!credential.ok) return credential.fault.kind;
  return `${credential.value.username}|${credential.value.password}`;
}

test('splits at the first colon', (t) => {
  t.is(read(`Basic ${base64('user:p:a:ss')}`), 'user|p:a:ss');
  t.is(read(`Basic ${base64(':')}`), '|');
  t.is(read(`Basic ${base64('user:')}`), 'user|');
});

test('the scheme is case-insensitive, spaces behind it may be many', (t) => {
  t.is(read(`BASIC   ${base64('u:p')}`), 'u|p');
  t.is(read(`basic ${base64('u:p')}`), 'u|p');
});

test('UTF-8, otherwise latin-1', (t) => {
  t.is(read(`Basic ${base64('ü:pä')}`), 'ü|pä');
  t.is(read(`Basic ${base64('\xfc:p\xe4', 'latin1')}`), 'ü|pä');
  t.is(credentialText(Buffer.from([0xef, 0xbb, 0xbf, 0x61])), '\ufeffa');
});

test('padding may be missing; nothing else may be', (t) => {
  t.is(read('Basic dTpw'), 'u|p');
  t.is(read('Basic dTpwcQ'), 'u|pq');
  t.is(read('Basic dTpwcQ=='), 'u|pq');
  const junk = [
    'dTpwcR==',
    'dTpwcQ===',
    'dTpw cQ',
    'dTpwcQ== x',
    'dTp-',
    'dTp_',
    'd',
    'dTpw=dTpw',
    '',
    '=',
    'dTpw,',
    '"dTpw"',
  ];
  for (const value of junk) t.is(read(`Basic ${value}`), 'auth_failed', value);
  t.is(read('Basic'), 'auth_failed');
  t.is(read(`Basic ${base64('no colon')}`), 'auth_failed');
  t.is(read(`Basic ${'dTpw'.repeat(2000)}`), 'auth_failed');
});

test('another scheme is no login at all', (t) => {
  for (const value of [
    '',
    'Bearer dTpw',
    'Digest username="u"',
    'Negotiate x',
    'NTLM x',
    'Basicx dTpw',
    ' Basic dTpw',
  ]) {
    t.is(read(value), 'auth_required', value);
  }
});

test('control characters are refused', (t) => {
  for (const text of ['u\0:p', 'u:p\r\nX: y', 'u\x7f:p', '\x1b[0m:p'])
    t.is(read(`Basic ${base64(text)}`), 'auth_failed');
});

test('a credential left percent-encoded has a second reading', (t) => {
  const credential = parseBasic(`Basic ${base64('acme-session-a%7Eb:p%40ss')}`);
  t.like(credential, { ok: true, value: { username: 'acme-session-a%7Eb', password: 'p%40ss' } });
  t.deepEqual(credential.ok && credential.value.alternatives, [{ username: 'acme-session-a~b', password: 'p@ss' }]);
  for (const text of ['u:p', 'u:100%', 'u:%zz', 'u:%ff', 'u:%0d%0a']) {
    const plain = parseBasic(`Basic ${base64(text)}`);
    t.deepEqual(plain.ok && plain.value.alternatives, [], text);
  }
});

test('decoded once, not twice', (t) => {
  t.is(percentDecodedOnce('%2541'), '%41');
  t.is(percentDecodedOnce('plain'), null);
  t.is(percentDecodedOnce('%E4'), null);
});

test('what is sent to an exit reads back', (t) => {
  const text = fc.string({ unit: 'grapheme' });
  const property = fc.property(text, text, (username, password) => {
    const credential = parseBasic(formatBasic({ username, password }));
    if (!credential.ok) return /[\x00-\x1f\x7f]/.test(username + password);
    return username.includes(':') || (credential.value.username === username && credential.value.password === password);
  });
  t.notThrows(() => fc.assert(property, { numRuns: 1000, seed: 1 }));
});

test('10,000 mutated fields', (t) => {
  const samples = [`Basic ${base64('user:pass')}`, `Basic ${base64('a%20:ü')}`, 'basic dTpw'].map((text) =>
    Buffer.from(text),
  );
  for (const octets of mutations(samples, 10_000)) {
    const credential = parseBasic(octets.toString('latin1'));
    if (credential.ok && /[\x00-\x1f\x7f]/.test(JSON.stringify(Object.values(credential.value)))) t.fail();
  }
  t.pass();
});
