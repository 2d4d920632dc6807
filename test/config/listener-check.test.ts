import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { formatFault } from '../../src/config/fault.ts';
import { loadConfig } from '../../src/config/load.ts';

function makePair(folder: string, name: string): void {
  const subject = ['-subj', `/CN=${name}`, '-days', '2'];
  const files = ['-keyout', join(folder, `${name}.key`), '-out', join(folder, `${name}.pem`)];
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync('openssl', [...args, ...subject, ...files], { stdio: 'ignore' });
}

function faultsOf(listeners: string, folder = '/nowhere'): string[] {
  const readText = (path: string) => (path === 'f.yaml' ? `listeners:\n${listeners}` : readFileSync(path, 'utf8'));
  const result = loadConfig('f.yaml', { env: {}, readText });
  return result.ok
    ? []
    : result.faults.map((fault) => formatFault(fault).replace('f.yaml:', '').replaceAll(folder, ''));
}

const tls = (cert: string, key: string) =>
  `  - { name: a, port: 1, protocols: [https], certificate: { cert: ${cert}, key: ${key} } }`;

for (const [title, listeners, faults] of [
  [
    'two of one name',
    '  - { name: a, port: 1, protocols: [http] }\n  - { name: a, port: 2, protocols: [http] }',
    ['3:13 listeners[1].name another listener has this name'],
  ],
  [
    'two of one address',
    '  - { name: a, port: 1, protocols: [http] }\n  - { name: b, port: 1, protocols: [http] }',
    ['3:22 listeners[1].port listener "a" has this address'],
  ],
  [
    'a wildcard',
    '  - { name: a, port: 1, protocols: [http] }\n  - { name: b, host: 0.0.0.0, port: 1, protocols: [http] }',
    ['3:37 listeners[1].port listener "a" has this address'],
  ],
  [
    'the address of admin',
    '  - { name: a, host: "::", port: 9090, protocols: [http] }',
    ['2:34 listeners[0].port the admin listener has this address'],
  ],
  [
    'no protocol',
    '  - { name: a, port: 1, protocols: [] }',
    ['2:36 listeners[0].protocols at least one of http, https, socks5 is needed'],
  ],
  [
    'a protocol twice',
    '  - { name: a, port: 1, protocols: [http, http] }',
    ['2:36 listeners[0].protocols a protocol is named twice'],
  ],
  [
    'a certificate without https',
    '  - { name: a, port: 1, protocols: [http], certificate: { cert: /gone, key: /gone } }',
    [
      '2:57 listeners[0].certificate only https needs a certificate, and this listener does not speak it',
      '2:65 listeners[0].certificate.cert cannot be read (ENOENT)',
    ],
  ],
] as const) {
  test(`fault: ${title}`, (t) => t.deepEqual(faultsOf(listeners), [...faults]));
}

test('ports given by the system, and one port on two addresses or families, are no clash', (t) => {
  const listener = (name: string, host: string, port: number) =>
    `  - { name: ${name}, host: "${host}", port: ${port}, protocols: [http] }`;
  const listeners = [
    listener('a', '127.0.0.1', 0),
    listener('b', '127.0.0.1', 0),
    listener('c', '127.0.0.1', 5),
    listener('d', '127.0.0.2', 5),
  ];
  t.deepEqual(faultsOf([...listeners, listener('e', '::1', 5)].join('\n')), []);
  t.deepEqual(faultsOf([listener('a', '::1', 5), listener('b', '0.0.0.0', 5)].join('\n')), []);
});

test('certificates are read, and must fit their keys', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'roundabout-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  makePair(folder, 'one');
  makePair(folder, 'two');
  const check = (cert: string, key: string) => faultsOf(tls(join(folder, cert), join(folder, key)), folder);
  t.deepEqual(check('one.pem', 'one.key'), []);
  t.regex(check('gone.pem', 'one.key').join(), /certificate.cert cannot be read \(ENOENT\)$/);
  t.regex(check('one.pem', 'gone.key').join(), /certificate.key cannot be read \(ENOENT\)$/);
  t.regex(check('one.key', 'one.key').join(), /certificate.cert holds no PEM that can be used$/);
  t.regex(check('one.pem', 'one.pem').join(), /certificate.key holds no PEM that can be used$/);
  t.regex(check('one.pem', 'two.key').join(), /certificate.key this key is not the certificate's$/);
});
