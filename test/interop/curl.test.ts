import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { testCertificate } from '../support/certificate.ts';
import { patternOf, sha256 } from '../support/content.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type Echo, type Origin, startOrigin, startTlsOrigin } from '../support/origin.ts';
import { startRefusing } from '../support/peers.ts';
import { run } from '../support/programs.ts';
import { until } from '../support/until.ts';
import { peerTest } from './peer-test.ts';

const size = 10 * 1024 * 1024;
const content = patternOf(size);
const hash = sha256(content);

let gateway: Gateway;
let origin: Origin;
let secure: Origin;
/** Of the gateway's certificate, and of the origin's. */
let [gatewayCa, originCa] = ['', ''];

test.before(async () => {
  [origin, secure] = await Promise.all([startOrigin(), startTlsOrigin()]);
  const loopback = { host: '127.0.0.1', port: 0 };
  gateway = await startGateway({
    config: {
      listeners: [
        { ...loopback, name: 'mixed', protocols: ['http', 'https', 'socks5'] },
        { ...loopback, name: 'tls', protocols: ['https'] },
        { ...loopback, name: 'socks', protocols: ['socks5'] },
      ],
    },
    pools: { direct: { exits: [{ direct: true }] } },
  });
  gatewayCa = join(gateway.folder, 'data', 'certificate.pem');
  originCa = join(gateway.folder, 'origin.pem');
  await writeFile(originCa, (await testCertificate()).cert);
});

test.after.always(async () => {
  await Promise.all([origin?.close(), secure?.close(), gateway?.stop()]);
});

/** The ways to name the gateway to curl, by what is special about each. `mode` is how an `http://` URL then travels. */
const ways = new Map<string, { mode: string; args: () => readonly string[] }>([
  ['http', { mode: 'GET', args: () => ['-x', gateway.proxyUrl('http')] }],
  [
    'https',
    { mode: 'GET', args: () => ['-x', gateway.proxyUrl('https', { listener: 'tls' }), '--proxy-cacert', gatewayCa] },
  ],
  ['https on the mixed port', { mode: 'GET', args: () => ['-x', gateway.proxyUrl('https'), '--proxy-insecure'] }],
  ['http, always by a tunnel', { mode: 'CONNECT', args: () => ['-x', gateway.proxyUrl('http'), '--proxytunnel'] }],
  ['http, asking first', { mode: 'GET', args: () => ['-x', gateway.proxyUrl('http'), '--proxy-anyauth'] }],
  ['socks5h', { mode: 'SOCKS5', args: () => ['-x', gateway.proxyUrl('socks5h')] }],
  ['socks5', { mode: 'SOCKS5', args: () => ['-x', gateway.proxyUrl('socks5', { listener: 'socks' })] }],
]);

const curl = (args: readonly string[], input?: Buffer) =>
  run('curl', ['-sS', '--max-time', '110', '--cacert', originCa, ...args], { input });

/** Asserts that the content comes and goes whole, twice on one connection. */
async function assertWhole(t: ExecutionContext, way: readonly string[], url: string): Promise<void> {
  const fetched = await curl([...way, `${url}/bytes/${size}`, `${url}/chunked/${size}`]);
  t.is(fetched.code, 0, fetched.stderr);
  t.is(sha256(fetched.octets), sha256(Buffer.concat([content, content])), url);
  for (const framing of ['Content-Length', 'Transfer-Encoding: chunked']) {
    const chunked = framing.includes(':') ? ['-H', framing] : [];
    const sent = await curl([...way, ...chunked, '-X', 'PUT', '--data-binary', '@-', `${url}/echo`], content);
    t.is(sent.code, 0, sent.stderr);
    const { length, sha256: received } = JSON.parse(sent.stdout) as Echo;
    t.deepEqual({ length, received }, { length: size, received: hash }, `${url} ${framing}`);
  }
}

for (const [way, { mode, args }] of ways) {
  peerTest(`curl carries 10 MB each way through the gateway by ${way}`, ['curl'], async (t) => {
    const before = (await gateway.accessLog()).length;
    await assertWhole(t, args(), origin.url);
    const lines = async () => (await gateway.accessLog()).slice(before);
    await until(async () => (await lines()).some(({ method, kind }) => method === mode && kind === 'ok'), mode);
    await assertWhole(t, args(), secure.url);
  });
}

peerTest('curl hears the parameters of its user name by every way', ['curl'], async (t) => {
  const parameters = 'session-cart42-ttl-10m';
  for (const scheme of ['http', 'https', 'socks5h']) {
    const way = ['-x', gateway.proxyUrl(scheme, { parameters }), '--proxy-insecure'];
    const { stdout, stderr } = await curl([...way, 'http://roundabout.internal/echo']);
    t.like(JSON.parse(stdout), { client: 'tester', params: parameters }, stderr);
  }
});

