import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { anonymizeProxy, closeAnonymizedProxy } from 'proxy-chain';
import { ProxyAgent, request } from 'undici';
import { testCertificate } from '../support/certificate.ts';
import { connectVia, forwardVia, startTls } from '../support/clients.ts';
import { patternOf, sha256 } from '../support/content.ts';
import { socksv5Exchange } from '../support/exits.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type Echo, type Origin, startOrigin, startTlsOrigin } from '../support/origin.ts';
import { run } from '../support/programs.ts';
import { peerTest } from './peer-test.ts';
import { commands } from './system-programs.ts';

const size = 10 * 1024 * 1024;
const content = patternOf(size);
const hash = sha256(content);

let gateway: Gateway;
let origin: Origin;
let secure: Origin;

test.before(async () => {
  [origin, secure] = await Promise.all([startOrigin(), startTlsOrigin()]);
  gateway = await startGateway({ pools: { direct: { exits: [{ direct: true }] } } });
  await writeFile(join(gateway.folder, 'origin.pem'), (await testCertificate()).cert);
  await writeFile(join(gateway.folder, 'content'), content);
});

test.after.always(async () => {
  await Promise.all([origin?.close(), secure?.close(), gateway?.stop()]);
});

const wrongUrl = (scheme: string) => `${scheme}://${gateway.login().username}:wrong@127.0.0.1:${gateway.port()}`;

const wget = (proxy: string, args: readonly string[]) =>
  run(
    commands.wget,
    ['-nv', '-O', '-', '--tries=1', `--ca-certificate=${join(gateway.folder, 'origin.pem')}`, ...args],
    {
      env: { http_proxy: proxy, https_proxy: proxy },
    },
  );

peerTest('wget forwards and tunnels 10 MB each way', ['wget'], async (t) => {
  for (const { url } of [origin, secure]) {
    const fetched = await wget(gateway.proxyUrl('http'), [`${url}/bytes/${size}`]);
    t.is(sha256(fetched.octets), hash, fetched.stderr);
    const sent = await wget(gateway.proxyUrl('http'), [
      `--post-file=${join(gateway.folder, 'content')}`,
      `${url}/echo`,
    ]);
    t.is((JSON.parse(sent.stdout) as Echo).sha256, hash, sent.stderr);
  }
});

peerTest('wget is told that its password is wrong', ['wget'], async (t) => {
  for (const { url } of [origin, secure]) {
    const { code, stderr } = await wget(wrongUrl('http'), [`${url}/`]);
    t.not(code, 0);
    t.regex(stderr, /auth_failed/);
  }
});

/** Asserts that undici's content comes and goes whole, `count` times at once, and closes the agent. */
async function assertWhole(t: ExecutionContext, dispatcher: ProxyAgent, ask: { url: string; count: number }) {
  const fetch = async (i: number): Promise<string> => {
    if (i % 2 === 0) {
      const { body } = await request(`${ask.url}/bytes/${size}`, { dispatcher });
      return sha256(Buffer.from(await body.arrayBuffer()));
    }
    const { body } = await request(`${ask.url}/echo`, { dispatcher, method: 'PUT', body: content });
    return ((await body.json()) as Echo).sha256;
  };
  const hashes = await Promise.all(Array.from({ length: ask.count }, (_, i) => fetch(i)));
  t.deepEqual(new Set(hashes), new Set([hash]), ask.url);
  await dispatcher.close();
}

for (const scheme of ['http', 'https', 'socks5']) {
  test.serial(`undici's ProxyAgent carries 10 MB each way, many at once, by ${scheme}`, async (t) => {
    // It can't verify whom it knows by an address.
    const requestTls = { ca: (await testCertificate()).cert, servername: 'localhost' };
    const uri = gateway.proxyUrl(scheme).replace('127.0.0.1', 'localhost');
    const proxyTls = scheme === 'https' ? { rejectUnauthorized: false } : undefined;
    await assertWhole(t, new ProxyAgent({ uri, proxyTls, requestTls }), { url: origin.url, count: 50 });
    await assertWhole(t, new ProxyAgent({ uri, proxyTls, requestTls }), { url: secure.url, count: 10 });
  });
}

test.serial("undici's ProxyAgent is told that its password is wrong", async (t) => {
  const dispatcher = new ProxyAgent(wrongUrl('http'));
  for (const { url } of [origin, secure]) await t.throwsAsync(request(`${url}/`, { dispatcher }), { message: /407/ });
  await dispatcher.close();
});

for (const scheme of ['http', 'https', 'socks5']) {
  test.serial(`proxy-chain goes through the gateway by ${scheme}`, async (t) => {
    const url = await anonymizeProxy({ url: gateway.proxyUrl(scheme), ignoreProxyCertificate: true });
    t.teardown(() => closeAnonymizedProxy(url, true));
    const port = Number(new URL(url).port);
    t.is(sha256((await forwardVia(port, `${origin.url}/bytes/${size}`)).content), hash);
    const sent = await forwardVia(port, `${origin.url}/echo`, { method: 'POST', content });
    t.is((JSON.parse(sent.content.toString()) as Echo).sha256, hash);
    const tunnel = await connectVia(port, `127.0.0.1:${secure.port}`);
    const socket = await startTls(tunnel.socket, { ca: (await testCertificate()).cert });
    t.is(sha256((await forwardVia(0, `/bytes/${size}`, { socket })).content), hash);
  });
}

test.serial('socksv5 goes through the gateway', async (t) => {
  const target = { host: '127.0.0.1', port: origin.port };
  const login = gateway.login();
  const get = `GET /bytes/${size} HTTP/1.0\r\n\r\n`;
  const { text, error } = await socksv5Exchange(gateway.port(), target, { login, request: get });
  t.is(sha256(Buffer.from(text.slice(text.indexOf('\r\n\r\n') + 4), 'latin1')), hash, error);
  const put = `PUT /echo HTTP/1.0\r\nContent-Length: ${size}\r\n\r\n${content.toString('latin1')}`;
  const sent = await socksv5Exchange(gateway.port(), target, { login, request: put });
  t.true(sent.text.includes(hash), sent.error);
  const wrong = { ...login, password: 'wrong' };
  t.is((await socksv5Exchange(gateway.port(), target, { login: wrong, request: get })).error, 'EAUTHFAILED');
});
