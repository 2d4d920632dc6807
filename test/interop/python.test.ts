import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { testCertificate } from '../support/certificate.ts';
import { patternOf, sha256 } from '../support/content.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type Echo, type Origin, startOrigin, startTlsOrigin } from '../support/origin.ts';
import { run } from '../support/programs.ts';
import { peerTest } from './peer-test.ts';
import { commands } from './system-programs.ts';

const size = 10 * 1024 * 1024;
const fetchedHash = sha256(patternOf(size));
const sentHash = sha256(Buffer.alloc(size));
const crawler = fileURLToPath(new URL('./crawler.py', import.meta.url));

let gateway: Gateway;
let origin: Origin;
let secure: Origin;

test.before(async () => {
  [origin, secure] = await Promise.all([startOrigin(), startTlsOrigin()]);
  gateway = await startGateway({ pools: { direct: { exits: [{ direct: true }] } } });
});

test.after.always(async () => {
  await Promise.all([origin?.close(), secure?.close(), gateway?.stop()]);
});

interface Job {
  readonly url: string;
  /** Zero octets to post. */
  readonly send?: number;
}

interface Result {
  readonly status?: number;
  readonly sha256?: string;
  readonly text?: string | null;
  readonly error?: string;
}

/** What Requests makes of the jobs, all at once, by one proxy for both schemes. */
async function crawl(proxy: string, jobs: readonly Job[]): Promise<readonly Result[]> {
  const ca = join(gateway.folder, 'ca.pem');
  await writeFile(ca, await trusted());
  const order = JSON.stringify({ proxies: { http: proxy, https: proxy }, ca, jobs });
  const { code, stdout, stderr } = await run(commands.python, [crawler], { input: order, timeoutMs: 100_000 });
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

/** The certificates of the gateway and of the origin. */
async function trusted(): Promise<string> {
  return (await readFile(join(gateway.folder, 'data', 'certificate.pem'), 'utf8')) + (await testCertificate()).cert;
}

for (const scheme of ['http', 'https', 'socks5', 'socks5h']) {
  peerTest(`Python Requests carries 10 MB 50 times at once, by ${scheme}`, ['python'], async (t) => {
    const jobs = Array.from({ length: 50 }, (_, i): Job => {
      const { url } = i % 4 === 0 ? secure : origin;
      return i % 2 === 0 ? { url: `${url}/bytes/${size}` } : { url: `${url}/echo`, send: size };
    });
    const results = await crawl(gateway.proxyUrl(scheme), jobs);
    for (const [i, { status, sha256: hash, text, error }] of results.entries()) {
      t.is(status, 200, error);
      if (jobs[i]?.send === undefined) t.is(hash, fetchedHash);
      else t.is((JSON.parse(text ?? '{}') as Echo).sha256, sentHash);
    }
  });
}

peerTest('Python Requests is told that its password is wrong', ['python'], async (t) => {
  const wrong = (scheme: string) => `${scheme}://${gateway.login().username}:wrong@127.0.0.1:${gateway.port()}`;
  const [forwarded, tunnelled] = await crawl(wrong('http'), [{ url: `${origin.url}/` }, { url: `${secure.url}/` }]);
  t.is(forwarded?.status, 407);
  t.regex(tunnelled?.error ?? '', /^ProxyError/);
  const [socks] = await crawl(wrong('socks5h'), [{ url: `${origin.url}/` }]);
  t.regex(socks?.error ?? '', /^ConnectionError/);
});

peerTest('Python Requests hears the parameters of its user name', ['python'], async (t) => {
  for (const scheme of ['http', 'https', 'socks5h']) {
    const proxy = gateway.proxyUrl(scheme, { parameters: 'session-cart42' });
    const [result] = await crawl(proxy, [{ url: 'http://roundabout.internal/echo' }]);
    t.like(JSON.parse(result?.text ?? '{}'), { client: 'tester', params: 'session-cart42' }, scheme);
  }
});
