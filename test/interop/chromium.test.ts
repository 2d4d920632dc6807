import { createHash, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type BrowserContext, chromium } from 'playwright-core';
import { patternOf, sha256 } from '../support/content.ts';
import { type AccessLine, type Gateway, startGateway } from '../support/gateway.ts';
import { type Echo, type Origin, startOrigin, startTlsOrigin } from '../support/origin.ts';
import { peerTest } from './peer-test.ts';
import { commands } from './system-programs.ts';

const size = 10 * 1024 * 1024;
const hash = sha256(patternOf(size));

let gateway: Gateway;
let origin: Origin;
let secure: Origin;

test.before(async () => {
  [origin, secure] = await Promise.all([startOrigin(), startTlsOrigin()]);
  const loopback = { host: '127.0.0.1', port: 0 };
  gateway = await startGateway({
    config: {
      listeners: [
        { ...loopback, name: 'mixed', protocols: ['http', 'https', 'socks5'] },
        { ...loopback, name: 'browser', protocols: ['socks5'], client: 'browser' },
        { ...loopback, name: 'stranger', protocols: ['socks5'], client: 'stranger' },
      ],
      resolver: { hostsFile: './hosts' },
    },
    pools: { direct: { exits: [{ direct: true }] } },
    clients: { tester: [], stranger: ['--ip-auth', '--allow-ip', '192.0.2.0/24'] },
    files: { hosts: '127.0.0.1 origin.test\n' },
  });
});

test.after.always(async () => {
  await Promise.all([origin?.close(), secure?.close(), gateway?.stop()]);
});

/** Starts Chromium with a new profile and this proxy; it and the profile are gone at the test's end. */
async function browse(
  t: ExecutionContext,
  proxy: { server: string; username?: string; password?: string },
): Promise<BrowserContext> {
  const profile = await mkdtemp(join(tmpdir(), 'roundabout-chromium-'));
  t.teardown(() => rm(profile, { recursive: true, force: true, maxRetries: 5 }));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: commands.chromium,
    headless: true,
    proxy,
    ignoreHTTPSErrors: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--disable-dev-shm-usage',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // Chromium has no other way to trust the certificate of a proxy but for the system's store.
      `--ignore-certificate-errors-spki-list=${await gatewayKeyHash()}`,
    ],
  });
  t.teardown(() => context.close());
  return context;
}

async function gatewayKeyHash(): Promise<string> {
  const { publicKey } = new X509Certificate(await readFile(join(gateway.folder, 'data', 'certificate.pem')));
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');
}

/** What a page does with its own origin: fetches content and posts it back, 10 times a small one at once, and echoes over a
 *  WebSocket. It returns what the origin made of the post. */
const script = `(async () => {
  const content = await (await fetch('/bytes/${size}')).arrayBuffer();
  const echo = await (await fetch('/echo', { method: 'POST', body: content })).json();
  const many = await Promise.all(Array.from({ length: 10 }, (_, i) => fetch('/bytes/' + i).then((a) => a.arrayBuffer())));
  const socket = new WebSocket(location.origin.replace('http', 'ws') + '/ws');
  const message = await new Promise((resolve, reject) => {
    socket.onopen = () => socket.send('hello');
    socket.onmessage = ({ data }) => resolve(data);
    socket.onerror = () => reject(new Error('WebSocket'));
  });
  socket.close();
  return { echo, lengths: many.map((each) => each.byteLength), message };
})()`;

async function assertBrowses(t: ExecutionContext, context: BrowserContext): Promise<void> {
  const page = await context.newPage();
  for (const { url } of [origin, secure]) {
    // The name is known to the gateway alone.
    const answer = await page.goto(`${url.replace('127.0.0.1', 'origin.test')}/`);
    t.is(await answer?.text(), 'origin\n');
    const seen: { echo: Echo; lengths: number[]; message: string } = await page.evaluate(script);
    t.deepEqual(seen.lengths, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    t.is(seen.message, 'hello');
    t.is(seen.echo.sha256, hash);
    t.notRegex(seen.echo.rawHeaders.join('\n'), /^proxy-/im);
  }
}

/** The access log behind its first `before` lines, once it shows that a client came to the origins by these methods alone. */
async function logOf(before: number, client: string, methods: readonly string[]): Promise<readonly AccessLine[]> {
  let lines: readonly AccessLine[] = [];
  const seen = () => {
    const own = lines.filter((line) => line['client'] === client && `${line['authority']}`.startsWith('origin.test:'));
    return [...new Set(own.map(({ method }) => method))].sort().join();
  };
  do lines = (await gateway.accessLog(before + lines.length + 1)).slice(before);
  while (seen() !== methods.toSorted().join());
  return lines;
}

for (const scheme of ['http', 'https']) {
  peerTest(`Chromium answers the challenge and browses through the gateway by ${scheme}`, ['chromium'], async (t) => {
    const before = (await gateway.accessLog()).length;
    const context = await browse(t, { server: `${scheme}://127.0.0.1:${gateway.port()}`, ...gateway.login() });
    await assertBrowses(t, context);
    await context.close();
    const lines = await logOf(before, 'tester', ['GET', 'POST', 'CONNECT']);
    // It begins without a credential, and that is no failed login.
    t.true(lines.some(({ kind }) => kind === 'auth_required'));
    t.false(lines.some(({ kind }) => kind === 'auth_failed'));
  });
}

peerTest('Chromium with a wrong password sees the refusal', ['chromium'], async (t) => {
  const login = { ...gateway.login(), password: 'wrong' };
  const context = await browse(t, { server: `http://127.0.0.1:${gateway.port()}`, ...login });
  const page = await context.newPage();
  const before = origin.requests.length;
  const answer = await page.goto(`${origin.url}/`).catch(() => null);
  t.is(answer?.status() ?? 407, 407);
  t.is(origin.requests.length, before);
});

peerTest('Chromium browses by SOCKS5 through a listener that knows it by its address', ['chromium'], async (t) => {
  const added = await gateway.command(
    'client',
    'add',
    'browser',
    '--ip-auth',
    '--allow-ip',
    '127.0.0.0/8',
    '--no-secret',
  );
  t.is(added.code, 0, added.stderr);
  const before = (await gateway.accessLog()).length;
  const context = await browse(t, { server: `socks5://127.0.0.1:${gateway.port('browser')}` });
  await assertBrowses(t, context);
  await context.close();
  const lines = await logOf(before, 'browser', ['SOCKS5']);
  t.deepEqual(
    lines.filter(({ listener, client }) => listener === 'browser' && client !== 'browser'),
    [],
  );
});

peerTest('Chromium is kept out by a listener whose client has other addresses', ['chromium'], async (t) => {
  const context = await browse(t, { server: `socks5://127.0.0.1:${gateway.port('stranger')}` });
  const page = await context.newPage();
  await t.throwsAsync(page.goto(`${origin.url}/`), { message: /ERR_SOCKS_CONNECTION_FAILED|ERR_PROXY/ });
});