peerTest('curl --proxy-anyauth answers the challenge on the same connection', ['curl'], async (t) => {
  const way = ['-x', gateway.proxyUrl('http'), '--proxy-anyauth', '-w', '%{num_connects} %{http_code}\n'];
  const forwarded = await curl([...way, `${origin.url}/`]);
  t.is(forwarded.stdout, 'origin\n1 200\n', forwarded.stderr);
  const tunnelled = await curl([...way, `${secure.url}/`]);
  t.is(tunnelled.stdout, 'origin\n1 200\n', tunnelled.stderr);
  const posted = await curl([...way.slice(0, 3), '--data-binary', '@-', `${origin.url}/echo`], content);
  t.is((JSON.parse(posted.stdout) as Echo).sha256, hash, posted.stderr);
});

peerTest('curl is told that its password is wrong', ['curl'], async (t) => {
  const wrong = (scheme: string) => `${scheme}://${gateway.login().username}:wrong@127.0.0.1:${gateway.port()}`;
  const say = ['-o', '/dev/null', '-w', '%{http_code} %{http_connect}'];
  for (const scheme of ['http', 'https']) {
    const way = ['-x', wrong(scheme), '--proxy-insecure', ...say];
    const forwarded = await curl([...way, `${origin.url}/`]);
    t.deepEqual([forwarded.code, forwarded.stdout], [0, '407 000'], forwarded.stderr);
    const tunnelled = await curl([...way, `${secure.url}/`]);
    t.deepEqual([tunnelled.code, tunnelled.stdout], [56, '000 407'], tunnelled.stderr);
  }
  const socks = await curl(['-x', wrong('socks5h'), `${origin.url}/`]);
  t.is(socks.code, 97);
  t.regex(socks.stderr, /rejected by the SOCKS5 server/);
});

peerTest('curl trusts the certificate of the gateway only when it is told to', ['curl'], async (t) => {
  const { code } = await curl(['-x', gateway.proxyUrl('https', { listener: 'tls' }), `${origin.url}/`]);
  t.is(code, 60);
});

peerTest('curl waits for 100 Continue, and tries again when it is refused', ['curl'], async (t) => {
  for (const [way, { args }] of ways) {
    // With content of more than 1 MiB curl expects 100 of itself, and once refused it sends at once.
    const expecting = ['-v', '--expect100-timeout', '20', '--data-binary', '@-'];
    const accepted = await curl([...args(), ...expecting, `${origin.url}/expect`], content);
    t.is((JSON.parse(accepted.stdout) as Echo).sha256, hash, way);
    t.regex(accepted.stderr, /< HTTP\/1\.1 100 Continue/, way);
    const refused = await curl([...args(), ...expecting, `${origin.url}/expect?refuse=1`], content);
    t.is(refused.code, 0, `${way} ${refused.stderr}`);
    t.regex(refused.stderr, /< HTTP\/1\.1 417 /, way);
  }
});

peerTest('curl sees interim responses, trailers, and content that ends with the connection', ['curl'], async (t) => {
  const way = ['-x', gateway.proxyUrl('http')];
  const hints = await curl([...way, '-i', `${origin.url}/early-hints`]);
  t.regex(hints.stdout, /^HTTP\/1\.1 103 .*\r\n\r\nHTTP\/1\.1 200 .*after hints\n$/s);
  const trailed = await curl([...way, '-i', `${origin.url}/trailers`]);
  t.regex(trailed.stdout, /X-Sum: [0-9a-f]{64}\r\n$/);
  t.is((await curl([...way, `${origin.url}/close`])).stdout, 'until the end\n');
  t.is((await curl([...way, `${origin.url}/http10`])).stdout, 'HTTP/1.0\n');
  // A reset may come before what was sent ahead of it was read.
  t.true([18, 56].includes((await curl([...way, `${origin.url}/cut/100000`])).code ?? 0), 'a cut message is seen');
});

peerTest('curl that speaks SOCKS4 is refused clearly', ['curl'], async (t) => {
  for (const scheme of ['socks4', 'socks4a']) {
    const { code, stderr } = await curl(['-x', `${scheme}://tester@127.0.0.1:${gateway.port()}`, `${origin.url}/`]);
    t.is(code, 97, stderr);
    t.regex(stderr, /SOCKS4.*\(91\), request rejected or failed/);
  }
});

peerTest('curl is told the true reason of a SOCKS5 failure', ['curl'], async (t) => {
  const closed = await startRefusing();
  t.teardown(() => closed.close());
  const way = ['-x', gateway.proxyUrl('socks5h')];
  const refused = await curl([...way, `http://127.0.0.1:${closed.port}/`]);
  t.regex(refused.stderr, /Can't complete SOCKS5 connection to .*\(5\)/);
  const forbidden = await curl([...way, 'http://169.254.169.254/']);
  t.regex(forbidden.stderr, /\(2\)/);
});
