import test from 'ava';
import fc from 'fast-check';
import { type Endpoint, formatEndpoint, parseExitUrl } from '../../src/protocol/endpoint.ts';

const accepted: readonly (readonly [string, Endpoint])[] = [
  ['http://proxy.example', { scheme: 'http', host: 'proxy.example', port: 80 }],
  ['HTTPS://Proxy.Example./', { scheme: 'https', host: 'proxy.example', port: 443 }],
  ['socks4://127.1', { scheme: 'socks4', host: '127.0.0.1', port: 1080 }],
  ['socks4a://u@h:1', { scheme: 'socks4a', host: 'h', port: 1, username: 'u', password: '' }],
  ['socks5://[::1]:9', { scheme: 'socks5', host: '::1', port: 9 }],
  ['socks5h://h', { scheme: 'socks5', host: 'h', port: 1080 }],
  ['direct', { scheme: 'direct', host: '', port: 0 }],
  ['DIRECT://', { scheme: 'direct', host: '', port: 0 }],
  ['http://u:p@h:8080', { scheme: 'http', host: 'h', port: 8080, username: 'u', password: 'p' }],
  ['http://u:p:q@h:8080', { scheme: 'http', host: 'h', port: 8080, username: 'u', password: 'p:q' }],
  ['http://u%40v:p%2Fq@h', { scheme: 'http', host: 'h', port: 80, username: 'u@v', password: 'p/q' }],
  ['http://u:p@/q@h', { scheme: 'http', host: 'h', port: 80, username: 'u', password: 'p@/q' }],
  ['http://u:p%C3%BC@h', { scheme: 'http', host: 'h', port: 80, username: 'u', password: 'pü' }],
];

for (const [text, endpoint] of accepted) {
  test(`${text} is read`, (t) => t.deepEqual(parseExitUrl(text), { ok: true, value: endpoint }));
}

const refusedUrls = [
  '',
  'h:80',
  'http:h',
  'http://',
  'http://:80',
  'http://h:0',
  'http://h:99999',
  'http://h/path',
  'http://h?q',
  'http://h#f',
  'http://h h',
  'ftp://h',
  'quic://h',
  'direct://h',
  'javascript://h',
  'socks5://::1:80',
  'http://hidden%zz:p@h',
  'http://u:hidden%@h',
  'http://u:hidden%0d%0a@h',
  'http://hidden%3Ax:p@h',
  'socks4://u:hidden@h',
  `socks5://u:${'hidden'.repeat(50)}@h`,
  `http://u:${'hidden'.repeat(3000)}@h`,
  'http://u:hidden@',
  'http://u:hidden@h:port',
];

for (const text of refusedUrls) {
  test(`${text.slice(0, 40)} is refused without showing the credential`, (t) => {
    const endpoint = parseExitUrl(text);
    t.false(endpoint.ok);
    if (!endpoint.ok) t.notRegex(endpoint.fault.detail, /hidden/);
  });
}

test('shown without the credential', (t) => {
  for (const [text, shown] of [
    ['http://u:p@Host:1', 'http://host:1'],
    ['socks5h://u:p@[::1]', 'socks5://[::1]:1080'],
    ['direct://', 'direct'],
  ] as const) {
    const endpoint = parseExitUrl(text);
    t.is(endpoint.ok && formatEndpoint(endpoint.value), shown);
  }
});

test('any printable credential survives percent-encoding', (t) => {
  const text = fc.string({ unit: 'grapheme', maxLength: 40 });
  const property = fc.property(text, text, (username, password) => {
    const url = `http://${encodeURIComponent(username)}:${encodeURIComponent(password)}@h:1`;
    const endpoint = parseExitUrl(url);
    if (endpoint.ok) return endpoint.value.username === username && endpoint.value.password === password;
    return /[\x00-\x1f\x7f]/.test(username + password) || username.includes(':');
  });
  t.notThrows(() => fc.assert(property, { numRuns: 2000, seed: 1 }));
});
