import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { testCertificate } from '../support/certificate.ts';
import { forwardVia } from '../support/clients.ts';
import { patternOf, sha256 } from '../support/content.ts';
import { type LibraryExit, startProxyChainExit, startSocksv5Exit } from '../support/exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type Echo, type Origin, startOrigin, startTlsOrigin } from '../support/origin.ts';
import { startRefusing } from '../support/peers.ts';
import { run } from '../support/programs.ts';
import { type RawScript, startRawOrigin } from '../support/raw-origin.ts';
import { peerTest } from './peer-test.ts';
import { startMicrosocks, startSquid } from './system-exits.ts';
import { isInstalled, type Program } from './system-programs.ts';

const size = 10 * 1024 * 1024;
const content = patternOf(size);
const hash = sha256(content);
const credential = { username: 'exit', password: 's3cret' };

/** The programs that serve as exits. `refused` is what each makes of an origin that refuses; proxy-chain closes without a word. */
const kinds = new Map<string, { needs: readonly Program[]; refused: string; start: () => Promise<LibraryExit> }>([
  ['squid', { needs: ['squid', 'openssl'], refused: 'origin_refused', start: () => startSquid(credential) }],
  ['microsocks', { needs: ['microsocks'], refused: 'origin_refused', start: () => startMicrosocks(credential) }],
  ['proxychain', { needs: [], refused: 'exit_failed', start: () => startProxyChainExit(credential) }],
  [
    'proxychain.tls',
    { needs: [], refused: 'exit_failed', start: () => startProxyChainExit(credential, { tls: true }) },
  ],
  ['socksv5', { needs: [], refused: 'origin_refused', start: () => startSocksv5Exit(credential) }],
]);

let gateway: Gateway;
let origin: Origin;
let secure: Origin;
let exits: LibraryExit[] = [];

test.before(async () => {
  [origin, secure] = await Promise.all([startOrigin(), startTlsOrigin()]);
  const here = [...kinds].filter(([, { needs }]) => needs.every(isInstalled));
  exits = await Promise.all(here.map(([, { start }]) => start()));
  const { cert } = await testCertificate();
  const pools = Object.fromEntries(
    here.flatMap(([name], i) => {
      const { url } = exits[i]!;
      const trust = url.startsWith('https:') ? { ca: '../exit.pem' } : {};
      return [
        [name, { exits: [{ url, ...trust }] }],
        [`${name}.wrong`, { exits: [{ url: url.replace('s3cret', 'wrong'), ...trust }] }],
      ];
    }),
  );
  gateway = await startGateway({ pools, files: { 'exit.pem': cert } });
  await writeFile(join(gateway.folder, 'origin.pem'), cert);
});

test.after.always(async () => {
  await gateway?.stop();
  await Promise.all([origin, secure, ...exits].map((peer) => peer?.close()));
});

const curl = (proxy: string, args: readonly string[], input?: Buffer) => {
  const cacert = join(gateway.folder, 'origin.pem');
  return run('curl', ['-sS', '--max-time', '110', '-x', proxy, '--cacert', cacert, ...args], { input });
};

test("what proxy-chain answers for an origin is not taken for the origin's answer", async (t) => {
  const scripts: readonly RawScript[] = [
    { reply: '', end: 'reset' },
    { reply: 'no HTTP\r\n\r\n' },
    { reply: 'HTTP/1.1 407 P\r\nContent-Length: 0\r\n\r\n' },
  ];
  for (const script of scripts) {
    const bad = await startRawOrigin(script);
    t.teardown(() => bad.close());
    const login = gateway.login('tester', 'pool-proxychain');
    const { status, reason } = await forwardVia(gateway.port(), `http://127.0.0.1:${bad.port}/`, { login });
    t.deepEqual([status, reason], [502, 'exit_rejected'], String(script.reply));
  }
  const own = await startRawOrigin({ reply: 'HTTP/1.1 599 Too Late\r\nContent-Length: 0\r\n\r\n' });
  t.teardown(() => own.close());
  const login = gateway.login('tester', 'pool-proxychain');
  t.is((await forwardVia(gateway.port(), `http://127.0.0.1:${own.port}/`, { login })).status, 599);
});

for (const [name, { needs, refused }] of kinds) {
  const viaPool = (scheme: string, pool = name) => gateway.proxyUrl(scheme, { parameters: `pool-${pool}` });

  for (const scheme of ['http', 'socks5h']) {
    peerTest(`${name} carries 10 MB each way as an exit, asked by ${scheme}`, ['curl', ...needs], async (t) => {
      for (const { url } of [origin, secure]) {
        const fetched = await curl(viaPool(scheme), [`${url}/bytes/${size}`, `${url}/chunked/${size}`]);
        t.is(sha256(fetched.octets), sha256(Buffer.concat([content, content])), `${url} ${fetched.stderr}`);
        const sent = await curl(viaPool(scheme), ['--data-binary', '@-', `${url}/echo`], content);
        t.is(sent.code, 0, sent.stderr);
        t.is((JSON.parse(sent.stdout) as Echo).sha256, hash, url);
      }
    });
  }

  peerTest(`${name} serves 50 at once as an exit`, ['curl', ...needs], async (t) => {
    const urls = Array.from({ length: 25 }, () => [
      `${origin.url}/bytes/${size}`,
      `${secure.url}/bytes/${size}`,
    ]).flat();
    const discard = urls.flatMap(() => ['-o', '/dev/null']);
    const many = [
      '--parallel',
      '--parallel-immediate',
      '--parallel-max',
      '50',
      '-w',
      '%{http_code} %{size_download}\n',
    ];
    const { stdout, stderr } = await curl(viaPool('http'), [...many, ...discard, ...urls]);
    t.deepEqual(new Set(stdout.trim().split('\n')), new Set([`200 ${size}`]), stderr);
    t.is(stdout.trim().split('\n').length, urls.length);
  });

  peerTest(`${name} is blamed as an exit only for what it did`, ['curl', ...needs], async (t) => {
    const kind = ['-o', '/dev/null', '-D', '-'];
    const refusedLogin = await curl(viaPool('http', `${name}.wrong`), [...kind, `${origin.url}/`]);
    t.regex(refusedLogin.stdout, /^HTTP\/1\.1 502 exit_auth_failed\r\n/);
    const closed = await startRefusing();
    t.teardown(() => closed.close());
    const refusedDial = await curl(viaPool('http'), [...kind, '--proxytunnel', `http://127.0.0.1:${closed.port}/`]);
    t.regex(refusedDial.stdout, new RegExp(`^HTTP/1\\.1 502 ${refused}\\r\\n`));
  });
}
