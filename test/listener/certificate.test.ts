import { X509Certificate } from 'node:crypto';
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  CertificateFault,
  type CertificatePair,
  ensureSelfSigned,
  readCertificate,
  watchCertificate,
} from '../../src/listener/certificate.ts';
import { has, run } from '../support/programs.ts';
import { until } from '../support/until.ts';

const dayMs = 86_400_000;
const today = Date.now();

async function temporaryFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'roundabout-certificate-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

test('a self-signed certificate names loopback and the hosts, for 397 days', async (t) => {
  const folder = join(await temporaryFolder(t), 'data');
  const { cert, key, certPath } = await ensureSelfSigned(
    folder,
    ['gateway.example', '192.0.2.7', '0.0.0.0', '::'],
    today,
  );
  const certificate = new X509Certificate(cert);
  for (const host of ['localhost', 'gateway.example']) t.truthy(certificate.checkHost(host));
  for (const address of ['127.0.0.1', '::1', '192.0.2.7']) t.truthy(certificate.checkIP(address));
  t.is(certificate.checkIP('0.0.0.0'), undefined);
  t.false(certificate.ca);
  t.is(Math.round((certificate.validToDate.getTime() - today) / dayMs), 397);
  t.is((await stat(join(folder, 'key.pem'))).mode & 0o777, 0o600);
  t.is((await stat(certPath)).mode & 0o777, 0o644);
  t.deepEqual(await readCertificate({ cert: certPath, key: join(folder, 'key.pem') }), { cert, key });
});

test('it is kept while it serves, and issued anew when it does not', async (t) => {
  const folder = await temporaryFolder(t);
  const first = await ensureSelfSigned(folder, [], today);
  t.deepEqual(await ensureSelfSigned(folder, [], today + 366 * dayMs), first);
  const renewed = await ensureSelfSigned(folder, [], today + 368 * dayMs);
  t.not(renewed.cert, first.cert);
  const wider = await ensureSelfSigned(folder, ['other.example'], today + 368 * dayMs);
  t.not(wider.cert, renewed.cert);
  await chmod(join(folder, 'key.pem'), 0o644);
  await writeFile(join(folder, 'key.pem'), first.key);
  const repaired = await ensureSelfSigned(folder, [], today);
  t.not(repaired.key, first.key);
  t.is((await stat(join(folder, 'key.pem'))).mode & 0o777, 0o600);
});

test('OpenSSL and curl accept it as the only certificate they trust', async (t) => {
  const { cert, key, certPath } = await ensureSelfSigned(await temporaryFolder(t), [], today);
  if (has('openssl')) {
    const verified = await run('openssl', ['verify', '-purpose', 'sslserver', '-CAfile', certPath, certPath]);
    t.is(verified.code, 0, verified.stderr);
  }
  if (!has('curl')) return t.pass();
  const server = createServer({ cert, key }, (_, response) => response.end('served'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  for (const host of ['localhost', '127.0.0.1']) {
    const fetched = await run('curl', ['-sS', '--noproxy', '*', '--cacert', certPath, `https://${host}:${port}/`]);
    t.is(fetched.stdout, 'served', fetched.stderr);
  }
});

test('files that cannot serve are a fault that names them', async (t) => {
  const [one, other] = [await temporaryFolder(t), await temporaryFolder(t)];
  const first = await ensureSelfSigned(one, [], today);
  await ensureSelfSigned(other, [], today);
  const mixed = { cert: first.certPath, key: join(other, 'key.pem') };
  const fault = await t.throwsAsync(readCertificate(mixed), { instanceOf: CertificateFault });
  t.deepEqual(fault?.files, mixed);
  await t.throwsAsync(readCertificate({ ...mixed, key: join(one, 'none.pem') }), { instanceOf: CertificateFault });
  for (const empty of ['certificate.pem', 'key.pem']) {
    await writeFile(join(other, empty), '');
    const files = { cert: join(other, 'certificate.pem'), key: join(other, 'key.pem') };
    await t.throwsAsync(readCertificate(files), { instanceOf: CertificateFault });
  }
});

test('a watch takes up a changed pair, and keeps the old one on a fault', async (t) => {
  const folder = await temporaryFolder(t);
  const first = await ensureSelfSigned(folder, [], today);
  const files = { cert: first.certPath, key: join(folder, 'key.pem') };
  const events: (CertificatePair | CertificateFault)[] = [];
  const record = (event: CertificatePair | CertificateFault) => void events.push(event);
  const pairs = () => events.filter((event) => !(event instanceof CertificateFault));
  const watch = watchCertificate(files, first, { onChange: record, onFault: record });
  t.teardown(() => watch.close());

  await writeFile(files.cert, 'no certificate');
  await until(() => events.length > 0, 'the fault is told');
  t.true(events[0] instanceof CertificateFault);

  // Where the two files stand apart for a while, that is another fault.
  const second = await ensureSelfSigned(folder, [], today);
  await until(() => pairs().length > 0, 'the new pair is taken up');
  t.deepEqual(pairs(), [{ cert: second.cert, key: second.key }]);
  t.deepEqual(events.at(-1), pairs()[0]);

  await writeFile(files.key, 'no key');
  await watch.reload();
  t.true(events.at(-1) instanceof CertificateFault);
});
