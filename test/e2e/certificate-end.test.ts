import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { issuedPair } from '../support/certificate.ts';
import { parseExposition, totalOf } from '../support/exposition.ts';
import { startGateway } from '../support/gateway.ts';
import { until } from '../support/until.ts';

const dayMs = 86_400_000;

test('a certificate that ends soon shows in log, health and metrics, until a reload takes up a renewed one', async (t) => {
  const [old, renewed] = [await issuedPair(Date.now() - 391.5 * dayMs), await issuedPair(Date.now())];
  const certificate = { cert: 'tls.crt', key: 'tls.key' };
  const gateway = await startGateway({
    config: { listeners: [{ name: 'tls', host: '127.0.0.1', port: 0, protocols: ['https'], certificate }] },
    pools: { direct: { exits: [{ direct: true }] } },
    files: { 'tls.crt': old.cert, 'tls.key': old.key },
  });
  t.teardown(() => gateway.stop());
  const shown = async () => {
    const { code, stdout, stderr } = await gateway.command('health');
    const page = parseExposition(await (await fetch(`http://127.0.0.1:${gateway.port('admin')}/metrics`)).text());
    const left = totalOf(page, 'roundabout_certificate_end_time_seconds', { listener: 'tls' }) * 1e3 - Date.now();
    return { code, row: /^certificate +tls: ends at \d/m.test(stdout), stderr, daysLeft: Math.floor(left / dayMs) };
  };
  const ending = /listener tls: certificate \S+\/tls\.crt ends in 5 days, at /;
  t.regex(gateway.output(), ending);
  const before = await shown();
  t.like(before, { code: 0, row: true, daysLeft: 5 });
  t.regex(before.stderr, ending);

  await writeFile(join(gateway.folder, 'tls.key'), renewed.key);
  await writeFile(join(gateway.folder, 'tls.crt'), renewed.cert);
  gateway.signal('SIGHUP');
  await until(() => gateway.output().includes('are read again'), 'taken');
  t.deepEqual(await shown(), { code: 0, row: true, stderr: '', daysLeft: 396 });
});
